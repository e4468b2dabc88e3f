"""Event pages with their content in the HTML, for crawlers, slow phones and caches.

The pages are built once and know no event. What a reader, or a machine that runs no script,
should see at once is put into them here: title, description, picture, structured data, the text
itself, and the answer the page's first request would get.
"""

# Jinja types its environment only in part.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

import asyncio
import gzip
import hashlib
import json
import re
import time
from dataclasses import dataclass
from datetime import datetime
from math import ceil
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.types import ASGIApp, Message, Scope

from surge_app import container
from surge_app.clock import utc_now
from surge_app.edge.http import Answer, Request
from surge_app.edge.structured_data import description, event_data
from surge_app.errors import NotFound, SurgeError
from surge_app.formatting import format_number, pluralize, rupees, when
from surge_app.observability.log import get_logger
from surge_app.services.events.views import EventView, TierView

_log = get_logger(__name__)

_MANIFEST = re.compile(r"/assets/manifest-[\w-]+\.js")
_ELSEWHERE = re.compile("<noscript>.*?</noscript>", re.DOTALL)
_KEPT = (("cache-control", "public, max-age=2, stale-while-revalidate=30"),)
_OK = 200
_MINUTE, _HOUR, _DAY = 60, 3_600, 86_400
_MISSING = 404


@dataclass(frozen=True, slots=True)
class _Page:
    """A page as it is sent, ready in both encodings, and the view it was made from."""

    view: object
    status: int
    plain: bytes
    packed: bytes
    tag: str

    def answer(self, request: Request, *kept: tuple[str, str]) -> Answer:
        """Return it as this request wants it, with headers that say how long it may be kept."""
        headers = [*(kept or _KEPT), ("etag", self.tag), ("vary", "accept-encoding")]
        if self.tag in request.headers.get("if-none-match", ""):
            return Answer(304, headers=tuple(headers))
        body = self.plain
        if "gzip" in request.headers.get("accept-encoding", ""):
            body = self.packed
            headers.append(("content-encoding", "gzip"))
        if request.method == "HEAD":
            body = b""
        return Answer(self.status, body, "text/html; charset=utf-8", tuple(headers))


