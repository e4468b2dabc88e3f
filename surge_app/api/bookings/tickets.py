"""`/api/tickets`: public keys to verify tickets offline."""

from __future__ import annotations

from fastapi import APIRouter, Response
from pydantic import BaseModel

from surge_app.api.dependencies import Services

router = APIRouter(prefix="/api/tickets", tags=["tickets"])

_CACHED = "public, max-age=300"


class TicketKeyOut(BaseModel):
    """A public key as a JWK (RFC 7517, RFC 8037); `x` is 32 bytes in base64url."""

    kty: str
    crv: str
    use: str
    alg: str
    kid: str
    x: str


class TicketKeysOut(BaseModel):
    """Every key tickets may be signed with, the one that signs now first."""

    keys: list[TicketKeyOut]


@router.get("/keys")
async def ticket_keys(services: Services, response: Response) -> TicketKeysOut:
    """Return the public keys of the signatures in tickets' QR codes."""
    response.headers["Cache-Control"] = _CACHED
    return TicketKeysOut.model_validate(services.signing_keys.jwk_set())
