"""A booking as its owner sees it: tickets with their codes, and the receipt."""

from __future__ import annotations

from dataclasses import dataclass

import reflex as rx

from surge_app.container import current
from surge_app.errors import SurgeError
from surge_app.services.views import BookingView, TicketView
from surge_app.state import cards, session


@dataclass(frozen=True)
class TicketCard:
    """One ticket; `qr_svg` is made by the server."""

    code: str = ""
    title: str = ""
    qr_svg: str = ""
    is_valid: bool = True


class BookingState(rx.State):
    """One booking.

    Attributes:
        phase: loading, ready or missing. Without the right to see it, a booking is missing:
            whether a reference exists is nobody else's business.
        status: confirmed, refunding or refunded.
    """

    phase: str = "loading"
    ref: str = ""
    status: str = ""
    sale: cards.SaleCard = cards.SaleCard()
    contact: cards.ContactCard = cards.ContactCard()
    tickets: list[TicketCard] = []
    price: cards.PriceCard = cards.PriceCard()
    payment_id: str = ""
    booked_at: str = ""

    @rx.event
    async def load(self) -> None:
        """Show the booking named by the address, if this browser may see it."""
        self.reset()
        ref = session.segment(self, 1)
        if not session.may_see_booking(self, ref):
            self.phase = "missing"
            return
        try:
            booking = await current().tickets.view(ref)
        except SurgeError:
            self.phase = "missing"
            return
        self._show(booking)

    def _show(self, booking: BookingView) -> None:
        self.ref, self.status = booking.ref, booking.status
        self.sale = cards.sale_card(booking.event)
        self.contact = cards.ContactCard(booking.name, booking.email, booking.phone)
        self.tickets = [_card(ticket, len(booking.tickets)) for ticket in booking.tickets]
        self.price = cards.price_of_lines(
            booking.lines, fee_paise=booking.fee_paise, total_paise=booking.total_paise
        )
        self.payment_id = booking.payment_id
        self.booked_at = cards.when(booking.created_at, booking.event.time_zone)
        self.phase = "ready"


def _card(ticket: TicketView, of: int) -> TicketCard:
    title = f"{ticket.tier_name} · {ticket.seq} of {of}" if of > 1 else ticket.tier_name
    return TicketCard(ticket.code, title, ticket.qr_svg, ticket.status == "valid")
