"""An event in the hands of its organizer: made, changed, published, copied, cancelled."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

import reflex as rx

from surge_app.container import current
from surge_app.errors import InvalidRequest, NotFound, SurgeError
from surge_app.formatting import format_number, rupees
from surge_app.services.admin.event_admin import EventSettings, TierSettings
from surge_app.services.events.new_event import NewEvent, NewTier
from surge_app.state import session
from surge_app.state.admin.common import ConsoleState, form_fields, parse_int

_HOME = "Asia/Kolkata"
_TEXTS = (
    "name",
    "venue",
    "description",
    "refund_policy",
    "organizer_name",
    "organizer_email",
    "organizer_phone",
)


@dataclass(frozen=True)
class EventForm:
    """An event as its form shows it; times are those of its zone, without an offset."""

    slug: str = ""
    name: str = ""
    venue: str = ""
    description: str = ""
    time_zone: str = _HOME
    starts_at: str = ""
    sales_open_at: str = ""
    sales_close_at: str = ""
    max_per_person: str = "6"
    refund_policy: str = ""
    organizer_name: str = ""
    organizer_email: str = ""
    organizer_phone: str = ""
    phase: str = "draft"
    has_sold: bool = False
    cover_digest: str = ""


@dataclass(frozen=True)
class TierForm:
    """A tier as its form shows it; `sold` tells what can no longer be taken away."""

    id: str = ""
    name: str = ""
    price: str = ""
    units: str = ""
    sold: str = ""


class EventEditorState(ConsoleState, rx.State):
    """The event one organizer edits.

    Attributes:
        phase: loading, new, ready, signed_out or missing.
        leave_to: An address to go on to.
        cancelling: How far the refunds are, in words; empty unless it was cancelled.
        cancelled_percent: The same as a number.
    """

    event: EventForm = EventForm()
    tiers: list[TierForm] = []
    done: str = ""
    problem: str = ""
    leave_to: str = ""
    cancelling: str = ""
    cancelled_percent: float = 0

    @rx.event
    async def load(self) -> None:
        """Show the event named by the address, or an empty form."""
        self.reset()
        await self._read()

    @rx.event
    async def refresh(self) -> None:
        """Take fresh figures of a cancellation."""
        if await self._organizer() is not None and self.event.phase == "cancelled":
            await self._read()

    @rx.event
    async def create(self, form: dict[str, object]) -> None:
        """Make a draft of what was typed."""
        admin = await self._organizer()
        if admin is None:
            return
        sent = form_fields(form)
        try:
            new = NewEvent(
                slug=sent.get("slug", ""),
                tiers=(_tier(sent),),
                is_draft=True,
                time_zone=sent.get("time_zone", _HOME),
                starts_at=_required(sent, "starts_at"),
                name=sent.get("name", ""),
                venue=sent.get("venue", ""),
            )
            slug = await current().organizer.create(new, actor=admin)
            self.leave_to = f"/admin/events/{slug}/edit"
        except SurgeError as error:
            self._refused(error)

    @rx.event
    async def save(self, form: dict[str, object]) -> None:
        """Change what was typed."""
        admin = await self._organizer()
        if admin is None:
            return
        sent = form_fields(form)
        try:
            changes: dict[str, object] = {name: sent.get(name, "") for name in _TEXTS}
            zoned = {**sent, "time_zone": self.event.time_zone}
            changes["starts_at"] = _required(zoned, "starts_at")
            changes["sales_open_at"] = _moment(zoned, "sales_open_at")
            changes["sales_close_at"] = _moment(zoned, "sales_close_at")
            changes["max_per_person"] = _number(sent, "max_per_person", least=1, most=100)
            if not (sent.get("name") and sent.get("venue")):
                msg = "An event needs a name and a venue."
                raise InvalidRequest(msg)
            await current().organizer.change(self._slug(), changes, actor=admin)
        except SurgeError as error:
            self._refused(error)
            return
        await self._did("Saved. Attendees see it at once.")

    @rx.event
    async def save_tier(self, form: dict[str, object]) -> None:
        """Change a tier, or add one."""
        admin = await self._organizer()
        if admin is None:
            return
        sent = form_fields(form)
        stock = current().stock
        try:
            wanted = _tier(sent)
            tier_id = sent.get("tier_id", "")
            if tier_id:
                changes = {
                    "name": wanted.name,
                    "price_paise": wanted.price_paise,
                    "units": wanted.units,
                }
                await stock.change_tier(self._slug(), tier_id, changes, actor=admin)
            else:
                await stock.add_tier(self._slug(), wanted, actor=admin)
        except SurgeError as error:
            self._refused(error)
            return
        await self._did("Saved. Holds that are running keep their price.")

    @rx.event
    async def publish(self) -> None:
        """Show the draft to everybody."""
        admin = await self._organizer()
        if admin is None:
            return
        try:
            await current().lifecycle.publish(self._slug(), actor=admin)
        except SurgeError as error:
            self._refused(error)
            return
        await self._did("Published.")

    @rx.event
    async def duplicate(self, form: dict[str, object]) -> None:
        """Copy the event to another address and date."""
        admin = await self._organizer()
        if admin is None:
            return
        sent = {**form_fields(form), "time_zone": self.event.time_zone}
        try:
            copy = await current().lifecycle.duplicate(
                self._slug(),
                new_slug=sent.get("slug", ""),
                starts_at=_required(sent, "starts_at"),
                actor=admin,
            )
        except SurgeError as error:
            self._refused(error)
            return
        self.leave_to = f"/admin/events/{copy}/edit"

    @rx.event
    async def cancel(self, form: dict[str, object]) -> None:
        """Cancel the event and refund everybody, if its address was typed to confirm it."""
        admin = await self._organizer()
        if admin is None:
            return
        if form_fields(form).get("confirm") != self._slug():
            self.done, self.problem = "", "Type the address of the event to confirm it."
            return
        try:
            await current().lifecycle.cancel(self._slug(), actor=admin)
        except SurgeError as error:
            self._refused(error)
            return
        await self._did("Cancelled. Every booking is being refunded, and everybody is told.")

    def _slug(self) -> str:
        return session.path_param(self, 2)

    def _refused(self, error: SurgeError) -> None:
        self.done, self.problem = "", error.message

    async def _did(self, done: str) -> None:
        self.done, self.problem = done, ""
        await self._read()

    async def _read(self) -> None:
        if await self._organizer() is None:
            return
        if self._slug() == "new":
            self.phase = "new"
            return
        try:
            found = await current().organizer.settings(self._slug())
            progress = await current().lifecycle.cancellation(self._slug())
        except NotFound:
            self.phase = "missing"
            return
        self.event, self.tiers = _form(found), [_tier_form(one) for one in found.tiers]
        total = progress.waiting + progress.on_their_way + progress.done
        self.cancelling = ""
        if found.phase == "cancelled":
            self.cancelling = (
                f"{format_number(progress.done)} of {format_number(total)} bookings refunded, "
                f"{format_number(progress.on_their_way)} on their way, "
                f"{format_number(progress.waiting)} to go."
            )
            self.cancelled_percent = round(progress.done / total * 100, 1) if total else 100
        self.phase = "ready"


def _form(found: EventSettings) -> EventForm:
    texts = {name: getattr(found, name) for name in _TEXTS}
    zone = found.time_zone
    return EventForm(
        slug=found.slug,
        time_zone=zone,
        starts_at=_local(found.starts_at, zone),
        sales_open_at=_local(found.sales_open_at, zone),
        sales_close_at=_local(found.sales_close_at, zone),
        max_per_person=str(found.max_per_person),
        phase=found.phase,
        cover_digest=found.cover_digest,
        has_sold=any(one.sold for one in found.tiers),
        **texts,
    )


def _tier_form(one: TierSettings) -> TierForm:
    price = one.price_paise / 100
    return TierForm(
        id=one.id,
        name=one.name,
        price=f"{price:.2f}".removesuffix(".00"),
        units=str(one.capacity),
        sold=(
            f"{format_number(one.sold)} sold, {format_number(one.held)} on hold, "
            f"{rupees(one.price_paise)}"
        ),
    )


def _local(moment: datetime | None, zone: str) -> str:
    return f"{moment.astimezone(ZoneInfo(zone)):%Y-%m-%dT%H:%M}" if moment else ""


def _moment(sent: Mapping[str, str], name: str) -> datetime | None:
    typed = sent.get(name, "")
    if not typed:
        return None
    try:
        moment = datetime.fromisoformat(typed)
        return moment.replace(tzinfo=ZoneInfo(sent.get("time_zone", _HOME)))
    except (ValueError, KeyError, OSError) as error:
        msg = "A date, a time and a time zone such as Asia/Kolkata are needed."
        raise InvalidRequest(msg) from error


def _required(sent: Mapping[str, str], name: str) -> datetime:
    moment = _moment(sent, name)
    if moment is None:
        msg = "An event needs a day and a time at which it starts."
        raise InvalidRequest(msg)
    return moment


def _number(sent: Mapping[str, str], name: str, *, least: int, most: int) -> int:
    number = parse_int(sent.get(name, ""))
    if number is None or not least <= number <= most:
        msg = f"{name.replace('_', ' ').capitalize()} is a whole number from {least} to {most}."
        raise InvalidRequest(msg)
    return number


def _tier(sent: Mapping[str, str]) -> NewTier:
    rupees_typed, _, paise_typed = sent.get("price", "").partition(".")
    price = parse_int(rupees_typed)
    paise = parse_int(paise_typed.ljust(2, "0")) if len(paise_typed) <= 2 else None  # noqa: PLR2004  a rupee has 100 paise
    units = _number(sent, "units", least=0, most=1_000_000)
    if price is None or paise is None or not sent.get("tier_name"):
        msg = "A tier needs a name, and a price in rupees such as 500 or 499.50; 0 is free."
        raise InvalidRequest(msg)
    return NewTier(sent["tier_name"], price * 100 + paise, units)
