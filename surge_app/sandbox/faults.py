"""Faults on demand, applied to every call of a vendor's stand-in."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter
from fastapi.responses import HTMLResponse, JSONResponse, Response
from fastapi.routing import APIRoute
from pydantic import BaseModel, Field

from surge_app.sandbox.store import Fault, FaultMode, Service

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from fastapi import Request

    from surge_app.sandbox.store import Faults

    Handler = Callable[[Request], Coroutine[Any, Any, Response]]

_LONGEST_HANG_SECONDS = 60.0
_POLL_SECONDS = 0.2
_BAD_GATEWAY_PAGE = (
    "<html><head><title>502 Bad Gateway</title></head>"
    "<body><center><h1>502 Bad Gateway</h1></center><hr></body></html>"
)


class VendorError(Exception):
    """An error response in the vendor's own format."""

    def __init__(self, status: int, content: dict[str, Any]) -> None:
        super().__init__(status)
        self.status = status
        self.content = content


class FaultOrder(BaseModel):
    """The body of `POST /sandbox/faults`.

    Attributes:
        takes_effect: For `hang`: whether the call is executed first. By default true for
            Razorpay and false for messages.
        retry_after_seconds: For `http_429`.
    """

    service: Service
    mode: FaultMode
    seconds: float = Field(60.0, ge=0, le=24 * 3600)
    takes_effect: bool | None = None
    retry_after_seconds: int = Field(1, ge=0, le=3600)


def vendor_route(service: Service, faults: Faults, *, hang_takes_effect: bool) -> type[APIRoute]:
    """Return a route class that applies ordered faults and renders `VendorError`.

    Args:
        hang_takes_effect: Whether a hanging call is executed first. True where the client can
            query the result later. False for messages, whose vendors cannot detect a repeat.
    """

    class VendorRoute(APIRoute):
        """A route of one vendor."""

        def get_route_handler(self) -> Handler:
            """Wrap the handler of FastAPI."""
            inner = super().get_route_handler()

            async def handle(request: Request) -> Response:
                """Apply the ordered fault, if any, or answer."""
                fault = await faults.active(service)
                if fault is not None and fault.mode != "hang":
                    return _fault_answer(service, fault)
                takes_effect = fault and fault.takes_effect
                if fault is not None and not (
                    hang_takes_effect if takes_effect is None else takes_effect
                ):
                    await _hang(faults, service)
                    return _fault_answer(service, Fault("down"))
                try:
                    answer = await inner(request)
                except VendorError as error:
                    answer = JSONResponse(error.content, error.status)
                if fault is not None:
                    await _hang(faults, service)
                return answer

            return handle

    return VendorRoute


def faults_router(faults: Faults) -> APIRouter:
    """Return `POST /faults`."""
    router = APIRouter(prefix="/sandbox", include_in_schema=False)

    @router.post("/faults")
    async def order_fault(wanted: FaultOrder) -> FaultOrder:  # pyright: ignore[reportUnusedFunction] - the router keeps it
        """Order a fault of a stand-in."""
        fault = Fault(wanted.mode, wanted.takes_effect, wanted.retry_after_seconds)
        await faults.order(wanted.service, fault, wanted.seconds)
        return wanted

    return router


async def _hang(faults: Faults, service: Service) -> None:
    deadline = time.monotonic() + _LONGEST_HANG_SECONDS
    while time.monotonic() < deadline:
        fault = await faults.active(service)
        if fault is None or fault.mode != "hang":
            return
        await asyncio.sleep(_POLL_SECONDS)


def _fault_answer(service: Service, fault: Fault) -> Response:
    if fault.mode == "http_502_html":
        return HTMLResponse(_BAD_GATEWAY_PAGE, 502)
    if fault.mode == "http_429":
        return JSONResponse(
            _error_body(service, "BAD_REQUEST_ERROR", "Too many requests", 429, 20429),
            429,
            {"Retry-After": str(fault.retry_after_seconds)},
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
