"""Compute what a refused selection lacks, by tier, and the best partial offer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from surge_app.errors import AllHeld, NotEnoughLeft, SoldOut, SurgeError
from surge_app.languages import ngettext
from surge_app.services.checkout.views import OrderLine
from surge_app.services.events.views import EventView

_NOTHING: Mapping[str, int] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Shortage:
    """A tier with fewer tickets left than were selected."""

    tier_id: str
    wanted: int
    left: int


def shortage_error(tier_id: str, *, free: int, is_held: bool) -> SurgeError:
    """Return the refusal of a selection that is larger than what is free.

    Args:
        tier_id: The tier that is short; told in `details`.
        free: How many of it are free; sent as `details["left"]`.
        is_held: Whether more may come back from holds of others.
    """
    if free > 0:
        return NotEnoughLeft(
            lambda: ngettext(
                "Only {count} ticket is left of this ticket type.",
                "Only {count} tickets are left of this ticket type.",
                free,
            ),
            left=free,
            tier_id=tier_id,
        )
    return AllHeld(tier_id=tier_id) if is_held else SoldOut(tier_id=tier_id)


def shortages(
    event: EventView,
    selection: Sequence[OrderLine],
    refusal: SurgeError,
    *,
    held: Mapping[str, int] = _NOTHING,
) -> tuple[Shortage, ...]:
    """Return what a refused selection lacks, in the order of the event's tiers.

    Args:
        event: At most a second old; it tells of the tiers the refusal does not name.
        refusal: Why; anything but a lack of tickets has no shortages.
        held: Tickets by tier the visitor has already: they are theirs to keep.
    """
    if not isinstance(refusal, NotEnoughLeft | AllHeld | SoldOut):
        return ()
    wanted = {line.tier_id: line.quantity for line in selection}
    left = {tier.id: tier.available + held.get(tier.id, 0) for tier in event.tiers}
    named = refusal.details.get("tier_id")
    if isinstance(named, str):
        remaining = refusal.details.get("left", 0)
        left[named] = remaining if isinstance(remaining, int) else 0
    return tuple(
        Shortage(tier.id, wanted[tier.id], left[tier.id])
        for tier in event.tiers
        if left[tier.id] < wanted.get(tier.id, 0)
    )


def available_quantity(
    event: EventView, selection: Mapping[str, int], short: Sequence[Shortage]
) -> dict[str, int]:
    """Return the available part of a selection; a tier below its minimum is left out."""
    left = {one.tier_id: one.left for one in short}
    found = {
        tier.id: min(selection.get(tier.id, 0), left.get(tier.id, selection.get(tier.id, 0)))
        for tier in event.tiers
        if selection.get(tier.id, 0) > 0
    }
    least = {tier.id: tier.min_per_booking for tier in event.tiers}
    return {tier_id: number for tier_id, number in found.items() if number >= least[tier_id]}
