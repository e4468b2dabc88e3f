"""`/api/admin/events/{slug}/board`: a sale at one moment and its last hour."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field

from surge_app.api.dependencies import Services, organizer
from surge_app.api.schemas import ProblemOut
from surge_app.services.admin.dashboard import HistoryPoint
from surge_app.services.admin.views import TierStats
from surge_app.services.waiting_room.views import QueueCounts

router = APIRouter(
    prefix="/api/admin",
    tags=["admin"],
    dependencies=[Depends(organizer)],
    responses={status: {"model": ProblemOut} for status in (401, 403, 404, 429)},
)


class BoardOut(BaseModel):
    """All of the board; `line` is null while the waiting room does not answer."""

    model_config = ConfigDict(from_attributes=True)

    slug: str
    name: str
    status: str
    is_paused: bool
    concurrent_buyers: int
    admissions_per_minute: int | None
    challenge: Literal["off", "auto", "always"]
    queue_message: str
    capacity: int
    available: int
    held: int
    sold: int
    tiers: list[TierStats]
    bookings: int
    bookings_last_minute: int
    revenue_paise: int
    fees_paise: int
    cash_paise: int
    messages_pending: int
    messages_dead: int
    gateway_down_since: datetime | None
    line: QueueCounts | None
    course: list[HistoryPoint] = Field(validation_alias="history")
    at: datetime


@router.get("/events/{slug}/board")
async def board(slug: str, services: Services) -> BoardOut:
    """Return the board of an event, at most a second old."""
    return BoardOut.model_validate(await services.dashboard.view(slug))
