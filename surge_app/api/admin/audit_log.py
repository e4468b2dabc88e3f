"""`/api/admin/log`: who did what, with the values before and after."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict

from surge_app.api.dependencies import OrganizerName, Services
from surge_app.api.schemas import ProblemOut
from surge_app.services.admin.audit_log import LogFilter

router = APIRouter(
    prefix="/api/admin",
    tags=["admin"],
    responses={status: {"model": ProblemOut} for status in (401, 403, 422, 429)},
)
Word = Annotated[str | None, Query(max_length=200)]


class LogEntryOut(BaseModel):
    """One action; `event` and `booking` are empty if it belongs to none."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    at: datetime
    actor: str
    action: str
    subject: str
    before: dict[str, Any]
    after: dict[str, Any]
    event: str
    booking: str


class LogPageOut(BaseModel):
    """Some actions, the newest first; `next_before` asks for the next page, null ends it."""

    model_config = ConfigDict(from_attributes=True)

    entries: list[LogEntryOut]
    next_before: str | None


@router.get("/log")
async def audit_log(  # noqa: PLR0913, PLR0917  one parameter for each filter
    services: Services,
    user: OrganizerName,
    event: Word = None,
    actor: Word = None,
    action: Word = None,
    subject: Word = None,
    before: Annotated[str | None, Query(max_length=40)] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> LogPageOut:
    """Return what was done, narrowed to an event, an actor, an action or a booking."""
    _ = user
    wanted = LogFilter(event, actor, action, subject)
    page = await services.audit_log.page(wanted, before=before, limit=limit)
    return LogPageOut.model_validate(page)
