"""The box office: tickets sold for cash, UPI or card, and tickets given away.

The units are claimed as online; no pass and no gateway is needed. Intent, payment,
booking, tickets, ledger and messages are one transaction, named by a key, so that a button that
is pressed twice sells once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from surge_app.clock import new_id, utc_now
from surge_app.db.bookings import records as booking_queries
from surge_app.db.checkout import intents as intent_queries
from surge_app.db.engine import Database
from surge_app.db.events import catalog as catalog_queries
from surge_app.db.payments import payment_start
from surge_app.db.payments.payment_start import Buyer
from surge_app.db.payments.settlement import SettlementContext
from surge_app.errors import BuyerLimit, InvalidRequest, NotFound, NotOnSale, PriceChanged
from surge_app.formatting import BOX_OFFICE_METHODS, rupees, tickets
from surge_app.languages import DEFAULT, chosen, gettext as _
from surge_app.models import (
    AuditEntry,
    Booking,
    BoxOfficeMethod,
    Disposition,
    Event,
    EventPhase,
    Intent,
    IntentLine,
    Payment,
    PaymentSource,
    PaymentStatus,
    SalesChannel,
    Tier,
)
from surge_app.services.checkout import claims
from surge_app.services.checkout.contacts import Contacts
from surge_app.services.checkout.holds import merge_lines
from surge_app.services.checkout.views import Contact, OrderLine
from surge_app.services.events.catalog import Catalog
from surge_app.services.payments import settlement_writer
from surge_app.services.payments.settlement_writer import SettlementBatch

MAX_GIVEN = 100
_DEFAULT_NAME = "Guest"
_MAX_KEY_LENGTH = 100
_MAX_REFERENCE_LENGTH = 60
# It is sold before this transaction ends; the row only wants a deadline.
_PLACEHOLDER_WINDOW = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class CounterSale:
    """An order at the counter.

    Attributes:
        cash_paise: What the buyer paid, in whatever way; None for tickets that are given away.
        method: How it was paid, with the `reference` of the UPI payment or the card slip, if noted.
        name: Of whom the tickets are for; email and phone may be empty, as this may.
        attendees: Names as typed, by tier id.
        language: Of the buyer's messages and tickets; English if it is not offered.
    """

    lines: Sequence[OrderLine]
    cash_paise: int | None
    method: BoxOfficeMethod = BoxOfficeMethod.CASH
    reference: str = ""
    name: str = ""
    email: str = ""
    phone: str = ""
    attendees: Mapping[str, Sequence[str]] = field(default_factory=dict[str, Sequence[str]])
    language: str = DEFAULT.tag

    @property
    def is_given(self) -> bool:
        """Return whether the tickets are free."""
        return self.cash_paise is None

    @property
    def channel(self) -> SalesChannel:
        """The channel of the booking."""
        return SalesChannel.COMPLIMENTARY if self.is_given else SalesChannel.BOX_OFFICE


@dataclass(frozen=True, slots=True)
class CounterBooking:
    """The sold booking; `is_new` is False for a repeated request, `method` empty for free ones."""

    ref: str
    channel: str
    method: str
    total_paise: int
    tickets: int
    is_new: bool


@dataclass(frozen=True, slots=True)
class _CheckedSale:
    """A sale whose parts were looked at before the transaction; `lines` each name a tier once."""

    sale: CounterSale
    lines: Sequence[OrderLine]
    contact: Contact
    key: str
    actor: str

    @property
    def quantity(self) -> int:
        return sum(line.quantity for line in self.lines)


class BoxOffice:
    """Sells at the counter."""

    def __init__(self, database: Database, catalog: Catalog, contacts: Contacts) -> None:
        self._database = database
        self._catalog = catalog
        self._contacts = contacts

    async def sell(self, slug: str, sale: CounterSale, *, key: str, actor: str) -> CounterBooking:
        """Sell tickets without the booking fee, or give them away.

        Windows of sale and the limits of a tier are for buying online; the limit for a person
        holds for sold tickets as well, and counts what they have by email or phone.

        Args:
            key: Names this press of the button; the same one again answers with the same booking.

        Raises:
            InvalidContact: If a field needs another look.
            InvalidRequest: If nothing, too much or something unknown is wanted, or the key was
                used for something else.
            NotFound: If there is no such event, or it is a draft.
            NotOnSale: If the event was cancelled.
            PersonLimit: If the person would have too many tickets.
            PriceChanged: If the tickets cost another amount than was taken.
            SurgeError: Sold out, all held, not enough left.
        """
        if not key or len(key) > _MAX_KEY_LENGTH:
            msg = _("A sale needs a key of at most 100 characters that no other sale has.")
            raise InvalidRequest(msg)
        if len(sale.reference) > _MAX_REFERENCE_LENGTH or not sale.reference.isprintable():
            msg = _("Nothing was sold. Enter a reference of at most 60 letters and numbers.")
            raise InvalidRequest(msg)
        lines = merge_lines(sale.lines)
        contact = self._contacts.check(
            name=sale.name.strip() or _DEFAULT_NAME,
            email=sale.email,
            phone=sale.phone,
            attendees=sale.attendees,
            may_lack_address=True,
        )
        order = _CheckedSale(sale, lines, contact, key, actor)
        try:
            sold, batch = await claims.retry_contended(lambda: self._sell(slug, order))
        except IntegrityError as error:
            if "uq_intents_request_key" not in str(error.orig):
                raise
            # The other press was a moment faster, and is done.
            sold, batch = await self._sell(slug, order)
        settlement_writer.log_outcome(batch)
        self._catalog.invalidate()
        return sold

    async def _sell(self, slug: str, order: _CheckedSale) -> tuple[CounterBooking, SettlementBatch]:
        batch = SettlementBatch()
        async with self._database.transaction() as session:
            event = await catalog_queries.event_by_slug(session, slug)
            if event is None or event.phase == EventPhase.DRAFT:
                raise NotFound
            before = await intent_queries.sold_at_the_counter(session, order.key)
            if before is not None:
                return await _repeat_of(session, event, order, *before), batch
            intent = await _intent(session, event, order)
            await _check_buyer(session, event, intent, order)
            await claims.claim(session, intent_id=intent.id, lines=order.lines)
            session.expunge_all()
            booking = _add_booking(batch, event, intent, order)
            await settlement_writer.flush(session, batch)
            session.add(_audit_entry(booking, order))
        return _to_booking(booking, order, is_new=True), batch


async def _intent(session: AsyncSession, event: Event, order: _CheckedSale) -> Intent:
    if event.phase == EventPhase.CANCELLED:
        raise NotOnSale(_("This event is cancelled."), status="cancelled")
    tiers = (await catalog_queries.tiers(session, [event.id])).get(event.id, [])
    prices = _prices({tier.id: tier for tier in tiers}, order)
    total = sum(prices[line.tier_id] * line.quantity for line in order.lines)
    cash_paise, contact = order.sale.cash_paise, order.contact
    if cash_paise is not None and cash_paise != total:
        msg = _(
            "Nothing was sold. These tickets cost {total}, not {cash}. Check the new total, then "
            "sell again.",
            total=rupees(total),
            cash=rupees(cash_paise),
        )
        raise PriceChanged(msg, total_paise=total)
    intent = Intent(
        event_id=event.id,
        # A visitor has one live hold, but a counter has many sales at a time.
        visitor_id=f"counter-{new_id()}",
        subtotal_paise=total,
        fee_paise=0,
        total_paise=total,
        currency=event.currency,
        expires_at=utc_now() + _PLACEHOLDER_WINDOW,
        name=contact.name,
        email=contact.email or None,
        phone=contact.phone or None,
        request_key=order.key,
        attendee_names={tier: list(names) for tier, names in contact.attendees} or None,
        language=chosen(order.sale.language) or DEFAULT.tag,
    )
    session.add(intent)
    # The key decides here who was first, before a single unit is taken.
    await session.flush()
    session.add_all(
        IntentLine(
            intent_id=intent.id,
            tier_id=line.tier_id,
            quantity=line.quantity,
            unit_price_paise=prices[line.tier_id],
        )
        for line in order.lines
    )
    await session.flush()
    return intent


def _prices(tiers: Mapping[str, Tier], order: _CheckedSale) -> Mapping[str, int]:
    if any(line.tier_id not in tiers for line in order.lines):
        raise InvalidRequest(_("There is no such ticket type."))
    return {
        line.tier_id: 0 if order.sale.is_given else tiers[line.tier_id].price_paise
        for line in order.lines
    }


async def _check_buyer(
    session: AsyncSession, event: Event, intent: Intent, order: _CheckedSale
) -> None:
    limit = event.max_per_person
    if order.sale.is_given:
        if order.quantity > MAX_GIVEN:
            msg = _(
                "Nothing was issued. Enter at most {most} free tickets at a time.", most=MAX_GIVEN
            )
            raise InvalidRequest(msg)
        return
    if order.quantity > limit:
        most = tickets(limit)
        msg = _("Maximum {tickets} per person. Nothing was sold. Choose fewer.", tickets=most)
        raise BuyerLimit(msg, max_per_person=limit)
    if not (intent.email or intent.phone):
        return
    contact = order.contact
    buyer = Buyer(intent.id, event.id, contact.name, contact.email, contact.phone)
    bought = (await payment_start.purchase_histories(session, [buyer]))[intent.id].bought
    if bought + order.quantity > limit:
        msg = _(
            "This buyer already has {tickets}. The limit is {limit} per person.",
            tickets=tickets(bought),
            limit=limit,
        )
        raise BuyerLimit(msg, max_per_person=limit)


def _add_booking(
    batch: SettlementBatch, event: Event, intent: Intent, order: _CheckedSale
) -> Booking:
    payment = None
    if intent.total_paise:
        payment = Payment(
            id=f"cash_{intent.id}",
            intent_id=intent.id,
            order_id=f"counter_{intent.id}",
            amount_paise=intent.total_paise,
            currency=intent.currency,
            status=PaymentStatus.CAPTURED,
            source=PaymentSource.BOX_OFFICE,
            disposition=Disposition.APPLIED,
            method=order.sale.method,
            reference=order.sale.reference.strip() or None,
            taken_by=order.actor,
            settled_at=utc_now(),
        )
        batch.payments[payment.id] = payment
    context = SettlementContext(
        intent=intent,
        event=event,
        quantity=order.quantity,
        payments={},
        booking_ref=None,
        booking_status=None,
    )
    settlement_writer.add_booking(batch, context, payment, channel=order.sale.channel)
    return batch.sold[0][2]


async def _repeat_of(
    session: AsyncSession, event: Event, order: _CheckedSale, intent: Intent, booking: Booking
) -> CounterBooking:
    rows = await intent_queries.lines(session, intent.id)
    lines = sorted((line.tier_id, line.quantity) for line, _ in rows)
    is_same = (
        booking.event_id == event.id
        and lines == [(line.tier_id, line.quantity) for line in order.lines]
        and booking.channel == order.sale.channel
        and booking.name == order.contact.name
    )
    if not is_same:
        raise InvalidRequest(_("This key was used for another sale."))
    paid = await booking_queries.applied_payment(session, intent.id)
    if paid is not None and paid.method != order.sale.method:
        msg = _(
            "These tickets are sold already, paid {how}. Booking {ref}.",
            how=_how(paid.method),
            ref=booking.ref,
        )
        raise InvalidRequest(msg)
    return _to_booking(booking, order, is_new=False)


def _to_booking(booking: Booking, order: _CheckedSale, *, is_new: bool) -> CounterBooking:
    return CounterBooking(
        ref=booking.ref,
        channel=booking.channel,
        method=order.sale.method if booking.total_paise else "",
        total_paise=booking.total_paise,
        tickets=order.quantity,
        is_new=is_new,
    )


def _how(method: str | None) -> str:
    return BOX_OFFICE_METHODS[method or BoxOfficeMethod.CASH][1]


def _audit_entry(booking: Booking, order: _CheckedSale) -> AuditEntry:
    after: dict[str, object] = {"tickets": order.quantity, "total_paise": booking.total_paise}
    if booking.total_paise:
        after["method"] = str(order.sale.method)
    if reference := order.sale.reference.strip():
        after["reference"] = reference
    return AuditEntry(
        actor=order.actor,
        action="booking.give" if order.sale.is_given else "booking.sell",
        subject=booking.ref,
        after=after,
    )
