"""Box office, ended holds, audit log and removed buyers."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from surge_app.clock import utc_now
from surge_app.errors import SoldOut
from surge_app.services.admin.audit_log import LogEntry, LogFilter, LogPage, LogWords
from surge_app.services.admin.passes import ActivePass, QueueStanding
from surge_app.services.checkout.views import IntentPage, ListedIntent
from surge_app.services.payments.box_office import CounterBooking, CounterSale
from surge_app.state.admin.bookings.hold_recovery import HoldRecoveryState
from surge_app.state.admin.entrance.box_office import BoxOfficeState
from surge_app.state.admin.sale.passes import PassesState
from surge_app.state.admin.site.audit_log import AuditLogState
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
    price = {tier.price_field: str(tier.price_paise)}
    form = {**price, tier.field: "2", "kind": "cash", "form_key": state.form_key, "name": "Bela"}
    await call(BoxOfficeState.sell, state, form)
    assert state.done == "2 tickets sold for ₹2,000 in cash. Booking SRG-ABCD2345."
    assert state.form_key != form["form_key"]
    await call(BoxOfficeState.sell, state, form)
    ((sale, key),) = counter.sales
    assert (sale.cash_paise, key) == (2 * tier.price_paise, form["form_key"])
    # What is sold is what the form says, also while the total on the page is still the old one.
    await call(BoxOfficeState.choose, state, tier.field, "1")
    form = {**price, tier.field: "3", "kind": "cash", "form_key": state.form_key}
    await call(BoxOfficeState.sell, state, form)
    assert counter.sales[-1][0].cash_paise == 3 * tier.price_paise
    typo = {**form, "form_key": state.form_key, "email": "bela@gmial.com"}
    await call(BoxOfficeState.sell, state, typo)
    assert state.done.endswith("Booking SRG-ABCD2345. Did you mean bela@gmail.com?")


async def test_a_price_that_changed_since_it_was_shown_is_never_taken_unseen(
    counter: Counter,
) -> None:
    state = at(BoxOfficeState(), _COUNTER, "admin=root")
    await call(BoxOfficeState.load, state)
    tier = state.tiers[0]
    shown = {tier.field: "2", tier.price_field: "90000", "kind": "cash"}
    await call(BoxOfficeState.sell, state, {**shown, "form_key": state.form_key})
    # The service compares it with the price that is in force, and refuses another amount.
    assert counter.sales[-1][0].cash_paise == 180_000


async def test_a_sale_states_how_the_buyer_pays(counter: Counter) -> None:
    state = at(BoxOfficeState(), _COUNTER, "admin=root")
    await call(BoxOfficeState.load, state)
    tier = state.tiers[0]
    await call(BoxOfficeState.choose, state, tier.field, "1")
    await call(BoxOfficeState.choose_kind, state, "upi")
    assert state.total == "1 ticket: take ₹1,000 by UPI"
    price = {tier.price_field: str(tier.price_paise)}
    form = {**price, tier.field: "1", "kind": "upi", "reference": "4123"}
    form["form_key"] = state.form_key
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
    assert state.question.startswith("12 buyers are inside. 3 more were called. All of them")
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
        return SimpleNamespace(phase="published", name="Monsoon", time_zone="Asia/Kolkata")

    services.hold_recovery = SimpleNamespace(list=listed, restore=restore)
    services.organizer = SimpleNamespace(settings=settings)
    state = at(HoldRecoveryState(), "/admin/events/monsoon/holds", "admin=root")
    await call(HoldRecoveryState.load, state)
    assert [(row.name, row.can_restore) for row in state.holds] == [("Asha", True)]
    # What a link dials has no spaces.
    assert [(row.phone, row.phone_text) for row in state.holds] == [
        ("+919876543210", "+91 98765 43210")
    ]
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
