"""A receipt on paper says what was paid, and what became of it."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import UTC, datetime

from pypdf import PdfReader

from surge_app.services.bookings.pdf import draw_receipt
from surge_app.services.bookings.views import BookingView, RefundLine
from tests.state.samples import booking


def _text(of: BookingView) -> str:
    pages = PdfReader(io.BytesIO(draw_receipt(of))).pages
    return " ".join(" ".join(page.extract_text() for page in pages).split())


def test_an_offer_is_a_row_of_its_own_and_the_rows_add_up() -> None:
    paid = replace(booking(), subtotal_paise=190_000, total_paise=192_500)
    text = _text(paid)
    assert "Offer applied at payment −₹100" in text
    assert "Total paid, everything included ₹1,925" in text
    assert "Offer applied" not in _text(booking())


def test_a_free_booking_names_no_payment() -> None:
    lines = tuple(replace(line, unit_price_paise=0) for line in booking().lines)
    free = replace(booking(), lines=lines, subtotal_paise=0, fee_paise=0, total_paise=0)
    text = _text(replace(free, payment_id="", payment_method=""))
    assert "2 × General Free Total Free" in text
    assert "Paid" not in text
    assert "Payment" not in text


def test_a_refund_says_how_much_when_and_by_which_reference() -> None:
    refund = RefundLine(
        amount_paise=202_500,
        at=datetime(2026, 11, 28, 5, 0, tzinfo=UTC),
        is_paid=True,
        reference="rfnd_QaC4eF6hI8kL0n",
        by_hand=False,
        is_additional=False,
    )
    text = _text(replace(booking("refunded"), refunds=(refund,)))
    for part in (
        "This booking is cancelled. Its tickets are no longer valid.",
        "₹2,025 refunded Sat 28 Nov 2026, 10:30 am IST.",
        "Banks take up to 7 working days.",
        "Reference: rfnd_QaC4eF6hI8kL0n.",
    ):
        assert part in text
