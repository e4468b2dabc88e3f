"""Health, for load balancers and operators."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter, Response
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from surge_app.api import metrics
from surge_app.api.dependencies import Services
from surge_app.container import Container
from surge_app.errors import Busy
from surge_app.kv.client import takes_writes

router = APIRouter(tags=["health"])
router.include_router(metrics.router)

_PATIENCE_SECONDS = 3


@router.get("/api/livez")
async def live() -> dict[str, str]:
    """Answer as long as the process can."""
    return {"status": "live"}


@router.get("/api/readyz", responses={503: {"model": dict[str, object]}})
async def ready(response: Response, services: Services) -> dict[str, object]:
    """Tell whether a sale could go on here, and what is missing if not (503).

    A node that was told to stop is `draining`: it serves its current visitors, and the
    balancer sends no new ones.
    """
    if services.settings.drain_mark.exists():
        response.status_code = 503
        return {"status": "draining", "not_ready": ["draining"]}
    checks = {"postgres": _postgres(services), "redis": _redis(services)}
    results = await asyncio.gather(*checks.values())
    missing = [name for name, is_ready in zip(checks, results, strict=True) if not is_ready]
    if missing:
        response.status_code = 503
    return {"status": "not_ready" if missing else "ready", "not_ready": missing}


async def _postgres(services: Container) -> bool:
    try:
        async with asyncio.timeout(_PATIENCE_SECONDS), services.database.transaction() as session:
            await session.execute(text("SELECT 1"))
    except (Busy, SQLAlchemyError, TimeoutError, OSError):
        return False
    return True


async def _redis(services: Container) -> bool:
    try:
        async with asyncio.timeout(_PATIENCE_SECONDS):
            return await takes_writes(services.redis)
    except TimeoutError:
        return False
