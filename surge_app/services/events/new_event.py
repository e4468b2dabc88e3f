"""A new event and its validation."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Final

from surge_app.errors import InvalidRequest
from surge_app.formatting import format_number
from surge_app.languages import A_, gettext as _
from surge_app.models import Event
from surge_app.services.events.fact_checks import check_facts
from surge_app.services.events.facts import (
    ALL_FACTS,
    EventFacts,
    Fact,
    OwnLanguages,
    QueueRules,
    TierRules,
    facts_of,
    read_facts,
)

MAX_UNITS = 1_000_000
_SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_LONGEST_SLUG = 60
_CHEAPEST_PAISE = 100
_DEAREST_PAISE = 1_000_000_000
_MAX_PER_BOOKING = 100


@dataclass(frozen=True, slots=True)
class NewTier(TierRules):
    """A tier to create; `price_paise` is without the convenience fee, 0 makes it free."""

    name: Annotated[str, Fact(A_("Tier"), max_length=100)]
    price_paise: Annotated[int, Fact(A_("Price in paise"))]
    units: Annotated[int, Fact(A_("Tickets"))]


TIER_FACTS: Final = facts_of(NewTier)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewEvent(EventFacts, QueueRules, OwnLanguages):
    """An event to create. Durations are seconds.

    Attributes:
        fee_paise: None takes the setting of the installation.
        payment_seconds: How long a buyer who is paying keeps the tickets.
        is_draft: Whether only organizers see it, until it is published.
        is_rehearsal: Whether it is in no list and no sum, found by its address only.
    """

    slug: str
    tiers: tuple[NewTier, ...]
    fee_paise: int | None = None
    payment_seconds: int = 720
    is_draft: bool = False
    is_rehearsal: bool = False


@dataclass(frozen=True, slots=True)
class SaleWindow:
    """The limits of an event that its tiers keep to; times are aware."""

    opens_at: datetime | None
    closes_at: datetime
    max_per_person: int


def check_event(new: NewEvent) -> None:
    """Refuse an event that makes no sense.

    Raises:
        InvalidRequest: The first thing that is wrong, in a sentence.
    """
    _refuse(
        {
            _("The web address takes small letters, numbers and single hyphens."): not (
                _SLUG.fullmatch(new.slug) and len(new.slug) <= _LONGEST_SLUG
            ),
            _("An event needs at least one ticket type."): not new.tiers,
            _("Each ticket type needs a name of its own."): _distinct_names(new.tiers)
            != len(new.tiers),
            _("The limits are out of range."): not (
                60 <= new.payment_seconds <= 3600  # noqa: PLR2004  the CHECK of the table
                and (new.fee_paise is None or new.fee_paise >= 0)
            ),
        }
    )
    check_facts(read_facts(new, ALL_FACTS))
    check_times(new)
    frame = SaleWindow(new.sales_open_at, new.sales_close_at or new.starts_at, new.max_per_person)
    check_sale_window(frame)
    for tier in new.tiers:
        check_tier(tier, frame)
        if tier.units < 1:
            msg = _("Nothing was saved. {tier}: enter at least one ticket.", tier=tier.name)
            raise InvalidRequest(msg)


def check_times(event: EventFacts | Event) -> None:
    """Raise InvalidRequest if an event ends before it starts or opens its doors after."""
    _refuse(
        {
            _("An event has to start before it ends."): event.ends_at is not None
            and event.ends_at <= event.starts_at,
            _("Doors have to open before the event starts."): event.doors_open_at is not None
            and event.doors_open_at > event.starts_at,
        }
    )


def check_sale_window(frame: SaleWindow) -> None:
    """Refuse a sale that closes before it opens; raises InvalidRequest."""
    if frame.opens_at is not None and frame.closes_at <= frame.opens_at:
        msg = _("Nothing was saved. The sale has to open before it closes: check both times.")
        raise InvalidRequest(msg)


def check_tier(tier: NewTier, frame: SaleWindow) -> None:
    """Refuse a tier that makes no sense within its event.

    Raises:
        InvalidRequest: The first thing that is wrong, in a sentence that names the tier.
    """
    if not tier.name.strip():
        raise InvalidRequest(_("Nothing was saved. Each ticket type needs a name of its own."))
    if not _are_aware(tier.sales_open_at, tier.sales_close_at):
        msg = _(
            "Nothing was saved. {tier}: times need a time zone, such as 2027-03-06T19:00:00+05:30.",
            tier=tier.name,
        )
        raise InvalidRequest(msg)
    least, most = tier.min_per_booking, tier.max_per_booking
    sentences = {
        _("a ticket is free or costs ₹1 to ₹1,00,00,000 (0, or 100 to 1000000000 paise)."): (
            tier.price_paise != 0 and not _CHEAPEST_PAISE <= tier.price_paise <= _DEAREST_PAISE
        ),
        _("enter at most {most} tickets.", most=format_number(MAX_UNITS)): not 0
        <= tier.units
        <= MAX_UNITS,
        _("a booking takes 1 to {most} tickets.", most=_MAX_PER_BOOKING): not (
            1 <= least <= _MAX_PER_BOOKING and (most is None or 1 <= most <= _MAX_PER_BOOKING)
        ),
        _("the most tickets of a booking are fewer than the least."): most is not None
        and most < least,
        _(
            "no one could buy the {least} tickets a booking needs, as one person may have {most}.",
            least=least,
            most=frame.max_per_person,
        ): least > frame.max_per_person,
    }
    _refuse({f"{tier.name}: {text}": is_wrong for text, is_wrong in sentences.items()})
    _check_window(tier, frame)


def _check_window(tier: NewTier, frame: SaleWindow) -> None:
    opens_at = tier.sales_open_at or frame.opens_at
    closes_at = tier.sales_close_at or frame.closes_at
    is_early = frame.opens_at is not None and opens_at is not None and opens_at < frame.opens_at
    _refuse(
        {
            _("{tier}: it cannot open before the sale of the event.", tier=tier.name): is_early,
            _("{tier}: it cannot close after the sale of the event.", tier=tier.name): (
                closes_at > frame.closes_at
            ),
            _("{tier}: it has to open before it closes.", tier=tier.name): opens_at is not None
            and closes_at <= opens_at,
        }
    )


def _refuse(problems: Mapping[str, bool]) -> None:
    for sentence, is_wrong in problems.items():
        if is_wrong:
            raise InvalidRequest(_("Nothing was saved. {reason}", reason=sentence))


def _distinct_names(tiers: tuple[NewTier, ...]) -> int:
    return len({tier.name.strip() for tier in tiers} - {""})


def _are_aware(*moments: datetime | None) -> bool:
    return all(moment is None or moment.tzinfo is not None for moment in moments)
