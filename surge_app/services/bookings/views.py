"""Bookings and tickets as pages, API and admin see them.

A view never holds a table row. Money is integer paise, times are aware UTC.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from surge_app.formatting import BANKS_TAKE, rupees, when
from surge_app.languages import N_, gettext as _
from surge_app.services.checkout.views import IntentLineView
from surge_app.services.events.changes import EventChange
from surge_app.services.events.views import EventView


@dataclass(frozen=True, slots=True)
class TicketView:
    """One ticket.

    Attributes:
        qr_text: What its QR shows: the code, signed.
        is_used: Whether it was checked in.
    """

    code: str
    tier_name: str
    seq: int
    status: str
    qr_text: str
    attendee_name: str = ""
    is_used: bool = False


@dataclass(frozen=True, slots=True)
class RefundLine:
    """Money that goes back, or has gone back, to the buyer.

    Attributes:
        at: When it was paid, or else when it was decided.
        reference: For the buyer's bank; empty until the gateway has the refund.
        by_hand: The organizer hands it back, the way it was paid at the box office.
        is_additional: It is of a payment that bought nothing.
    """

    amount_paise: int
    at: datetime
    is_paid: bool
    reference: str
    by_hand: bool
    is_additional: bool


def refund_text(line: RefundLine, zone: str) -> str:
    """Return what became of a refund: amount, day, reference."""
    amount, at = rupees(line.amount_paise), when(line.at, zone)
    if line.is_additional:
        amount = _("{amount} of a second payment", amount=amount)
    if line.by_hand and line.is_paid:
        return _("{amount}: handed back on {time}.", amount=amount, time=at)
    if line.by_hand:
        return _("{amount}: the organizer hands it back the way you paid.", amount=amount)
    if line.is_paid:
        said = _("{amount} refunded {time}.", amount=amount, time=at)
    else:
        said = _("{amount} on its way back since {time}.", amount=amount, time=at)
    reference = _("Reference: {reference}.", reference=line.reference) if line.reference else ""
    return f"{said} {_(BANKS_TAKE)} {reference}".rstrip()


DISCOUNT = N_("Offer applied at payment")
"""What the receipts call a discount of the gateway."""


@dataclass(frozen=True, slots=True)
class BookingView:
    """A booking as its owner sees it.

    Attributes:
        status: confirmed, refunding or refunded.
        payment_method: In the gateway's word, or cash, upi or card; empty if nothing was paid.
        channel: online, box_office or complimentary.
        language: Of its messages and documents.
        changes: What differs from the event that was booked.
        cancelled_at: When the event was cancelled, if it was.
        cancel_reason: In the organizer's words; may be empty.
    """

    ref: str
    status: str
    event: EventView
    name: str
    email: str
    phone: str
    lines: tuple[IntentLineView, ...]
    tickets: tuple[TicketView, ...]
    subtotal_paise: int
    fee_paise: int
    total_paise: int
    currency: str
    payment_id: str
    payment_method: str
    channel: str
    created_at: datetime
    language: str = "en"
    refunds: tuple[RefundLine, ...] = ()
    changes: tuple[EventChange, ...] = ()
    cancelled_at: datetime | None = None
    cancel_reason: str = ""

    def in_language(self) -> BookingView:
        """Return the booking with the organizer's texts in the current language."""
        return replace(self, event=self.event.in_language())

    @property
    def discount_paise(self) -> int:
        """By how much an offer of the gateway lowered the price of the tickets."""
        listed = sum(line.quantity * line.unit_price_paise for line in self.lines)
        return listed - self.subtotal_paise
