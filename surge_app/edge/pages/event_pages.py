"""Event pages with their facts in the HTML, for crawlers, slow phones and caches.

The built pages know no event. The edge adds a title, description and picture for machines,
structured data, the plain facts (name, date, venue, prices), and the response to the page's first
request. Every sentence about them is written by the page alone.
"""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import json
import re
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.types import ASGIApp, Scope

from surge_app import container
from surge_app.db.events.catalog import EventFilter
from surge_app.edge.http import fetch, with_cookies
from surge_app.edge.pages.rendering import render
from surge_app.edge.pages.structured_data import description, event_data
from surge_app.edge.routes import Kind, Route
from surge_app.errors import NotFound, SurgeError
from surge_app.languages import DEFAULT, QUERY, chosen, current, gettext as _, use
from surge_app.observability.log import get_logger
from surge_app.services.events.views import EventView

_log = get_logger(__name__)

_MANIFEST = re.compile(r"/assets/manifest-[\w-]+\.js")
_HTML = re.compile(r"<html\b[^>]*>")
_NOSCRIPT = re.compile("<noscript>.*?</noscript>", re.DOTALL)
_CACHEABLE = (("cache-control", "public, max-age=2, stale-while-revalidate=30"),)
_OK, _MISSING = 200, 404
# As the page asks for them: assets/js/event_search.js.
_LISTED = 60
_SEARCH = frozenset({"q", "city", "category", "when"})
# A page takes some 50 kB in both encodings.
_MAX_PAGES = 200


@dataclass(frozen=True, slots=True)
class _Page:
    """A page in both encodings, and the view that it was made from."""

    view: object
    status: int
    plain: bytes
    packed: bytes
    tag: str

    def respond(
        self, request: Request, headers: Iterable[tuple[str, str]] = _CACHEABLE
    ) -> Response:
        """Return it in the encoding that this request takes, or 304."""
        cookies = [value for name, value in headers if name == "set-cookie"]
        own = dict(header for header in headers if header[0] != "set-cookie")
        own |= {"etag": self.tag, "vary": "accept-encoding"}
        if self.tag in request.headers.get("if-none-match", ""):
            return with_cookies(Response(None, 304, own), cookies)
        body = self.plain
        if "gzip" in request.headers.get("accept-encoding", ""):
            body = self.packed
            own["content-encoding"] = "gzip"
        body = b"" if request.method == "HEAD" else body
        return with_cookies(HTMLResponse(body, self.status, own), cookies)


