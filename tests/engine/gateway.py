"""A payment gateway in this process: the sandbox's own rules behind the port, without HTTP.

What an order, a payment or a refund does is decided by `surge_app.sandbox`; signatures are real.
Only the way is shorter, so that a test can order its events and a measurement sees the engine.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, TypeVar

from surge_app.providers import razorpay_wire as wire
from surge_app.sandbox import razorpay_entities, razorpay_rules as rules
from surge_app.sandbox.faults import VendorError
from surge_app.sandbox.razorpay_entities import PaymentStatus, RefundOutcome
from surge_app.sandbox.store import JsonObject, OrderBook, UnknownIdError
from surge_app.services.vendors.ports import (
    GatewayBalanceLow,
    GatewayOrder,
    GatewayPayment,
    GatewayRefund,
    ProviderOutcomeUnknown,
    ProviderRejected,
    ProviderUnavailable,
    WebhookEvent,
)
from surge_app.services.vendors.sandbox_credentials import SandboxKeys
from tests.engine.gateway_books import Books, MemoryBooks

_T = TypeVar("_T")


class Fault(StrEnum):
    """How the gateway misbehaves: what the caller sees, and whether the request took effect."""

    NONE = "none"
    DOWN = "down"
    LOST_REQUEST = "lost_request"
    LOST_ANSWER = "lost_answer"


@dataclass(frozen=True, slots=True)
class Webhook:
    """An event as it would come over the wire: raw bytes, their signature, the event's id."""

    kind: str
    order_id: str
    body: bytes
    signature: str
    event_id: str


@dataclass(frozen=True, slots=True)
class Callback:
    """The three fields the checkout hands to the page."""

    order_id: str
    payment_id: str
    signature: str


