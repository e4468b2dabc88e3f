"""In `/api/admin`: the preflight, the invariants and the action items."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Query
from pydantic import BaseModel

from surge_app.api.admin.router import admin_router
from surge_app.api.dependencies import OrganizerName, Services
from surge_app.api.fact_models import ViewOut
from surge_app.errors import NotFound
from surge_app.services.admin.action_items import ActionItem
from surge_app.services.operations.preflight import Check, examine

_PAGE = 100
router = admin_router()


class PreflightOut(BaseModel):
    """Every check of the preflight, as `python -m surge_app doctor` prints them."""

    checks: list[Check]


class ViolationOut(ViewOut):
    """An invariant and the rows that violate it (at most 20)."""

    code: str
    promise: str
    holds: bool
    offending: list[dict[str, Any]]


class InvariantsOut(BaseModel):
    """Every invariant, as `python -m surge_app audit` prints them."""

    ok: bool
    checks: list[ViolationOut]


class WaitingOut(BaseModel):
    """The action items, what needs a decision soonest first; `next_skip` asks for the next page."""

    items: list[ActionItem]
    next_skip: int | None


@router.get("/preflight")
async def preflight(services: Services) -> PreflightOut:
    """Check what a sale needs."""
    checks = await examine(services.settings)
    return PreflightOut(checks=list(checks))


@router.get("/promises")
async def invariants(
    services: Services, event: Annotated[str | None, Query(max_length=100)] = None
) -> InvariantsOut:
    """Check every invariant against the data, of one event or of all."""
    if event is not None and not await services.organizer.exists(event):
        # An event that does not exist violates no invariant.
        raise NotFound
    results = await services.audit.run(slug=event)
    listed = [ViolationOut.of(one) for one in results]
    return InvariantsOut(ok=all(one.holds for one in listed), checks=listed)


@router.get("/inbox")
async def waiting(
    services: Services, skip: Annotated[int, Query(ge=0, le=1_000_000)] = 0
) -> WaitingOut:
    """Return the payments, refunds and messages that need a decision, by the hundred."""
    items = list(await services.action_items.list(most=_PAGE + 1, skip=skip))
    return WaitingOut(items=items[:_PAGE], next_skip=skip + _PAGE if len(items) > _PAGE else None)


@router.post("/inbox/{kind}/{item_id}", status_code=204)
async def act(kind: str, item_id: str, services: Services, user: OrganizerName) -> None:
    """Do the one thing that mends an item; 409 `already_dealt_with` the second time."""
    await services.action_items.resolve(kind, item_id, actor=user)
