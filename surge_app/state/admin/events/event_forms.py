"""The forms of the event editor: what they show, and what was typed in them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from surge_app.clock import utc_now
from surge_app.errors import InvalidRequest
from surge_app.formatting import format_number, rupees, when
from surge_app.languages import DEFAULT, SUPPORTED, gettext as _, ngettext
from surge_app.services.admin.event_admin import EventSettings, TierSettings
from surge_app.services.events.facts import EDITABLE_FACTS, TRANSLATABLE
from surge_app.services.events.new_event import NewTier
from surge_app.services.events.translations import read_translations, write_translations
from surge_app.state.admin.common import HOME_ZONE, parse_int, parse_rupees

_MAX_UNITS = 1_000_000
TIER_FIELDS = ("tier_name", "price", "units")
TIER_COLUMNS = {"name": "name", "price_paise": "price", "capacity": "units"}
"""Fields of the form of a ticket type by the column they show."""
SALE_WINDOW = {"sales_open_at", "sales_close_at", "starts_at"}
OTHER_LANGUAGES = {tag: one for tag, one in SUPPORTED.items() if one is not DEFAULT}
TICKED = "yes"
"""What a tick box sends."""


@dataclass(frozen=True)
class EventForm:
    """An event as its editor shows it, beside its facts."""

    slug: str = ""
    name: str = ""
    time_zone: str = HOME_ZONE
    phase: str = "draft"
    has_sold: bool = False
    cover_digest: str = ""


@dataclass(frozen=True)
class TierForm:
    """A ticket type as its form shows it; `sold` says what cannot be withdrawn."""

    id: str = ""
    name: str = ""
    price: str = ""
    units: str = ""
    sold: str = ""


@dataclass(frozen=True)
class SaleChange:
    """A change that waits for its confirmation; `tier` is empty for one of the event.

    Attributes:
        expected: The values its form was opened with; None for a new ticket type.
        new: The ticket type to add.
    """

    changes: dict[str, Any] = field(default_factory=dict[str, Any])
    expected: dict[str, Any] = field(default_factory=dict[str, Any])
    tier: str = ""
    new: NewTier | None = None


def slug_from(text: str) -> str:
    """Return a web address made from a name."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


def fee_text(paise: int) -> str:
    """Return the hint beside a price."""
    if not paise:
        return _("Buyers pay no booking fee.")
    return _("Buyers also pay a {fee} booking fee once per booking.", fee=rupees(paise))


def capacity(stored: EventSettings) -> int:
    """Return how many tickets go on sale."""
    return sum(one.capacity for one in stored.tiers)


def is_open(
    *, sales_open_at: datetime | None, sales_close_at: datetime | None, starts_at: datetime
) -> bool:
    """Return whether a sale with this window is open now."""
    now = utc_now()
    opens, closes = sales_open_at or now, min(sales_close_at or starts_at, starts_at)
    return opens <= now < closes


def tier_question(typed: NewTier, shown: NewTier) -> str:
    """Return what a changed ticket type does to the sale; empty if nothing."""
    more = typed.units - shown.units
    price, old = rupees(typed.price_paise), rupees(shown.price_paise)
    parts: list[str] = []
    if more > 0:
        parts += [
            ngettext(
                "Put {count} more {name} ticket on sale at {price} each?",
                "Put {count} more {name} tickets on sale at {price} each?",
                more,
                name=shown.name,
                price=price,
            )
        ]
    if more < 0:
        parts += [
            ngettext(
                "Withdraw {count} {name} ticket from sale?",
                "Withdraw {count} {name} tickets from sale?",
                -more,
                name=shown.name,
            )
        ]
    if price != old:
        parts += [_("Change the price from {old} to {price}?", old=old, price=price)]
    return " ".join(parts)


def publish_question(stored: EventSettings) -> str:
    """Return what publishing the event does."""
    opens = stored.sales_open_at
    if opens is not None and opens > utc_now():
        return ngettext(
            "Everyone sees the event. {count} ticket goes on sale on {day}.",
            "Everyone sees the event. {count} tickets go on sale on {day}.",
            capacity(stored),
            day=when(opens, stored.time_zone),
        )
    return ngettext(
        "Everyone sees the event, and {count} ticket goes on sale immediately.",
        "Everyone sees the event, and {count} tickets go on sale immediately.",
        capacity(stored),
    )


