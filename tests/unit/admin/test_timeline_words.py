"""The history of a booking is in the language of its reader."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest

from surge_app.languages import use
from surge_app.models import Disposition, PaymentStatus, RefundStatus
from surge_app.models.messages import DeliveryStatus, MessageStatus
from surge_app.services.admin.participants import TimelineEntry
from surge_app.state.admin.bookings import booking


@pytest.mark.parametrize(
    ("what", "detail", "states"),
    [
        ("payment", "1 100", [*PaymentStatus, *Disposition]),
        ("refund", "100", [*RefundStatus]),
        ("message", "email confirmation 1", [*MessageStatus, *DeliveryStatus]),
    ],
)
def test_no_state_of_a_payment_a_refund_or_a_message_stays_english(
    what: str, detail: str, states: list[str]
) -> None:
    with use("hi"):
        for state in states:
            entry = TimelineEntry(datetime(2026, 3, 6, tzinfo=UTC), what, detail, state)
            row = booking._timeline_row(entry, "Asia/Kolkata")
            assert not re.search("[a-z]{3}", f"{row.what} {row.detail}"), row
