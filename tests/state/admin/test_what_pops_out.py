"""What an organizer must not overlook: a sale that ends soon or stands still, and stand-ins."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from surge_app.clock import utc_now
from surge_app.languages import use
from surge_app.services.admin.action_items import ActionItem
from surge_app.services.admin.sales_report import SalesReport
from surge_app.services.admin.views import EventStats
from surge_app.services.bookings.check_in import CheckInCounts
from surge_app.services.operations.preflight import NOT_COMPARED, Check
from surge_app.settings import Settings
from surge_app.state.admin.entrance.check_in import CheckInState
from surge_app.state.admin.sale.sale_history import alerts
from surge_app.state.admin.site import health
from surge_app.state.admin.site.health import HealthState
from surge_app.state.admin.state_labels import STATE_LABELS, state_label
from tests.state import samples
from tests.state.harness import at, call


def _texts(seen: EventStats) -> list[str]:
    return [one.text for one in alerts(seen, SalesReport(), 0)]


def test_a_sale_says_when_its_tickets_will_be_gone() -> None:
    # 50 tickets in each of the last minutes, and 2,140 are left.
    assert _texts(samples.stats()) == ["At this pace, tickets sell out in about 43 min."]
    slow = replace(
        samples.stats(),
        history=tuple(replace(one, sold_per_minute=1) for one in samples.stats().history),
    )
    assert _texts(slow) == []


@pytest.mark.parametrize("phase", ["draft", "cancelled"])
def test_an_event_that_is_not_on_sale_has_no_pace(phase: str) -> None:
    assert _texts(replace(samples.stats(), phase=phase, is_paused=True)) == []


def test_items_come_first_and_servers_that_are_away_are_named() -> None:
    seen = replace(samples.stats(), queue=None, gateway_down_since=utc_now(), history=())
    items, gateway, room = alerts(seen, SalesReport(), 2)
    assert (items.text, items.tone) == ("2 items need attention.", "bad")
    assert gateway.text.startswith("Razorpay is not responding since ")
    assert room.text.startswith("The waiting room is not responding.")


async def test_a_stand_in_for_a_vendor_is_never_shown_as_ready(
    services: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def examined(_settings: Settings) -> list[Check]:
        return [Check("payments: sandbox", is_ok=True), Check("redis", is_ok=True)]

    async def listed(**_: object) -> tuple[()]:
        return ()

    services.action_items.list = listed
    monkeypatch.setattr(health, "examine", examined)
    state: Any = at(HealthState(), "/admin/install/checks", "admin=root")
    await call(HealthState.load, state)
    shown = [(row.name, row.verdict, row.tone) for row in state.checks]
    assert shown == [("Payments", "Sandbox", "warn"), ("Redis", "OK", "good")]


_FAILED = ActionItem(
    kind="dead_message",
    id="1",
    at=utc_now(),
    event="monsoon",
    subject="SRG-ABCD2345",
    amount_paise=0,
    detail="email to asha@example.com: The database was busy.",
    due_at=None,
)


def test_checks_and_items_are_in_the_language_of_the_organizer() -> None:
    with use("hi"):
        shown = health._check(Check("payments: sandbox", is_ok=True))
        asked = health._check(Check(f"sms texts: {NOT_COMPARED}", is_ok=True))
        message = health._card(_FAILED)
        cash = health._card(replace(_FAILED, kind="cash_refund", detail="Paid by card"))
    assert (shown.name, shown.verdict) == ("पेमेंट", "सैंडबॉक्स")
    assert (asked.name, asked.advice) == ("SMS के टेक्स्ट", "दर्ज टेक्स्ट से मिलाए नहीं गए।")
    assert message.detail == "ईमेल: asha@example.com"
    assert (message.reason, message.is_quoted) == ("डेटाबेस व्यस्त था।", False)
    assert cash.detail == "पेमेंट: कार्ड"


@pytest.mark.parametrize(
    ("kind", "detail", "shown", "quoted"),
    [
        ("unmatched_payment", "captured", "Razorpay में स्थिति: लिया गया", ""),
        ("unmatched_refund", "refund", "", ""),
        ("undecided_payment", "captured", "", ""),
        ("dispute", "under_review", "Razorpay में स्थिति: जाँच में", ""),
        (
            "dispute",
            "lost: Not as described",
            "Razorpay में स्थिति: फ़ैसला आपके ख़िलाफ़",
            "Not as described",
        ),
        ("stuck_refund", "requested", "Razorpay ने कोई वजह नहीं बताई।", ""),
        ("stuck_refund", "The payment is too old.", "", "The payment is too old."),
        ("gateway_refund", "rfnd_1", "", "rfnd_1"),
        ("stuck_webhook", "", "", ""),
        ("dead_message", "sms to +91 98: Twilio error 30006", "SMS: +91 98", "Twilio error 30006"),
    ],
)
def test_an_item_translates_its_state_and_quotes_the_vendor(
    kind: str, detail: str, shown: str, quoted: str
) -> None:
    with use("hi"):
        card = health._card(replace(_FAILED, kind=kind, detail=detail))
    assert (card.detail, card.reason if card.is_quoted else "") == (shown, quoted)


@pytest.mark.parametrize("state", STATE_LABELS)
def test_each_state_has_a_word_in_hindi(state: str) -> None:
    with use("hi"):
        assert not re.search("[a-z]", state_label(state))


def test_a_delivery_without_words_of_the_provider_has_its_state() -> None:
    with use("hi"):
        card = health._card(replace(_FAILED, detail="email to asha@example.com: bounced"))
    assert (card.reason, card.is_quoted) == ("नहीं पहुँचा", False)


@pytest.mark.parametrize(
    ("days", "warning"),
    [(78, "This event starts on "), (0.2, ""), (-0.2, ""), (-3, "This event was on ")],
)
async def test_the_door_is_warned_of_another_day(
    services: SimpleNamespace, days: float, warning: str
) -> None:
    async def counts(slug: str) -> CheckInCounts:
        starts_at = utc_now() + timedelta(days=days)
        return CheckInCounts(slug, "Monsoon", "Goa", "Asia/Kolkata", starts_at, 2, 0)

    services.check_in = SimpleNamespace(counts=counts)
    state: Any = at(CheckInState(), "/admin/events/monsoon/door", "door=gate")
    await call(CheckInState.load, state)
    assert state.phase == "ready"
    assert state.warning.startswith(warning) if warning else state.warning == ""
