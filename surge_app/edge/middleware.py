"""The middleware of the edge: respond, refuse, or pass a request on to FastAPI or Reflex."""

from __future__ import annotations

from sqlalchemy.exc import InterfaceError, OperationalError
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from surge_app import container
from surge_app.edge.body_reader import BodyReader, has_body
from surge_app.edge.http import (
    LAST,
    Headers,
    Hosts,
    check_query,
    client_address,
    encode,
    method_not_allowed,
    problem,
    redirect,
    request_language,
    with_headers,
)
from surge_app.edge.pages.continue_page import continue_page
from surge_app.edge.pages.event_pages import EventPages
from surge_app.edge.pages.page_access import check_page, sign_out
from surge_app.edge.pages.plain_pages import error_page, text_page, wants_page, with_missing_page
from surge_app.edge.pages.ticket_page import ticket_page
from surge_app.edge.pages.verify_page import verify_page
from surge_app.edge.queue.join_endpoint import JoinEndpoint
from surge_app.edge.queue.poll_endpoint import answer_poll
from surge_app.edge.routes import Access, Kind, Route, route_of
from surge_app.edge.security_headers import EdgeHeaders
from surge_app.edge.websockets.handler_arguments import ArgumentsOf
from surge_app.edge.websockets.state_owners import StateOwners
from surge_app.edge.websockets.websocket_guard import WebSocketGuard
from surge_app.errors import (
    BodyTooSlow,
    InvalidRequest,
    NotAdmitted,
    NotFound,
    PayloadTooLarge,
    RateLimited,
    SurgeError,
    Unavailable,
)
from surge_app.languages import QUERY, chosen, use
from surge_app.settings import Settings

_SAFE = {"GET", "HEAD"}
_TO_FASTAPI = {Kind.API, Kind.QUEUE}
# The body was not read, so the connection cannot carry another request.
_UNREAD = (BodyTooSlow, InvalidRequest, PayloadTooLarge, RateLimited)


