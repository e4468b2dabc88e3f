"""The vendors as the services need them. The adapters live in `surge_app.providers`.

An adapter translates every vendor error into the four below, chained from its cause; nothing
else may leave it. The classes say what a caller may do next.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from surge_app.models import BALANCE_LOW, DeliveryStatus


class GatewayPaymentStatus(StrEnum):
    """The states of a payment at the gateway. `failed` is not final: it may still be captured."""

    CREATED = "created"
    AUTHORIZED = "authorized"
    CAPTURED = "captured"
    FAILED = "failed"
    REFUNDED = "refunded"


class GatewayRefundStatus(StrEnum):
    """The states of a refund at the gateway."""

    PENDING = "pending"
    PROCESSED = "processed"
    FAILED = "failed"


class ProviderError(Exception):
    """A vendor could not do what was asked."""


class ProviderUnavailable(ProviderError):
    """The vendor surely did nothing (refused, throttled, down): ask again later.

    Attributes:
        retry_after_seconds: The vendor's own retry time, if it sent one.
        timed_out: Whether it took the request and kept silent, which costs a caller the whole
            time-out.
    """

    def __init__(
        self, message: str, *, retry_after_seconds: float | None = None, timed_out: bool = False
    ) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds
        self.timed_out = timed_out


class ProviderThrottled(ProviderUnavailable):
    """The vendor answers, but takes no more requests for now: slow down."""


class ProviderOutcomeUnknown(ProviderError):
    """The request may or may not have taken effect (time-out, broken answer)."""


class ProviderRejected(ProviderError):
    """The vendor refuses this request; the same request will be refused again."""


class GatewayBalanceLow(ProviderRejected):
    """The gateway refuses a refund until the organizer's account there has more funds."""

    def __init__(self) -> None:
        super().__init__(BALANCE_LOW)


@dataclass(frozen=True, slots=True)
class GatewayOrder:
    """An order at the gateway; `receipt` names the intent and its total."""

    id: str
    receipt: str
    amount_paise: int
    currency: str
    status: str


@dataclass(frozen=True, slots=True)
class GatewayPayment:
    """One attempt to pay an order, as the gateway itself states it.

    These are the only facts `settle` believes: fetched from the gateway or signed by it.

    Attributes:
        has_our_notes: Whether its order was made by Surge; a shared account has others, too.
        customer_fee_paise: The gateway's fee, if the buyer pays it on top of the order.
        discount_paise: By how much an offer of the gateway lowered its order; None if not asked.
    """

    id: str
    order_id: str
    amount_paise: int
    currency: str
    status: GatewayPaymentStatus
    method: str | None = None
    error_description: str | None = None
    has_our_notes: bool = True
    customer_fee_paise: int = 0
    discount_paise: int | None = None


@dataclass(frozen=True, slots=True)
class GatewayRefund:
    """A refund as the gateway states it; `receipt` is the idempotency key it was asked with."""

    id: str
    payment_id: str
    amount_paise: int
    status: GatewayRefundStatus
    receipt: str | None = None


@dataclass(frozen=True, slots=True)
class GatewayDispute:
    """A dispute of a payment as the gateway states it; `status` and `reason` are its words."""

    id: str
    payment_id: str
    amount_paise: int
    status: str
    reason: str
    respond_by: datetime | None


@dataclass(frozen=True, slots=True)
class WebhookEvent:
    """A verified webhook, reduced to what Surge acts on.

    Attributes:
        kind: The vendor's event name, such as `payment.captured`.
        payment: The payment it speaks of, if any.
        refund: The refund it speaks of, if any.
        dispute: The dispute it speaks of, if any.
        account_id: Whose account it happened on, by the vendor's id, if told.
        mode: `test` or `live`, if it can be told; in test mode no money moves.
    """

    kind: str
    payment: GatewayPayment | None = None
    refund: GatewayRefund | None = None
    dispute: GatewayDispute | None = None
    account_id: str | None = None
    mode: str | None = None


