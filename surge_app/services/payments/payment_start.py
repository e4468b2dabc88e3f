"""The start of a payment: who pays, whether they may, and the one order of their hold."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from surge_app.db.engine import Database
from surge_app.db.group_commit import Batcher
from surge_app.db.payments import payment_start as queries
from surge_app.db.payments.payment_start import OrderCreated, PaymentBegun, Person, PurchaseHistory
from surge_app.errors import (
    GatewayUnavailable,
    IntentExpired,
    InvalidContact,
    NotFound,
    NotOnSale,
    PaymentBeingChecked,
    PaymentStarted,
    PersonLimit,
    SurgeError,
)
from surge_app.models import LIVE_INTENT_STATUSES, Event, EventPhase, Intent, IntentStatus
from surge_app.observability.log import get_logger
from surge_app.services.checkout.contacts import missing_attendees
from surge_app.services.checkout.views import Contact
from surge_app.services.payments.settlement import Settlement
from surge_app.services.payments.views import CheckoutView, PaymentOutcome
from surge_app.services.vendors.circuit_breaker import CircuitBreaker
from surge_app.services.vendors.ports import PaymentGateway, ProviderError
from surge_app.services.waiting_room.service import WaitingRoom

_log = get_logger(__name__)

_MODAL_CLOSES_EARLY_SECONDS = 15
_LEASE_SLACK = timedelta(seconds=60)
_TRIES = 3
_MOST_TOGETHER = 100
_FLIGHTS = 2
_MOST_RIVALS = 5


@dataclass(frozen=True, slots=True)
class StartRequest:
    """Somebody wants to pay for an intent."""

    intent_id: str
    visitor_id: str
    contact: Contact


@dataclass(frozen=True, slots=True)
class ReadyToPay:
    """An intent that may be paid for, or is confirmed already.

    Attributes:
        rivals: Other orders of the same person that may be paid, or be being paid.
    """

    intent: Intent
    event: Event
    now: datetime
    rivals: tuple[str, ...]


class PaymentStarter:
    """Starts payments; callers that wait together share the transactions before and after.

    Args:
        database: Where intents are.
        gateway: Makes the orders.
        waiting_room: Lets a pass last as long as the payment may.
        settlement: Books what costs nothing.
        outages: Says when no payment is to be started.
        ask: Asks the gateway about an order and settles what it says.
    """

    def __init__(
        self,
        database: Database,
        gateway: PaymentGateway,
        waiting_room: WaitingRoom,
        settlement: Settlement,
        outages: CircuitBreaker,
        *,
        ask: Callable[[str], Awaitable[PaymentOutcome]],
    ) -> None:
        self._database = database
        self._gateway = gateway
        self._waiting_room = waiting_room
        self._settlement = settlement
        self._outages = outages
        self._ask = ask
        self._ready = Batcher(self._make_ready, most=_MOST_TOGETHER, flights=_FLIGHTS)
        self._begun = Batcher(self._begin, most=_MOST_TOGETHER, flights=_FLIGHTS)

    async def start(self, intent_id: str, visitor_id: str, contact: Contact) -> CheckoutView:
        """Prepare the payment of a live hold; see `Payments.start`."""
        for _ in range(_TRIES):
            ready = await self._ready.submit(StartRequest(intent_id, visitor_id, contact))
            intent, event = ready.intent, ready.event
            if intent.status == IntentStatus.CONFIRMED or intent.total_paise == 0:
                return await self._booked(ready, contact)
            await self._outages.require_none()
            await self._require_no_other(ready)
            begun = await self._begin_once(intent, event, ready.now)
            if begun is not None:
                return await self._checkout(ready, begun, contact)
        # Another tab keeps changing the tickets; no order may differ from what is held.
        raise PaymentStarted

    async def _begin_once(self, intent: Intent, event: Event, now: datetime) -> PaymentBegun | None:
        if intent.order_id is not None and intent.status == IntentStatus.PAYING:
            return PaymentBegun(intent.order_id, intent.total_paise, intent.expires_at, now)
        order_id = intent.order_id or await self._order(intent)
        # The hold may end, or its tickets be changed, while the gateway is answering.
        return await self._begun.submit(
            OrderCreated(intent.id, order_id, intent.total_paise, event.payment_seconds)
        )

    async def _checkout(
        self, ready: ReadyToPay, begun: PaymentBegun, contact: Contact
    ) -> CheckoutView:
        event = ready.event
        _log.info("payment_started", intent=ready.intent.id, order=begun.order_id)
        remaining = max(0, int((begun.expires_at - begun.now).total_seconds()))
        lease = timedelta(seconds=remaining) + _LEASE_SLACK
        await self._waiting_room.extend_pass(event.slug, ready.intent.visitor_id, lease=lease)
        return CheckoutView(
            key_id=self._gateway.key_id,
            order_id=begun.order_id,
            amount_paise=begun.total_paise,
            currency=ready.intent.currency,
            name=event.name,
            description=f"Tickets for {event.name}",
            prefill=contact,
            timeout_seconds=max(1, remaining - _MODAL_CLOSES_EARLY_SECONDS),
            script_url=self._gateway.checkout_script_url,
            booking_ref=None,
        )

    async def _booked(self, ready: ReadyToPay, contact: Contact) -> CheckoutView:
        """Return the booking of what costs nothing, or was paid already: no window opens."""
        outcome = await self._settlement.confirm_free(ready.intent.id)
        if outcome.booking_ref is None:
            raise IntentExpired
        return CheckoutView(
            key_id=self._gateway.key_id,
            order_id=None,
            amount_paise=0,
            currency=ready.intent.currency,
            name=ready.event.name,
            description=f"Tickets for {ready.event.name}",
            prefill=contact,
            timeout_seconds=0,
            script_url=self._gateway.checkout_script_url,
            booking_ref=outcome.booking_ref,
        )

    async def _require_no_other(self, ready: ReadyToPay) -> None:
        """Refuse a second order while an earlier one of the same person may be paid.

        Whether it is, only the gateway knows: an order that nobody has tried to pay is no reason.
        """
        for order_id in ready.rivals[:_MOST_RIVALS]:
            outcome = await self._ask(order_id)
            if outcome.booking_ref is not None:
                # A stranger may type anyone's email: only the buyer's own browser is told which.
                is_own = await self._is_of_visitor(order_id, ready.intent.visitor_id)
                details = {"booking_ref": outcome.booking_ref} if is_own else {}
                msg = "Your earlier payment for this event has just come through. Check your email."
                raise PaymentBeingChecked(msg, **details)
            if outcome.status == "checking":
                raise PaymentBeingChecked

    async def _is_of_visitor(self, order_id: str, visitor_id: str) -> bool:
        async with self._database.transaction() as session:
            return await queries.owner_of_order(session, order_id) == visitor_id

    async def _order(self, intent: Intent) -> str:
        try:
            order = await self._gateway.create_order(
                receipt=f"{intent.id}-{intent.total_paise}",
                amount_paise=intent.total_paise,
                currency=intent.currency,
            )
        except ProviderError as error:
            _log.warning("order_failed", intent=intent.id, error=str(error))
            await self._outages.require_none()
            raise GatewayUnavailable from error
        return order.id

    async def _make_ready(
        self, wishes: Sequence[StartRequest]
    ) -> Sequence[ReadyToPay | BaseException]:
        answers: dict[StartRequest, ReadyToPay | BaseException] = {}
        waiting = list(dict.fromkeys(wishes))
        while waiting:
            together, waiting = _apart(waiting)
            async with self._database.transaction() as session:
                found = await queries.locked_intents(session, {one.intent_id for one in together})
                persons = {
                    wish: _person(wish, *found[wish.intent_id])
                    for wish in together
                    if wish.intent_id in found
                }
                standings = await queries.purchase_histories(session, list(persons.values()))
                named = [wish for wish in persons if found[wish.intent_id][1].ask_attendee_names]
                quantities = await queries.quantities(session, [one.intent_id for one in named])
                for wish in together:
                    answers[wish] = _judge(
                        wish,
                        found.get(wish.intent_id),
                        standings.get(wish.intent_id),
                        quantities.get(wish.intent_id, {}),
                    )
                await queries.record_order(
                    session,
                    [person for wish, person in persons.items() if _is_live(answers[wish])],
                )
        return [answers[wish] for wish in wishes]

    async def _begin(self, orders: Sequence[OrderCreated]) -> Sequence[PaymentBegun | None]:
        async with self._database.transaction() as session:
            begun = await queries.begin_payment(session, orders)
        return [begun.get(one.intent_id) for one in orders]


def _apart(wishes: Sequence[StartRequest]) -> tuple[list[StartRequest], list[StartRequest]]:
    """Split wishes into some of different people and intents, and those that come after them.

    One person's wishes are looked at one after the other: each counts what the last one wrote.
    """
    seen: set[str] = set()
    first: list[StartRequest] = []
    later: list[StartRequest] = []
    for wish in wishes:
        keys = {wish.intent_id, wish.contact.email, wish.contact.phone}
        (later if seen & keys else first).append(wish)
        seen |= keys
    return first, later


def _person(wish: StartRequest, intent: Intent, event: Event) -> Person:
    contact = wish.contact
    attendees = dict(contact.attendees) if event.ask_attendee_names else None
    return Person(intent.id, event.id, contact.name, contact.email, contact.phone, attendees)


def _is_live(answer: ReadyToPay | BaseException) -> bool:
    return isinstance(answer, ReadyToPay) and answer.intent.status in LIVE_INTENT_STATUSES


def _judge(
    wish: StartRequest,
    found: tuple[Intent, Event] | None,
    standing: PurchaseHistory | None,
    quantities: Mapping[str, int],
) -> ReadyToPay | SurgeError:
    """Say whether a visitor may pay for an intent.

    Args:
        wish: What the visitor wants.
        found: The intent and its event, if there is one.
        standing: What else the person has.
        quantities: Tickets by tier, if each needs the name of who comes; else nothing.
    """
    if found is None or standing is None or found[0].visitor_id != wish.visitor_id:
        return NotFound()
    intent, event = found
    if intent.status == IntentStatus.CONFIRMED:
        return ReadyToPay(intent, event, standing.now, ())
    if intent.status not in LIVE_INTENT_STATUSES or intent.expires_at <= standing.now:
        return IntentExpired()
    if event.phase == EventPhase.CANCELLED:
        return NotOnSale(status="cancelled")
    if standing.others + standing.own > event.max_per_person:
        msg = (
            f"With this email or mobile number, {standing.others} tickets are held or bought "
            f"already; one person may buy at most {event.max_per_person}."
        )
        return PersonLimit(msg, max_per_person=event.max_per_person)
    missing = missing_attendees(wish.contact, quantities)
    ready = ReadyToPay(intent, event, standing.now, standing.rivals)
    return InvalidContact(missing) if missing else ready
