"""Dependencies of endpoints: the caller, the client address, the services."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import urlsplit

from fastapi import Depends, Path, Request

from surge_app.container import Container, current
from surge_app.errors import Forbidden, ForeignOrigin, NotAdmitted, NotFound, Unauthorized
from surge_app.services.access.admin_auth import AdminUser
from surge_app.services.waiting_room.requests import ClientInfo, sender

Problems = dict[int | str, dict[str, Any]]
"""Which errors an endpoint may answer with, as FastAPI documents them."""

_SAFE = {"GET", "HEAD", "OPTIONS"}


async def services() -> Container:
    """Return the services of this process."""
    return current()


Services = Annotated[Container, Depends(services)]


async def cookies(request: Request) -> str:
    """Return the whole `Cookie` header."""
    return request.headers.get("cookie", "")


Cookies = Annotated[str, Depends(cookies)]


async def client_address(request: Request) -> str:
    """Return the client's address as the gate determined it."""
    return getattr(request.state, "client_address", "unknown")


ClientAddress = Annotated[str, Depends(client_address)]


async def client_sender(request: Request, address: ClientAddress) -> ClientInfo:
    """Return who sent a request, as far as that shows."""
    return sender(request.headers, address)


ClientSender = Annotated[ClientInfo, Depends(client_sender)]


async def visitor(container: Services, header: Cookies) -> str:
    """Return the visitor who calls; without a visitor there is no turn either."""
    visitor_id = container.identity.visitor_id(header)
    if visitor_id is None:
        raise NotAdmitted
    return visitor_id


Visitor = Annotated[str, Depends(visitor)]


async def owner(container: Services, header: Cookies) -> str:
    """Return the visitor who asks for something of their own; a stranger finds nothing."""
    visitor_id = container.identity.visitor_id(header)
    if visitor_id is None:
        raise NotFound
    return visitor_id


Owner = Annotated[str, Depends(owner)]


async def known_form(intent_id: Annotated[str, Path()]) -> str:
    """Return the id if it has the form of one; anything else cannot exist."""
    if not (intent_id.isascii() and intent_id.isalnum()):
        raise NotFound
    return intent_id


IntentId = Annotated[str, Depends(known_form)]


async def admin_user(
    request: Request, container: Services, header: Cookies, address: ClientAddress
) -> AdminUser:
    """Return the admin user of a request, by session or by HTTP Basic.

    Browsers send both automatically, so a change must come from our own origin.

    Raises:
        Unauthorized: If neither is valid.
        ForeignOrigin: If another site asks for a change.
    """
    if request.method not in _SAFE:
        _check_origin(request, container)
    known = await container.admin_access.session(header)
    if known is not None:
        return known
    if container.identity.has_signed_out(header):
        # A browser that remembers the password would sign the user in again after a sign-out.
        raise Unauthorized
    return await container.admin_access.verify(
        request.headers.get("authorization", ""), client_address=address, cookies=header
    )


async def organizer(caller: Annotated[AdminUser, Depends(admin_user)]) -> str:
    """Return the name of the organizer who calls; raises Forbidden for any other role."""
    if not caller.is_organizer:
        raise Forbidden
    return caller.name


async def scanner(caller: Annotated[AdminUser, Depends(admin_user)]) -> str:
    """Return the caller's name; every role may check tickets in."""
    return caller.name


OrganizerName = Annotated[str, Depends(organizer)]
ScannerName = Annotated[str, Depends(scanner)]


def _check_origin(request: Request, container: Container) -> None:
    if request.headers.get("sec-fetch-site", "none") not in {"none", "same-origin"}:
        raise ForeignOrigin
    origin = request.headers.get("origin")
    if origin is None:
        return
    own = {request.headers.get("host", ""), urlsplit(container.settings.base_url).netloc}
    if urlsplit(origin).netloc not in own:
        raise ForeignOrigin
