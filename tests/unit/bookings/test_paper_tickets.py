"""A ticket on paper: one page each, whatever the event says and whichever script it is in."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
from pypdf import PdfReader
from structlog.testing import capture_logs

from surge_app.languages import SUPPORTED
from surge_app.services.bookings.pdf import draw_receipt, draw_tickets
from surge_app.services.bookings.views import BookingView, TicketView
from tests.state.samples import STARTS, booking

HINDI = "दिवाली संगीत महोत्सव और राष्ट्रीय नृत्य समारोह"
TAMIL = "முன் வரிசை இருக்கைகள்"


def _pages(pdf: bytes) -> list[str]:
    return [" ".join(page.extract_text().split()) for page in PdfReader(io.BytesIO(pdf)).pages]


def _full(*, name: str, tier: str) -> BookingView:
    """Return two tickets of an event that states every fact."""
    plain = booking()
    event = replace(
        plain.event,
        name=name,
        doors_open_at=STARTS,
        ends_at=STARTS,
        address="Survey 12, Vagator Beach Road, Anjuna, Bardez, Goa 403509",
        age_limit=18,
        refund_policy="No refunds within 48 hours of the doors. " * 40,
        organizer_name="Sunset Collective Private Limited",
        organizer_email="help@sunset.example",
        organizer_phone="+91 832 555 0199",
    )
    tickets = tuple(
        TicketView(f"CODE{seq}", tier, seq, "valid", "SIGNED" * 16, f"Meera Rao {seq}")
        for seq in (1, 2)
    )
    lines = tuple(replace(line, tier_name=tier) for line in plain.lines)
    return replace(plain, event=event, tickets=tickets, lines=lines)


@pytest.mark.parametrize(
    ("name", "tier"),
    [("Monsoon Beats, Goa", "General"), (f"{HINDI} 🎉", f"{TAMIL} Front row with a long name")],
)
def test_each_ticket_with_all_its_facts_fills_one_page(name: str, tier: str) -> None:
    first, second = _pages(draw_tickets(_full(name=name, tier=tier)))
    for part in ("Meera Rao 1", "CODE1", "ABCD2345", "Admits one person, once.", "18 and over"):
        assert part in first
    for part in ("Address", "Refunds", "Sunset Collective Private Limited", "help@sunset.example"):
        assert part in first
    assert "Meera Rao 2" in second
    assert "CODE2" in second


@pytest.mark.parametrize("tag", [tag for tag in SUPPORTED if tag != "en"])
def test_a_ticket_has_every_letter_of_its_language_and_stays_on_its_page(tag: str) -> None:
    of = replace(_full(name=HINDI, tier=TAMIL), language=tag)
    with capture_logs() as logs:
        tickets, receipt = draw_tickets(of), draw_receipt(of)
    assert [one for one in logs if one["event"] == "glyphs_missing"] == []
    assert len(_pages(tickets)) == 2
    for pdf in (tickets, receipt):
        assert PdfReader(io.BytesIO(pdf)).trailer["/Root"]["/Lang"] == SUPPORTED[tag].html_lang


def test_a_line_after_another_script_keeps_its_letters() -> None:
    of = _full(name=HINDI, tier=f"{TAMIL} Front row seats that need more than one line of paper")
    assert "of paper, ticket 1 of 2" in _pages(draw_tickets(of))[0]
    assert "of paper at ₹1,000" in _pages(draw_receipt(of))[0]


def test_the_paper_of_cancelled_tickets_names_their_event_and_booking() -> None:
    (page,) = _pages(draw_tickets(booking("refunded")))
    for part in ("Monsoon Beats, Goa", "These tickets are no longer valid.", "ABCD2345"):
        assert part in page
