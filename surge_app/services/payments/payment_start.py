"""The start of a payment: who pays, whether they may, and the one order of their hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from surge_app.db.checkout import intents as intent_queries
from surge_app.db.engine import Database
from surge_app.db.group_commit import Batcher
from surge_app.db.payments import payment_start as queries
from surge_app.db.payments.payment_start import Buyer, OrderCreated, PaymentBegun, PurchaseHistory
from surge_app.errors import (
    BuyerLimit,
    GatewayUnavailable,
    IntentExpired,
    InvalidContact,
    NotFound,
    NotOnSale,
    PaymentBeingChecked,
    PaymentStarted,
    SurgeError,
)
from surge_app.formatting import tickets
from surge_app.languages import N_, current, gettext as _
from surge_app.models import LIVE_INTENT_STATUSES, Event, EventPhase, Intent, IntentStatus
from surge_app.observability.log import get_logger
from surge_app.services.checkout.contacts import missing_attendees
from surge_app.services.checkout.views import Contact
from surge_app.services.payments.gateway_queries import GatewayQueries
from surge_app.services.payments.settlement import Settlement
from surge_app.services.payments.views import CheckoutView
from surge_app.services.vendors.circuit_breaker import CircuitBreaker
from surge_app.services.vendors.ports import PaymentGateway, ProviderError
from surge_app.services.waiting_room.redis_sync import LEASE_SLACK
from surge_app.services.waiting_room.service import WaitingRoom

_log = get_logger(__name__)

_MODAL_CLOSES_EARLY_SECONDS = 15
_MAX_ATTEMPTS = 3
_MAX_COMPETING = 5


@dataclass(frozen=True, slots=True)
class StartRequest:
    """A request to pay for an intent; messages about it come in `language`."""

    intent_id: str
    visitor_id: str
    contact: Contact
    language: str


@dataclass(frozen=True, slots=True)
class ReadyToPay:
    """An intent that may be paid for, or is confirmed already.

    Attributes:
        rivals: Other orders of the same person that may be paid, or be being paid.
    """

    intent: Intent
    event: Event
    now: datetime
    competing_orders: tuple[str, ...]


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
        breaker: CircuitBreaker,
        queries: GatewayQueries,
    ) -> None:
        self._database = database
        self._gateway = gateway
        self._waiting_room = waiting_room
        self._settlement = settlement
        self._breaker = breaker
        self._gateway_queries = queries
        self._ready = Batcher(self._make_ready)
        self._begun = Batcher(self._begin)

    async def start(self, intent_id: str, visitor_id: str, contact: Contact) -> CheckoutView:
        """Prepare the payment of a live hold; see `Payments.start`."""
        request = StartRequest(intent_id, visitor_id, contact, current().tag)
        for _attempt in range(_MAX_ATTEMPTS):
            ready = await self._ready.submit(request)
            intent, event = ready.intent, ready.event
            if intent.status == IntentStatus.CONFIRMED or intent.total_paise == 0:
                return await self._booked_view(ready, contact)
            await self._breaker.require_closed()
            await self._require_no_competing_payment(ready)
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
        lease = timedelta(seconds=remaining) + LEASE_SLACK
        await self._waiting_room.extend_pass(event.slug, ready.intent.visitor_id, lease=lease)
        return CheckoutView(
            key_id=self._gateway.key_id,
            order_id=begun.order_id,
            amount_paise=begun.total_paise,
            currency=ready.intent.currency,
            name=event.name,
            description=_("Tickets for {event}", event=event.name),
            prefill=contact,
            timeout_seconds=max(1, remaining - _MODAL_CLOSES_EARLY_SECONDS),
            script_url=self._gateway.checkout_script_url,
            booking_ref=None,
        )

    async def _booked_view(self, ready: ReadyToPay, contact: Contact) -> CheckoutView:
        """Return the booking of what costs nothing, or was paid already: no window opens."""
        outcome = await self._settlement.confirm_free(ready.intent.id)
        if outcome.status == "person_limit":
            raise BuyerLimit(max_per_person=ready.event.max_per_person)
        if outcome.booking_ref is None:
            raise IntentExpired
        return CheckoutView(
            key_id=self._gateway.key_id,
            order_id=None,
            amount_paise=0,
            currency=ready.intent.currency,
            name=ready.event.name,
            description=_("Tickets for {event}", event=ready.event.name),
            prefill=contact,
            timeout_seconds=0,
            script_url=self._gateway.checkout_script_url,
            booking_ref=outcome.booking_ref,
        )

    async def _require_no_competing_payment(self, ready: ReadyToPay) -> None:
        """Refuse a second order while an earlier one of the same browser may be paid.

        Only the gateway knows. An order without an attempt is no reason, and neither is
        a stranger's: anyone may type anyone's address.
        """
        for order_id in ready.competing_orders[:_MAX_COMPETING]:
            outcome = await self._gateway_queries.settle_for_visitor(
                order_id, ready.intent.visitor_id
            )
            if outcome.booking_ref is not None:
                msg = N_(
                    "Your earlier payment for this event has just come through. Check your email."
                )
                raise PaymentBeingChecked(msg, booking_ref=outcome.booking_ref)
            if outcome.status == "checking":
                raise PaymentBeingChecked

    async def _order(self, intent: Intent) -> str:
        try:
            order = await self._gateway.create_order(
                receipt=f"{intent.id}-{intent.total_paise}",
                amount_paise=intent.total_paise,
                currency=intent.currency,
            )
        except ProviderError as error:
            _log.warning("order_failed", intent=intent.id, error=str(error))
            await self._breaker.require_closed()
            raise GatewayUnavailable from error
        return order.id

    async def _make_ready(
        self, requests: Sequence[StartRequest]
    ) -> Sequence[ReadyToPay | BaseException]:
        answers: dict[StartRequest, ReadyToPay | BaseException] = {}
        remaining = list(dict.fromkeys(requests))
        while remaining:
            current, remaining = _split_independent(remaining)
            async with self._database.planned_transaction() as session:
                wanted = {one.intent_id for one in current}
                rows = await intent_queries.with_events(session, ids=wanted)
                found = {intent.id: (intent, event) for intent, event in rows}
                named = [intent.id for intent, event in found.values() if event.ask_attendee_names]
                quantities = await queries.quantities(session, named)
                buyers = {
                    request: _buyer(
                        request, *found[request.intent_id], quantities.get(request.intent_id, {})
                    )
                    for request in current
                    if request.intent_id in found
                }
                histories = await queries.purchase_histories(session, list(buyers.values()))
                for request in current:
                    answers[request] = _check_start(
                        request,
                        found.get(request.intent_id),
                        histories.get(request.intent_id),
                        quantities.get(request.intent_id, {}),
                    )
                await queries.record_contacts(
                    session,
                    [buyer for request, buyer in buyers.items() if _is_live(answers[request])],
                )
        return [answers[request] for request in requests]

    async def _begin(self, orders: Sequence[OrderCreated]) -> Sequence[PaymentBegun | None]:
        begun = await queries.begin_payment(self._database, orders)
        return [begun.get(one.intent_id) for one in orders]


def _split_independent(
    requests: Sequence[StartRequest],
) -> tuple[list[StartRequest], list[StartRequest]]:
    """Split requests into those of distinct buyers and intents, and those that come after them.

    One person's wishes are looked at one after the other: each counts what the last one wrote.
    """
    seen: set[str] = set()
    first: list[StartRequest] = []
    later: list[StartRequest] = []
    for request in requests:
        keys = {request.intent_id, request.contact.email, request.contact.phone}
        (later if seen & keys else first).append(request)
        seen |= keys
    return first, later


def _buyer(
    request: StartRequest, intent: Intent, event: Event, quantities: Mapping[str, int]
) -> Buyer:
    """Return who pays; names of attendees are kept for the tickets of the intent alone."""
    contact = request.contact
    names = {
        tier: names[: quantities[tier]] for tier, names in contact.attendees if tier in quantities
    }
    attendees = names if event.ask_attendee_names else None
    return Buyer(
        intent.id, event.id, contact.name, contact.email, contact.phone, attendees, request.language
    )


def _is_live(answer: ReadyToPay | BaseException) -> bool:
    return isinstance(answer, ReadyToPay) and answer.intent.status in LIVE_INTENT_STATUSES


def _over_limit(event: Event, *, bought: int) -> BuyerLimit:
    limit = event.max_per_person
    room = max(0, limit - bought)

    def message() -> str:
        values = {"tickets": tickets(bought), "limit": limit, "room": room}
        if room:
            return _(
                "You already have {tickets} for this event. The limit is {limit} per person, so "
                "you can add {room} more.",
                **values,
            )
        return _(
            "You already have {tickets} for this event. The limit is {limit} per person, so you "
            "can add no more.",
            **values,
        )

    return BuyerLimit(message, max_per_person=limit)


def _check_start(
    request: StartRequest,
    found: tuple[Intent, Event] | None,
    history: PurchaseHistory | None,
    quantities: Mapping[str, int],
) -> ReadyToPay | SurgeError:
    """Say whether a visitor may pay for an intent.

    Args:
        found: The intent and its event, if there is one.
        quantities: Tickets by tier, if each needs the name of who comes; else nothing.
    """
    if found is None or history is None or found[0].visitor_id != request.visitor_id:
        return NotFound()
    intent, event = found
    if intent.status == IntentStatus.CONFIRMED:
        return ReadyToPay(intent, event, history.now, ())
    if intent.status not in LIVE_INTENT_STATUSES or intent.expires_at <= history.now:
        return IntentExpired()
    if event.phase != EventPhase.PUBLISHED:
        return NotOnSale(status="cancelled")
    if history.bought_here + history.own > event.max_per_person:
        return _over_limit(event, bought=history.bought_here)
    missing = missing_attendees(request.contact, quantities)
    ready = ReadyToPay(intent, event, history.now, history.competing_orders)
    return InvalidContact(missing) if missing else ready
