"""`/api/admin`: the organizer's side; HTTP Basic or its session."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import Query

from surge_app.api.admin.router import admin_router
from surge_app.api.admin.schemas import (
    EventChangesIn,
    NewEventIn,
    NewTierIn,
    ResendIn,
    RevokedOut,
    RevokeIn,
    TierChangesIn,
)
from surge_app.api.dependencies import IntentId, OrganizerName, Services
from surge_app.api.schemas import EventOut, IntentOut, SentOut
from surge_app.services.admin.views import EventStats
from surge_app.services.checkout.views import IntentPage
from surge_app.services.events.new_event import NewEvent

router = admin_router()


@router.post("/events", status_code=201)
async def create_event(body: NewEventIn, services: Services, user: OrganizerName) -> EventOut:
    """Create an event with its tiers and units."""
    values = body.model_dump(exclude={"tiers"})
    tiers = tuple(tier.offer() for tier in body.tiers)
    slug = await services.organizer.create(NewEvent(**values, tiers=tiers), actor=user)
    return EventOut.of(await services.catalog.event(slug))


@router.patch("/events/{slug}")
async def change_event(
    slug: str, body: EventChangesIn, services: Services, user: OrganizerName
) -> EventOut:
    """Change an event; only the fields that are sent."""
    changes = body.model_dump(exclude_unset=True)
    await services.organizer.change(slug, changes, actor=user, expected=changes.pop("was", None))
    return EventOut.of(await services.catalog.event(slug))


@router.post("/events/{slug}/tiers", status_code=201)
async def add_tier(slug: str, body: NewTierIn, services: Services, user: OrganizerName) -> EventOut:
    """Put one more tier on sale, behind the others."""
    await services.inventory.add_tier(slug, body.offer(), actor=user)
    return EventOut.of(await services.catalog.event(slug))


@router.patch("/events/{slug}/tiers/{tier_id}")
async def change_tier(
    slug: str, tier_id: str, body: TierChangesIn, services: Services, user: OrganizerName
) -> EventOut:
    """Change a tier during its sale; only the fields that are sent.

    Holds that are running keep their price. 409 `not_enough_available` tells in `available` how
    many units could be withdrawn.
    """
    changes = body.model_dump(exclude_unset=True)
    await services.inventory.change_tier(
        slug, tier_id, changes, actor=user, expected=changes.pop("was", None)
    )
    return EventOut.of(await services.catalog.event(slug))


@router.post("/events/{slug}/tiers/{tier_id}/close")
async def close_tier(slug: str, tier_id: str, services: Services, user: OrganizerName) -> EventOut:
    """End the sale of a tier now; who holds some of it may still pay."""
    await services.inventory.close_tier(slug, tier_id, actor=user)
    return EventOut.of(await services.catalog.event(slug))


@router.get("/events/{slug}/stats")
async def event_stats(slug: str, services: Services) -> EventStats:
    """Return the stock, money, queue, messages and history of a sale, as the dashboard shows them.

    `queue` is null while the waiting room does not respond.
    """
    return await services.dashboard.stats(slug)


@router.post("/events/{slug}/queue/pause", status_code=204)
async def pause_queue(slug: str, services: Services, user: OrganizerName) -> None:
    """Stop admissions; numbers and holds stay."""
    await services.organizer.pause(slug, actor=user)


@router.post("/events/{slug}/queue/resume", status_code=204)
async def resume_queue(slug: str, services: Services, user: OrganizerName) -> None:
    """Resume admissions, in queue order."""
    await services.organizer.resume(slug, actor=user)


@router.post("/events/{slug}/queue/revoke")
async def revoke_passes(
    slug: str, body: RevokeIn, services: Services, user: OrganizerName
) -> RevokedOut:
    """Revoke the right to shop of one number, or of all visitors inside.

    What they hold and are not paying for goes back to everyone.
    """
    return RevokedOut(passes=await services.passes.revoke(slug, body.number, actor=user))


@router.get("/events/{slug}/intents")
async def list_intents(
    slug: str,
    services: Services,
    status: Literal["held", "paying", "confirmed", "expired", "released"] = "expired",
    before: Annotated[str | None, Query(max_length=40)] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> IntentPage:
    """Return holds of an event with who had them, the newest first."""
    return await services.hold_recovery.list(slug, status=status, before=before, limit=limit)


@router.post("/intents/{intent_id}/revive")
async def revive_intent(user: OrganizerName, intent_id: IntentId, services: Services) -> IntentOut:
    """Hold the units of an ended intent again, all or nothing, with a new deadline."""
    return IntentOut.of(await services.hold_recovery.restore(intent_id, actor=user))


@router.post("/bookings/{ref}/resend", status_code=202)
async def resend_booking(
    ref: str, services: Services, user: OrganizerName, body: ResendIn | None = None
) -> SentOut:
    """Send the confirmation again; 409 `changed_meanwhile` if the version seen is not the last."""
    version = body.version if body else None
    return SentOut(messages=await services.organizer.resend(ref, actor=user, version=version))
