"""Bad days on demand: what every call to a vendor's stand-in goes through first."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter
from fastapi.responses import HTMLResponse, JSONResponse, Response
from fastapi.routing import APIRoute
from pydantic import BaseModel, Field

from surge_app.sandbox.store import FaultMode, Service

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from fastapi import Request

    from surge_app.sandbox.store import Faults

    Handler = Callable[[Request], Coroutine[Any, Any, Response]]

_LONGEST_HANG_SECONDS = 60.0
_LOOK_AGAIN_SECONDS = 0.2
_BAD_GATEWAY_PAGE = (
    "<html><head><title>502 Bad Gateway</title></head>"
    "<body><center><h1>502 Bad Gateway</h1></center><hr></body></html>"
)


class VendorError(Exception):
    """An error answer in the vendor's own shape, raised anywhere below a vendor's route."""

    def __init__(
        self, status: int, content: dict[str, Any], headers: dict[str, str] | None = None
    ) -> None:
        """Create the error."""
        super().__init__(status)
        self.status = status
        self.content = content
        self.headers = headers


class FaultOrder(BaseModel):
    """The body of `POST /sandbox/faults`."""

    service: Service
    mode: FaultMode
    seconds: float = Field(60.0, ge=0, le=24 * 3600)


def vendor_route(service: Service, faults: Faults, *, hang_takes_effect: bool) -> type[APIRoute]:
    """Return a route class whose routes fail as ordered and speak `VendorError`.

    Args:
        service: The vendor.
        faults: Where the orders are kept.
        hang_takes_effect: Whether a call that hangs was carried out before. True where one
            can ask afterwards, as that is the nastier case. False for messages: no vendor
            could tell a repeated one apart, so the outbox would only ever show it twice.
    """

    class VendorRoute(APIRoute):
        """A route of one vendor."""

        def get_route_handler(self) -> Handler:
            """Wrap the handler of FastAPI."""
            inner = super().get_route_handler()

            async def handle(request: Request) -> Response:
                """Misbehave if that was ordered, else answer."""
                mode = await faults.active(service)
                if mode is not None and mode != "hang":
                    return _fault_answer(service, mode)
                if mode == "hang" and not hang_takes_effect:
                    await _hang(faults, service)
                    return _fault_answer(service, "down")
                try:
                    answer = await inner(request)
                except VendorError as error:
                    answer = JSONResponse(error.content, error.status, error.headers)
                if mode == "hang":
                    await _hang(faults, service)
                return answer

            return handle

    return VendorRoute


def faults_router(faults: Faults) -> APIRouter:
    """Return `POST /faults`."""
    router = APIRouter()

    @router.post("/faults")
    async def order_fault(wanted: FaultOrder) -> FaultOrder:  # pyright: ignore[reportUnusedFunction] - the router keeps it
        """Make a stand-in misbehave for some seconds."""
        await faults.order(wanted.service, wanted.mode, wanted.seconds)
        return wanted

    return router


async def _hang(faults: Faults, service: Service) -> None:
    deadline = time.monotonic() + _LONGEST_HANG_SECONDS
    while time.monotonic() < deadline and await faults.active(service) == "hang":  # noqa: ASYNC110 - the news comes from Redis
        await asyncio.sleep(_LOOK_AGAIN_SECONDS)


def _fault_answer(service: Service, mode: FaultMode) -> Response:
    if mode == "http_502_html":
        return HTMLResponse(_BAD_GATEWAY_PAGE, 502)
    if mode == "http_429":
        return JSONResponse(
            _error_body(service, "BAD_REQUEST_ERROR", "Too many requests", 429, 20429),
            429,
            {"Retry-After": "1"},
        )
    text = "The server is temporarily unavailable"
    return JSONResponse(_error_body(service, "SERVER_ERROR", text, 503, 20503), 503)


def _error_body(service: Service, kind: str, text: str, status: int, code: int) -> dict[str, Any]:
    if service == "razorpay":
        return {"error": {"code": kind, "description": text, "metadata": {}}}
    if service == "sendgrid":
        return {"errors": [{"field": None, "message": text, "help": None}]}
    return {
        "code": code,
        "message": text,
        "more_info": f"https://www.twilio.com/docs/errors/{code}",
        "status": status,
    }
