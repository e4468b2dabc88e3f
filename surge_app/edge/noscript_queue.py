"""The waiting room without JavaScript: one plain page that loads itself again.

Everything it knows and does, it asks of the JSON API in the same process, with the cookies of
whoever reads it. So there is one rule for joining, one for polling, and one for each limit.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from math import ceil
from typing import Any, cast
from urllib.parse import parse_qs

from jinja2 import Environment, PackageLoader
from starlette.types import ASGIApp, Message, Receive, Scope

from surge_app.container import Container
from surge_app.edge.http import Answer, plain_page, redirect
from surge_app.errors import SurgeError
from surge_app.formatting import format_number, long_date
from surge_app.services.request_body import MOST_FIELDS

_SOONEST_SECONDS = 2
_AFTER_A_PROBLEM_SECONDS = 10
_LONGEST_FORM = 4096
_MINUTE = 60
_NEEDS_JAVASCRIPT = 428


@dataclass(slots=True)
class _Reply:
    """What the API answered."""

    status: int = 503
    body: dict[str, Any] = field(default_factory=dict[str, Any])
    cookies: list[str] = field(default_factory=list[str])
    wait_seconds: int = 0

    @property
    def is_good(self) -> bool:
        return self.status < 400  # noqa: PLR2004 - where HTTP's refusals begin


class NoscriptQueue:
    """Answers `/queue/{slug}/plain`."""

    def __init__(self, app: ASGIApp) -> None:
        """Keep the application that has the API."""
        self._app = app

    async def answer(
        self, services: Container, slug: str, scope: Scope, receive: Receive
    ) -> Answer:
        """Show where a visitor stands, or do what the form on the page asked for."""
        method = scope["method"]
        if method == "POST":
            return await self._act(services, slug, scope, await _form(receive))
        if method not in {"GET", "HEAD"}:
            return Answer(405, headers=(("allow", "GET, HEAD, POST"),))
        reply = await self._ask(scope, "GET", slug)
        # Whoever reads slowly may keep the page still (WCAG 2.2.1).
        is_still = b"still" in scope.get("query_string", b"")
        return await _page(services, slug, reply, is_still=is_still)

    async def _act(
        self, services: Container, slug: str, scope: Scope, form: dict[str, str]
    ) -> Answer:
        if "leave" in form:
            reply = await self._ask(scope, "DELETE", slug)
        else:
            reply = await self._ask(scope, "POST", slug, {"website": form.get("website", "")})
        if not reply.is_good:
            return await _page(services, slug, reply)
        # A page that came by GET may be loaded again without doing anything twice.
        return redirect(f"/queue/{slug}/plain", *reply.cookies)

    async def _ask(
        self, scope: Scope, method: str, slug: str, body: dict[str, str] | None = None
    ) -> _Reply:
        path = f"/api/queue/{slug}"
        raw = json.dumps(body).encode() if body is not None else b""
        headers = [
            (name, value)
            for name, value in cast("Iterable[tuple[bytes, bytes]]", scope["headers"])
            if name.lower() not in {b"content-type", b"content-length", b"accept-encoding"}
        ]
        headers += [
            (b"content-type", b"application/json"),
            (b"content-length", str(len(raw)).encode()),
            (b"accept-encoding", b"identity"),
        ]
        inner = {
            **scope,
            "method": method,
            "path": path,
            "raw_path": path.encode(),
            "query_string": b"",
            "headers": headers,
        }
        reply, chunks = _Reply(), [raw]
        written: list[bytes] = []

        async def receive() -> Message:
            if chunks:
                return {"type": "http.request", "body": chunks.pop(), "more_body": False}
            return {"type": "http.disconnect"}

        async def send(message: Message) -> None:
            if message["type"] == "http.response.start":
                _read_head(reply, message)
            else:
                written.append(message.get("body", b""))

        await self._app(inner, receive, send)
        reply.body = _parsed(b"".join(written))
        return reply


def needs_javascript(slug: str | None) -> Answer:
    """Lead whoever has no JavaScript from a page to its plain twin, or say that it has none.

    Args:
        slug: The event whose waiting room is next; None for a page without a twin.
    """
    if slug is not None:
        return redirect(f"/queue/{slug}/plain")
    return plain_page(
        200,
        title="This page needs JavaScript",
        text="Waiting in line works without it; choosing and paying do not. Please switch it on "
        "and load the page again. What you hold and your place in line are kept meanwhile.",
        action="All events",
        href="/events",
    )


async def _form(receive: Receive) -> dict[str, str]:
    body = b""
    while len(body) <= _LONGEST_FORM:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body", False):
            break
    try:
        text = body[:_LONGEST_FORM].decode("latin-1")
        fields = parse_qs(text, keep_blank_values=True, max_num_fields=MOST_FIELDS)
    except ValueError:
        return {}
    return {name: values[0] for name, values in fields.items()}


def _read_head(reply: _Reply, message: Message) -> None:
    reply.status = message["status"]
    for name, value in cast("Iterable[tuple[bytes, bytes]]", message.get("headers", [])):
        text = value.decode("latin-1")
        if name.lower() == b"set-cookie":
            reply.cookies.append(text)
        elif name.lower() == b"retry-after" and text.isdecimal():
            reply.wait_seconds = int(text)


def _parsed(raw: bytes) -> dict[str, Any]:
    try:
        found = json.loads(raw)
    except ValueError:
        return {}
    return cast("dict[str, Any]", found) if isinstance(found, dict) else {}


async def _page(services: Container, slug: str, reply: _Reply, *, is_still: bool = False) -> Answer:
    state = reply.body.get("state", "") if reply.is_good else _trouble(reply)
    event = None
    if state != "missing":
        # The name is read from a cache; a waiting room without Postgres has none, and stays.
        try:
            event = await services.catalog.event(slug)
        except SurgeError:
            event = None
    refresh = _refresh_seconds(state, reply)
    html = (
        _templates()
        .get_template("queue.html")
        .render(
            slug=slug,
            state=state,
            line=reply.body,
            event=event,
            when=long_date(event.starts_at, event.time_zone) if event else "",
            eta=_minutes(reply.body.get("eta_seconds")),
            opens_in=_clock(reply.body.get("opens_in_ms")),
            refresh=refresh,
            is_still=is_still,
        )
    )
    headers = [("cache-control", "no-store"), *(("set-cookie", one) for one in reply.cookies)]
    status = 200 if reply.is_good else reply.status
    return Answer(status, html.encode(), "text/html; charset=utf-8", tuple(headers))


def _trouble(reply: _Reply) -> str:
    return {404: "missing", _NEEDS_JAVASCRIPT: "challenge", 429: "crowded"}.get(
        reply.status, "unavailable"
    )


def _refresh_seconds(state: str, reply: _Reply) -> int | None:
    if state in {"waiting", "paused", "scheduled", "sold_out", "admitted"}:
        return max(_SOONEST_SECONDS, ceil(reply.body.get("retry_after_ms", 0) / 1000))
    if state in {"crowded", "unavailable"}:
        return max(_AFTER_A_PROBLEM_SECONDS, reply.wait_seconds)
    return None


def _minutes(eta: dict[str, int] | None) -> str:
    if not eta:
        return "not known yet"
    low, high = (max(1, round(eta[end] / _MINUTE)) for end in ("low", "high"))
    if eta["high"] < _MINUTE:
        return "less than a minute"
    return f"{low} min" if low == high else f"{low} to {high} min"


def _clock(milliseconds: int | None) -> str:
    if milliseconds is None:
        return ""
    seconds = ceil(milliseconds / 1000)
    hours, minutes = divmod(seconds // _MINUTE, _MINUTE)
    return f"{hours}:{minutes:02}:{seconds % _MINUTE:02}"


@cache
def _templates() -> Environment:
    # What a problem does not say is empty: its members are not those of a poll.
    made = Environment(
        loader=PackageLoader("surge_app.edge", "templates"),
        # Files replaced under a running worker must not meet code that is older than they are.
        auto_reload=False,
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["count"] = format_number  # pyright: ignore[reportUnknownMemberType] - untyped in jinja2
    return made