class EventPages:
    """Writes `/events` and `/events/{slug}`, once for each reading of the database."""

    def __init__(self, app: ASGIApp, *, base_url: str) -> None:
        """Keep the application, which has the built pages, and our address for the world."""
        self._app = app
        self._base_url = base_url
        self._shells: dict[str, str] = {}
        self._pages: dict[str, _Page] = {}
        self._lock, self._building = asyncio.Lock(), asyncio.Lock()
        self._templates = Environment(
            loader=PackageLoader("surge_app.edge", "templates"),
            # Files replaced under a running worker must not meet code that is older than they are.
            auto_reload=False,
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.filters.update(when=when, price=_price, until=_until)
        self._templates.globals.update(left=_left, limits=_limits, counted=pluralize)

    async def events(self, request: Request, scope: Scope) -> Answer | None:
        """Return the list of events; None if the page has to do without what is in the database."""
        try:
            views = await container.current().catalog.events()
        except SurgeError:
            return None
        known = self._pages.get("/events")
        view = views[0] if views else None
        if known is None or known.view is not view:
            known = await self._make(scope, "/events", view, "events.html", events=views)
        return known.answer(request) if known else None

    async def event(self, request: Request, scope: Scope, slug: str) -> Answer | None:
        """Return the page of one event; None as above."""
        try:
            view = await container.current().catalog.event(slug)
        except NotFound:
            return await self._missing(request, scope)
        except SurgeError:
            return None
        path = f"/events/{view.slug}"
        known = self._pages.get(path)
        if known is None or known.view is not view:
            known = await self._make(scope, path, view, "event.html", event=view)
        return known.answer(request) if known else None

    async def shell(
        self, request: Request, scope: Scope, route: str, *headers: tuple[str, str]
    ) -> Answer | None:
        """Return a page that is everybody's own, empty but with its scripts named; None as above.

        Args:
            request: What is answered.
            scope: Its connection.
            route: As the pages' router writes it, such as `book/:slug`.
            *headers: To send with it; one says how long it may be kept.
        """
        html = await self._shell(scope, route)
        if html is None:
            return None
        page = self._pages.get(route) or _page(None, _OK, html.encode())
        self._pages[route] = page
        return page.answer(request, *headers)

    async def _missing(self, request: Request, scope: Scope) -> Answer | None:
        shell = await self._shell(scope, "events/:slug")
        if shell is None:
            return None
        head = '<meta name="robots" content="noindex">'
        body = shell.replace("</head>", f"{head}</head>", 1).encode()
        return _page(None, _MISSING, body).answer(request)

    async def _make(
        self, scope: Scope, path: str, view: object, template: str, **known: Any
    ) -> _Page | None:
        async with self._lock:
            kept = self._pages.get(path)
            if kept is not None and kept.view is view and view is not None:
                return kept
            route = "events" if path == "/events" else "events/:slug"
            shell = await self._shell(scope, route)
            status, data = await _ask(self._app, scope, f"/api{path}", accept="application/json")
            if shell is None or status != _OK:
                return None
            event = known.get("event")
            told = self._about(event) if event else self._about_all(known["events"])
            sent = {"path": path, "at": int(time.time() * 1000), "body": json.loads(data)}
            head = self._templates.get_template("head.html").render(**told, data=sent)
            width = "" if event else "wide"
            text = self._templates.get_template(template).render(**known, width=width)
            html = shell.replace("</head>", f"{head}</head>", 1)
            html = html.replace("<body>", f"<body>{text}", 1)
            page = self._pages[path] = _page(view, _OK, html.encode())
            return page

    def _about(self, event: EventView) -> dict[str, Any]:
        url = f"{self._base_url}/events/{event.slug}"
        picture = event.cover if event.cover_digest else f"/api/events/{event.slug}/card.png"
        image = self._base_url + picture
        return {
            "title": f"{event.name} · Surge",
            "description": description(event),
            "url": url,
            "image": image,
            "structured": event_data(event, url=url, image=image),
        }

    def _about_all(self, events: list[EventView]) -> dict[str, Any]:
        names = ", ".join(event.name for event in events[:3])
        return {
            "title": "Events · Surge",
            "description": f"Tickets at the price you see: {names}." if names else "Tickets.",
            "url": f"{self._base_url}/events",
            "image": f"{self._base_url}/api/events/{events[0].slug}/card.png" if events else "",
            "structured": None,
        }

    async def _shell(self, scope: Scope, route: str) -> str | None:
        """Return the built page, which stays the same while this process runs."""
        if route not in self._shells:
            # A crowd that comes to a fresh process must not build it once for each.
            async with self._building:
                if route not in self._shells:
                    return await self._built(scope, route)
        return self._shells[route]

    async def _built(self, scope: Scope, route: str) -> str | None:
        path = "/events/" if route == "events" else "/events/-"
        _, page = await _ask(self._app, scope, path, accept="text/html")
        html = page.decode("utf-8", "replace")
        if "</head>" not in html or "<body>" not in html:
            _log.warning("page_not_built", path=path)
            return None
        if route.startswith("events"):
            # What is sent needs no script; nobody without one has to go elsewhere.
            html = _ELSEWHERE.sub("<noscript></noscript>", html)
        self._shells[route] = await self._with_scripts(scope, html, route)
        return self._shells[route]

    async def _with_scripts(self, scope: Scope, html: str, route: str) -> str:
        """Name the scripts of the page itself, which the browser would learn of two trips later."""
        found = _MANIFEST.search(html)
        if found is None:
            return html
        _, script = await _ask(self._app, scope, found[0], accept="*/*")
        try:
            routes = json.loads(script.decode().partition("=")[2].rstrip(";\n"))["routes"]
            mine = next(one for one in routes.values() if one.get("path") == route)
            wanted = [mine["module"], *mine["imports"]]
        except (ValueError, KeyError, TypeError, StopIteration):
            return html
        links = "".join(
            f'<link rel="modulepreload" href="{path}">' for path in wanted if path not in html
        )
        return html.replace("</head>", f"{links}</head>", 1)


def _page(view: object, status: int, body: bytes) -> _Page:
    tag = f'"{hashlib.sha256(body).hexdigest()[:16]}"'
    return _Page(view, status, body, gzip.compress(body, 6, mtime=0), tag)


def _price(paise: int) -> str:
    return rupees(paise) if paise else "Free"


def _until(moment: datetime) -> str:
    """Say how far away a moment is, in its largest unit, as the page does."""
    seconds = (moment - utc_now()).total_seconds()
    for size, one in ((_DAY, "day"), (_HOUR, "hour")):
        if seconds >= size:
            return pluralize(int(seconds / size + 0.5), one, f"{one}s")
    return pluralize(max(1, ceil(seconds / _MINUTE)), "minute", "minutes")


def _left(tier: TierView, event: EventView) -> str:
    """Say what is left of a tier, as the page does."""
    words = {
        "ended": "No longer on sale",
        "sold_out": "Sold out",
        "all_held": "All on hold; some may come back",
    }
    opens = tier.sales_open_at
    if tier.status == "scheduled" and opens:
        return f"Opens {when(opens, event.time_zone)}"
    if tier.status == "scheduled":
        return pluralize(tier.available, "ticket", "tickets")
    return words.get(tier.status, pluralize(tier.available, "ticket left", "tickets left"))


def _limits(tier: TierView, event: EventView) -> str:
    """Say how many make a booking, where the tier has a rule of its own."""
    least, most = tier.min_per_booking, tier.max_per_booking
    rules = [f" · at least {format_number(least)}"] if least > 1 else []
    if most is not None and most < event.max_per_person:
        rules.append(f" · at most {format_number(most)}")
    return "".join(rules)


async def _ask(app: ASGIApp, scope: Scope, path: str, *, accept: str) -> tuple[int, bytes]:
    """Ask our own application, as a browser without cookies would; returns status and body."""
    asked: Scope = {
        **scope,
        "method": "GET",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": [(b"host", b"localhost"), (b"accept", accept.encode())],
        "state": {},
        # Files are wanted as bytes here, not handed to the web server by their path.
        "extensions": {},
    }
    status, parts = 0, list[bytes]()
    was_read, is_over = False, asyncio.Event()

    async def receive() -> Message:
        nonlocal was_read
        if was_read:
            # Whoever asks again waits for us to go away, which is not before the answer.
            await is_over.wait()
            return {"type": "http.disconnect"}
        was_read = True
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        nonlocal status
        if message["type"] == "http.response.start":
            status = message["status"]
        elif message["type"] == "http.response.body":
            parts.append(message.get("body", b""))
            if not message.get("more_body", False):
                is_over.set()

    await app(asked, receive, send)
    return status, b"".join(parts)
