"""The ledger: every paisa that moved, between two accounts, once.

A sale is `gateway_receivable` against `ticket_revenue` and `fee_revenue`; at the box office,
`cash_on_hand` takes the gateway's place, also for UPI and cards. Money that must go back is first
owed to the customer, then paid out of the account it came into; every entry of a refund names it.
What costs nothing has no entries.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from surge_app.models import (
    Account,
    Booking,
    EntryKind,
    LedgerEntry,
    Payment,
    PaymentSource,
    Refund,
)
from surge_app.models.base import create_row


@dataclass(frozen=True, slots=True)
class Balance:
    """The balance of each account in paise.

    Attributes:
        received_paise: Taken in, by the gateway or at the box office, and not paid back.
        tickets_paise: Kept as price of tickets.
        fee_paise: Kept as convenience fee.
        owed_paise: Owed to the customer and not paid out yet.
    """

    received_paise: int = 0
    tickets_paise: int = 0
    fee_paise: int = 0
    owed_paise: int = 0

    @property
    def retained_paise(self) -> int:
        """The part of the payment that could still be refunded."""
        return self.tickets_paise + self.fee_paise

    @property
    def is_closed(self) -> bool:
        """Return whether what came in is kept or owed, and nothing was given back twice."""
        parts = (self.tickets_paise, self.fee_paise, self.owed_paise)
        return self.received_paise == sum(parts) and min(parts) >= 0


def balance(entries: Iterable[LedgerEntry]) -> Balance:
    """Add up entries, those of a booking or of a payment for instance."""
    sums = dict.fromkeys(Account, 0)
    for entry in entries:
        sums[Account(entry.debit)] += entry.amount_paise
        sums[Account(entry.credit)] -= entry.amount_paise
    return Balance(
        received_paise=sums[Account.GATEWAY] + sums[Account.BOX_OFFICE],
        tickets_paise=-sums[Account.TICKETS],
        fee_paise=-sums[Account.FEES],
        owed_paise=-sums[Account.OWED],
    )


def sale(payment: Payment, booking: Booking) -> list[LedgerEntry]:
    """Return the entries of a payment that became a booking; the fee is its own line."""
    parts = (
        (EntryKind.SALE, Account.TICKETS, booking.subtotal_paise),
        (EntryKind.SALE_FEE, Account.FEES, booking.fee_paise),
    )
    return [
        create_row(
            LedgerEntry,
            payment_id=payment.id,
            booking_id=booking.id,
            kind=kind,
            debit=Account.BOX_OFFICE
            if payment.source == PaymentSource.BOX_OFFICE
            else Account.GATEWAY,
            credit=account,
            amount_paise=amount_paise,
        )
        for kind, account, amount_paise in parts
        if amount_paise
    ]


def received_unfulfilled(payment: Payment) -> LedgerEntry:
    """Return the entry of a captured payment that buys nothing: it is owed back."""
    return LedgerEntry(
        payment_id=payment.id,
        kind=EntryKind.RECEIVED,
        debit=Account.GATEWAY,
        credit=Account.OWED,
        amount_paise=payment.amount_paise,
    )


def refund_due(
    refund: Refund, booking: Booking, *, tickets_paise: int, fee_paise: int
) -> list[LedgerEntry]:
    """Return the entries of a booking's refund when it is decided.

    Args:
        refund: Of the booking's payment; the two parts add up to its amount.
        booking: What is refunded, whole or in part.
        tickets_paise: The part that was the price of tickets.
        fee_paise: The part that was the convenience fee.
    """
    parts = (
        (EntryKind.REFUND_OWED, Account.TICKETS, tickets_paise),
        (EntryKind.REFUND_FEE_OWED, Account.FEES, fee_paise),
    )
    return [
        LedgerEntry(
            payment_id=refund.payment_id,
            booking_id=booking.id,
            refund_id=refund.id,
            kind=kind,
            debit=account,
            credit=Account.OWED,
            amount_paise=amount_paise,
        )
        for kind, account, amount_paise in parts
        if amount_paise
    ]


def refund_paid(refund: Refund, booking_id: str | None) -> LedgerEntry:
    """Return the entry of a refund that the gateway or the counter has paid.

    Args:
        refund: What was paid out.
        booking_id: The booking it is of; None for money received in vain.
    """
    return LedgerEntry(
        payment_id=refund.payment_id,
        booking_id=booking_id,
        refund_id=refund.id,
        kind=EntryKind.REFUNDED,
        debit=Account.OWED,
        credit=Account.BOX_OFFICE if refund.by_hand else Account.GATEWAY,
        amount_paise=refund.amount_paise,
    )
