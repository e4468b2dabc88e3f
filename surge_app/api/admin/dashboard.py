"""`/api/admin/events/{slug}/board`: a sale at one moment and its last hour."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from surge_app.api.dependencies import OrganizerName, Services
from surge_app.api.schemas import LineOut, ProblemOut, TierStatsOut

router = APIRouter(
    prefix="/api/admin",
    tags=["admin"],
    responses={status: {"model": ProblemOut} for status in (401, 403, 404, 429)},
)


class PointOut(BaseModel):
    """Where the sale stood at a moment of its last hour."""

    model_config = ConfigDict(from_attributes=True)

    at: datetime
    sold: int
    held: int
    waiting: int
    inside: int
    revenue_paise: int
    sold_per_minute: float
    admitted_per_minute: float


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
    tiers: list[TierStatsOut]
    bookings: int
    bookings_last_minute: int
    revenue_paise: int
    fees_paise: int
    cash_paise: int
    messages_pending: int
    messages_dead: int
    gateway_down_since: datetime | None
    line: LineOut | None
    course: list[PointOut] = Field(validation_alias="history")
    at: datetime


@router.get("/events/{slug}/board")
async def board(slug: str, services: Services, user: OrganizerName) -> BoardOut:
    """Return the board of an event, at most a second old."""
    _ = user
    return BoardOut.model_validate(await services.dashboard.view(slug))
