"""The router of each module below `/api/admin`."""

from __future__ import annotations

from collections.abc import Sequence

from fastapi import APIRouter, Depends

from surge_app.api.dependencies import organizer
from surge_app.api.schemas import ProblemOut

_PROBLEMS = (401, 403, 404, 409, 422, 429)


def admin_router(path: str = "", problems: Sequence[int] = _PROBLEMS) -> APIRouter:
    """Return a router that only organizers may call.

    Args:
        path: Below `/api/admin`.
        problems: The statuses of the problem documents it answers with.
    """
    return APIRouter(
        prefix=f"/api/admin{path}",
        tags=["admin"],
        dependencies=[Depends(organizer)],
        responses={status: {"model": ProblemOut} for status in problems},
    )
