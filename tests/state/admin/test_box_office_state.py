"""The counter, the ended holds, the log, ending passes, and two who act on one booking."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from surge_app.clock import utc_now
from surge_app.errors import EditConflict, SoldOut
from surge_app.services.admin.audit_log import LogEntry, LogFilter, LogPage, LogWords
from surge_app.services.admin.participants import BookingDetail
from surge_app.services.admin.passes import ActivePass, QueueStanding
from surge_app.services.checkout.views import IntentPage, ListedIntent
from surge_app.services.payments.box_office import CounterBooking, CounterSale
from surge_app.services.payments.views import RefundedView
from surge_app.state.admin.audit_log import AuditLogState
from surge_app.state.admin.box_office import BoxOfficeState
from surge_app.state.admin.hold_recovery import HoldRecoveryState
from surge_app.state.admin.participants import BookingDetailState
from surge_app.state.admin.passes import PassesState
from tests.state.harness import at, call

_COUNTER = "/admin/events/monsoon/box-office"


class Counter:
    """Sells everything and writes down what."""

    def __init__(self) -> None:
        self.sales: list[tuple[CounterSale, str]] = []

    async def sell(self, slug: str, sale: CounterSale, *, key: str, actor: str) -> CounterBooking:
        assert (slug, actor) == ("monsoon", "root")
        is_new = key not in {known for _, known in self.sales}
        self.sales.append((sale, key))
        return CounterBooking("SRG-ABCD2345", sale.channel, sale.cash_paise or 0, 2, is_new)


@pytest.fixture
def counter(services: SimpleNamespace) -> Counter:
    services.box_office = Counter()
    services.board = SimpleNamespace(forget=lambda _slug: None)
    return services.box_office


async def test_a_form_that_is_sent_twice_carries_the_same_key(counter: Counter) -> None:
    state = at(BoxOfficeState(), _COUNTER, "admin=root")
    await call(BoxOfficeState.load, state)
    assert state.phase == "ready"
    tier = state.tiers[0]
    await call(BoxOfficeState.choose, state, tier.field, "2")
    assert state.total.startswith("2 tickets: take ₹")
    form = {tier.field: "2", "kind": "cash", "request_key": state.request_key, "name": "Bela"}
    await call(BoxOfficeState.sell, state, form)
    assert not state.sold.again
    assert state.request_key != form["request_key"]
    await call(BoxOfficeState.sell, state, form)
    assert state.sold.again
    assert [key for _, key in counter.sales] == [form["request_key"]] * 2
    assert counter.sales[0][0].cash_paise == 2 * tier.price_paise
    await call(BoxOfficeState.sell, state, {**form, "kind": "given", "request_key": "other"})
    assert counter.sales[-1][0].cash_paise is None


@pytest.mark.parametrize("cookie", ["", "door=gate", "visitor=v1"])
async def test_nobody_but_an_organizer_sells_at_the_counter(counter: Counter, cookie: str) -> None:
    state = at(BoxOfficeState(), _COUNTER, cookie)
    await call(BoxOfficeState.load, state)
    await call(BoxOfficeState.sell, state, {"kind": "given", "request_key": "k"})
    assert (state.phase, state.tiers, counter.sales) == ("signed_out", [], [])


async def test_nothing_is_sold_of_nothing(counter: Counter) -> None:
    state = at(BoxOfficeState(), _COUNTER, "admin=root")
    await call(BoxOfficeState.load, state)
    for odd in ({}, {state.tiers[0].field: "-1"}, {state.tiers[0].field: "1e3"}):
        await call(BoxOfficeState.sell, state, odd)
    assert (state.problem, counter.sales) == ("Say how many tickets of which category.", [])


def _detail(version: int) -> BookingDetail:
    return BookingDetail(
        ref="SRG-ABCD2345", version=version, event_slug="monsoon", event_name="Monsoon",
        time_zone="Asia/Kolkata", status="confirmed", name="Asha", email="a@example.com",
        phone="+919876543210", subtotal_paise=50_000, fee_paise=2_500, total_paise=52_500,
        refundable_paise=52_500, channel="online", in_cash=False, created_at=utc_now(),
        tickets=(), timeline=(),
    )  # fmt: skip


class Desk:
    """One booking whose version grows with each act."""

    def __init__(self) -> None:
        self.version = 0
        self.refunds: list[str] = []

    async def detail(self, _ref: str) -> BookingDetail:
        return _detail(self.version)

    async def refund(self, ref: str, *, version: int, actor: str, **_: object) -> RefundedView:
        if version != self.version:
            raise EditConflict
        self.version += 1
        self.refunds.append(actor)
        return RefundedView(ref, "confirmed", 10_000, ())


async def test_of_two_organizers_at_one_desk_the_second_is_told_and_sees_what_the_first_did(
    services: SimpleNamespace,
) -> None:
    services.participants = Desk()
    desks = [
        at(BookingDetailState(), "/admin/bookings/SRG-ABCD2345", f"admin={name}")
        for name in ("asha", "ravi")
    ]
    for desk in desks:
        await call(BookingDetailState.load, desk)
    form = {"kind": "amount", "amount": "100"}
    for desk in desks:
        await call(BookingDetailState.refund, desk, form)
    assert services.participants.refunds == ["asha"]
    first, second = desks
    assert (first.done, first.problem) == ("₹100 is on its way back.", "")
    assert second.done == ""
    assert second.problem.startswith("Someone else changed this booking a moment ago.")
    assert second.desk.version == 1
    await call(BookingDetailState.refund, second, form)
    assert services.participants.refunds == ["asha", "ravi"]


async def test_passes_end_only_after_it_was_said_what_that_does(services: SimpleNamespace) -> None:
    ended: list[tuple[int | None, str]] = []

    async def inside(_slug: str) -> ActivePass:
        return ActivePass(passes=12, called=3, held=4, paying=2)

    async def standing(_slug: str, number: int, *, visitor_id: str = "") -> QueueStanding:
        if number == 7:
            return QueueStanding("served")
        if ended:
            return QueueStanding("left", visitor_id=visitor_id)
        return QueueStanding("inside", tickets=2, visitor_id="v7")

    async def revoke(_slug: str, number: int | None, *, actor: str) -> int:
        ended.append((number, actor))
        return 12 if number is None else 1

    services.passes = SimpleNamespace(inside=inside, standing=standing, revoke=revoke)
    services.board = SimpleNamespace(forget=lambda _slug: None)
    state = at(PassesState(), "/admin/events/monsoon/queue", "admin=root")
    await call(PassesState.confirm, state)
    await call(PassesState.ask_all, state)
    assert state.question.startswith("12 people are inside, 3 more were called: all of them lose")
    assert "4 hold tickets, which go back to everyone at once; 2 are paying" in state.question
    assert state.question.endswith("at the end of the line.")
    await call(PassesState.back, state)
    await call(PassesState.confirm, state)
    assert ended == []
    await call(PassesState.ask, state, {"number": "no number"})
    assert (state.question, state.problem) == ("", "Say which number in line, such as 1042.")
    await call(PassesState.ask, state, {"number": "1,042"})
    assert state.question == (
        "Number 1,042 is inside, holding 2 tickets. It loses its turn, and the next in line is "
        "called. What it holds goes back to everyone at once. Whoever it is may join again, at "
        "the end of the line."
    )
    await call(PassesState.confirm, state)
    assert state.done == (
        "Number 1,042 was inside, holding 2 tickets. Now it is out of the line, holding nothing."
    )
    await call(PassesState.ask, state, {"number": "7"})
    assert (state.question, state.done) == ("", "")
    assert state.problem == "Number 7 is gone, with a booking. There is nothing to end."
    await call(PassesState.ask_all, state)
    await call(PassesState.confirm, state)
    assert ended == [(1042, "root"), (None, "root")]
    stranger = at(PassesState(), "/admin/events/monsoon/queue", "door=gate")
    await call(PassesState.ask_all, stranger)
    await call(PassesState.confirm, stranger)
    assert (stranger.question, len(ended)) == ("", 2)


async def test_an_ended_hold_is_revived_or_it_is_said_why_not(services: SimpleNamespace) -> None:
    hold = ListedIntent(
        id="I1", status="expired", lines=(), total_paise=52_500, currency="INR", name="Asha",
        email="a@example.com", phone="+919876543210", order_id="order_1", created_at=utc_now(),
        expires_at=utc_now(), ended_at=utc_now(),
    )  # fmt: skip

    async def listed(_slug: str, *, status: str, **_: object) -> IntentPage:
        known = (hold,) if status == "expired" else (dataclasses.replace(hold, ended_at=None),)
        return IntentPage(known, None)

    async def revive(intent_id: str, *, actor: str) -> None:
        assert (intent_id, actor) == ("I1", "root")
        raise SoldOut

    async def settings(_slug: str) -> SimpleNamespace:
        return SimpleNamespace(time_zone="Asia/Kolkata")

    services.revivals = SimpleNamespace(listed=listed, revive=revive)
    services.organizer = SimpleNamespace(settings=settings)
    state = at(HoldRecoveryState(), "/admin/events/monsoon/holds", "admin=root")
    await call(HoldRecoveryState.load, state)
    assert [(row.who, row.can_revive) for row in state.holds] == [("Asha", True)]
    await call(HoldRecoveryState.revive, state, "I1")
    assert (state.done, state.problem) == ("", SoldOut.message)
    await call(HoldRecoveryState.narrow, state, "held")
    assert [row.can_revive for row in state.holds] == [False]
    stranger = at(HoldRecoveryState(), "/admin/events/monsoon/holds", "door=gate")
    await call(HoldRecoveryState.revive, stranger, "I1")
    await call(HoldRecoveryState.load, stranger)
    assert (stranger.phase, stranger.holds) == ("signed_out", [])


async def test_the_log_is_read_in_words_and_only_by_organizers(services: SimpleNamespace) -> None:
    asked: list[LogFilter] = []

    async def page(wanted: LogFilter, *, before: str | None = None) -> LogPage:
        asked.append(wanted)
        entry = LogEntry(
            id=before or "9", at=utc_now(), actor="asha", action="queue.revoke",
            subject="monsoon", before={}, after={"number": "all", "passes": 12}, event="monsoon",
            booking="", time_zone="Asia/Kolkata",
        )  # fmt: skip
        return LogPage((entry,), None if before else "8")

    async def words() -> LogWords:
        return LogWords(("asha",), ("queue.revoke", "booking.sell"))

    async def names() -> Sequence[tuple[str, str]]:
        return [("monsoon", "Monsoon")]

    services.audit_log = SimpleNamespace(page=page, words=words)
    services.organizer = SimpleNamespace(names=names)
    state: Any = at(AuditLogState(), "/admin/install/log", "admin=root")
    await call(AuditLogState.load, state)
    assert (state.rows[0].who, state.rows[0].did) == ("asha", "Ended passes")
    assert state.rows[0].changes == ("Number in line: everybody inside", "Passes ended: 12")
    assert [choice.words for choice in state.actions] == ["Ended passes", "Sold for cash"]
    await call(AuditLogState.more, state)
    assert len(state.rows) == 2
    await call(AuditLogState.narrow, state, "action", "booking.sell")
    await call(AuditLogState.search, state, " srg-abcd2345 ")
    assert asked[-1] == LogFilter(action="booking.sell", subject="SRG-ABCD2345")
    stranger: Any = at(AuditLogState(), "/admin/install/log", "door=gate")
    await call(AuditLogState.load, stranger)
    assert (stranger.phase, stranger.rows) == ("signed_out", [])