class EdgeMiddleware:
    """Stands around two applications: the API, and everything that Reflex serves."""

    def __init__(
        self,
        pages: ASGIApp,
        api: ASGIApp,
        settings: Settings,
        arguments_of: ArgumentsOf,
        owners: StateOwners | None = None,
    ) -> None:
        self._pages, self._api, self._settings = pages, api, settings
        self._owners = owners
        self._headers = EdgeHeaders(settings)
        self._hosts = Hosts(settings)
        self._joins = JoinEndpoint()
        self._bodies = BodyReader()
        self._events = EventPages(pages, api, base_url=settings.base_url)
        self._sockets = WebSocketGuard(pages, settings, arguments_of, owners)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        if scope["type"] not in {"http", "websocket"} or not container.is_installed():
            await self._pages(scope, receive, send)
            return
        route = route_of(scope)
        if scope["type"] == "websocket":
            await self._sockets.connect(route, scope, receive, send)
            return
        request = Request(scope)
        with use(_language(route, request)):
            if route.kind is Kind.QUEUE and request.method == "GET":
                response = await answer_poll(container.current(), scope, route.slug or "")
                await response(scope, receive, with_headers(send, self._headers.poll))
            else:
                await self._request(route, request, receive, send)

    async def _request(self, route: Route, request: Request, receive: Receive, send: Send) -> None:
        hops = self._settings.trusted_proxy_hops
        request.state.client_address = client_address(request, hops)
        headers, on_success = self._headers.of(route)
        send = with_headers(send, headers, on_success=on_success)
        extra: Headers = ()
        try:
            check_query(request)
            if route.label != "health":
                self._hosts.check(request)
            response, extra = await self._respond(route, request)
            if response is None:
                body, receive = await self._bodies.read(request, receive, route)
                if route.kind is Kind.QUEUE and request.method == "POST":
                    slug = route.slug or ""
                    response = await self._joins.respond(container.current(), slug, request, body)
        except (OperationalError, InterfaceError):
            response = self._failure(route, request, Unavailable())
        except SurgeError as error:
            response = self._failure(route, request, error)
        if response is not None:
            await response(request.scope, receive, send)
        elif route.kind in _TO_FASTAPI:
            await self._api(request.scope, receive, send)
        else:
            send = with_headers(send, extra)
            if wants_page(request):
                send = with_missing_page(send, request.scope, receive)
            await self._pages(_built_file(route, request.scope), receive, send)

    async def _respond(self, route: Route, request: Request) -> tuple[Response | None, Headers]:
        """Return a response, or None and the headers that the application's one needs."""
        match route.kind:
            case Kind.HOME:
                return redirect("/events", status=307), ()
            case Kind.CLOSED | Kind.SOCKET:
                # Pages connect by WebSocket alone, so nothing else is answered there.
                raise NotFound
            case Kind.VISIT:
                return await _count_visit(route, request), ()
            case Kind.SIGN_OUT:
                return await sign_out(request, self._owners), ()
            case _ if route.is_page:
                return await self._page(route, request)
            case _:
                self._check_pass(route, request)
                return None, ()

    def _check_pass(self, route: Route, request: Request) -> None:
        cookies = request.headers.get("cookie", "")
        if route.access is Access.PASS and route.slug not in container.current().identity.passes(
            cookies
        ):
            raise NotAdmitted

    async def _page(self, route: Route, request: Request) -> tuple[Response | None, Headers]:
        if request.method not in _SAFE:
            return method_not_allowed("GET, HEAD"), ()
        if page := await self._plain_page(route):
            return page, ()
        frontend_url = self._settings.frontend_url
        # With hot reload another server has the pages.
        if not frontend_url and (page := await self._events.respond(route, request)):
            return page, ()
        response, headers = await check_page(route, request)
        if response is None and route.kind is Kind.TICKETS:
            saved = "saved" in request.query_params
            return await ticket_page(route.slug or "", headers, saved=saved), ()
        if response is None and frontend_url and route.access is not Access.PUBLIC:
            cookies = [value for name, value in headers if name == "set-cookie"]
            response = redirect(frontend_url + request.url.path, *cookies)
        elif response is None and not frontend_url and route.kind is Kind.SHELL:
            response = await self._events.shell(route, request, headers)
        return response, encode(headers)

    async def _plain_page(self, route: Route) -> Response | None:
        slug = route.slug or ""
        if route.kind is Kind.TEXT:
            return text_page(await container.current().site_texts.page(slug))
        if route.kind is Kind.VERIFY:
            return await verify_page(slug, base_url=self._settings.base_url)
        return await continue_page(slug) if route.kind is Kind.CONTINUE else None

    def _failure(self, route: Route, request: Request, error: SurgeError) -> Response:
        is_page = route.is_page or (route.kind is Kind.CLOSED and wants_page(request))
        response = error_page(error, path=request.url.path) if is_page else problem(error)
        if isinstance(error, _UNREAD):
            response.headers.update(dict(LAST))
        return response


def _language(route: Route, request: Request) -> str | None:
    if route.is_page and route.access is Access.PUBLIC and route.kind is not Kind.CONTINUE:
        # Caches keep one page for an address, so nothing else chooses its language.
        return chosen(request.query_params.get(QUERY))
    return request_language(request)


async def _count_visit(route: Route, request: Request) -> Response:
    if request.method != "POST":
        return method_not_allowed("POST")
    if has_body(request):
        raise InvalidRequest
    services, slug = container.current(), route.slug or ""
    await services.catalog.event(slug)
    services.waiting_room.visits.add(slug, request.state.client_address)
    return Response(None, 204)


def _built_file(route: Route, scope: Scope) -> Scope:
    # `/events` is built as a folder; without the slash it would cost a redirect to an absolute
    # address that repeats the `Host` of the request.
    path: str = scope["path"]
    if not route.is_page or route.slug is not None or path.endswith("/"):
        return scope
    return {**scope, "path": f"{path}/", "raw_path": f"{path}/".encode()}
