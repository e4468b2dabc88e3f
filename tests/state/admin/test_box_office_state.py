"""Box office, ended holds, audit log, removed buyers, and two organizers at one booking."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from surge_app.clock import utc_now
from surge_app.errors import EditConflict, SoldOut
from surge_app.models import RefundReason
from surge_app.services.admin.audit_log import LogEntry, LogFilter, LogPage, LogWords
from surge_app.services.admin.participants import BookingDetail
from surge_app.services.admin.passes import ActivePass, QueueStanding
from surge_app.services.checkout.views import IntentPage, ListedIntent
from surge_app.services.payments.box_office import CounterBooking, CounterSale
from surge_app.services.payments.refund_policy import RefundPlan
from surge_app.services.payments.views import RefundedView
from surge_app.state.admin.audit_log import AuditLogState
from surge_app.state.admin.booking import BookingDetailState
from surge_app.state.admin.box_office import BoxOfficeState
from surge_app.state.admin.hold_recovery import HoldRecoveryState
from surge_app.state.admin.passes import PassesState
from tests.state import samples
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
        return CounterBooking(
            "SRG-ABCD2345", sale.channel, sale.method, sale.cash_paise or 0, 2, is_new
        )


@pytest.fixture
def counter(services: SimpleNamespace) -> Counter:
    services.box_office = Counter()
    services.dashboard = SimpleNamespace(invalidate=lambda _slug: None)
    return services.box_office


async def test_a_form_that_is_sent_twice_sells_once(counter: Counter) -> None:
    state = at(BoxOfficeState(), _COUNTER, "admin=root")
    await call(BoxOfficeState.load, state)
    assert state.phase == "ready"
    tier = state.tiers[0]
    await call(BoxOfficeState.choose, state, tier.field, "2")
    assert state.total.startswith("2 tickets: take ₹")
    form = {tier.field: "2", "kind": "cash", "form_key": state.form_key, "name": "Bela"}
    await call(BoxOfficeState.sell, state, form)
    assert state.done == "2 tickets sold for ₹2,000 in cash. Booking SRG-ABCD2345."
    assert state.form_key != form["form_key"]
    await call(BoxOfficeState.sell, state, form)
    ((sale, key),) = counter.sales
    assert (sale.cash_paise, key) == (2 * tier.price_paise, form["form_key"])
    # What is sold is what the form says, also while the total on the page is still the old one.
    await call(BoxOfficeState.choose, state, tier.field, "1")
    form = {tier.field: "3", "kind": "cash", "form_key": state.form_key}
    await call(BoxOfficeState.sell, state, form)
    assert counter.sales[-1][0].cash_paise == 3 * tier.price_paise


async def test_a_sale_states_how_the_buyer_pays(counter: Counter) -> None:
    state = at(BoxOfficeState(), _COUNTER, "admin=root")
    await call(BoxOfficeState.load, state)
    tier = state.tiers[0]
    await call(BoxOfficeState.choose, state, tier.field, "1")
    await call(BoxOfficeState.choose_kind, state, "upi")
    assert state.total == "1 ticket: take ₹1,000 by UPI"
    form = {tier.field: "1", "kind": "upi", "form_key": state.form_key, "reference": "4123"}
    await call(BoxOfficeState.sell, state, form)
    sale = counter.sales[-1][0]
    assert (sale.method, sale.reference, sale.cash_paise) == ("upi", "4123", tier.price_paise)
    assert (" by UPI. Booking SRG-" in state.done, state.kind) == (True, "upi")
    await call(BoxOfficeState.sell, state, {**form, "kind": "cheque", "form_key": state.form_key})
    assert state.problem == "Nothing was sold. Choose how the buyer pays."


@pytest.mark.parametrize("field", [None, 7, ["x"], {"x": 1}])
async def test_what_names_no_field_changes_no_total(counter: Counter, field: object) -> None:
    state = at(BoxOfficeState(), _COUNTER, "admin=root")
    await call(BoxOfficeState.load, state)
    await call(BoxOfficeState.choose, state, field, "2")
    assert state.quantities == {}


async def test_tickets_are_free_only_if_that_is_confirmed(counter: Counter) -> None:
    state = at(BoxOfficeState(), _COUNTER, "admin=root")
    await call(BoxOfficeState.load, state)
    form = {state.tiers[0].field: "2", "kind": "given", "form_key": state.form_key}
    await call(BoxOfficeState.sell, state, form)
    assert (counter.sales, state.done) == ([], "")
    await call(BoxOfficeState.sell, state, {**form, "is_free": "yes"})
    assert [sale.cash_paise for sale, _ in counter.sales] == [None]
    assert state.done.startswith("2 tickets issued free of charge.")


@pytest.mark.parametrize("cookie", ["", "door=gate", "visitor=v1"])
async def test_nobody_but_an_organizer_sells_at_the_counter(counter: Counter, cookie: str) -> None:
    state = at(BoxOfficeState(), _COUNTER, cookie)
    await call(BoxOfficeState.load, state)
    await call(BoxOfficeState.sell, state, {"kind": "given", "is_free": "yes"})
    assert (state.phase, state.tiers, counter.sales) == ("signed_out", [], [])


async def test_nothing_is_sold_of_nothing_or_of_a_part_of_the_form(
    counter: Counter, services: SimpleNamespace
) -> None:
    services.catalog.shown = samples.event(*(samples.tier(name, name, 100) for name in "ab"))
    state = at(BoxOfficeState(), _COUNTER, "admin=root")
    await call(BoxOfficeState.load, state)
    first, second = (tier.field for tier in state.tiers)
    for odd, asked in (("", "how many"), ("-1", "whole"), ("1e3", "whole"), ("150", "whole")):
        form = {first: "2" if odd else "0", second: odd}
        await call(BoxOfficeState.sell, state, {**form, "kind": "cash"})
        assert state.problem.startswith(f"Nothing was sold. Enter {asked}")
    assert counter.sales == []


def _detail(version: int) -> BookingDetail:
    return BookingDetail(
        ref="SRG-ABCD2345", version=version, event_slug="monsoon", event_name="Monsoon",
        time_zone="Asia/Kolkata", status="confirmed", name="Asha", email="a@example.com",
        phone="+919876543210", subtotal_paise=50_000, fee_paise=2_500, total_paise=52_500,
        refundable_paise=52_500, channel="online", in_cash=False, method="card",
        created_at=utc_now(), tickets=(), timeline=(),
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


async def test_buyers_are_removed_only_after_it_was_said_what_that_does(
    services: SimpleNamespace,
) -> None:
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
    services.dashboard = SimpleNamespace(invalidate=lambda _slug: None)
    state = at(PassesState(), "/admin/events/monsoon/queue", "admin=root")
    await call(PassesState.load, state)
    await call(PassesState.confirm, state, {"form_key": state.form_key})
    await call(PassesState.preview_all, state)
    assert state.question.startswith("12 buyers are inside, and 3 more were called. All of them")
    assert "4 hold tickets, which go back on sale at once. 2 are paying" in state.question
    assert state.question.endswith("at the end of the queue.")
    await call(PassesState.cancel, state)
    await call(PassesState.confirm, state, {"form_key": state.form_key})
    assert ended == []
    await call(PassesState.preview, state, {"number": "no number"})
    assert (state.question, state.problem) == ("", "Enter a queue number, for example 1042.")
    await call(PassesState.preview, state, {"number": "1,042"})
    assert state.question == (
        "Number 1,042 is choosing tickets, holding 2 tickets. It loses its turn, and the next in "
        "the queue is let in. Its tickets go back on sale at once. The buyer can join again, at "
        "the end of the queue."
    )
    form = {"form_key": state.form_key}
    await call(PassesState.confirm, state, form)
    await call(PassesState.confirm, state, form)
    assert state.done == (
        "Number 1,042 was choosing tickets, holding 2 tickets. "
        "It is out of the queue, holding no tickets now."
    )
    await call(PassesState.preview, state, {"number": "7"})
    assert (state.question, state.done) == ("", "")
    assert state.problem == "Number 7 is done, with a booking. There is nothing to remove."
    await call(PassesState.preview_all, state)
    await call(PassesState.confirm, state, {"form_key": state.form_key})
    assert ended == [(1042, "root"), (None, "root")]
    stranger = at(PassesState(), "/admin/events/monsoon/queue", "door=gate")
    await call(PassesState.preview_all, stranger)
    await call(PassesState.confirm, stranger, {})
    assert (stranger.question, len(ended)) == ("", 2)


async def test_an_ended_hold_is_restored_or_it_is_said_why_not(services: SimpleNamespace) -> None:
    hold = ListedIntent(
        id="I1", status="expired", lines=(), total_paise=52_500, currency="INR", name="Asha",
        email="a@example.com", phone="+919876543210", order_id="order_1", created_at=utc_now(),
        expires_at=utc_now(), ended_at=utc_now(),
    )  # fmt: skip

    async def listed(_slug: str, *, status: str, **_: object) -> IntentPage:
        known = (hold,) if status == "expired" else (dataclasses.replace(hold, ended_at=None),)
        return IntentPage(known, None)

    async def restore(intent_id: str, *, actor: str) -> None:
        assert (intent_id, actor) == ("I1", "root")
        raise SoldOut

    async def settings(_slug: str) -> SimpleNamespace:
        return SimpleNamespace(name="Monsoon", time_zone="Asia/Kolkata")

    services.hold_recovery = SimpleNamespace(list=listed, restore=restore)
    services.organizer = SimpleNamespace(settings=settings)
    state = at(HoldRecoveryState(), "/admin/events/monsoon/holds", "admin=root")
    await call(HoldRecoveryState.load, state)
    assert [(row.name, row.can_restore) for row in state.holds] == [("Asha", True)]
    await call(HoldRecoveryState.restore, state, {"id": "I1"})
    assert (state.done, state.problem) == ("", SoldOut.message)
    await call(HoldRecoveryState.filter, state, "status", "held")
    assert [row.can_restore for row in state.holds] == [False]
    stranger = at(HoldRecoveryState(), "/admin/events/monsoon/holds", "door=gate")
    await call(HoldRecoveryState.restore, stranger, {"id": "I1"})
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
    assert (state.rows[0].actor, state.rows[0].action) == ("asha", "Removed from the sale")
    assert state.rows[0].changes == ("Queue number: everyone inside", "Buyers removed: 12")
    assert [words for _, words in state.options["action"]] == [
        "Removed from the sale",
        "Sold at the box office",
    ]
    await call(AuditLogState.more, state)
    assert len(state.rows) == 2
    await call(AuditLogState.filter, state, "action", "booking.sell")
    await call(AuditLogState.filter, state, "about", " srg-abcd2345 ")
    assert asked[-1] == LogFilter(action="booking.sell", subject="SRG-ABCD2345")
    stranger: Any = at(AuditLogState(), "/admin/install/log", "door=gate")
    await call(AuditLogState.load, stranger)
    assert (stranger.phase, stranger.rows) == ("signed_out", [])
