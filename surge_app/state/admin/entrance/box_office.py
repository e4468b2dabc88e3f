"""The box office of one sale: tickets for cash, UPI or card, and complimentary tickets."""

from __future__ import annotations

from dataclasses import dataclass

import reflex as rx

from surge_app.container import current
from surge_app.errors import InvalidContact, InvalidRequest, NotFound
from surge_app.formatting import BOX_OFFICE_METHODS, format_number, rupees
from surge_app.languages import current as own_language, gettext as _
from surge_app.models import BoxOfficeMethod
from surge_app.services.checkout.contacts import ATTENDEES
from surge_app.services.checkout.email_suggestion import typo_question
from surge_app.services.checkout.views import OrderLine
from surge_app.services.events.views import EventView, TierView
from surge_app.services.payments.box_office import MAX_GIVEN, CounterBooking, CounterSale
from surge_app.state import view_models
from surge_app.state.admin.common import (
    FORM_KEY,
    LiveState,
    as_text,
    form_fields,
    organizer_action,
    parse_int,
)
from surge_app.state.admin.sale.events import where_when
from surge_app.state.email_suggestion import EmailSuggestion

_QUANTITY, _PRICE = "quantity-", "price-"


@dataclass(frozen=True)
class CounterTier:
    """A ticket type at the box office; `price_paise` is without the fee."""

    id: str = ""
    field: str = ""
    price_field: str = ""
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


class BoxOfficeState(EmailSuggestion, LiveState, rx.State):
    """The sales of an organizer at the box office.

    Attributes:
        phase: Besides the common ones draft.
        kind: cash, upi, card or given.
        total: What is to be paid, in words; empty while nothing is chosen.
        sold_ref: The booking that was sold last.
        language: Of the next buyer's messages, as it was for the last one.
    """

    event: CounterEvent = CounterEvent()
    tiers: list[CounterTier] = []
    quantities: dict[str, int] = {}
    kind: str = "cash"
    total: str = ""
    sold_ref: str = ""
    language: str = ""

    @rx.event
    async def choose(self, field: object, value: object) -> None:
        """Show the total for a typed number of tickets; the form sends its own fields."""
        if await self._organizer() is None:
            return
        if as_text(field) in {tier.field for tier in self.tiers}:
            self.quantities = {**self.quantities, as_text(field): _quantity(as_text(value)) or 0}
            self._add_up()

    @rx.event
    async def choose_kind(self, kind: object) -> None:
        """Show the total for a sale or for complimentary tickets."""
        if await self._organizer() is None:
            return
        kind = as_text(kind)
        self.kind = kind if kind in BOX_OFFICE_METHODS else "given"
        self._add_up()

    @rx.event
    @organizer_action
    async def sell(self, actor: str, form: dict[str, object]) -> str:
        """Sell what the form says, once for each form."""
        sent = form_fields(form)
        self.sold_ref = ""
        typed = {tier.field: _quantity(sent.get(tier.field, "")) for tier in self.tiers}
        quantities = {field: number for field, number in typed.items() if number is not None}
        if len(quantities) < len(typed):
            msg = _(
                "Nothing was sold. Enter whole numbers of tickets, up to {most} of a type.",
                most=MAX_GIVEN,
            )
            raise InvalidRequest(msg)
        if not any(quantities.values()):
            raise InvalidRequest(_("Nothing was sold. Enter how many tickets."))
        if sent.get("kind") not in {"given", *BOX_OFFICE_METHODS}:
            raise InvalidRequest(_("Nothing was sold. Choose how the buyer pays."))
        if sent["kind"] == "given" and sent.get("is_free") != "yes":
            msg = _("Nothing was issued. Tick the box to confirm that the tickets are free.")
            raise InvalidRequest(msg)
        try:
            sold = await current().box_office.sell(
                self._subject(),
                self._sale(sent, quantities),
                key=sent.get(FORM_KEY, ""),
                actor=actor,
            )
        except InvalidContact as error:
            raise InvalidContact(_by_field(error)) from error
        # The next buyer mostly pays the same way, and free tickets stay the exception.
        self.sold_ref, self.quantities, self.kind = sold.ref, {}, sold.method or "cash"
        self.language = as_text(sent.get("language"))
        current().dashboard.invalidate(self.event.slug)
        self.suggestion = ""
        return _sold(sold) + typo_question(sent.get("email", ""))

    def _sale(self, sent: dict[str, str], quantities: dict[str, int]) -> CounterSale:
        kind = sent.get("kind", "")
        method = None if kind == "given" else BoxOfficeMethod(kind)
        names = iter(sent.get("attendees", "").splitlines())
        lines: list[OrderLine] = []
        attendees: dict[str, list[str]] = {}
        for tier in self.tiers:
            if quantity := quantities[tier.field]:
                lines.append(OrderLine(tier.id, quantity))
                attendees[tier.id] = [next(names, "") for number in range(quantity)]
        # The prices beside the numbers when they were sent; another one is refused.
        cost = sum(
            (parse_int(sent.get(f"{_PRICE}{tier.id}", "")) or 0) * quantities[tier.field]
            for tier in self.tiers
        )
        return CounterSale(
            lines=lines,
            cash_paise=None if method is None else cost,
            method=method or BoxOfficeMethod.CASH,
            reference=sent.get("reference", ""),
            name=sent.get("name", ""),
            email=sent.get("email", ""),
            phone=sent.get("phone", ""),
            language=sent.get("language", ""),
            attendees=attendees if self.event.asks_names else {},
        )

    def _add_up(self) -> None:
        number = sum(self.quantities.values())
        tickets = view_models.tickets(number)
        cost = sum(tier.price_paise * self.quantities.get(tier.field, 0) for tier in self.tiers)
        if not number:
            self.total = ""
        elif self.kind == "given":
            self.total = _("{tickets}, free of charge", tickets=tickets)
        else:
            how = _(BOX_OFFICE_METHODS[self.kind][1])
            self.total = _(
                "{tickets}: take {money} {how}", tickets=tickets, money=rupees(cost), how=how
            )

    async def _read(self) -> None:
        slug = self._subject()
        try:
            event = await current().catalog.event(slug)
        except NotFound:
            is_draft = await current().organizer.exists(slug)
            self.event, self.phase = CounterEvent(slug), "draft" if is_draft else "missing"
            return
        self._set_changed(event=_event(event), tiers=[_tier(tier) for tier in event.tiers])
        self._add_up()
        self.language = self.language or own_language().tag
        self.phase = "ready"