class EventPages:
    """Writes `/events` and `/events/{slug}`, once for each reading of the database."""

    def __init__(self, pages: ASGIApp, api: ASGIApp, *, base_url: str) -> None:
        self._app, self._api, self._base_url = pages, api, base_url
        self._shells: dict[str, str] = {}
        self._pages: dict[str, _Page] = {}
        self._writing, self._building = asyncio.Lock(), asyncio.Lock()

    async def respond(self, route: Route, request: Request) -> Response | None:
        """Return an event page; None for another page, or where the built one has to do."""
        with use(_language(request)):
            try:
                if route.kind is Kind.EVENTS:
                    return await self._events(request)
                if route.kind is Kind.EVENT:
                    return await self._event(request, route.slug or "")
            except NotFound:
                return await self._missing(request)
            except SurgeError:
                return None
            return None

    async def shell(
        self, route: Route, request: Request, headers: Iterable[tuple[str, str]]
    ) -> Response | None:
        """Return a page that is the same for everyone, with its scripts named, or None."""
        html = await self._shell(request.scope, route.shell)
        if html is None:
            return None
        with use(_language(request)):
            key = _key(route.shell)
            page = self._pages.get(key) or _page(None, _OK, html)
        self._pages[key] = page
        return page.respond(request, headers)

    async def _events(self, request: Request) -> Response | None:
        if _SEARCH.intersection(request.query_params):
            return await self._search(request)
        views = await container.current().catalog.events(EventFilter(limit=_LISTED))
        page = self._pages.get(_key("/events"))
        if page is None or page.view is not views:
            own = tuple(view.in_language() for view in views)
            facts, content = self._about_all(own), _next_first(own)
            page = await self._make(request.scope, "/events", views, facts, **content)
        return page.respond(request) if page else None

    async def _search(self, request: Request) -> Response | None:
        """Return the list without its events: the page asks for what was searched."""
        page = self._pages.get(_key("/events?"))
        if page is None:
            shell = await self._shell(request.scope, "events")
            if shell is None:
                return None
            html = _unlisted(shell)
            page = self._pages[_key("/events?")] = _page(None, _OK, html)
        return page.respond(request)

    async def _event(self, request: Request, slug: str) -> Response | None:
        view = await container.current().catalog.event(slug)
        path = f"/events/{view.slug}"
        page = self._pages.get(_key(path))
        if page is None or page.view is not view:
            own = view.in_language()
            page = await self._make(request.scope, path, view, self._about(own), event=own)
        return page.respond(request) if page else None

    async def _missing(self, request: Request) -> Response | None:
        page = self._pages.get(_key(""))
        if page is None:
            shell = await self._shell(request.scope, "events/:slug")
            if shell is None:
                return None
            html = _unlisted(shell)
            page = self._pages[_key("")] = _page(None, _MISSING, html)
        return page.respond(request)

    async def _make(
        self, scope: Scope, path: str, view: object, facts: dict[str, Any], **content: Any
    ) -> _Page | None:
        async with self._writing:
            page = self._pages.get(_key(path))
            if page is not None and page.view is view:
                return page
            is_list = path == "/events"
            shell = await self._shell(scope, "events" if is_list else "events/:slug")
            query = "&".join([*([f"limit={_LISTED}"] if is_list else []), *_query()])
            status, data = await fetch(
                self._api, scope, f"/api{path}", accept="application/json", query=query
            )
            if shell is None or status != _OK:
                return None
            asked = f"{path}?{query}" if query else path
            first = {"path": asked, "at": int(time.time() * 1000), "body": json.loads(data)}
            head = render("head.html", **facts, data=first)
            template = "events.html" if is_list else "event.html"
            text = render(template, **content, width="wide" if is_list else "wide reading")
            html = shell.replace("</head>", f"{head}</head>", 1)
            page = _page(view, _OK, html.replace("<body>", f"<body>{text}", 1))
            if len(self._pages) >= _MAX_PAGES:
                self._pages.clear()
            self._pages[_key(path)] = page
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

    def _about_all(self, events: Sequence[EventView]) -> dict[str, Any]:
        names = ", ".join(event.name for event in events[:3])
        return {
            "title": _("Events") + " · Surge",
            "description": _("Tickets at the price you see: {names}.", names=names)
            if names
            else _("Tickets"),
            "url": f"{self._base_url}/events",
            "image": f"{self._base_url}/api/card.png",
            "structured": None,
        }

    async def _shell(self, scope: Scope, page: str) -> str | None:
        """Return the built page, which stays the same while this process runs."""
        if page not in self._shells:
            # A crowd that arrives at a fresh process must not build it once for each visitor.
            async with self._building:
                if page not in self._shells:
                    return await self._read_built(scope, page)
        return self._shells[page]

    async def _read_built(self, scope: Scope, page: str) -> str | None:
        path = "/events/" if page == "events" else "/events/-"
        _, built = await fetch(self._app, scope, path, accept="text/html")
        html = built.decode("utf-8", "replace")
        if "</head>" not in html or "<body>" not in html:
            _log.warning("page_not_built", path=path)
            return None
        if page.startswith("events"):
            # The facts of an event need no script.
            html = _NOSCRIPT.sub("<noscript></noscript>", html)
        self._shells[page] = await self._name_scripts(scope, html, page)
        return self._shells[page]

    async def _name_scripts(self, scope: Scope, html: str, page: str) -> str:
        """Name the page's scripts, which the browser would learn of two round trips later."""
        found = _MANIFEST.search(html)
        if found is None:
            return html
        _, script = await fetch(self._app, scope, found[0], accept="*/*")
        try:
            routes = json.loads(script.decode().partition("=")[2].rstrip(";\n"))["routes"]
            own = next(route for route in routes.values() if route.get("path") == page)
            scripts = [own["module"], *own["imports"]]
        except (ValueError, KeyError, TypeError, StopIteration):
            return html
        links = "".join(
            f'<link rel="modulepreload" href="{path}">' for path in scripts if path not in html
        )
        return html.replace("</head>", f"{links}</head>", 1)


def _next_first(events: Sequence[EventView]) -> dict[str, Any]:
    """Put the event whose sale opens next before the others, as the page does."""
    opening = [
        (one.sales_open_at, number)
        for number, one in enumerate(events)
        if one.status == "scheduled" and one.sales_open_at
    ]
    if not opening:
        return {"events": events, "is_next": False}
    _, first = min(opening)
    return {"events": [events[first], *events[:first], *events[first + 1 :]], "is_next": True}


def _unlisted(shell: str) -> str:
    head = f'<meta name="robots" content="noindex">{render("cold.html")}'
    return shell.replace("</head>", f"{head}</head>", 1)


def _language(request: Request) -> str | None:
    # Caches keep one page for an address, so cookies and headers choose nothing here.
    return chosen(request.query_params.get(QUERY))


def _key(path: str) -> str:
    return f"{current().tag} {path}"


def _query() -> list[str]:
    tag = current().tag
    return [] if tag == DEFAULT.tag else [f"{QUERY}={tag}"]


def _page(view: object, status: int, html: str) -> _Page:
    language = current()
    element = f'<html lang="{language.html_lang}" dir="{language.direction}">'
    body = _HTML.sub(element, html, count=1).encode()
    tag = f'"{hashlib.sha256(body).hexdigest()[:16]}"'
    return _Page(view, status, body, gzip.compress(body, 6, mtime=0), tag)
