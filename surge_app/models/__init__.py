"""The tables. Constraints, not code, carry the invariants; a row never leaves the services.

Money is integer paise, times are `timestamptz` in UTC, identifiers are ULIDs unless said.
Importing this package registers every table in `SQLModel.metadata`.
"""

from surge_app.models.accounts import AdminAccount, AdminSession, Role
from surge_app.models.audit_log import AuditEntry
from surge_app.models.bookings import Booking, BookingStatus, SalesChannel, Ticket, TicketStatus
from surge_app.models.catalog import Event, EventCover, EventPhase, SiteText, Tier, Unit, UnitStatus
from surge_app.models.dashboard import HistorySample
from surge_app.models.intents import LIVE_INTENT_STATUSES, Intent, IntentLine, IntentStatus
from surge_app.models.messages import (
    Channel,
    DeliveryEvent,
    DeliveryStatus,
    EventNotice,
    MessageKind,
    MessageStatus,
    OutboxMessage,
)
from surge_app.models.payments import (
    BALANCE_LOW,
    Account,
    BoxOfficeMethod,
    Disposition,
    Dispute,
    EntryKind,
    GatewayOutage,
    LedgerEntry,
    Payment,
    PaymentSource,
    PaymentStatus,
    Refund,
    RefundReason,
    RefundStatus,
    UnmatchedPayment,
    WebhookEventRow,
)
from surge_app.models.queue_log import QueueLogEntry
from surge_app.models.rehearsals import Rehearsal, RehearsalStatus

__all__ = [
    "BALANCE_LOW",
    "LIVE_INTENT_STATUSES",
    "Account",
    "AdminAccount",
    "AdminSession",
    "AuditEntry",
    "Booking",
    "BookingStatus",
    "BoxOfficeMethod",
    "Channel",
    "DeliveryEvent",
    "DeliveryStatus",
    "Disposition",
    "Dispute",
    "EntryKind",
    "Event",
    "EventCover",
    "EventNotice",
    "EventPhase",
    "GatewayOutage",
    "HistorySample",
    "Intent",
    "IntentLine",
    "IntentStatus",
    "LedgerEntry",
    "MessageKind",
    "MessageStatus",
    "OutboxMessage",
    "Payment",
    "PaymentSource",
    "PaymentStatus",
    "QueueLogEntry",
    "Refund",
    "RefundReason",
    "RefundStatus",
    "Rehearsal",
    "RehearsalStatus",
    "Role",
    "SalesChannel",
    "SiteText",
    "Ticket",
    "TicketStatus",
    "Tier",
    "Unit",
    "UnitStatus",
    "UnmatchedPayment",
    "WebhookEventRow",
]
