"""Health and metrics, for load balancers and operators."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Gauge, generate_latest
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from surge_app.api.deps import Services
from surge_app.container import Container
from surge_app.kv.client import answers
from surge_app.services.views import EventStats

router = APIRouter(tags=["health"])

_PATIENCE_SECONDS = 3


@router.get("/api/livez")
async def live() -> dict[str, str]:
    """Answer as long as the process can."""
    return {"status": "live"}


@router.get("/api/readyz")
async def ready(response: Response, services: Services) -> dict[str, object]:
    """Tell whether a sale could go on here, and what is missing if not (503)."""
    checks = {"postgres": _postgres(services), "redis": _redis(services)}
    results = await asyncio.gather(*checks.values())
    missing = [name for name, is_ready in zip(checks, results, strict=True) if not is_ready]
    if missing:
        response.status_code = 503
    return {"status": "not_ready" if missing else "ready", "not_ready": missing}


@router.get("/metrics", include_in_schema=False)
async def metrics(services: Services) -> Response:
    """Return the counts of every sale, read from the truth at this moment."""
    registry = CollectorRegistry()
    units = Gauge("surge_units", "Units by status.", ["event", "status"], registry=registry)
    line = Gauge("surge_line", "Visitors by where they are.", ["event", "place"], registry=registry)
    bookings = Gauge("surge_bookings", "Confirmed bookings.", ["event"], registry=registry)
    messages = Gauge(
        "surge_messages", "Messages not yet delivered.", ["event", "status"], registry=registry
    )
    gateway = Gauge("surge_gateway_up", "Whether payments can be started.", registry=registry)
    gateway.set(0 if await services.outages.is_open() else 1)
    for stats in await services.organizer.overview():
        _set_counts(stats, units, line)
        bookings.labels(stats.slug).set(stats.bookings)
        messages.labels(stats.slug, "pending").set(stats.messages_pending)
        messages.labels(stats.slug, "dead").set(stats.messages_dead)
    return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)


def _set_counts(stats: EventStats, units: Gauge, line: Gauge) -> None:
    units.labels(stats.slug, "available").set(stats.available)
    units.labels(stats.slug, "held").set(stats.held)
    units.labels(stats.slug, "sold").set(stats.sold)
    line.labels(stats.slug, "waiting").set(stats.queue.waiting)
    line.labels(stats.slug, "inside").set(stats.queue.inside)


async def _postgres(services: Container) -> bool:
    try:
        async with asyncio.timeout(_PATIENCE_SECONDS), services.database.transaction() as session:
            await session.execute(text("SELECT 1"))
    except (SQLAlchemyError, TimeoutError, OSError):
        return False
    return True


async def _redis(services: Container) -> bool:
    try:
        async with asyncio.timeout(_PATIENCE_SECONDS):
            return await answers(services.redis)
    except TimeoutError:
        return False
