"""The counter of one sale: tickets for cash, and tickets that are given away."""

from __future__ import annotations

from dataclasses import dataclass

import reflex as rx

from surge_app.clock import new_id
from surge_app.container import current
from surge_app.errors import InvalidContact, NotFound, SurgeError
from surge_app.formatting import format_number, rupees
from surge_app.services.checkout.contacts import ATTENDEES
from surge_app.services.checkout.views import OrderLine
from surge_app.services.events.views import EventView, TierView
from surge_app.services.payments.box_office import MOST_GIVEN, CounterBooking, CounterSale
from surge_app.state import session, view_models
from surge_app.state.admin.common import ConsoleState, as_text, form_fields, parse_int

_QUANTITY = "quantity-"


@dataclass(frozen=True)
class CounterTier:
    """A category at the counter; `price_paise` is what was shown, without the fee."""

    id: str = ""
    field: str = ""
    name: str = ""
    note: str = ""
    price_paise: int = 0


@dataclass(frozen=True)
class CounterEvent:
    """The event, as text."""

    slug: str = ""
    name: str = ""
    where_when: str = ""
    asks_names: bool = False
    is_cancelled: bool = False


@dataclass(frozen=True)
class Sold:
    """What was sold last, as text."""

    ref: str = ""
    what: str = ""
    again: bool = False


class BoxOfficeState(ConsoleState, rx.State):
    """What one organizer sells.

    Attributes:
        phase: loading, ready, signed_out, draft or missing.
        kind: cash or given.
        request_key: Names the next press of the button; the browser sends it along, so that a
            second press of the same form sells nothing.
        total: What is to be taken, in words; empty while nothing is chosen.
    """

    event: CounterEvent = CounterEvent()
    tiers: list[CounterTier] = []
    quantities: dict[str, int] = {}
    kind: str = "cash"
    total: str = ""
    request_key: str = ""
    sold: Sold = Sold()
    problem: str = ""
    complaints: dict[str, str] = {}

    @rx.event
    async def load(self) -> None:
        """Show what can be sold."""
        self.reset()
        self.request_key = new_id()
        await self._read()

    @rx.event
    async def refresh(self) -> None:
        """Take fresh figures."""
        await self._read()

    @rx.event
    async def choose(self, field: object, value: object) -> None:
        """Take a number of tickets, and say what they cost."""
        if await self._organizer() is None:
            return
        known = {tier.field for tier in self.tiers}
        name = as_text(field)
        if name in known:
            self.quantities = {**self.quantities, name: _quantity(as_text(value))}
            self._add_up()

    @rx.event
    async def take(self, kind: object) -> None:
        """Sell for cash, or give away."""
        if await self._organizer() is None:
            return
        self.kind = "given" if kind == "given" else "cash"
        self._add_up()

    @rx.event
    async def sell(self, form: dict[str, object]) -> None:
        """Sell what the form says, once for each form."""
        admin = await self._organizer()
        if admin is None:
            return
        sent = form_fields(form)
        quantities = {tier.field: _quantity(sent.get(tier.field, "")) for tier in self.tiers}
        if not any(quantities.values()):
            self.problem = "Say how many tickets of which category."
            return
        self.problem, self.complaints = "", {}
        sale = self._sale(sent, quantities)
        try:
            sold = await current().box_office.sell(
                session.path_param(self, 2), sale, key=sent.get("request_key", ""), actor=admin
            )
        except InvalidContact as error:
            self.complaints, self.problem = _complaints(error), error.message
            return
        except SurgeError as error:
            self.problem = error.message
            await self._read()
            return
        self.sold = _sold(sold)
        self.request_key, self.quantities = new_id(), {}
        current().board.forget(self.event.slug)
        await self._read()

    def _sale(self, sent: dict[str, str], quantities: dict[str, int]) -> CounterSale:
        names = iter(sent.get("attendees", "").splitlines())
        lines: list[OrderLine] = []
        attendees: dict[str, list[str]] = {}
        for tier in self.tiers:
            if quantity := quantities[tier.field]:
                lines.append(OrderLine(tier.id, quantity))
                attendees[tier.id] = [next(names, "") for _ in range(quantity)]
        cost = sum(tier.price_paise * quantities[tier.field] for tier in self.tiers)
        return CounterSale(
            lines=lines,
            cash_paise=None if sent.get("kind") == "given" else cost,
            name=sent.get("name", ""),
            email=sent.get("email", ""),
            phone=sent.get("phone", ""),
            attendees=attendees if self.event.asks_names else {},
        )

    def _add_up(self) -> None:
        number = sum(self.quantities.values())
        cost = sum(tier.price_paise * self.quantities.get(tier.field, 0) for tier in self.tiers)
        if not number:
            self.total = ""
        elif self.kind == "given":
            self.total = f"Give away {view_models.tickets(number)}"
        else:
            self.total = f"{view_models.tickets(number).capitalize()}: take {rupees(cost)} in cash"

    async def _read(self) -> None:
        if await self._organizer() is None:
            return
        slug = session.path_param(self, 2)
        try:
            event = await current().catalog.event(slug)
        except NotFound:
            is_draft = await current().organizer.exists(slug)
            self.event, self.phase = CounterEvent(slug), "draft" if is_draft else "missing"
            return
        except SurgeError as error:
            self.problem = error.message
            return
        shown, tiers = _event(event), [_tier(tier) for tier in event.tiers]
        # What did not change is not sent again.
        if shown != self.event:
            self.event = shown
        if tiers != self.tiers:
            self.tiers = tiers
        self._add_up()
        self.phase = "ready"


def _quantity(typed: str) -> int:
    number = parse_int(typed)
    return number if number is not None and number <= MOST_GIVEN else 0


def _event(event: EventView) -> CounterEvent:
    return CounterEvent(
        slug=event.slug,
        name=event.name,
        where_when=f"{view_models.when(event.starts_at, event.time_zone)} · {event.venue}",
        asks_names=event.ask_attendee_names,
        is_cancelled=event.status == "cancelled",
    )


def _tier(tier: TierView) -> CounterTier:
    price = rupees(tier.price_paise) if tier.price_paise else "free"
    return CounterTier(
        id=tier.id,
        field=f"{_QUANTITY}{tier.id}",
        name=tier.name,
        note=(
            f"{price} each · {format_number(tier.available)} free, "
            f"{format_number(tier.held)} on hold"
        ),
        price_paise=tier.price_paise,
    )


def _complaints(error: InvalidContact) -> dict[str, str]:
    """Return what is wrong by field of the form; all names of attendees are one field there."""
    return {
        "attendees" if name.startswith(ATTENDEES) else name: sentence
        for name, sentence in error.fields.items()
    }


def _sold(sold: CounterBooking) -> Sold:
    number = view_models.tickets(sold.tickets)
    if sold.channel == "complimentary":
        what = f"{number} given away"
    else:
        what = f"{number} sold for {rupees(sold.total_paise)} in cash"
    return Sold(sold.ref, f"{what}, booking {sold.ref}.", again=not sold.is_new)