class PaymentGateway(Protocol):
    """A payment provider. Every coroutine may raise any `ProviderError`."""

    @property
    def key_id(self) -> str:
        """The public key the checkout in the browser needs."""
        ...

    @property
    def checkout_script_url(self) -> str:
        """Return the address of the checkout script."""
        ...

    async def ping(self) -> None:
        """Ask for something that costs the gateway little, to learn whether it answers."""
        ...

    async def create_order(self, *, receipt: str, amount_paise: int, currency: str) -> GatewayOrder:
        """Create the order for a receipt, or return the one that exists already.

        Safe to repeat: after a time-out the order with this receipt is looked up and adopted
        if amount and currency match.

        Args:
            receipt: At most 40 characters; names the intent and its total.
            amount_paise: At least 100.
            currency: Three letters.
        """
        ...

    async def order_payments(self, order_id: str) -> list[GatewayPayment]:
        """Return every attempt to pay an order, failed ones included."""
        ...

    async def payment(self, payment_id: str) -> GatewayPayment:
        """Return the current state of one payment."""
        ...

    async def discount_paise(self, payment: GatewayPayment) -> int:
        """Return by how much an offer of the gateway lowered the order of a payment.

        A captured payment has a discount only if the gateway reports its order as paid in full
        by it; an authorized one, if the gateway names an offer. Otherwise it is 0.
        """
        ...

    async def capture(self, payment_id: str, *, amount_paise: int, currency: str) -> GatewayPayment:
        """Capture an authorized payment; capturing a captured one returns it unchanged."""
        ...

    async def refund(self, payment_id: str, *, body: str, idempotency_key: str) -> GatewayRefund:
        """Ask for a refund.

        Args:
            body: The JSON body, byte for byte the same on every repeat.
            idempotency_key: At least 10 characters of `[A-Za-z0-9_-]`.
        """
        ...

    async def payment_refunds(self, payment_id: str) -> list[GatewayRefund]:
        """Return every refund of a payment, failed ones and those made by hand included."""
        ...

    async def recent_payments(self, since: datetime, until: datetime) -> list[GatewayPayment]:
        """Return every payment created in a span of time, however many there are.

        Payments that belong to no order are none of ours and are left out.
        """
        ...

    def verifies_callback(self, *, order_id: str, payment_id: str, signature: str) -> bool:
        """Return whether the gateway signed that this payment belongs to this (stored) order."""
        ...

    def verifies_webhook(self, body: bytes, signature: str | None) -> bool:
        """Return whether the gateway signed these raw bytes with one of the webhook secrets."""
        ...

    def parse_webhook(self, body: bytes) -> WebhookEvent:
        """Read a verified webhook.

        Raises:
            ProviderRejected: If the body is not an event, or one of test mode came to an install
                of live mode, or the other way round.
        """
        ...


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that goes with a mail; `content_id` makes it an inline image."""

    filename: str
    media_type: str
    content: bytes
    content_id: str | None = None


@dataclass(frozen=True, slots=True)
class Mail:
    """One email to one person.

    Attributes:
        message_id: The outbox row; sent along so that the vendor's events can be matched.
        reply_to: The organizer's address; empty leaves it to the sender's.
    """

    message_id: str
    to: str
    to_name: str
    subject: str
    text: str
    html: str
    attachments: tuple[Attachment, ...] = field(default=())
    reply_to: str = ""


@dataclass(frozen=True, slots=True)
class Sms:
    """One SMS to one person; `to` is E.164, `text` is GSM-7 so that it stays short."""

    message_id: str
    to: str
    text: str


class MailSender(Protocol):
    """A mail provider."""

    async def send(self, mail: Mail) -> str:
        """Hand a mail over and return the provider's id for it.

        Raises:
            ProviderError: One of its three kinds.
        """
        ...


class SmsSender(Protocol):
    """An SMS provider."""

    async def send(self, sms: Sms) -> str:
        """Hand an SMS over and return the provider's id for it.

        Raises:
            ProviderError: One of its three kinds.
        """
        ...

    async def find(self, sms: Sms, *, since: datetime) -> str | None:
        """Return the provider's id of an SMS that may have been handed over, None if it was not.

        Args:
            sms: As it was or would have been sent.
            since: The first moment it may have been created; earlier ones like it do not count.

        Raises:
            ProviderError: If that cannot be told now; it changes nothing.
        """
        ...


@dataclass(frozen=True, slots=True)
class DeliveryReport:
    """A verified delivery report of a message.

    Attributes:
        key: The same for the same event, however often it is reported.
        message_id: The outbox row, as it was sent along; None if it was not.
        provider_id: The provider's id of the message.
        word: The provider's own word.
        status: None if the word says nothing about arrival.
        detail: Why it did not arrive, in the provider's words.
        at: When it happened.
    """

    key: str
    message_id: str | None
    provider_id: str
    word: str
    status: DeliveryStatus | None
    detail: str
    at: datetime


class MailReports(Protocol):
    """Verifies and parses the mail provider's delivery reports."""

    def read(
        self, body: bytes, *, signature: str | None, timestamp: str | None
    ) -> list[DeliveryReport]:
        """Verify and read the raw body of a webhook.

        Raises:
            ProviderRejected: If the provider did not sign it lately, or it cannot be read.
        """
        ...


class SmsReports(Protocol):
    """Verifies and parses the SMS provider's delivery reports."""

    def read(self, body: bytes, *, query: str, signature: str | None) -> list[DeliveryReport]:
        """Verify and read the raw form of a callback and the query it was sent with.

        Raises:
            ProviderRejected: If the provider did not sign both, or they cannot be read.
        """
        ...
