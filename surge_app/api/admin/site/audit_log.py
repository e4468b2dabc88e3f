"""`/api/admin/log`: who did what, with the values before and after."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query

from surge_app.api.admin.router import admin_router
from surge_app.api.dependencies import Services
from surge_app.services.admin.audit_log import LogFilter, LogPage

router = admin_router(problems=(401, 403, 422, 429))
Word = Annotated[str | None, Query(max_length=200)]


@router.get("/log")
async def audit_log(
    services: Services,
    event: Word = None,
    actor: Word = None,
    action: Word = None,
    subject: Word = None,
    before: Annotated[str | None, Query(max_length=40)] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> LogPage:
    """Return what was done, narrowed to an event, an actor, an action or a booking."""
    wanted = LogFilter(event, actor, action, subject)
    return await services.audit_log.page(wanted, before=before, limit=limit)
