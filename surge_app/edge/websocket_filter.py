"""What a page says over its live connection; anything else ends it before it is acted on.

Reflex and Socket.IO answer a malformed packet with a traceback in the log, what was sent included:
whoever may connect could fill the log with it.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, cast

from starlette.types import Message, Receive, Send

from surge_app.observability.log import get_logger

_log = get_logger(__name__)

LARGEST = 8 * 1024
# An organizer saves an event with a description of up to 10,000 letters.
LARGEST_OF_ORGANIZERS = 32 * 1024
_CONNECT, _LEAVE, _EVENT = "40/_event,", "41/_event,", "42/_event,"
_BARE = {"1", "2", "3", "2probe", "5", _CONNECT, _LEAVE}
_POLICY = 1008
# Reflex gives one to every State; it calls whatever `set_…` is named, and no page of ours uses it.
_SETTER = ".setvar"
_ROOT = "reflex___state____state."
_OURS = f"{_ROOT}surge_app___"
# Of the framework's own handlers, a page calls these two: on connecting and on navigating.
_FRAMEWORK = frozenset(
    {
        f"{_ROOT}hydrate_and_load",
        f"{_ROOT}reflex___state____on_load_internal_state.on_load_internal",
    }
)
# Every page reports its script errors here. Reflex searches the text with regular expressions
# on the event loop, so the report must not arrive; closing would cost a broken page its socket.
_REPORT = "handle_frontend_exception"
_HEAD = 256
_LONGEST_REPORT = 500

IsKnownHandler = Callable[[str], bool]
"""Tells whether an event handler of this name exists."""


def filter_frames(
    receive: Receive, send: Send, knows: IsKnownHandler, *, largest: int = LARGEST
) -> Receive:
    """Return a `receive` that closes the connection at the first frame no page would send.

    A report of a script error is dropped; the first one of a connection is logged.
    """
    is_over = has_reported = False

    async def wrapped() -> Message:
        nonlocal is_over, has_reported
        message = await receive()
        while not is_over and _is_report(message):
            if not has_reported:
                has_reported = True
                _log.warning("page_error", text=str(message.get("text"))[:_LONGEST_REPORT])
            message = await receive()
        if is_over or message["type"] != "websocket.receive":
            return message
        if _is_said_by_a_page(message, knows, largest):
            return message
        is_over = True
        _log.warning("odd_frame")
        await send({"type": "websocket.close", "code": _POLICY})
        return {"type": "websocket.disconnect", "code": _POLICY}

    return wrapped


def _is_report(message: Message) -> bool:
    text = message.get("text")
    return isinstance(text, str) and text.startswith(_EVENT) and _REPORT in text[:_HEAD]


def _is_said_by_a_page(message: Message, knows: IsKnownHandler, largest: int) -> bool:
    text = message.get("text")
    if not isinstance(text, str) or len(text) > largest:
        return False
    if text in _BARE:
        return True
    kind, body = text[: len(_EVENT)], text[len(_EVENT) :]
    try:
        found: object = json.loads(body) if kind in {_CONNECT, _EVENT} else None
    except (ValueError, RecursionError):
        return False
    if kind == _CONNECT and isinstance(found, dict):
        first = _mapping(cast("object", found)).get("event")
        return first is None or _is_event(first, knows)
    return (
        kind == _EVENT and isinstance(found, list) and _is_packet(cast("list[Any]", found), knows)
    )


def _is_packet(packet: list[Any], knows: IsKnownHandler) -> bool:
    match packet:
        case ["ping"]:
            return True
        case ["event", event]:
            return _is_event(event, knows)
        case ["client_error", dict()]:
            return True
        case _:
            return False


def _is_event(event: object, knows: IsKnownHandler) -> bool:
    told = _mapping(event)
    name, payload = told.get("name"), told.get("payload", {})
    is_known = isinstance(name, str) and knows(name) and _is_for_pages(name)
    return is_known and isinstance(payload, dict) and _is_address(told.get("router_data", {}))


def _is_for_pages(name: str) -> bool:
    return name in _FRAMEWORK or (name.startswith(_OURS) and not name.endswith(_SETTER))


def _is_address(router: object) -> bool:
    if not isinstance(router, dict):
        return False
    told = _mapping(cast("object", router))
    paths = (told.get(name, "") for name in ("pathname", "asPath"))
    return all(isinstance(path, str) for path in paths) and isinstance(told.get("query", {}), dict)


def _mapping(value: object) -> dict[str, object]:
    return cast("dict[str, object]", value) if isinstance(value, dict) else {}
