"""Small pages without scripts: what went wrong and the way on, in the frame of every page."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from starlette.requests import HTTPConnection
from starlette.responses import HTMLResponse, Response
from starlette.types import Message, Receive, Scope, Send

from surge_app.edge.http import NO_STORE, headers_of, with_cookies
from surge_app.edge.pages.rendering import render
from surge_app.errors import Forbidden, NotFound, RateLimited, SurgeError, Unauthorized
from surge_app.languages import current, gettext as _
from surge_app.services.events.rich_text import rich_text
from surge_app.services.events.site_texts import SitePage

_MISSING = 404
# Organizers look at what they just wrote; a worker has read it after five seconds at most.
_BRIEFLY = ("cache-control", "public, max-age=5")
_MAX_TEXT_PAGES = 16


def message_page(
    status: int, *, title: str, text: str, action: str, href: str, refresh_seconds: int = 0
) -> Response:
    """Return a page with a message and one way on; 0 does not refresh it."""
    page = render(
        "plain.html",
        title=title,
        text=text,
        action=action,
        href=href,
        refresh_seconds=refresh_seconds,
    )
    return HTMLResponse(page, status, dict([NO_STORE]))


def text_page(page: SitePage) -> Response:
    """Return a page about the shop."""
    return HTMLResponse(_text_html(page, current().tag), headers=dict([_BRIEFLY]))


@lru_cache(maxsize=_MAX_TEXT_PAGES)
def _text_html(page: SitePage, _tag: str) -> str:
    # A long text of an organizer takes a tenth of a second, and anyone may request it.
    blocks = rich_text(page.body)
    return render("text.html", title=_(page.title), blocks=blocks, refresh_seconds=0)


def missing_page() -> Response:
    """Return the page for an address that nothing has."""
    return message_page(
        _MISSING,
        title=_("There is no such page"),
        text=_("The address may be mistyped, or the page has moved."),
        action=_("All events"),
        href="/events",
    )


def error_page(error: SurgeError, *, path: str, cookies: Iterable[str] = ()) -> Response:
    """Return an error as a page with one way on; a failure on our side refreshes itself."""
    if isinstance(error, NotFound):
        return with_cookies(missing_page(), cookies)
    is_denied = isinstance(error, Unauthorized | Forbidden)
    is_for_scanner = isinstance(error, Forbidden)
    is_ours = error.status >= 500  # noqa: PLR2004  where HTTP's failures of a server begin
    response = message_page(
        error.status,
        title=_("For organizers")
        if is_denied or isinstance(error, RateLimited)
        else _("One moment"),
        text=error.text,
        action=_("Check-in") if is_for_scanner else _("Try again"),
        href="/admin" if is_denied else path,
        refresh_seconds=5 if is_ours else 0,
    )
    response.headers.update(dict(headers_of(error)))
    return with_cookies(response, cookies)


def wants_page(connection: HTTPConnection) -> bool:
    """Return whether a person looks at the response: browsers ask so for documents alone."""
    return "text/html" in connection.headers.get("accept", "")


def with_missing_page(send: Send, scope: Scope, receive: Receive) -> Send:
    """Return a `send` that replaces a 404 response by our page."""
    is_replaced = False

    async def wrapped(message: Message) -> None:
        nonlocal is_replaced
        if message["type"] == "http.response.start" and message["status"] == _MISSING:
            is_replaced = True
            await missing_page()(scope, receive, send)
        elif not is_replaced:
            await send(message)

    return wrapped
