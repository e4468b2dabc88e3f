"""Let through what a page sends over its live connection; close the connection for anything else.

Reflex and Socket.IO answer a malformed packet, or arguments that a handler does not have, with a
traceback in the log: anyone who may connect could fill the log. Reflex also stores the router data
of every event.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any, cast

from starlette.types import Message, Receive, Send

from surge_app.edge.websockets.handler_arguments import ArgumentsOf
from surge_app.observability.log import get_logger

_log = get_logger(__name__)

LARGEST = 8 * 1024
# An organizer saves an event with its texts in every language, as they are and as they were.
LARGEST_OF_ORGANIZERS = 512 * 1024
_CONNECT, _LEAVE, _EVENT = "40/_event,", "41/_event,", "42/_event,"
_BARE = {"1", "2", "3", "2probe", "5", _CONNECT, _LEAVE}
_POLICY = 1008
_EVENTS_PER_SECOND, _MAX_BURST = 20, 40
_LETTERS_OF_AN_EVENT = 32 * 1024
_MAX_PATH, _MAX_QUERY = 512, 2048
# Reflex gives one to every State; it calls whatever `set_…` is named, and no page of ours uses it.
_SETTER = ".setvar"
_ROOT = "reflex___state____state."
_OURS = f"{_ROOT}surge_app___"
# Of the framework's own handlers, a page calls these two: on connecting and on navigating.
_HYDRATE = f"{_ROOT}hydrate_and_load"
_FRAMEWORK = frozenset(
    {_HYDRATE, f"{_ROOT}reflex___state____on_load_internal_state.on_load_internal"}
)
# Every page reports its script errors here. Reflex searches the text with regular expressions
# on the event loop, so the report must not arrive; closing would cost a broken page its socket.
_REPORT = "handle_frontend_exception"
_HEAD = 256
_MAX_REPORT = 500


class FrameFilter:
    """Receives the frames of one connection: checked, trimmed and at a bounded pace.

    The first frame that no page sends closes the connection. Reports of script errors are
    dropped, and the first one is logged. A client that sends faster than the pace waits, which
    only its own connection feels.
    """

    def __init__(
        self, receive: Receive, send: Send, arguments_of: ArgumentsOf, *, largest: int = LARGEST
    ) -> None:
        self._receive, self._send = receive, send
        self._arguments_of = arguments_of
        self._largest = largest
        self._is_closed = self._has_reported = False
        self._next_at = 0.0

    async def __call__(self) -> Message:
        """Return the next message for the application."""
        message = await self._receive()
        while not self._is_closed and _is_report(message):
            if not self._has_reported:
                self._has_reported = True
                _log.warning("page_error", text=str(message.get("text"))[:_MAX_REPORT])
            await self._keep_pace()
            message = await self._receive()
        if self._is_closed or message["type"] != "websocket.receive":
            return message
        text = self._checked(message.get("text"))
        if text is not None:
            if text not in _BARE:
                await self._keep_pace(len(text))
            return {"type": "websocket.receive", "text": text}
        self._is_closed = True
        _log.warning("odd_frame")
        await self._send({"type": "websocket.close", "code": _POLICY})
        return {"type": "websocket.disconnect", "code": _POLICY}

    async def _keep_pace(self, letters: int = 0) -> None:
        """Wait until the next event is due; a burst may run ahead of the pace.

        Args:
            letters: Of the event; a long one counts as several.
        """
        now = asyncio.get_running_loop().time()
        events = max(1, letters // _LETTERS_OF_AN_EVENT)
        self._next_at = max(self._next_at, now) + events / _EVENTS_PER_SECOND
        ahead = self._next_at - now - _MAX_BURST / _EVENTS_PER_SECOND
        if ahead > 0:
            await asyncio.sleep(ahead)

    def _checked(self, text: object) -> str | None:
        """Return a frame with its router data trimmed; None for one that no page sends."""
        if not isinstance(text, str) or len(text) > self._largest:
            return None
        if text in _BARE:
            return text
        kind, body = text[: len(_EVENT)], text[len(_EVENT) :]
        try:
            packet: Any = json.loads(body) if kind in {_CONNECT, _EVENT} else None
        except (ValueError, RecursionError):
            return None
        event, is_complete = _event_of(kind, packet)
        if event is None or not self._is_event(event):
            return text if is_complete else None
        return kind + json.dumps(packet, separators=(",", ":")) if _trim(event) else text

    def _is_event(self, event: dict[str, Any]) -> bool:
        name, payload = event.get("name"), event.get("payload", {})
        if not (isinstance(name, str) and _is_for_pages(name) and isinstance(payload, dict)):
            return False
        sent = cast("dict[str, object]", payload)
        is_called = (
            _is_hydration(sent) if name == _HYDRATE else self._arguments_of(name) == frozenset(sent)
        )
        return is_called and _is_router(event.get("router_data", {}))


def _is_report(message: Message) -> bool:
    text = message.get("text")
    return isinstance(text, str) and text.startswith(_EVENT) and _REPORT in text[:_HEAD]


def _event_of(kind: str, packet: Any) -> tuple[dict[str, Any] | None, bool]:
    """Return the event of a packet, and whether a page sends such a packet without one."""
    match packet:
        case dict() if kind == _CONNECT:
            event: Any = cast("dict[str, Any]", packet).get("event")
        case ["event", event] if kind == _EVENT:
            pass
        case ["ping"] | ["client_error", dict()] if kind == _EVENT:
            return None, True
        case _:
            return None, False
    is_event = isinstance(event, dict)
    return cast("dict[str, Any]", event) if is_event else None, kind == _CONNECT and event is None


def _is_for_pages(name: str) -> bool:
    return name in _FRAMEWORK or (name.startswith(_OURS) and not name.endswith(_SETTER))


def _is_hydration(sent: dict[str, object]) -> bool:
    """Return whether a page connects like this: no State of ours keeps values in the browser."""
    return sent.keys() <= {"hashes"} and isinstance(sent.get("hashes", []), list)


def _is_router(data: object) -> bool:
    if not isinstance(data, dict):
        return False
    router = cast("dict[str, Any]", data)
    paths = (router.get(name, "") for name in ("pathname", "asPath"))
    is_readable = all(isinstance(path, str) and _is_readable(path) for path in paths)
    return is_readable and isinstance(router.get("query", {}), dict)


def _is_readable(path: str) -> bool:
    """Return whether Postgres can look for a part of the path, which browsers send encoded."""
    return path.isprintable() and "%00" not in path


def _trim(event: dict[str, Any]) -> bool:
    """Reduce router data to what pages send, in their lengths; return whether anything changed."""
    sent: dict[str, Any] = event.get("router_data", {})
    query: dict[str, Any] = sent.get("query", {})
    filtered: dict[str, Any] = {
        name: sent[name][:_MAX_PATH] for name in ("pathname", "asPath") if name in sent
    }
    if query and len(json.dumps(query)) <= _MAX_QUERY:
        filtered["query"] = query
    event["router_data"] = filtered
    return filtered != sent
