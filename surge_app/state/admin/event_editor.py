"""An event in the hands of its organizer: created, changed, published, copied."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

import reflex as rx

from surge_app.clock import utc_now
from surge_app.container import current
from surge_app.errors import InvalidRequest
from surge_app.formatting import format_number, pluralize, when
from surge_app.services.admin.event_admin import EventSettings, TierSettings
from surge_app.services.checkout.email_suggestion import typo_question
from surge_app.services.events.changes import ANNOUNCED
from surge_app.services.events.facts import EDITABLE_FACTS
from surge_app.services.events.new_event import NewEvent, NewTier
from surge_app.state import session
from surge_app.state.admin.common import (
    HOME_ZONE,
    AdminState,
    form_fields,
    organizer_action,
    parse_int,
    parse_rupees,
)

_MAX_UNITS = 1_000_000
_LONGEST_TEXT = 10_000
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


class EventEditorState(AdminState, rx.State):
    """The event an organizer edits.

    Attributes:
        facts: The editable facts as the form shows them; times are those of the event's zone.
        leave_to: An address to go on to.
        edited_tier: The ticket type whose form was sent last; empty for a new one.
        publish_question: What publishing will do.
    """

    event: EventForm = EventForm()
    facts: dict[str, str] = {}
    tiers: list[TierForm] = []
    leave_to: str = ""
    edited_tier: str = ""
    publish_question: str = ""

    @rx.event
    @organizer_action
    async def create(self, actor: str, form: dict[str, object]) -> None:
        """Create a draft."""
        sent = form_fields(form)
        new = NewEvent(
            slug=_slug_from(sent.get("slug") or sent.get("name", "")),
            tiers=(_tier(sent),),
            is_draft=True,
            time_zone=sent.get("time_zone", HOME_ZONE),
            starts_at=_required(sent, "starts_at"),
            name=sent.get("name", ""),
            venue=sent.get("venue", ""),
        )
        self.leave_to = f"/admin/events/{await current().organizer.create(new, actor=actor)}/edit"

    @rx.event
    @organizer_action
    async def save(self, actor: str, form: dict[str, object]) -> str:
        """Save the fields that were changed."""
        zone = {"time_zone": self.event.time_zone}
        sent = {**zone, **form_fields(form, longest=_LONGEST_TEXT)}
        if not (sent.get("name") and sent.get("venue")):
            msg = "Nothing was saved. Enter a name and a venue."
            raise InvalidRequest(msg)
        _required(sent, "starts_at")
        # Another zone gives each time that is shown another moment.
        is_moved = sent["time_zone"] != zone["time_zone"]
        names = [
            name
            for name, one in EDITABLE_FACTS.items()
            if sent.get(name, "") != sent.get(f"was_{name}", "") or (is_moved and one.is_time)
        ]
        if not names:
            return "Nothing to save: no field was changed."
        changes = {name: _value(sent, name) for name in names}
        shown = {name: _value({**sent, **zone}, name, prefix="was_") for name in names}
        await current().organizer.change(self._slug(), changes, actor=actor, expected=shown)
        question = typo_question(str(changes.get("organizer_email", "")))
        if self.event.phase == "draft":
            return f"Draft saved. It is not visible until you publish.{question}"
        is_untold = self.event.has_sold and not set(names).isdisjoint(ANNOUNCED)
        untold = " Ticket holders are not told yet." if is_untold else ""
        return f"Saved. The event page shows it now.{untold}{question}"

    @rx.event
    @organizer_action
    async def save_tier(self, actor: str, form: dict[str, object]) -> str:
        """Add a ticket type, or save the fields of one that were changed."""
        sent, inventory = form_fields(form), current().inventory
        self.edited_tier = sent.get("tier_id", "")
        typed = _tier(sent)
        if not self.edited_tier:
            await inventory.add_tier(self._slug(), typed, actor=actor)
            return f"{typed.name} added."
        shown = _tier(
            {name: sent.get(f"was_{name}", "") for name in ("tier_name", "price", "units")}
        )
        fields = ("name", "price_paise", "units")
        changes = {
            name: getattr(typed, name)
            for name in fields
            if getattr(typed, name) != getattr(shown, name)
        }
        if not changes:
            return "Nothing to save: no field was changed."
        fewer = shown.units - typed.units
        if fewer > 0 and sent.get("withdraw") != "yes":
            number = pluralize(fewer, "ticket", "tickets")
            msg = f"Nothing was saved. Tick “Withdraw tickets” to take {number} off sale."
            raise InvalidRequest(msg)
        await inventory.change_tier(
            self._slug(),
            self.edited_tier,
            changes,
            actor=actor,
            expected={name: getattr(shown, name) for name in fields},
        )
        done = "added" if fewer < 0 else "withdrawn"
        number = f" {pluralize(abs(fewer), 'ticket', 'tickets')} {done}." if fewer else ""
        return f"Saved. Tickets already in a checkout keep the old price.{number}"

    @rx.event
    @organizer_action
    async def publish(self, actor: str, _form: dict[str, object]) -> str:
        """Show the draft to everyone."""
        await current().lifecycle.publish(self._slug(), actor=actor)
        return "Published."

    @rx.event
    @organizer_action
    async def unpublish(self, actor: str, _form: dict[str, object]) -> str:
        """Make the event a draft again."""
        await current().lifecycle.unpublish(self._slug(), actor=actor)
        return "Unpublished. Only organizers see it now."

    @rx.event
    @organizer_action
    async def delete_draft(self, actor: str, _form: dict[str, object]) -> None:
        """Delete a draft that was never published."""
        await current().lifecycle.delete_draft(self._slug(), actor=actor)
        self.leave_to = "/admin"

    @rx.event
    @organizer_action
    async def duplicate(self, actor: str, form: dict[str, object]) -> None:
        """Copy the event to another address and date."""
        sent = {**form_fields(form), "time_zone": self.event.time_zone}
        copy = await current().lifecycle.copy_event(
            self._slug(),
            new_slug=sent.get("slug", ""),
            starts_at=_required(sent, "starts_at"),
            actor=actor,
        )
        self.leave_to = f"/admin/events/{copy}/edit"

    def _slug(self) -> str:
        return session.path_param(self, 2)

    async def _read(self) -> None:
        if self._slug() == "new":
            self.phase = "new"
            return
        if self.leave_to:
            # A deleted draft is not missing: the browser is on its way to the list.
            return
        stored = await current().organizer.settings(self._slug())
        event, tiers = _form(stored), [_tier_form(one) for one in stored.tiers]
        facts = {name: _shown(getattr(stored, name), stored.time_zone) for name in EDITABLE_FACTS}
        # What did not change is not sent again.
        if event != self.event:
            self.event = event
        if facts != self.facts:
            self.facts = facts
        if tiers != self.tiers:
            self.tiers = tiers
        self.publish_question = _publishing(stored)
        self.phase = "ready"


def _slug_from(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


def _publishing(stored: EventSettings) -> str:
    tickets = pluralize(sum(one.capacity for one in stored.tiers), "ticket", "tickets")
    opens = stored.sales_open_at
    if opens is not None and opens > utc_now():
        return f"Everyone sees the event. {tickets} go on sale on {when(opens, stored.time_zone)}."
    return f"Everyone sees the event, and {tickets} go on sale immediately."


def _form(stored: EventSettings) -> EventForm:
    return EventForm(
        slug=stored.slug,
        name=stored.name,
        time_zone=stored.time_zone,
        phase=stored.phase,
        cover_digest=stored.cover_digest,
        has_sold=any(one.sold for one in stored.tiers),
    )


def _tier_form(one: TierSettings) -> TierForm:
    return TierForm(
        id=one.id,
        name=one.name,
        price=f"{one.price_paise / 100:.2f}".removesuffix(".00"),
        units=str(one.capacity),
        sold=f"{format_number(one.sold)} sold, {format_number(one.held)} held",
    )


def _value(sent: Mapping[str, str], name: str, *, prefix: str = "") -> object:
    typed, one = sent.get(f"{prefix}{name}", ""), EDITABLE_FACTS[name]
    if one.is_time:
        return _moment(typed, sent["time_zone"])
    if one.type is bool:
        return typed == TICKED
    if one.is_number and (typed or not one.is_nullable):
        number = parse_int(typed)
        if number is None:
            msg = f"Nothing was saved. Enter a whole number for “{one.fact.label}”."
            raise InvalidRequest(msg)
        return number
    return None if one.is_nullable and not typed else typed


def _shown(value: object, zone: str) -> str:
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
        msg = "Nothing was saved. Enter a date, a time and a time zone such as Asia/Kolkata."
        raise InvalidRequest(msg) from error


def _required(sent: Mapping[str, str], name: str) -> datetime:
    moment = _moment(sent.get(name, ""), sent.get("time_zone", HOME_ZONE))
    if moment is None:
        msg = "Nothing was saved. Enter the date and time the event starts."
        raise InvalidRequest(msg)
    return moment


def _tier(sent: Mapping[str, str]) -> NewTier:
    price, units = parse_rupees(sent.get("price", "")), parse_int(sent.get("units", ""))
    if not sent.get("tier_name"):
        msg = "Nothing was saved. Enter a name for the ticket type."
        raise InvalidRequest(msg)
    if price is None:
        msg = "Nothing was saved. Enter a price in rupees such as 500 or 499.50. 0 is free."
        raise InvalidRequest(msg)
    if units is None or units > _MAX_UNITS:
        msg = "Nothing was saved. Enter how many tickets, for example 3000."
        raise InvalidRequest(msg)
    return NewTier(sent["tier_name"], price, units)
