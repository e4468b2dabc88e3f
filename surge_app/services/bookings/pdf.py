"""Tickets and receipts on paper, A4, readable without the page they came from."""

from __future__ import annotations

from fpdf import FPDF

from surge_app.formatting import BOX_OFFICE_METHODS, long_date, price, rupees
from surge_app.languages import N_, current, gettext as _, use
from surge_app.models import SalesChannel, TicketStatus
from surge_app.services.bookings.qr import qr_picture
from surge_app.services.bookings.views import DISCOUNT, BookingView, TicketView, refund_text
from surge_app.services.events.catalog import organizer_contact
from surge_app.services.events.typefaces import (
    LATIN,
    MISSING,
    SHAPED,
    face_file,
    faces_of,
    printable,
)
from surge_app.services.events.views import EventView

_INK = (26, 23, 32)
_MUTED = (100, 95, 110)
_ACCENT = (79, 43, 234)
_MARGIN_MM = 20
_CODE_MM = 80
# Where a reader smooths pictures, an edge blurs by a quarter of a module at most.
_CODE_PIXELS = 4
_GAP_MM = 10
_LABEL_MM, _ROW_MM = 120, 7
_FACT_LABEL_MM = 32
# By how much the baselines of the two differ.
_LABEL_LOWER_MM = 0.7
# Longer ones would push the rest of a ticket onto a second page.
_LONGEST_TITLE, _LONGEST_TIER = 70, 40
_LONGEST_FACT = 400
_LEGEND = N_("{mark} stands for letters that we cannot print. Your booking page shows them.")


def draw_tickets(booking: BookingView) -> bytes:
    """Return the valid tickets of a booking as a PDF. Slow enough to belong in a thread."""
    with use(booking.language):
        return _draw_tickets(booking.in_language())


def draw_receipt(booking: BookingView) -> bytes:
    """Return what was paid for what as a PDF, with each part of the price."""
    with use(booking.language):
        return _draw_receipt(booking.in_language())


def _draw_tickets(booking: BookingView) -> bytes:
    valid = [ticket for ticket in booking.tickets if ticket.status == TicketStatus.VALID]
    event = booking.event
    names = [name for ticket in valid for name in (ticket.tier_name, ticket.attendee_name)]
    facts = [text for pair in _facts(event) for text in pair]
    words = (event.name, event.venue, booking.name, *names, *facts)
    pdf = _paper(_("Tickets {ref}", ref=booking.ref), *words)
    for ticket in valid:
        _draw(pdf, booking, ticket, of=len(valid))
        _explain_marks(pdf, *words)
    if not valid:
        _head(pdf)
        _title(pdf, event)
        _text(pdf, _("These tickets are no longer valid."), size=14)
        pdf.ln(4)
        _labelled(pdf, _("Booking reference"), booking.ref)
    return bytes(pdf.output())


def _paper(title: str, *words: str) -> FPDF:
    """Return an empty document that can write these words.

    A font that goes along is cut down to the letters in use, which takes a tenth of a second of a
    processor for each. So each is taken only for letters that need it; Latin ones are left to the
    font every reader has.
    """
    pdf = FPDF(format="A4")
    pdf.set_margin(_MARGIN_MM)
    pdf.c_margin = 0
    pdf.set_title(title)
    pdf.set_lang(current().locale.replace("_", "-"))
    # The name of a language is written in its own script.
    text = printable("".join((*words, current().name)))
    if all(letter.encode("latin-1", "ignore") for letter in text):
        pdf.set_font("Helvetica")
        return pdf
    faces = [LATIN, *(face for face in faces_of(text) if face != LATIN)]
    for face in faces:
        for style, weight in (("", 400), ("B", 700)):
            pdf.add_font(face, style, face_file(face, weight))
    if not SHAPED.isdisjoint(faces):
        pdf.set_text_shaping(use_shaping_engine=True)
    pdf.set_font(LATIN)
    pdf.set_fallback_fonts(faces[1:])
    return pdf


def _head(pdf: FPDF) -> None:
    pdf.add_page()
    pdf.set_fill_color(*_ACCENT)
    pdf.rect(_MARGIN_MM, _MARGIN_MM, 24, 2, style="F")
    pdf.set_y(_MARGIN_MM + 10)


def _explain_marks(pdf: FPDF, *words: str) -> None:
    if any(MISSING in printable(text) for text in words):
        _text(pdf, _(_LEGEND, mark=MISSING), size=9, colour=_MUTED)


def _facts(event: EventView) -> list[tuple[str, str]]:
    """Return what a ticket says beside its event, day and venue: facts, rules, who answers."""
    return [(fact.title, fact.text) for fact in event.facts]


def _title(pdf: FPDF, event: EventView) -> None:
    _text(pdf, event.name, size=28 if len(event.name) <= _LONGEST_TITLE else 20, style="B")


def _draw(pdf: FPDF, booking: BookingView, ticket: TicketView, *, of: int) -> None:
    """Draw a ticket on one page: its code, beside it whose it is, below it the event's facts."""
    event = booking.event
    _head(pdf)
    _title(pdf, event)
    _text(pdf, long_date(event.starts_at, event.time_zone), size=13)
    _text(pdf, event.venue, size=13, colour=_MUTED)
    pdf.ln(8)
    below = _draw_code(pdf, ticket.qr_text)
    pdf.set_left_margin(_MARGIN_MM + _CODE_MM + _GAP_MM)
    size = 18 if len(ticket.tier_name) <= _LONGEST_TIER else 13
    which = {"tier": ticket.tier_name, "number": ticket.seq, "total": of}
    _text(pdf, _("{tier}, ticket {number} of {total}", **which), size=size, style="B")
    _text(pdf, ticket.attendee_name or booking.name, size=13)
    pdf.ln(4)
    for label, value in ((_("Booking reference"), booking.ref), (_("Ticket code"), ticket.code)):
        _text(pdf, label, size=9, colour=_MUTED)
        _text(pdf, value, size=11)
        pdf.ln(2)
    pdf.ln(2)
    for rule in (_("Admits one person, once."), _("Don't share or post this code.")):
        _text(pdf, rule, size=10, colour=_MUTED)
    pdf.set_left_margin(_MARGIN_MM)
    pdf.set_y(max(pdf.get_y(), below) + _GAP_MM)
    for label, value in _facts(event):
        _labelled(pdf, label, _shortened(value))


