"""Values the state tests start from."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from surge_app.services.admin.views import EventStats, HistoryPoint, TierStats
from surge_app.services.bookings.views import BookingView, TicketView
from surge_app.services.checkout.views import Contact, IntentLineView, IntentView, OrderLine
from surge_app.services.events.views import EventStatus, EventView, TierStatus, TierView
from surge_app.services.payments.views import CheckoutView
from surge_app.services.waiting_room.views import QueueCounts

FEE = 2_500
ASHA = {"name": "Asha Rao", "email": "asha@example.com", "phone": "98765 43210"}
FREE_REF = "ABCD2345"
STARTS = datetime(2027, 3, 6, 13, 30, tzinfo=UTC)


def tier(
    tier_id: str,
    name: str,
    price: int,
    *,
    free: int = 10,
    held: int = 0,
    status: TierStatus | None = None,
    **rules: Any,
) -> TierView:
    sold = 100 - free - held
    word: TierStatus = status or ("on_sale" if free else "all_held" if held else "sold_out")
    all_in = price + FEE if price else 0
    return TierView(tier_id, name, price, all_in, 100, free, held, sold, word, **rules)


def event(*tiers: TierView, status: EventStatus = "on_sale") -> EventView:
    return EventView(
        id="01JD9Z6W5T8QK3M2R7V4X1C0BN",
        slug="monsoon",
        name="Monsoon Beats, Goa",
        venue="Vagator Hilltop",
        time_zone="Asia/Kolkata",
        starts_at=STARTS,
        status=status,
        currency="INR",
        fee_paise=FEE,
        max_per_person=4,
        is_rehearsal=False,
        cover_digest="",
        tiers=tiers or (tier("general", "General", 100_000),),
    )


def intent(of: EventView, lines: list[OrderLine], *, status: str = "held") -> IntentView:
    tiers = {one.id: one for one in of.tiers}
    rows = tuple(
        IntentLineView(
            line.tier_id, tiers[line.tier_id].name, line.quantity, tiers[line.tier_id].price_paise
        )
        for line in lines
    )
    subtotal = sum(row.quantity * row.unit_price_paise for row in rows)
    fee = FEE if subtotal else 0
    return IntentView(
        id="intent-1",
        event_slug=of.slug,
        status=status,
        lines=rows,
        subtotal_paise=subtotal,
        fee_paise=fee,
        total_paise=subtotal + fee,
        currency="INR",
        expires_at=datetime.now(UTC) + timedelta(seconds=300),
        remaining_seconds=300,
        booking_ref=None,
        name="",
        email="",
        phone="",
    )


def checkout(contact: Contact) -> CheckoutView:
    return CheckoutView(
        key_id="rzp_test_1",
        order_id="order_1",
        amount_paise=202_500,
        currency="INR",
        name="Monsoon Beats, Goa",
        description="Tickets",
        prefill=contact,
        timeout_seconds=700,
        script_url="/sandbox/razorpay/checkout.js",
    )


def free_checkout(contact: Contact) -> CheckoutView:
    return replace(checkout(contact), order_id=None, amount_paise=0, booking_ref=FREE_REF)


def booking(status: str = "confirmed") -> BookingView:
    valid = "valid" if status == "confirmed" else "void"
    return BookingView(
        ref="ABCD2345",
        status=status,
        event=event(),
        name="Asha Rao",
        email="asha@example.com",
        phone="+919876543210",
        lines=(IntentLineView("general", "General", 2, 100_000),),
        tickets=tuple(
            TicketView(f"CODE{seq}", "General", seq, valid, f"SIGNED{seq}") for seq in (1, 2)
        ),
        subtotal_paise=200_000,
        fee_paise=FEE,
        total_paise=202_500,
        currency="INR",
        payment_id="pay_1",
        payment_method="card",
        channel="online",
        created_at=datetime(2026, 11, 22, 5, 0, tzinfo=UTC),
    )


def stats() -> EventStats:
    now = datetime(2027, 3, 1, tzinfo=UTC)
    return EventStats(
        slug="monsoon",
        name="Monsoon Beats, Goa",
        venue="Vagator Hilltop",
        time_zone="Asia/Kolkata",
        starts_at=STARTS,
        sales_open_at=None,
        status="on_sale",
        phase="published",
        is_paused=False,
        concurrent_buyers=500,
        admissions_per_minute=None,
        slow_payment_percent=20,
        challenge="off",
        queue_message="",
        capacity=5_000,
        available=2_140,
        held=312,
        sold=2_548,
        withheld=0,
        tiers=(TierStats("General", 5_000, 2_140, 312, 2_548),),
        bookings=1_274,
        bookings_last_minute=61,
        gross_paise=261_045_000,
        refunded_paise=0,
        revenue_paise=261_045_000,
        fees_paise=3_185_000,
        cash_paise=450_000,
        cash_owed_paise=0,
        messages_pending=3,
        messages_dead=0,
        gateway_down_since=None,
        at=now,
        queue=QueueCounts(
            waiting=8_412,
            inside=486,
            admitted=3_120,
            left=31,
            admitted_last_minute=190,
            last_eta_low_seconds=2_460,
            last_eta_high_seconds=3_120,
        ),
        history=tuple(
            HistoryPoint(now, sold, 300, waiting, 480, 0, 200, 50, 190)
            for sold, waiting in ((2_000, 9_000), (2_548, 8_412))
        ),
    )
