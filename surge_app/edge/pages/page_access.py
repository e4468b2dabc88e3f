"""Check the right that a page requires, and lead visitors without it to where they can get it."""

from __future__ import annotations

from redis.exceptions import RedisError
from starlette.requests import Request
from starlette.responses import Response

from surge_app import container
from surge_app.edge.http import NO_STORE, method_not_allowed, redirect
from surge_app.edge.pages.plain_pages import error_page, message_page
from surge_app.edge.routes import Access, Route
from surge_app.edge.security_headers import CAMERA
from surge_app.edge.websockets.state_owners import StateOwners, admin_owner
from surge_app.errors import Forbidden, Unauthorized
from surge_app.languages import gettext as _
from surge_app.observability.log import get_logger

_log = get_logger(__name__)

_NO_LIVE_CONNECTION = "backend-enabled=false; Max-Age=86400; SameSite=Lax; Path="

PageHeaders = list[tuple[str, str]]
"""What a page carries beside the security headers."""


async def check_page(route: Route, request: Request) -> tuple[Response | None, PageHeaders]:
    """Return a response in place of a page, or None and the headers of the page.

    Raises:
        SurgeError: If the page cannot be opened now.
    """
    cookies = request.headers.get("cookie", "")
    headers: PageHeaders = [NO_STORE]
    match route.access:
        case Access.PUBLIC:
            no_socket = ("set-cookie", _NO_LIVE_CONNECTION + route.root)
            return None, [no_socket, ("cache-control", "no-cache")]
        case Access.PASS:
            return await _checkout_page(route, cookies), headers
        case Access.BOOKING:
            response, own = await _booking_page(route, request, cookies)
            return response, [*own, *headers]
        case Access.ADMIN:
            response, own = await _admin_page(route, request, cookies)
            return response, [*own, *headers]


async def sign_out(request: Request, owners: StateOwners | None) -> Response:
    """End the admin session of a request that a page of ours has sent, and delete its states."""
    is_ours = request.headers.get("sec-fetch-site", "same-origin") in {"same-origin", "none"}
    if request.method != "POST" or not is_ours:
        return method_not_allowed("POST")
    services, cookies = container.current(), request.headers.get("cookie", "")
    identity = services.identity
    await services.admin_access.sign_out(cookies)
    if owners is not None and (secret := identity.admin(cookies)):
        try:
            await owners.release(admin_owner(secret))
        except RedisError as error:
            # No one else can connect to them, and they expire within the hour.
            _log.warning("states_not_deleted", error=str(error))
    return redirect("/events", identity.end_admin_session().header, identity.signed_out().header)


async def _checkout_page(route: Route, cookies: str) -> Response | None:
    identity, slug = container.current().identity, route.slug or ""
    visitor_id = identity.visitor_id(cookies)
    if visitor_id is None or slug not in identity.passes(cookies):
        return await _without_pass(slug, cookies)
    if await container.current().waiting_room.has_pass(slug, visitor_id):
        return None
    # The payment may have arrived while the page was closed, so no cookie names the booking yet.
    return await _without_pass(slug, cookies, visitor_id)


async def _without_pass(slug: str, cookies: str, visitor_id: str = "") -> Response:
    """Redirect a buyer to the booking, everyone else to the queue."""
    identity, bookings = container.current().identity, container.current().finder
    ref = await bookings.latest_for_event(slug, identity.bookings(cookies), visitor_id=visitor_id)
    if ref is not None:
        return redirect(f"/bookings/{ref}")
    return redirect(f"/queue/{slug}" if slug else "/events")


async def _booking_page(
    route: Route, request: Request, cookies: str
) -> tuple[Response | None, PageHeaders]:
    if route.slug is None:
        return redirect("/bookings/find"), []
    token = request.query_params.get("token", "")
    access = container.current().booking_access
    right, cookie = await access.visit(route.slug, cookies, token)
    if right is not None and token:
        # The token leaves the address, so that no other page learns it.
        return redirect(request.url.path, *([cookie.header] if cookie else [])), []
    if right is not None:
        return None, [("set-cookie", cookie.header)] if cookie else []
    page = message_page(
        404,
        title=_("No booking here"),
        text=_("Open the link in your latest confirmation email or SMS to see your tickets."),
        action=_("Find my booking"),
        href="/bookings/find",
    )
    return page, []


async def _admin_page(
    route: Route, request: Request, cookies: str
) -> tuple[Response | None, PageHeaders]:
    services = container.current()
    headers = [("x-robots-tag", "noindex, nofollow")]
    if route.uses_camera:
        headers.append(("permissions-policy", CAMERA))
    user = await services.admin_access.session(cookies)
    if user is None:
        if services.identity.has_signed_out(cookies):
            # Once, so that the browser forgets the password that it would send automatically.
            over = services.identity.signed_out(is_over=True)
            return error_page(Unauthorized(), path="/admin", cookies=[over.header]), []
        user, signed_in = await services.admin_access.sign_in(
            request.headers.get("authorization", ""),
            client_address=request.state.client_address,
            cookies=cookies,
        )
        headers += [("set-cookie", cookie.header) for cookie in signed_in]
    if user.is_organizer or route.for_scanners:
        return None, headers
    return error_page(Forbidden(), path="/admin"), headers