def _quantity(typed: str) -> int | None:
    number = parse_int(typed or "0")
    return number if number is not None and number <= MAX_GIVEN else None


def _event(event: EventView) -> CounterEvent:
    return CounterEvent(
        slug=event.slug,
        name=event.name,
        where_when=where_when(event.starts_at, event.time_zone, event.venue),
        asks_names=event.ask_attendee_names,
        is_cancelled=event.status == "cancelled",
    )


def _tier(tier: TierView) -> CounterTier:
    return CounterTier(
        id=tier.id,
        field=f"{_QUANTITY}{tier.id}",
        price_field=f"{_PRICE}{tier.id}",
        name=tier.name,
        note=_(
            "{price} each · {available} available, {held} held",
            price=rupees(tier.price_paise) if tier.price_paise else _("free"),
            available=format_number(tier.available),
            held=format_number(tier.held),
        ),
        price_paise=tier.price_paise,
    )


def _by_field(error: InvalidContact) -> dict[str, str]:
    """Return the sentences by field of the form, where all attendees share one."""
    return {
        "attendees" if name.startswith(ATTENDEES) else name: sentence
        for name, sentence in error.fields.items()
    }


def _sold(sold: CounterBooking) -> str:
    tickets = view_models.tickets(sold.tickets)
    if sold.channel == "complimentary":
        return _("{tickets} issued free of charge. Booking {ref}.", tickets=tickets, ref=sold.ref)
    known = BOX_OFFICE_METHODS.get(sold.method)
    money = rupees(sold.total_paise)
    return _(
        "{tickets} sold for {money}. Booking {ref}.",
        tickets=tickets,
        money=f"{money} {_(known[1])}" if known else money,
        ref=sold.ref,
    )
