"""The ledger: every paisa that moved, between two accounts, once.

A sale is `gateway_receivable` against `ticket_revenue` and `fee_revenue`. Money that must go
back is first owed to the customer, then paid out of the gateway's account.
"""

from __future__ import annotations

from surge_app.models import Account, Booking, EntryKind, LedgerEntry, Payment


def sale(payment: Payment, booking: Booking) -> list[LedgerEntry]:
    """Return the entries of a payment that became a booking; the fee is its own line."""
    entries = [
        LedgerEntry(
            payment_id=payment.id,
            booking_id=booking.id,
            kind=EntryKind.SALE,
            debit=Account.GATEWAY,
            credit=Account.TICKETS,
            amount_paise=booking.subtotal_paise,
        )
    ]
    if booking.fee_paise:
        entries.append(
            LedgerEntry(
                payment_id=payment.id,
                booking_id=booking.id,
                kind=EntryKind.SALE_FEE,
                debit=Account.GATEWAY,
                credit=Account.FEES,
                amount_paise=booking.fee_paise,
            )
        )
    return entries


def received_in_vain(payment: Payment) -> LedgerEntry:
    """Return the entry of a captured payment that buys nothing: it is owed back."""
    return LedgerEntry(
        payment_id=payment.id,
        kind=EntryKind.RECEIVED,
        debit=Account.GATEWAY,
        credit=Account.OWED,
        amount_paise=payment.amount_paise,
    )


def sale_taken_back(payment: Payment, booking: Booking) -> list[LedgerEntry]:
    """Return the entries of a booking that is refunded whole, the fee included."""
    entries = [
        LedgerEntry(
            payment_id=payment.id,
            booking_id=booking.id,
            kind=EntryKind.REFUND_OWED,
            debit=Account.TICKETS,
            credit=Account.OWED,
            amount_paise=booking.subtotal_paise,
        )
    ]
    if booking.fee_paise:
        entries.append(
            LedgerEntry(
                payment_id=payment.id,
                booking_id=booking.id,
                kind=EntryKind.REFUND_FEE_OWED,
                debit=Account.FEES,
                credit=Account.OWED,
                amount_paise=booking.fee_paise,
            )
        )
    return entries


def paid_back(payment: Payment, amount_paise: int) -> LedgerEntry:
    """Return the entry of a refund the gateway has processed."""
    return LedgerEntry(
        payment_id=payment.id,
        kind=EntryKind.REFUNDED,
        debit=Account.OWED,
        credit=Account.GATEWAY,
        amount_paise=amount_paise,
    )
