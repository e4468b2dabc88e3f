"""`/api/webhooks`: callbacks of the vendors, each verified over its raw bytes."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from starlette.background import BackgroundTask

from surge_app.api.dependencies import Services
from surge_app.api.schemas import ProblemOut
from surge_app.errors import PayloadTooLarge

router = APIRouter(prefix="/api/webhooks", tags=["webhooks"])

_LARGEST_BODY = 256 * 1024
_LARGEST_MAIL_EVENTS = 1024 * 1024
_LARGEST_SMS_STATUS = 16 * 1024


@router.post(
    "/razorpay",
    response_model=dict[str, str],
    responses={400: {"model": ProblemOut}, 413: {"model": ProblemOut}},
)
async def razorpay_webhook(request: Request, services: Services) -> Response:
    """Verify over the raw bytes, store, answer 200; duplicates are answered 200 too."""
    stored = await services.payments.receive_webhook(
        await _read(request, most=_LARGEST_BODY),
        signature=request.headers.get("x-razorpay-signature"),
        event_id=request.headers.get("x-razorpay-event-id"),
    )
    settling = None
    if stored is not None and not stored.can_wait:
        settling = BackgroundTask(services.payments.process_received, stored)
    return JSONResponse({"status": "stored"}, background=settling)


@router.post(
    "/sendgrid",
    status_code=204,
    responses={status: {"model": ProblemOut} for status in (400, 404, 413)},
)
async def sendgrid_events(request: Request, services: Services) -> Response:
    """Record what became of mails; 404 until the key that verifies it is configured."""
    await services.deliveries.receive_mail_events(
        await _read(request, most=_LARGEST_MAIL_EVENTS),
        signature=request.headers.get("x-twilio-email-event-webhook-signature"),
        timestamp=request.headers.get("x-twilio-email-event-webhook-timestamp"),
    )
    return Response(status_code=204)


@router.post(
    "/twilio", status_code=204, responses={status: {"model": ProblemOut} for status in (400, 413)}
)
async def twilio_status(request: Request, services: Services) -> Response:
    """Record what became of an SMS."""
    await services.deliveries.receive_sms_status(
        await _read(request, most=_LARGEST_SMS_STATUS),
        query=request.url.query,
        signature=request.headers.get("x-twilio-signature"),
    )
    return Response(status_code=204)


async def _read(request: Request, *, most: int) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > most:
            raise PayloadTooLarge
    return bytes(body)