def _shortened(value: str) -> str:
    """Return a text on one line, cut where it would fill the page; the event page has it all."""
    text = " ".join(value.split())
    return text if len(text) <= _LONGEST_FACT else f"{text[:_LONGEST_FACT].rstrip(' .,')}..."


def _labelled(pdf: FPDF, label: str, value: str) -> None:
    """Write a value beside its label."""
    top = pdf.get_y()
    pdf.set_y(top + _LABEL_LOWER_MM)
    _text(pdf, label, size=9, colour=_MUTED)
    pdf.set_left_margin(_MARGIN_MM + _FACT_LABEL_MM)
    pdf.set_y(top)
    _text(pdf, value, size=11)
    pdf.set_left_margin(_MARGIN_MM)
    pdf.ln(2)


def _draw_code(pdf: FPDF, text: str) -> float:
    """Draw a code and return where it ends; the pen stays beside it."""
    picture = qr_picture(text, scale=_CODE_PIXELS)
    top = pdf.get_y()
    pdf.image(picture, pdf.get_x(), top, _CODE_MM, _CODE_MM)
    return top + _CODE_MM


def _draw_receipt(booking: BookingView) -> bytes:
    event = booking.event
    tiers = [line.tier_name for line in booking.lines]
    words = (event.name, event.venue, booking.name, organizer_contact(event), *tiers)
    pdf = _paper(_("Receipt {ref}", ref=booking.ref), *words, rupees(0))
    _head(pdf)
    _text(pdf, _("Receipt"), size=28, style="B")
    _text(pdf, event.name, size=13)
    _text(pdf, f"{long_date(event.starts_at, event.time_zone)}, {event.venue}", size=11)
    pdf.ln(8)
    for label, value in (
        (_("Booking reference"), booking.ref),
        (_("Booked by"), booking.name),
        (_("Booked on"), long_date(booking.created_at, event.time_zone)),
        (_("Payment"), _paid_by(booking)),
        (_("Organizer"), organizer_contact(event)),
    ):
        if value:
            _labelled(pdf, label, value)
    pdf.ln(4)
    for line in booking.lines:
        is_each = line.quantity > 1 and line.unit_price_paise > 0
        label = f"{line.quantity} × {line.tier_name}"
        if is_each:
            label = _("{tickets} at {price}", tickets=label, price=rupees(line.unit_price_paise))
        _row(pdf, label, price(line.quantity * line.unit_price_paise))
    if booking.fee_paise:
        _row(pdf, _("Booking fee"), rupees(booking.fee_paise))
    if booking.discount_paise:
        _row(pdf, _(DISCOUNT), f"−{rupees(booking.discount_paise)}")
    pdf.set_draw_color(*_MUTED)
    pdf.line(_MARGIN_MM, pdf.get_y() + 1, pdf.w - _MARGIN_MM, pdf.get_y() + 1)
    pdf.ln(3)
    total = _("Total paid, everything included") if booking.total_paise else _("Total")
    _row(pdf, total, price(booking.total_paise), style="B")
    if booking.status != "confirmed":
        pdf.ln(4)
        _text(pdf, _("This booking is cancelled. Its tickets are no longer valid."), size=11)
    for refund in booking.refunds:
        pdf.ln(2)
        _text(pdf, refund_text(refund, event.time_zone), size=11)
    _explain_marks(pdf, *words)
    return bytes(pdf.output())


def _paid_by(booking: BookingView) -> str:
    if booking.channel == SalesChannel.BOX_OFFICE and booking.payment_id:
        how = _(BOX_OFFICE_METHODS[booking.payment_method][1])
        return _("{how}, at the box office", how=how)
    return booking.payment_id


def _row(pdf: FPDF, label: str, amount: str, *, style: str = "") -> None:
    _set_font(pdf, style, 11)
    pdf.set_text_color(*_INK)
    pdf.multi_cell(_LABEL_MM, _ROW_MM, printable(label), align="L", new_x="RIGHT", new_y="LAST")
    pdf.cell(0, _ROW_MM, amount, align="R", new_x="LMARGIN", new_y="NEXT")


def _set_font(pdf: FPDF, style: str, size: int) -> None:
    pdf.set_font(style=style, size=size)
    if pdf.font_family == LATIN:
        # fpdf2 forgets a font that a line in another script was the first to use, and writes
        # the next line in the font before it: as other letters.
        pdf.cell(0, 0, " ", new_x="LEFT", new_y="TOP")


def _text(
    pdf: FPDF, text: str, *, size: int, style: str = "", colour: tuple[int, int, int] = _INK
) -> None:
    _set_font(pdf, style, size)
    pdf.set_text_color(*colour)
    shown = printable(text)
    # The search for line breaks takes ten times as long as the line itself.
    if "\n" not in shown and pdf.get_string_width(shown) < pdf.epw:
        pdf.cell(0, size * 0.5, shown, align="L", new_x="LMARGIN", new_y="NEXT")
    else:
        # Justified, a line of few words is torn apart.
        pdf.multi_cell(0, size * 0.5, shown, align="L", new_x="LMARGIN", new_y="NEXT")
