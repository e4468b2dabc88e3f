"""Health, for load balancers and operators."""

from __future__ import annotations

from fastapi import APIRouter, Response

from surge_app.api.dependencies import Services

router = APIRouter(tags=["health"])


@router.get("/api/livez")
async def live() -> dict[str, str]:
    """Answer as long as the process can."""
    return {"status": "live"}


@router.get("/api/readyz", responses={503: {"model": dict[str, object]}})
async def ready(response: Response, services: Services) -> dict[str, object]:
    """Tell whether a sale could go on here, and what is missing if not (503).

    A node that was told to stop is `draining`: it serves its current visitors, and the
    balancer sends no new ones. Anything else is as of at most a second ago.
    """
    if services.settings.drain_mark.exists():
        response.status_code = 503
        return {"status": "draining", "not_ready": ["draining"]}
    missing = await services.readiness.missing()
    if missing:
        response.status_code = 503
    return {"status": "not_ready" if missing else "ready", "not_ready": missing}
