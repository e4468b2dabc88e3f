"""Tickets on paper: an A4 page for each ticket, readable without the page it came from."""

from __future__ import annotations

import io
from importlib.resources import as_file, files

import segno
from fpdf import FPDF

from surge_app.models import TicketStatus
from surge_app.money import rupees
from surge_app.services.dates import long_date
from surge_app.services.views import BookingView, TicketView

_INK = (26, 23, 32)
_MUTED = (100, 95, 110)
_ACCENT = (79, 43, 234)
_MARGIN_MM = 20
_CODE_MM = 70
_FONTS = {
    ("Inter", ""): "inter-400",
    ("Inter", "B"): "inter-700",
    ("InterExt", ""): "inter-ext-400",
    ("InterExt", "B"): "inter-ext-700",
    ("Devanagari", ""): "devanagari-400",
    ("Devanagari", "B"): "devanagari-700",
}


def draw_tickets(booking: BookingView) -> bytes:
    """Return the valid tickets of a booking as a PDF. Slow enough to belong in a thread."""
    pdf = FPDF(format="A4")
    pdf.set_margin(_MARGIN_MM)
    pdf.set_title(f"Tickets {booking.ref}")
    _load_fonts(pdf)
    valid = [ticket for ticket in booking.tickets if ticket.status == TicketStatus.VALID]
    for ticket in valid:
        _draw(pdf, booking, ticket, of=len(valid))
    if not valid:
        pdf.add_page()
        _text(pdf, "These tickets are no longer valid.", size=14)
    return bytes(pdf.output())


def _load_fonts(pdf: FPDF) -> None:
    folder = files("surge_app.services") / "fonts"
    for (family, style), name in _FONTS.items():
        with as_file(folder / f"{name}.ttf") as path:
            pdf.add_font(family, style, path)
    pdf.set_font("Inter")
    # Names may be written in Hindi; conjuncts need shaping.
    pdf.set_fallback_fonts(["InterExt", "Devanagari"])
    pdf.set_text_shaping(use_shaping_engine=True)


def _draw(pdf: FPDF, booking: BookingView, ticket: TicketView, *, of: int) -> None:
    event = booking.event
    pdf.add_page()
    pdf.set_fill_color(*_ACCENT)
    pdf.rect(_MARGIN_MM, _MARGIN_MM, 24, 2, style="F")
    pdf.set_y(_MARGIN_MM + 10)
    _text(pdf, event.name, size=28, style="B")
    _text(pdf, long_date(event.starts_at, event.time_zone), size=13)
    _text(pdf, event.venue, size=13, colour=_MUTED)
    pdf.ln(8)
    image = io.BytesIO()
    segno.make_qr(ticket.qr_text, error="m").save(image, kind="png", scale=10, border=4)
    pdf.image(image, w=_CODE_MM, h=_CODE_MM)
    pdf.ln(4)
    _text(pdf, f"{ticket.tier_name}, ticket {ticket.seq} of {of}", size=18, style="B")
    _text(pdf, booking.name, size=13)
    pdf.ln(8)
    _text(pdf, "Booking reference", size=10, colour=_MUTED)
    _text(pdf, booking.ref, size=16, style="B")
    if ticket.seq == 1:
        _receipt(pdf, booking)
    pdf.ln(6)
    _text(
        pdf, "One person is let in with this code, once. Keep it to yourself.", size=10,
        colour=_MUTED,
    )  # fmt: skip


def _receipt(pdf: FPDF, booking: BookingView) -> None:
    pdf.ln(6)
    _text(pdf, "Receipt", size=10, colour=_MUTED)
    for line in booking.lines:
        amount = rupees(line.quantity * line.unit_price_paise)
        _text(pdf, f"{line.quantity} × {line.tier_name}: {amount}", size=11)
    _text(pdf, f"Convenience fee: {rupees(booking.fee_paise)}", size=11)
    _text(pdf, f"Paid, everything included: {rupees(booking.total_paise)}", size=11, style="B")


def _text(
    pdf: FPDF,
    text: str,
    *,
    size: int,
    style: str = "",
    colour: tuple[int, int, int] = _INK,
) -> None:
    pdf.set_font("Inter", style, size)
    pdf.set_text_color(*colour)
    pdf.multi_cell(0, size * 0.5, text, new_x="LMARGIN", new_y="NEXT")
