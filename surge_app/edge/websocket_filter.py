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

_LARGEST = 64 * 1024
_CONNECT, _LEAVE, _EVENT = "40/_event,", "41/_event,", "42/_event,"
_BARE = {"1", "2", "3", "2probe", "5", _CONNECT, _LEAVE}
_POLICY = 1008
# Reflex gives one to every State; it calls whatever `set_…` is named, and no page of ours uses it.
_SETTER = ".setvar"

Knows = Callable[[str], bool]
"""Tells whether an event handler of this name exists."""


def checked(receive: Receive, send: Send, knows: Knows) -> Receive:
    """Return a `receive` that closes the connection at the first frame no page would send."""
    is_over = False

    async def wrapped() -> Message:
        nonlocal is_over
        message = await receive()
        if is_over or message["type"] != "websocket.receive":
            return message
        if _is_said_by_a_page(message, knows):
            return message
        is_over = True
        _log.warning("odd_frame")
        await send({"type": "websocket.close", "code": _POLICY})
        return {"type": "websocket.disconnect", "code": _POLICY}

    return wrapped


def _is_said_by_a_page(message: Message, knows: Knows) -> bool:
    text = message.get("text")
    if not isinstance(text, str) or len(text) > _LARGEST:
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


def _is_packet(packet: list[Any], knows: Knows) -> bool:
    match packet:
        case ["ping"]:
            return True
        case ["event", event]:
            return _is_event(event, knows)
        case ["client_error", dict()]:
            return True
        case _:
            return False


def _is_event(event: object, knows: Knows) -> bool:
    told = _mapping(event)
    name, payload = told.get("name"), told.get("payload", {})
    is_known = isinstance(name, str) and knows(name) and not name.endswith(_SETTER)
    return is_known and isinstance(payload, dict) and _is_address(told.get("router_data", {}))


def _is_address(router: object) -> bool:
    if not isinstance(router, dict):
        return False
    told = _mapping(cast("object", router))
    paths = (told.get(name, "") for name in ("pathname", "asPath"))
    return all(isinstance(path, str) for path in paths) and isinstance(told.get("query", {}), dict)


def _mapping(value: object) -> dict[str, object]:
    return cast("dict[str, object]", value) if isinstance(value, dict) else {}