class InProcessGateway:
    """`PaymentGateway` over the sandbox's rules, with bad days on demand.

    Attributes:
        webhooks: Every event the gateway has to tell, oldest first; whoever delivers them may
            take, repeat, shuffle or lose them.
        calls: How often each method of the port was called.
    """

    def __init__(self, keys: SandboxKeys, books: Books | None = None) -> None:
        """Open an empty gateway.

        Args:
            keys: Sign callbacks and webhooks, as those of the sandbox do.
            books: Where orders are kept; None keeps them here.
        """
        self._keys = keys
        self.books: Books = books or MemoryBooks()
        self.webhooks: list[Webhook] = []
        self.calls: dict[str, int] = {}
        self._fault = Fault.NONE

    @property
    def key_id(self) -> str:
        """The public key the checkout in the browser needs."""
        return self._keys.razorpay_key_id

    @property
    def checkout_script_url(self) -> str:
        """Where the browser would load the checkout from."""
        return "/sandbox/razorpay/checkout.js"

    @contextmanager
    def failing(self, fault: Fault) -> Iterator[None]:
        """Misbehave for a block, in every call of the port."""
        before, self._fault = self._fault, fault
        try:
            yield
        finally:
            self._fault = before

    async def create_order(self, *, receipt: str, amount_paise: int, currency: str) -> GatewayOrder:
        """Create the order for a receipt, or return the one that exists already."""
        notes = wire.order_notes(receipt, self.key_id)
        wanted = {"amount": amount_paise, "currency": currency, "receipt": receipt, "notes": notes}

        async def act() -> JsonObject:
            book = await self.books.add(rules.create_order(wanted), unique_receipt=True)
            return rules.same_order(book, wanted)

        return _read(wire.read_order(await self._answer("create_order", act)))

    async def ping(self) -> None:
        """Answer, unless told not to."""

        async def act() -> None:
            return None

        await self._answer("ping", act)

    async def order_payments(self, order_id: str) -> list[GatewayPayment]:
        """Return every attempt to pay an order, failed ones included."""

        async def act() -> list[JsonObject]:
            return list((await self.books.get(order_id)).payments.values())

        return [
            _read(wire.read_payment(item)) for item in await self._answer("order_payments", act)
        ]

    async def payment(self, payment_id: str) -> GatewayPayment:
        """Return one payment as it stands now."""

        async def act() -> JsonObject:
            return (await self.books.by_payment(payment_id)).payments[payment_id]

        return _read(wire.read_payment(await self._answer("payment", act)))

    async def discount_paise(self, payment: GatewayPayment) -> int:
        """Return by how much an offer lowered the order of a payment."""

        async def act() -> int:
            book = await self.books.get(payment.order_id)
            return wire.discount_paise(payment, book.order, book.payments[payment.id])

        return await self._answer("discount_paise", act)

    async def capture(self, payment_id: str, *, amount_paise: int, currency: str) -> GatewayPayment:
        """Capture an authorized payment; capturing a captured one returns it unchanged."""
        wanted = {"amount": amount_paise, "currency": currency}

        def change(book: OrderBook) -> tuple[JsonObject, list[JsonObject]]:
            if book.payments[payment_id]["status"] in {"captured", "refunded"}:
                return book.payments[payment_id], []
            payment = rules.capture(book, payment_id, wanted)
            return payment, razorpay_entities.captured_events(book, payment)

        async def act() -> JsonObject:
            return await self._change((await self.books.by_payment(payment_id)).order, change)

        return _read(wire.read_payment(await self._answer("capture", act)))

    async def refund(self, payment_id: str, *, body: str, idempotency_key: str) -> GatewayRefund:
        """Ask for a refund; the same key and body return the refund that exists already."""

        def change(book: OrderBook) -> tuple[JsonObject, list[JsonObject]]:
            made, is_new = rules.refund(book, payment_id, body.encode(), idempotency_key)
            payment = book.payments[payment_id]
            return made, razorpay_entities.refund_events(payment, made) if is_new else []

        async def act() -> JsonObject:
            return await self._change((await self.books.by_payment(payment_id)).order, change)

        return _read(wire.read_refund(await self._answer("refund", act)))

    async def payment_refunds(self, payment_id: str) -> list[GatewayRefund]:
        """Return every refund of a payment, failed ones included."""

        async def act() -> list[JsonObject]:
            book = await self.books.by_payment(payment_id)
            return [made for made in book.refunds.values() if made["payment_id"] == payment_id]

        return [
            _read(wire.read_refund(item)) for item in await self._answer("payment_refunds", act)
        ]

    async def recent_payments(self, since: datetime, until: datetime) -> list[GatewayPayment]:
        """Return every payment created in a span of time; only of books kept here."""
        assert isinstance(self.books, MemoryBooks)
        orders = self.books.orders

        async def act() -> list[JsonObject]:
            made = [paid for book in orders.values() for paid in book.payments.values()]
            span = (int(since.timestamp()), int(until.timestamp()))
            return [paid for paid in made if span[0] <= paid["created_at"] <= span[1]]

        return [
            _read(wire.read_payment(item)) for item in await self._answer("recent_payments", act)
        ]

    def verifies_callback(self, *, order_id: str, payment_id: str, signature: str) -> bool:
        """Whether the gateway signed that this payment belongs to this (stored) order."""
        message = f"{order_id}|{payment_id}".encode()
        return wire.signature_matches(message, signature, (self._keys.razorpay_key_secret,))

    def verifies_webhook(self, body: bytes, signature: str | None) -> bool:
        """Whether the gateway signed these raw bytes with one of the webhook secrets."""
        return wire.signature_matches(body, signature, self._keys.razorpay_webhook_secrets)

    def parse_webhook(self, body: bytes) -> WebhookEvent:
        """Read a verified webhook."""
        return wire.read_event(body)

    async def attempt(
        self,
        order_id: str,
        outcome: PaymentStatus,
        *,
        amount_paise: int | None = None,
        is_offer: bool = False,
    ) -> Callback:
        """Let someone try to pay, as the checkout does; works while the API is down.

        Args:
            order_id: What is paid.
            outcome: How it goes.
            amount_paise: What is paid instead of the order's amount.
            is_offer: An offer of the account leaves this amount to pay.

        Raises:
            ProviderRejected: If the order has a payment that did not fail.
        """

        def change(book: OrderBook) -> tuple[JsonObject, list[JsonObject]]:
            payment = rules.attempt(book, outcome, amount_paise, {}, is_offer=is_offer)
            return payment, razorpay_entities.payment_events(book, payment)

        return self._callback(await self._outside(order_id, change))

    async def succeed_late(
        self, order_id: str, payment_id: str, outcome: PaymentStatus
    ) -> Callback:
        """Let a failed payment succeed after all, as banks sometimes do."""

        def change(book: OrderBook) -> tuple[JsonObject, list[JsonObject]]:
            payment = rules.late_success(book, payment_id, outcome)
            return payment, razorpay_entities.payment_events(book, payment)

        return self._callback(await self._outside(order_id, change))

    async def pay_again(self, order_id: str) -> Callback:
        """Let a captured payment of an order be followed by a second one.

        The sandbox's checkout refuses that; two tabs that were both at the bank do it.
        """

        def change(book: OrderBook) -> tuple[JsonObject, list[JsonObject]]:
            kept, book.payments = book.payments, {}
            payment = rules.attempt(book, "captured", None, {})
            book.payments = {**kept, **book.payments}
            return payment, razorpay_entities.payment_events(book, payment)

        return self._callback(await self._outside(order_id, change))

    async def capture_by_itself(self, order_id: str, payment_id: str) -> None:
        """Capture an authorized payment without being asked: automatic capture."""

        def change(book: OrderBook) -> tuple[JsonObject, list[JsonObject]]:
            wanted = {"amount": book.payments[payment_id]["amount"]}
            payment = rules.capture(book, payment_id, wanted)
            return payment, razorpay_entities.captured_events(book, payment)

        await self._outside(order_id, change)

    async def decide_refunds(self, payment_id: str, outcome: RefundOutcome) -> None:
        """Let refunds of a payment be processed, stay pending, fail or be in progress."""

        def change(book: OrderBook) -> tuple[JsonObject, list[JsonObject]]:
            ended = rules.decide_refunds(book, outcome)
            payment = book.payments[payment_id]
            told = [razorpay_entities.ended_refund_events(payment, made) for made in ended]
            return payment, [event for events in told for event in events]

        order = (await self.books.by_payment(payment_id)).order
        await self._outside(order["id"], change)

    async def give_back(self, order_id: str, payment_id: str) -> None:
        """Return an authorized payment that nobody captured in time; no webhook tells of it."""

        def change(book: OrderBook) -> tuple[JsonObject, list[JsonObject]]:
            payment = book.payments[payment_id]
            payment |= {"status": "refunded", "refund_status": "full"}
            return payment, []

        await self._outside(order_id, change)

    async def _answer(self, name: str, act: Callable[[], Awaitable[_T]]) -> _T:
        """Answer a call of the port, or misbehave as ordered."""
        self.calls[name] = self.calls.get(name, 0) + 1
        if self._fault == Fault.DOWN:
            msg = "The gateway is down."
            raise ProviderUnavailable(msg)
        if self._fault == Fault.LOST_REQUEST:
            msg = "No answer; the request never arrived."
            raise ProviderOutcomeUnknown(msg)
        answer = await _translated(act())
        if self._fault == Fault.LOST_ANSWER:
            msg = "No answer; the request took effect."
            raise ProviderOutcomeUnknown(msg)
        return answer

    async def _outside(
        self, order_id: str, change: Callable[[OrderBook], tuple[JsonObject, list[JsonObject]]]
    ) -> JsonObject:
        return await _translated(self._change({"id": order_id}, change))

    async def _change(
        self, order: JsonObject, change: Callable[[OrderBook], tuple[JsonObject, list[JsonObject]]]
    ) -> JsonObject:
        entity, events = await self.books.change(order["id"], change)
        self.webhooks += [self._signed(event, order["id"]) for event in events]
        return entity

    def _signed(self, event: JsonObject, order_id: str) -> Webhook:
        body = json.dumps(event, separators=(",", ":")).encode()
        return Webhook(
            kind=event["event"],
            order_id=order_id,
            body=body,
            signature=razorpay_entities.signed(body, self._keys.razorpay_webhook_secrets[0]),
            event_id=razorpay_entities.new_entity_id("evt").removeprefix("evt_"),
        )

    def _callback(self, payment: JsonObject) -> Callback:
        order_id, payment_id = payment["order_id"], payment["id"]
        message = f"{order_id}|{payment_id}".encode()
        signature = razorpay_entities.signed(message, self._keys.razorpay_key_secret)
        return Callback(order_id, payment_id, signature)


async def _translated(found: Awaitable[_T]) -> _T:
    try:
        return await found
    except VendorError as error:
        words = error.content["error"]["description"]
        if wire.is_balance_low(words):
            raise GatewayBalanceLow from error
        raise ProviderRejected(words) from error
    except (UnknownIdError, KeyError) as error:
        msg = "The id provided does not exist"
        raise ProviderRejected(msg) from error


def _read(found: Any) -> Any:
    assert found is not None
    return found
