"""The gate itself: an ASGI application around everything else.

Three fences, one rule: the gate looks at cookies and the line, a State looks again when its page
loads, and the services look when they hold.
"""

from __future__ import annotations

from starlette.types import ASGIApp, Receive, Scope, Send

from surge_app import container
from surge_app.edge import websocket_filter as frames
from surge_app.edge.body_reader import (
    LARGEST_BODY,
    LARGEST_OF_CLIENTS,
    LARGEST_OF_ORGANIZERS,
    LARGEST_OF_VENDORS,
    Bodies,
)
from surge_app.edge.event_pages import EventPages
from surge_app.edge.http import (
    Answer,
    Request,
    encoded,
    int_of,
    limit_body,
    parse_request,
    plain_page,
    problem,
    redirect,
    refuse_socket,
    with_headers,
)
from surge_app.edge.join_endpoint import JoinEndpoint, small_body
from surge_app.edge.noscript_queue import NoscriptQueue, needs_javascript
from surge_app.edge.poll_endpoint import answer_poll
from surge_app.edge.routes import (
    Access,
    Target,
    held_event,
    is_for_the_door,
    is_plain,
    is_scanner,
    is_socket,
    is_upload,
    page_target,
    plain_queue,
    polled_event,
)
from surge_app.edge.security_headers import (
    CAMERA,
    headers_of_files,
    headers_of_polls,
    is_cacheable,
    security_headers,
)
from surge_app.edge.websocket_filter import IsKnownHandler, filter_frames
from surge_app.errors import (
    AddressTooLong,
    Forbidden,
    InvalidRequest,
    NotAdmitted,
    NotFound,
    PayloadTooLarge,
    QueueUnavailable,
    RateLimited,
    SurgeError,
    Unauthorized,
)
from surge_app.services.events.covers import LARGEST_UPLOAD
from surge_app.settings import Settings

# Built once for all names; the browser would learn of their scripts two trips later.
_ROUTES = {"/queue": "queue/:slug", "/book": "book/:slug", "/bookings": "bookings/:ref"}
_SAFE = {"GET", "HEAD"}
_UPLOAD_SECONDS = 60.0
_WEBHOOKS, _SANDBOX, _CONSOLE = "/api/webhooks/", "/sandbox/", "/api/admin/"
_LAST = (("connection", "close"),)
_NO_SOCKET = "backend-enabled=false; Max-Age=86400; SameSite=Lax; Path="


