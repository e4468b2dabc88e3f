"""`/api/webhooks`: what the gateway tells by itself. Stored first, settled afterwards."""

from __future__ import annotations

from fastapi import APIRouter, BackgroundTasks, Request

from surge_app.api.deps import Services
from surge_app.api.schemas import ProblemOut
from surge_app.errors import PayloadTooLarge

router = APIRouter(prefix="/api/webhooks", tags=["webhooks"])

_LARGEST_BODY = 256 * 1024


@router.post("/razorpay", responses={400: {"model": ProblemOut}, 413: {"model": ProblemOut}})
async def razorpay_webhook(
    request: Request, background: BackgroundTasks, services: Services
) -> dict[str, str]:
    """Verify over the raw bytes, store, answer 200; duplicates are answered 200 too."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > _LARGEST_BODY:
            raise PayloadTooLarge
    stored = await services.payments.receive_webhook(
        bytes(body),
        signature=request.headers.get("x-razorpay-signature"),
        event_id=request.headers.get("x-razorpay-event-id"),
    )
    if stored is None:
        return {"status": "duplicate"}
    background.add_task(services.payments.process_event, stored)
    return {"status": "stored"}
