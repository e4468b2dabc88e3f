"""Money: payments, refunds, the ledger, and the inbox of webhooks."""

# SQLModel declares `__tablename__` as a method, though a plain name is its documented form.
# pyright: reportAssignmentType=false

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, Index, LargeBinary, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from surge_app.languages import A_
from surge_app.models import base


class PaymentStatus(StrEnum):
    """Only moves forward, except that `failed` is not final."""

    CREATED = "created"
    FAILED = "failed"
    AUTHORIZED = "authorized"
    CAPTURED = "captured"
    REFUNDED = "refunded"


class PaymentSource(StrEnum):
    """The source of the money: gateway or box office."""

    GATEWAY = "gateway"
    BOX_OFFICE = "cash"
    """Cash, UPI or card taken by hand, as `method` says."""


class BoxOfficeMethod(StrEnum):
    """Ways in which the box office takes money and hands it back."""

    CASH = "cash"
    UPI = "upi"
    CARD = "card"


class Disposition(StrEnum):
    """The outcome of captured money; decided once, independent of the intent's status."""

    APPLIED = "applied"
    REFUND = "refund"


class RefundStatus(StrEnum):
    """requested -> sent -> processed or failed; a retry repeats the same key and body."""

    REQUESTED = "requested"
    SENT = "sent"
    PROCESSED = "processed"
    FAILED = "failed"


BALANCE_LOW = A_(
    "Razorpay refuses it because your balance there is too low. Add funds in its dashboard. "
    "Surge tries again every hour."
)
"""`last_error` of a refund that waits for funds: retried, and an action item meanwhile."""


class RefundReason(StrEnum):
    """Why an organizer refunds; settlement has its own reasons for unusable payments."""

    WHOLE = "asked_by_organizer"
    TICKETS = "tickets_cancelled"
    GOODWILL = "goodwill"


class Account(StrEnum):
    """The accounts of the ledger."""

    GATEWAY = "gateway_receivable"
    BOX_OFFICE = "cash_on_hand"
    TICKETS = "ticket_revenue"
    FEES = "fee_revenue"
    OWED = "owed_to_customer"


class EntryKind(StrEnum):
    """Why money moved between two accounts."""

    SALE = "sale"
    SALE_FEE = "sale_fee"
    RECEIVED = "received"
    REFUND_OWED = "refund_owed"
    REFUND_FEE_OWED = "refund_fee_owed"
    REFUNDED = "refunded"


class Payment(SQLModel, table=True):
    """A payment as the gateway reports it, under the gateway's id.

    A payment at the box office is captured and applied at once, under an id of Surge's own.

    Attributes:
        discount_paise: By how much an offer of the gateway lowered the order it applies to.
        reference: Of the UPI payment or the card slip, as typed at the box office.
        taken_by: The organizer who took the money there.
    """

    __tablename__ = "payments"
    __table_args__ = (
        base.one_of("status", PaymentStatus),
        base.one_of("source", PaymentSource),
        CheckConstraint(
            "source = 'gateway' OR (disposition IS NOT DISTINCT FROM 'applied'"
            " AND status IN ('captured', 'refunded'))",
            name="cash_is_applied",
        ),
        CheckConstraint("disposition IN ('applied', 'refund')", name="disposition_known"),
        CheckConstraint("amount_paise >= 0", name="amount_not_negative"),
        CheckConstraint("discount_paise > 0", name="discount_positive"),
        CheckConstraint(
            "disposition IS NULL OR status IN ('captured', 'refunded')",
            name="only_captured_money_is_disposed",
        ),
        Index(
            "uq_payments_one_applied",
            "intent_id",
            unique=True,
            postgresql_where=text("disposition = 'applied'"),
        ),
        Index("ix_payments_intent", "intent_id"),
    )

    id: str = base.text_field(primary_key=True)
    intent_id: str = base.reference("intents.id")
    order_id: str = base.text_field()
    amount_paise: int = base.paise_field()
    discount_paise: int | None = base.paise_field(default=None)
    currency: str = base.text_field()
    status: str = base.text_field()
    source: str = base.text_field(default=PaymentSource.GATEWAY)
    disposition: str | None = base.text_field(default=None)
    reason: str | None = base.text_field(default=None)
    method: str | None = base.text_field(default=None)
    reference: str | None = base.text_field(default=None)
    taken_by: str | None = base.text_field(default=None)
    error: str | None = base.text_field(default=None)
    created_at: datetime = base.created_field()
    settled_at: datetime | None = base.time_field(default=None)


class Refund(SQLModel, table=True):
    """A refund. Its request body is fixed on creation, so retries are byte-equal.

    Attributes:
        by_hand: Of a payment at the box office, which confirms the handover.
        next_attempt_at: None if no retry is due: an organizer has to decide.
    """

    __tablename__ = "refunds"
    __table_args__ = (
        base.one_of("status", RefundStatus),
        UniqueConstraint("payment_id", "seq"),
        CheckConstraint("amount_paise > 0", name="amount_positive"),
        CheckConstraint(
            "NOT by_hand OR (next_attempt_at IS NULL AND gateway_id IS NULL"
            " AND status IN ('requested', 'processed'))",
            name="by_hand_asks_no_gateway",
        ),
        Index(
            "ix_refunds_made_elsewhere",
            "created_at",
            postgresql_where=text("idempotency_key LIKE 'gateway-%'"),
        ),
        Index(
            "ix_refunds_due",
            "next_attempt_at",
            postgresql_where=text("status IN ('requested', 'sent', 'failed')"),
        ),
    )

    id: str = base.id_field()
    payment_id: str = base.reference("payments.id")
    seq: int = Field(default=1)
    amount_paise: int = base.paise_field()
    reason: str = base.text_field()
    idempotency_key: str = base.text_field(unique=True)
    body: str = base.text_field()
    status: str = base.text_field(default=RefundStatus.REQUESTED)
    by_hand: bool = Field(default=False)
    gateway_id: str | None = base.text_field(default=None, unique=True)
    attempts: int = Field(default=0)
    next_attempt_at: datetime | None = base.time_field(default=None)
    last_error: str | None = base.text_field(default=None)
    created_at: datetime = base.created_field()
    processed_at: datetime | None = base.time_field(default=None)