class EdgeMiddleware:
    """Wraps the whole application. Lets through, answers, redirects or refuses."""

    def __init__(self, app: ASGIApp, settings: Settings, knows: IsKnownHandler) -> None:
        """Keep the application behind the gate; the services are looked up late.

        Args:
            app: Everything else.
            settings: Of this process.
            knows: Tells whether a name is that of an event handler a page may call.
        """
        self._app = app
        self._knows = knows
        self._settings = settings
        security = security_headers(settings)
        self._security = encoded(security)
        self._of_files = encoded(headers_of_files(security))
        self._of_polls = headers_of_polls(security)
        self._plain = NoscriptQueue(app)
        self._joins = JoinEndpoint()
        self._bodies = Bodies()
        self._cold = EventPages(app, base_url=settings.base_url)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        if scope["type"] not in {"http", "websocket"} or not container.is_installed():
            await self._app(scope, receive, send)
            return
        slug = polled_event(scope["path"])
        if slug is not None and scope["type"] == "http" and scope["method"] == "GET":
            answer = await answer_poll(container.current(), scope, slug)
            await answer.send(send, self._of_polls)
            return
        try:
            request = parse_request(scope, trusted_proxy_hops=self._settings.trusted_proxy_hops)
        except AddressTooLong as error:
            await self._refuse(error, scope, receive, send)
            return
        if scope["type"] == "websocket":
            await self._socket(request, scope, receive, send)
            return
        await self._request(request, slug, scope, receive, send)

    async def _refuse(self, error: SurgeError, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await refuse_socket(receive, send)
        else:
            await problem(error, _LAST).send(with_headers(send, self._security))

    async def _request(
        self, request: Request, slug: str | None, scope: Scope, receive: Receive, send: Send
    ) -> None:
        scope.setdefault("state", {})["client_address"] = request.address
        fewer = self._of_files if is_cacheable(request.path) else None
        guarded = with_headers(send, self._security, on_success=fewer)
        if slug is not None and request.method == "POST":
            answer, receive = await self._body(request, receive)
            if answer is None:
                body, receive = await small_body(request, receive)
                answer = await self._joins.answer(container.current(), slug, request, body)
            if answer is not None:
                await answer.send(send, self._of_polls)
                return
        answer, extra = await self._decide(request, scope)
        if answer is None:
            answer, receive = await self._body(request, receive)
        plain = plain_queue(request.path) if answer is None else None
        if plain is not None:
            answer = await self._plain.answer(container.current(), plain, scope, receive)
        if answer is not None:
            await answer.send(guarded)
        else:
            await self._app(_as_file(scope), receive, with_headers(guarded, encoded(extra)))

    async def _body(self, request: Request, receive: Receive) -> tuple[Answer | None, Receive]:
        try:
            if not is_upload(request.path):
                largest = self._largest_body(request)
                return None, await self._bodies.read(request, receive, largest=largest)
            # Not read before its sender is known.
            if int_of(request.headers.get("content-length", "")) > LARGEST_UPLOAD:
                raise PayloadTooLarge
            return None, limit_body(receive, largest=LARGEST_UPLOAD, seconds=_UPLOAD_SECONDS)
        except SurgeError as error:
            return problem(error, _LAST), receive

    def _largest_body(self, request: Request) -> int:
        path = request.path
        if path.startswith(_WEBHOOKS) or (
            self._settings.uses_sandbox and path.startswith(_SANDBOX)
        ):
            return LARGEST_OF_VENDORS
        if not path.startswith(_CONSOLE):
            return LARGEST_BODY
        if container.current().identity.admin(request.cookies):
            return LARGEST_OF_ORGANIZERS
        # A password is verified only after the body was parsed.
        return LARGEST_OF_CLIENTS if "authorization" in request.headers else LARGEST_BODY

    async def _socket(self, request: Request, scope: Scope, receive: Receive, send: Send) -> None:
        # Nothing else speaks over a WebSocket, however it is written.
        if is_socket(request.path) and self._may_connect(request):
            known = filter_frames(receive, send, self._knows, largest=self._largest_frame(request))
            await self._app(scope, known, send)
        else:
            await refuse_socket(receive, send)

    def _largest_frame(self, request: Request) -> int:
        is_organizer = container.current().identity.admin(request.cookies)
        return frames.LARGEST_OF_ORGANIZERS if is_organizer else frames.LARGEST

    def _may_connect(self, request: Request) -> bool:
        # With hot reload the pages come from another port and cannot be told to stay cold.
        if self._settings.frontend_url:
            return True
        identity = container.current().identity
        cookies = request.cookies
        return bool(
            identity.passes(cookies) or identity.bookings(cookies) or identity.admin(cookies)
        )

    async def _decide(
        self, request: Request, scope: Scope
    ) -> tuple[Answer | None, list[tuple[str, str]]]:
        refusal = self._refusal(request)
        if refusal is not None:
            return refusal, []
        if request.path == "/":
            return redirect("/events", status=307), []
        target = page_target(request.path)
        if target is None or plain_queue(request.path) is not None:
            return None, is_cacheable(request.path)
        if "plain" in request.query:
            has_line = target.root in {"/events", "/queue"}
            return needs_javascript(target.name if has_line else None), []
        return await self._page(request, scope, target)

    def _refusal(self, request: Request) -> Answer | None:
        identity = container.current().identity
        held = held_event(request.path)
        reasons: tuple[tuple[SurgeError, bool], ...] = (
            (NotFound(), not is_plain(request.path)),
            # Postgres could not even look for it.
            (InvalidRequest(), any("\0" in value for value in _values(request))),
            (NotAdmitted(), held is not None and held not in identity.passes(request.cookies)),
            (
                NotAdmitted(),
                is_socket(request.path) and not self._may_connect(request),
            ),
        )
        return next((problem(error) for error, applies in reasons if applies), None)

    async def _page(
        self, request: Request, scope: Scope, target: Target
    ) -> tuple[Answer | None, list[tuple[str, str]]]:
        if request.path == "/admin/logout":
            return await self._sign_out(request), []
        if request.method not in _SAFE:
            return Answer(405, headers=(("allow", "GET, HEAD"),)), []
        handlers = {
            Access.PASS: self._booking_page,
            Access.BOOKING: self._ticket_page,
            Access.ADMIN: self._admin_page,
        }
        handler = handlers.get(target.access)
        if handler is None:
            served = await self._served(request, scope, target)
            if served is not None:
                return served, []
            extra = [("set-cookie", _NO_SOCKET + target.root), ("cache-control", "no-cache")]
        else:
            answer, extra = await handler(request, target)
            if answer is None and self._settings.frontend_url:
                cookies = [value for name, value in extra if name == "set-cookie"]
                return redirect(self._settings.frontend_url + request.path, *cookies), []
            extra = [*extra, ("cache-control", "no-store")]
            if answer is not None:
                return answer, extra
        return await self._built(request, scope, target, extra)

    async def _built(
        self, request: Request, scope: Scope, target: Target, extra: list[tuple[str, str]]
    ) -> tuple[Answer | None, list[tuple[str, str]]]:
        """Answer with a page that names its scripts; others are left to the application."""
        route = _ROUTES.get(target.root)
        if route is None or request.path.count("/") != 2 or self._settings.frontend_url:  # noqa: PLR2004  /queue/{slug}
            return None, extra
        page = await self._cold.shell(request, scope, route, *extra)
        return page, [] if page else extra

    async def _served(self, request: Request, scope: Scope, target: Target) -> Answer | None:
        # With hot reload the built pages are none of ours.
        if target.root != "/events" or self._settings.frontend_url:
            return None
        if target.name is None:
            return await self._cold.events(request, scope)
        return await self._cold.event(request, scope, target.name)

    async def _booking_page(
        self, request: Request, target: Target
    ) -> tuple[Answer | None, list[tuple[str, str]]]:
        services = container.current()
        slug = target.name or ""
        visitor_id = services.identity.visitor(request.cookies)
        if visitor_id is None or slug not in services.identity.passes(request.cookies):
            return await self._without_pass(request, slug), []
        try:
            may_shop = await services.waiting_room.has_pass(slug, visitor_id)
        except QueueUnavailable as error:
            page = plain_page(
                error.status,
                title="One moment",
                text=error.message,
                action="Try again",
                href=request.path,
                refresh_seconds=5,
            )
            return page, []
        return None if may_shop else await self._without_pass(request, slug, visitor_id), []

    async def _without_pass(self, request: Request, slug: str, shopper: str = "") -> Answer:
        """Lead whoever comes back to where they bought on to the booking, others to the line.

        Args:
            request: For a page of the checkout.
            slug: Of the event.
            shopper: A visitor who had a pass. The money may have come while the page was closed,
                so no cookie tells of the booking yet. Who only waits is not looked up.
        """
        identity, finder = container.current().identity, container.current().finder
        ref = await finder.bought(slug, identity.bookings(request.cookies), visitor_id=shopper)
        if ref is not None:
            return redirect(f"/bookings/{ref}", identity.with_booking(request.cookies, ref).header)
        return redirect(f"/queue/{slug}" if slug else "/events")

    async def _ticket_page(
        self, request: Request, target: Target
    ) -> tuple[Answer | None, list[tuple[str, str]]]:
        identity = container.current().identity
        if target.name is None:
            return redirect("/bookings/find"), []
        ref = target.name
        token = request.query.get("token", [""])[0]
        if token and identity.opens_booking(token, ref):
            # The token leaves the address, so that no other page learns of it.
            cookie = identity.with_booking(request.cookies, ref)
            return redirect(request.path, cookie.header), []
        if identity.may_see_booking(request.cookies, ref):
            return None, []
        page = plain_page(
            404,
            title="No booking here",
            text="Open the link in your confirmation mail or SMS; it brings you to your tickets.",
            action="Find my booking",
            href="/bookings/find",
        )
        return page, []

    async def _admin_page(
        self, request: Request, _target: Target
    ) -> tuple[Answer | None, list[tuple[str, str]]]:
        services = container.current()
        extra = [("x-robots-tag", "noindex, nofollow")]
        if is_scanner(request.path):
            extra.append(("permissions-policy", CAMERA))
        operator = await services.admin_access.session(request.cookies)
        if operator is None:
            if services.identity.has_signed_out(request.cookies):
                # This once, so that the browser forgets the password it would send by itself.
                over = services.identity.signed_out(is_over=True)
                return _admin_refusal(Unauthorized(), ("set-cookie", over.header)), []
            try:
                operator, cookie = await services.admin_access.sign_in(
                    request.headers.get("authorization", ""), client_address=request.address
                )
            except (Unauthorized, RateLimited) as error:
                return _admin_refusal(error), []
            extra.append(("set-cookie", cookie.header))
        if operator.is_organizer or is_for_the_door(request.path):
            return None, extra
        return _admin_refusal(Forbidden(), *extra), []

    async def _sign_out(self, request: Request) -> Answer:
        is_ours = request.headers.get("sec-fetch-site", "same-origin") in {"same-origin", "none"}
        if request.method != "POST" or not is_ours:
            return Answer(405, headers=(("allow", "POST"),))
        services = container.current()
        await services.admin_access.sign_out(request.cookies)
        identity = services.identity
        return redirect(
            "/events", identity.end_admin_session().header, identity.signed_out().header
        )


def _values(request: Request) -> list[str]:
    return [value for values in request.query.values() for value in values]


def _as_file(scope: Scope) -> Scope:
    # `/events` is built as a folder; asked for without the slash, it would cost a redirect.
    target = page_target(scope["path"])
    if target is None or target.name is not None or scope["path"].endswith("/"):
        return scope
    path = scope["path"] + "/"
    return {**scope, "path": path, "raw_path": path.encode()}


def _admin_refusal(error: SurgeError, *headers: tuple[str, str]) -> Answer:
    headers = (*error.headers().items(), *headers)
    challenge = ("www-authenticate", 'Basic realm="Surge organizer", charset="UTF-8"')
    return plain_page(
        error.status,
        title="For organizers",
        text=error.message,
        action="Check-in" if isinstance(error, Forbidden) else "Try again",
        href="/admin",
        headers=(challenge, *headers) if error.status == Unauthorized.status else headers,
    )