def event_form(stored: EventSettings) -> EventForm:
    """Return an event as its editor shows it."""
    return EventForm(
        slug=stored.slug,
        name=stored.name,
        time_zone=stored.time_zone,
        phase=stored.phase,
        cover_digest=stored.cover_digest,
        has_sold=any(one.sold for one in stored.tiers),
    )


def tier_form(one: TierSettings) -> TierForm:
    """Return a ticket type as its form shows it."""
    return TierForm(
        id=one.id,
        name=one.name,
        price=f"{one.price_paise / 100:.2f}".removesuffix(".00"),
        units=str(one.capacity),
        sold=_(
            "{sold} sold, {held} held", sold=format_number(one.sold), held=format_number(one.held)
        ),
    )


def typed_value(sent: Mapping[str, str], name: str, *, prefix: str = "") -> object:
    """Return the value of a fact that was typed; raises InvalidRequest."""
    typed, one = sent.get(f"{prefix}{name}", ""), EDITABLE_FACTS[name]
    if one.is_time:
        return _moment(typed, sent["time_zone"])
    if one.type is bool:
        return typed == TICKED
    if one.is_number and (typed or not one.is_nullable):
        number = parse_int(typed)
        if number is None:
            msg = _("Nothing was saved. Enter a whole number for “{name}”.", name=_(one.fact.label))
            raise InvalidRequest(msg)
        return number
    return None if one.is_nullable and not typed else typed


def text_fields(text: str) -> dict[str, str]:
    """Return the fields for an event's texts in other languages, such as `hi_name`, filled in."""
    found = read_translations(text, TRANSLATABLE)
    return {
        f"{tag}_{name}": found.get(tag, {}).get(name, "")
        for tag in OTHER_LANGUAGES
        for name in TRANSLATABLE
    }


def typed_texts(sent: Mapping[str, str]) -> str:
    """Return what the fields of other languages hold as the one text of an event."""
    stored = sent.get("was_translations", "")
    shown = text_fields(stored)
    typed = {name: sent.get(name, words) for name, words in shown.items()}
    if typed == shown:
        return sent.get("translations", stored)
    found = read_translations(stored, TRANSLATABLE)
    texts = {
        tag: {
            name: typed.get(f"{tag}_{name}", found.get(tag, {}).get(name, ""))
            for name in TRANSLATABLE
        }
        for tag in SUPPORTED
    }
    return write_translations(texts)


def shown_value(value: object, zone: str) -> str:
    """Return a value as a form shows it."""
    if isinstance(value, datetime):
        return f"{value.astimezone(ZoneInfo(zone)):%Y-%m-%dT%H:%M}"
    if isinstance(value, bool):
        return TICKED if value else ""
    return "" if value is None else str(value)


def _moment(typed: str, zone: str) -> datetime | None:
    if not typed:
        return None
    try:
        return datetime.fromisoformat(typed).replace(tzinfo=ZoneInfo(zone))
    except (ValueError, KeyError, OSError) as error:
        msg = _("Nothing was saved. Enter a date, a time and a time zone such as Asia/Kolkata.")
        raise InvalidRequest(msg) from error


def required_moment(sent: Mapping[str, str], name: str) -> datetime:
    """Return a moment that must be typed; raises InvalidRequest."""
    moment = _moment(sent.get(name, ""), sent.get("time_zone", HOME_ZONE))
    if moment is None:
        raise InvalidRequest(_("Nothing was saved. Enter the date and time the event starts."))
    return moment


def typed_tier(sent: Mapping[str, str]) -> NewTier:
    """Return the ticket type that was typed; raises InvalidRequest."""
    price, units = parse_rupees(sent.get("price", "")), parse_int(sent.get("units", ""))
    if not sent.get("tier_name"):
        raise InvalidRequest(_("Nothing was saved. Enter a name for the ticket type."))
    if price is None:
        msg = _("Nothing was saved. Enter a price in rupees such as 500 or 499.50. 0 is free.")
        raise InvalidRequest(msg)
    if units is None or units > _MAX_UNITS:
        raise InvalidRequest(_("Nothing was saved. Enter how many tickets, for example 3000."))
    return NewTier(sent["tier_name"], price, units)
