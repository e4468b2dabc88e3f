"""Stand-ins for Razorpay, SendGrid and Twilio, called over HTTP by the vendors' own SDKs.

They make every flow, vendor failures included, testable without keys or money. Production
refuses them.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from fastapi import APIRouter

from surge_app.errors import ConfigurationError
from surge_app.sandbox.checkout import checkout_router
from surge_app.sandbox.delivery_events import DeliveryEvents
from surge_app.sandbox.faults import faults_router
from surge_app.sandbox.mail_catcher import outbox_router
from surge_app.sandbox.messages import sendgrid_router, twilio_router
from surge_app.sandbox.razorpay import razorpay_router
from surge_app.sandbox.store import Faults, Orders, Outbox
from surge_app.sandbox.webhooks import WebhookSender
from surge_app.services.vendors.sandbox_credentials import sandbox_keys

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from surge_app.sandbox.store import RedisFactory
    from surge_app.settings import Settings

__all__ = ["create_sandbox"]

_WEBHOOK_PATH = "/api/webhooks/razorpay"


def create_sandbox(settings: Settings, redis_factory: RedisFactory) -> APIRouter:
    """Return the router with every stand-in this install uses, under `/sandbox`.

    Args:
        settings: Select the vendors to stand in for, and derive their credentials.
        redis_factory: Called per request; its client must decode responses.

    Raises:
        ConfigurationError: In production, or without a secret key.
    """
    if settings.is_production:
        raise ConfigurationError("SURGE_ENV=production does not allow the sandbox.")
    keys = sandbox_keys(settings)
    webhooks = WebhookSender(
        f"{settings.local_url}{_WEBHOOK_PATH}", keys.razorpay_webhook_secrets[0]
    )
    events = DeliveryEvents(f"{settings.local_url}/api/webhooks/sendgrid", keys)
    faults, outbox = Faults(redis_factory), Outbox(redis_factory)

    @asynccontextmanager
    async def lifespan(_app: object) -> AsyncGenerator[None]:
        """Cancel pending deliveries when the application stops."""
        try:
            yield
        finally:
            await webhooks.aclose()
            await events.aclose()

    router = APIRouter(prefix="/sandbox", include_in_schema=False, lifespan=lifespan)
    routers: list[APIRouter] = []
    if settings.uses_sandbox_payments:
        orders = Orders(redis_factory)
        routers.append(razorpay_router(keys, orders, webhooks, faults))
        routers.append(checkout_router(keys, orders, webhooks))
    if settings.uses_sandbox_mail:
        routers.append(sendgrid_router(keys, outbox, faults, events))
    if settings.uses_sandbox_sms:
        routers.append(twilio_router(keys, outbox, faults, events))
    if settings.uses_sandbox_mail or settings.uses_sandbox_sms:
        routers.append(outbox_router(outbox))
    for one in (*routers, faults_router(faults)):
        # Themselves: each request would search an included router twice.
        router.routes.extend(one.routes)
    _add_vendors(router, settings)
    return router


def _add_vendors(router: APIRouter, settings: Settings) -> None:
    played = {
        "payments": settings.uses_sandbox_payments,
        "mail": settings.uses_sandbox_mail,
        "sms": settings.uses_sandbox_sms,
    }

    @router.get("/vendors")
    async def vendors() -> dict[str, str]:  # pyright: ignore[reportUnusedFunction] - the router keeps it
        """Return which vendors are stand-ins, so that a rehearsal avoids live ones."""
        return {name: "sandbox" if is_played else "live" for name, is_played in played.items()}
