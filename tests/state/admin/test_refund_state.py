"""Refunds on the booking page: reviewed, made once, and never of a stale form."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from surge_app.clock import utc_now
from surge_app.errors import EditConflict
from surge_app.models import RefundReason
from surge_app.services.admin.participants import BookingDetail, TimelineEntry
from surge_app.services.payments.refund_policy import RefundPlan
from surge_app.services.payments.views import RefundedView
from surge_app.state.admin.bookings.booking import BookingDetailState
from tests.state.harness import at, call


def _detail(version: int) -> BookingDetail:
    return BookingDetail(
        ref="SRG-ABCD2345", version=version, event_slug="monsoon", event_name="Monsoon",
        time_zone="Asia/Kolkata", status="confirmed", name="Asha", email="a@example.com",
        phone="+919876543210", subtotal_paise=50_000, fee_paise=2_500, total_paise=52_500,
        refundable_paise=52_500, channel="online", in_cash=False, method="card",
        created_at=utc_now(), tickets=(),
        timeline=(TimelineEntry(utc_now(), "message", "sms confirmed +919876543210", "sent"),),
    )  # fmt: skip


class Bookings:
    """One booking whose version grows with each refund."""

    def __init__(self) -> None:
        self.version = 0
        self.refunds: list[tuple[str, object, object]] = []

    async def detail(self, _ref: str) -> BookingDetail:
        return _detail(self.version)

    async def preview_refund(
        self,
        _ref: str,
        *,
        version: int,
        tickets: Sequence[int] | None,
        amount_paise: int | None,
    ) -> RefundPlan:
        if version != self.version:
            raise EditConflict
        if amount_paise is not None:
            return RefundPlan((), amount_paise, 0, RefundReason.GOODWILL)
        seqs = tuple(tickets or (1, 2))
        return RefundPlan(seqs, 25_000 * len(seqs), 0 if tickets else 2_500, RefundReason.WHOLE)

    async def refund(
        self,
        ref: str,
        *,
        version: int,
        actor: str,
        tickets: Sequence[int] | None,
        amount_paise: int | None,
        **_: object,
    ) -> RefundedView:
        if version != self.version:
            raise EditConflict
        self.version += 1
        self.refunds.append((actor, tickets, amount_paise))
        return RefundedView(ref, "confirmed", amount_paise or 25_000, ())


@pytest.fixture
def bookings(services: SimpleNamespace) -> Bookings:
    services.participants = services.refunds = Bookings()
    return services.refunds


async def _open(name: str = "asha") -> Any:
    state = at(BookingDetailState(), "/admin/bookings/SRG-ABCD2345", f"admin={name}")
    await call(BookingDetailState.load, state)
    return state


async def _review(state: Any, **form: object) -> None:
    sent = {"version": str(state.booking.version), "restock": "yes", **form}
    await call(BookingDetailState.preview_refund, state, sent)


async def test_a_refund_is_spelled_out_before_it_is_made_and_made_once(
    bookings: Bookings,
) -> None:
    state = await _open()
    assert state.booking.phone_text == "+91 98765 43210"
    assert state.timeline[0].detail.startswith("+91 98765 43210 · ")
    await _review(state, kind="tickets", **{"ticket-2": "yes"})
    assert state.question == "Refund ₹250 to Asha and cancel 1 ticket?"
    assert bookings.refunds == []
    confirm = {"form_key": state.form_key}
    # A double click sends the same form twice.
    await call(BookingDetailState.refund, state, confirm)
    await call(BookingDetailState.refund, state, confirm)
    assert bookings.refunds == [("asha", (2,), None)]
    assert state.done == "Refund of ₹250 started. Banks take up to 7 working days."
    assert (state.question, state.refund_kind) == ("", "all")


async def test_nothing_is_refunded_that_was_not_reviewed(bookings: Bookings) -> None:
    state = await _open()
    await call(BookingDetailState.refund, state, {"form_key": state.form_key, "kind": "all"})
    assert bookings.refunds == []
    assert state.problem == "Nothing was refunded. Review the refund first."
    await _review(state, kind="all")
    assert state.question == "Refund ₹525 to Asha and cancel 2 tickets?"
    await call(BookingDetailState.cancel_refund, state)
    await call(BookingDetailState.refund, state, {"form_key": state.form_key})
    assert bookings.refunds == []


@pytest.mark.parametrize(
    "form",
    [
        {},
        {"kind": "tickets"},
        {"kind": "amount"},
        {"kind": "amount", "amount": "0"},
        {"kind": "amount", "amount": "ten"},
        # An amount beside another choice: Enter in the wrong field refunds nothing.
        {"kind": "all", "amount": "10"},
        {"kind": "tickets", "ticket-1": "yes", "amount": "10"},
    ],
)
async def test_a_form_that_is_not_clear_refunds_nothing(
    bookings: Bookings, form: dict[str, object]
) -> None:
    state = await _open()
    await _review(state, **form)
    assert (state.question, bookings.refunds) == ("", [])
    assert state.problem.startswith("Nothing was refunded.")


async def test_of_two_organizers_the_second_is_told_and_keeps_what_was_chosen(
    bookings: Bookings,
) -> None:
    first, second = await _open("asha"), await _open("ravi")
    for state in (first, second):
        await _review(state, kind="amount", amount="100.50")
        assert state.question == "Refund ₹100.50 to Asha and keep every ticket valid?"
    for state in (first, second):
        key = state.form_key
        await call(BookingDetailState.refund, state, {"form_key": key})
    assert bookings.refunds == [("asha", None, 10_050)]
    assert second.done == ""
    assert second.problem.endswith("Nothing was refunded.")
    # The form is not built anew, so the amount still stands in it, now with the new version.
    assert (second.form_key, second.booking.version) == (key, 1)
    await _review(second, kind="amount", amount="100.50")
    await call(BookingDetailState.refund, second, {"form_key": second.form_key})
    assert [actor for actor, *_ in bookings.refunds] == ["asha", "ravi"]


async def test_a_form_that_was_open_before_another_refund_cannot_be_reviewed(
    bookings: Bookings,
) -> None:
    state = await _open()
    bookings.version = 1
    await _review(state, kind="all")
    assert (state.question, state.booking.version) == ("", 1)
    assert state.problem
