"""Bookings and tickets as pages, API and admin see them.

A view never holds a table row. Money is integer paise, times are aware UTC.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from surge_app.services.checkout.views import IntentLineView
from surge_app.services.events.views import EventView


@dataclass(frozen=True, slots=True)
class TicketView:
    """One ticket.

    Attributes:
        qr_text: What its QR shows: the code, signed.
        is_used: Whether it opened the door.
    """

    code: str
    tier_name: str
    seq: int
    status: str
    qr_text: str
    attendee_name: str = ""
    is_used: bool = False


@dataclass(frozen=True, slots=True)
class BookingView:
    """A booking as its owner sees it.

    Attributes:
        status: confirmed, refunding or refunded.
        channel: online, box_office (paid in cash) or complimentary.
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
    channel: str
    created_at: datetime