class UnmatchedPayment(SQLModel, table=True):
    """A gateway payment that matches no order of Surge; an organizer has to decide."""

    __tablename__ = "unmatched_payments"
    __table_args__ = (
        Index(
            "ix_unmatched_payments_open", "seen_at", postgresql_where=text("resolved_at IS NULL")
        ),
    )

    id: str = base.text_field(primary_key=True)
    order_id: str = base.text_field()
    amount_paise: int = base.paise_field()
    currency: str = base.text_field()
    status: str = base.text_field()
    seen_at: datetime = base.created_field()
    resolved_at: datetime | None = base.time_field(default=None)


class Dispute(SQLModel, table=True):
    """A buyer's bank disputes a payment; the gateway wants evidence before a deadline.

    Attributes:
        reason: In the gateway's words.
        status: open, under_review, won, lost, closed or a newer word of the gateway.
        resolved_at: When it was won, or an organizer took note of it.
    """

    __tablename__ = "disputes"
    __table_args__ = (Index("ix_disputes_payment", "payment_id"),)

    id: str = base.text_field(primary_key=True)
    payment_id: str = base.reference("payments.id")
    amount_paise: int = base.paise_field()
    reason: str = base.text_field(default="")
    status: str = base.text_field()
    respond_by: datetime | None = base.time_field(default=None)
    created_at: datetime = base.created_field()
    resolved_at: datetime | None = base.time_field(default=None)


class GatewayOutage(SQLModel, table=True):
    """A gateway outage, during which the clock of all holds stops.

    The database function `hold_clock()` reads the open row.

    Attributes:
        cap_seconds: The longest time for which the clock stops.
    """

    __tablename__ = "gateway_outages"
    __table_args__ = (
        CheckConstraint("cap_seconds >= 0", name="cap_not_negative"),
        Index(
            "uq_gateway_outages_one_open",
            "provider",
            unique=True,
            postgresql_where=text("closed_at IS NULL"),
        ),
    )

    id: str = base.id_field()
    provider: str = base.text_field(default="razorpay")
    opened_at: datetime = base.created_field()
    closed_at: datetime | None = base.time_field(default=None)
    cap_seconds: int


class LedgerEntry(SQLModel, table=True):
    """One double entry from `credit` to `debit`; append-only, enforced by a trigger."""

    __tablename__ = "ledger_entries"
    __table_args__ = (
        base.one_of("kind", EntryKind),
        base.one_of("debit", Account),
        base.one_of("credit", Account),
        Index(
            "uq_ledger_entries_once_per_payment",
            "payment_id",
            "kind",
            unique=True,
            postgresql_where=text("refund_id IS NULL"),
        ),
        Index(
            "uq_ledger_entries_once_per_refund",
            "refund_id",
            "kind",
            unique=True,
            postgresql_where=text("refund_id IS NOT NULL"),
        ),
        CheckConstraint("amount_paise > 0", name="amount_positive"),
        CheckConstraint("debit <> credit", name="two_accounts"),
        Index("ix_ledger_entries_booking", "booking_id"),
    )

    id: str = base.id_field()
    payment_id: str = base.reference("payments.id")
    booking_id: str | None = base.reference("bookings.id", default=None)
    refund_id: str | None = base.reference("refunds.id", default=None)
    kind: str = base.text_field()
    debit: str = base.text_field()
    credit: str = base.text_field()
    amount_paise: int = base.paise_field()
    created_at: datetime = base.created_field()


class WebhookEventRow(SQLModel, table=True):
    """A verified webhook, stored before it is processed.

    The vendor sends its event id in an unsigned header, so the hash of the signed body is a
    second key against replays. `trace` is the `traceparent` that its processing continues.
    """

    __tablename__ = "webhook_inbox"
    __table_args__ = (
        UniqueConstraint("provider", "event_id"),
        UniqueConstraint("provider", "body_sha256"),
        Index(
            "ix_webhook_inbox_due", "next_attempt_at", postgresql_where=text("processed_at IS NULL")
        ),
    )

    id: str = base.id_field()
    provider: str = base.text_field()
    event_id: str = base.text_field()
    body_sha256: bytes = Field(sa_type=LargeBinary)
    body: bytes = Field(sa_type=LargeBinary)
    received_at: datetime = base.created_field()
    processed_at: datetime | None = base.time_field(default=None)
    outcome: str | None = base.text_field(default=None)
    attempts: int = Field(default=0)
    next_attempt_at: datetime = base.time_field()
    last_error: str | None = base.text_field(default=None)
    trace: str | None = base.text_field(default=None)
