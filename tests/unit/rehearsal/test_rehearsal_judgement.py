"""What a rehearsal draws, and how it judges what its visitors saw."""

from __future__ import annotations

import asyncio
import re
from dataclasses import replace
from types import SimpleNamespace
from typing import cast

import pytest

from surge_app.errors import ConfigurationError
from surge_app.languages import use
from surge_app.rehearsal import runner
from surge_app.rehearsal.plan import BAD_DAYS, USUAL_DAYS, Plan, VisitorProfile, profiles
from surge_app.rehearsal.queueing import Waiter
from surge_app.rehearsal.recorder import POLL, STEPS, Estimate, Notes, Payment, Sample, Wait
from surge_app.rehearsal.reporting.fairness import judge
from surge_app.rehearsal.reporting.html_report import page_of
from surge_app.rehearsal.reporting.result import Report, report_of
from surge_app.rehearsal.virtual_browser import Browser, Crowd, is_here

PLAN = Plan(event="e", visitors=400)
EVENT = {"tiers": [{"sold": 3, "held": 0, "available": 0, "capacity": 3}]}


def _broken(report: Report) -> set[str]:
    return {check.code for check in report.broken}


def test_the_same_seed_plays_the_same_people_and_another_one_others() -> None:
    assert profiles(PLAN) == profiles(replace(PLAN))
    assert profiles(PLAN) != profiles(replace(PLAN, seed=2))
    assert profiles(PLAN)[:50] == profiles(replace(PLAN, visitors=50))


def test_people_are_as_many_of_each_kind_as_asked_for() -> None:
    drawn = profiles(replace(PLAN, visitors=4_000, abandon=0.3, sockets=0.1, arrive_seconds=20))
    assert 0.27 < sum(one.ending != "buy" for one in drawn) / 4_000 < 0.33
    assert 0.08 < sum(one.has_socket for one in drawn) / 4_000 < 0.12
    assert 0.18 < sum(one.bad_day == "duplicate" for one in drawn) / 4_000 < 0.22
    assert {one.bad_day for one in drawn} == {"", *BAD_DAYS}
    assert min(one.arrives_after for one in drawn) >= 0
    assert max(one.arrives_after for one in drawn) <= 20


def test_without_shares_and_bad_days_everybody_just_buys() -> None:
    plan = replace(PLAN, abandon=0, sockets=0, two_tabs=0, come_back=0, bad_days={})
    assert all(
        (one.ending, one.bad_day, one.has_socket, one.has_two_tabs, one.comes_back)
        == ("buy", "", False, False, False)
        for one in profiles(plan)
    )


@pytest.mark.parametrize(
    "wrong",
    [
        {"visitors": 0},
        {"visitors": 20_001},
        {"abandon": 1.5},
        {"most_seconds": 100_000.0},
        {"bad_days": {"earthquake": 1.0}},
        {"bad_days": {"duplicate": 60.0, "delayed": 60.0}},
        {"think_seconds": -1.0},
    ],
)
def test_what_cannot_be_played_is_refused_in_a_sentence(wrong: dict[str, object]) -> None:
    with pytest.raises(ConfigurationError, match=r"\.$"):
        Plan(**{"event": "e", "visitors": 10, **wrong})  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://127.0.0.1:3000", True),
        ("http://localhost:3000", True),
        ("http://[::1]:3000", True),
        ("http://127.0.0.1.evil.example", False),
        ("http://127.0.0.1@evil.example", False),
        ("http://192.168.1.4:3000", False),
        ("https://tickets.example", False),
    ],
)
def test_only_this_machine_is_here(url: str, expected: bool) -> None:  # noqa: FBT001  a parameter
    assert is_here(url) is expected


def test_an_inversion_is_somebody_told_to_wait_well_after_one_behind_was_let_in() -> None:
    first = Wait(1, number=1, joined=0.0, queued_at=10.0)
    behind = Wait(2, number=2, joined=0.5, queued_at=4.0, admitted=5.0)
    assert judge([first, behind]).examples == ((1, 2),)
    # Within the age of a view, or by somebody who had missed a poll, it is none.
    assert judge([replace(first, queued_at=5.9), behind]).inversions == 0
    assert judge([replace(first, behaved=False), behind]).inversions == 0
    assert judge([replace(first, admitted=10.5), behind]).inversions == 1
    assert judge([first, replace(behind, admitted=None)]).inversions == 0


def test_waits_are_counted_by_arrival_for_those_who_behaved() -> None:
    waits = [
        Wait(1, number=2, joined=1.0, admitted=4.0),
        Wait(2, number=1, joined=0.0, admitted=2.0),
        Wait(3, number=3, joined=0.0, admitted=9.0, behaved=False),
        Wait(4, number=3, joined=0.0),
    ]
    found = judge(waits)
    assert found.waited_seconds == ((1, 2.0), (2, 3.0))
    assert (found.waits, found.behaved, found.admitted) == (4, 3, 3)
    assert found.twice == (3,)
    assert found.percentile(50) == 3.0


def _told_waits(count: int, *, low: float, high: float) -> list[Wait]:
    waits = [Wait(one, number=one, joined=0.0, admitted=100.0) for one in range(1, count + 1)]
    for wait in waits:
        for at, ahead in ((0.0, 60), (50.0, 30), (95.0, 4)):
            left = 100.0 - at
            wait.note_estimate(ahead, Estimate(at, left * low, left * high))
    return waits


def test_estimates_are_judged_at_the_start_in_the_middle_and_near_the_head() -> None:
    notes = Notes()
    notes.waits.extend(_told_waits(60, low=0.8, high=1.2))
    good = report_of(PLAN, notes, EVENT, played_seconds=5)
    assert [(one.stage, one.estimates, one.inside) for one in good.calibration] == [
        *(("start", 60, 60), ("middle", 60, 60), ("head", 60, 60))
    ]
    assert not _broken(good)
    notes.waits[:] = _told_waits(60, low=0.2, high=0.5)
    bad = report_of(PLAN, notes, EVENT, played_seconds=5)
    assert _broken(bad) == {"estimates"}
    assert "start: 0 % of 60" in next(one.found for one in bad.checks if one.code == "estimates")
    # A handful is chance, and a visitor who missed polls proves nothing.
    notes.waits[:] = _told_waits(10, low=0.2, high=0.5)
    assert not _broken(report_of(PLAN, notes, EVENT, played_seconds=5))


def _sample(seconds: float, *, sold: int, free: int) -> Sample:
    return Sample(seconds, 9, 0, 0, 0, free, 100 - sold - free, sold, sold, 9, 0, 0.5)


def test_the_report_says_how_long_the_last_tenth_took() -> None:
    notes = Notes()
    notes.samples.extend(
        _sample(at, sold=sold, free=free)
        for at, sold, free in ((1, 50, 50), (9, 90, 2), (20, 99, 0), (31.5, 100, 0))
    )
    report = report_of(replace(PLAN, abandon=0.3), notes, EVENT, played_seconds=40)
    assert "the last 10 % of the tickets with 30 % abandonment: 22 s." in report.last_tenth
    assert "free for 2.2 s on average" in report.last_tenth
    assert report.last_tenth in page_of(report.document())
    notes.samples.pop()
    assert not report_of(PLAN, notes, EVENT, played_seconds=40).last_tenth


def test_a_sale_without_a_fault_is_good() -> None:
    notes = Notes()
    notes.answered(POLL, 200, 12.0)
    notes.outcomes.update(booked=3, sold_out=1)
    notes.tickets.update(["a", "b", "c"])
    notes.payments.append(Payment(1, "i", "o", 100, booking_ref="SRG-1"))
    report = report_of(PLAN, notes, EVENT, played_seconds=5)
    assert report.is_good, report.broken


@pytest.mark.parametrize(
    ("code", "spoil"),
    [
        ("no_errors", lambda notes: notes.answered("hold", 503, 5.0)),
        ("no_errors", lambda notes: notes.unanswered("hold")),
        ("stock", lambda notes: notes.tickets.update(["a"])),
        ("stock", lambda notes: notes.tickets.update(["d"])),
        ("money", lambda notes: notes.payments.append(Payment(1, "i", "o", 100))),
        ("no_surprise", lambda notes: notes.record_fault("two bookings")),
        ("order", lambda notes: notes.waits.extend([Wait(1, 7, 0.0), Wait(2, 7, 0.0)])),
        ("polls", lambda notes: notes.answered(POLL, 200, 251.0)),
        ("steps", lambda notes: notes.answered("callback", 200, 1001.0)),
        ("no_surprise", lambda notes: notes.outcomes.update(refused=1)),
        ("finished", lambda notes: notes.outcomes.update({"sent home": 1})),
        ("sockets", lambda notes: setattr(notes, "sockets_lost", 1)),
    ],
)
def test_each_promise_breaks_by_what_breaks_it(code: str, spoil: object) -> None:
    notes = Notes()
    notes.tickets.update(["a", "b", "c"])
    spoil(notes)  # pyright: ignore[reportCallIssue]
    assert _broken(report_of(PLAN, notes, EVENT, played_seconds=5)) == {code}


def test_a_place_left_while_somebody_was_told_that_all_is_sold_breaks_a_promise() -> None:
    notes = Notes()
    notes.outcomes.update(sold_out=1)
    left = {"tiers": [{"sold": 2, "held": 0, "available": 1, "capacity": 3}]}
    assert _broken(report_of(PLAN, notes, left, played_seconds=5)) == {"sold"}


def test_a_refund_is_as_good_as_a_ticket_and_speed_can_be_left_out() -> None:
    notes = Notes()
    notes.payments.append(Payment(1, "i", "o", 100, refunded=True))
    notes.answered(POLL, 200, 900.0)
    report = report_of(PLAN, notes, EVENT, played_seconds=5)
    assert _broken(report) == {"polls"}
    assert report.without_speed().is_good


def test_the_page_of_a_report_says_everything_and_asks_nobody_else() -> None:
    notes = Notes()
    notes.answered(POLL, 200, 12.0)
    notes.answered("hold", 201, 30.0)
    notes.outcomes.update(booked=3, sold_out=1)
    notes.bad_days.update(duplicate=1, none=2)
    notes.booked_at.extend([1.0, 1.2, 2.5])
    notes.waits.append(Wait(1, number=1, joined=0.0, admitted=2.0))
    notes.record_fault("<script>alert(1)</script>")
    notes.samples.extend(Sample(at, 3, 1, 1, 1, 1, 1, 1, 1, at * 10, 0, 0.5) for at in range(5))
    page = page_of(report_of(PLAN, notes, EVENT, played_seconds=5).document())
    assert "Not every check passed." in page
    assert USUAL_DAYS.keys() == BAD_DAYS.keys()
    assert "every webhook twice, and the callback twice" in page
    assert page.count("<svg") == page.count('role="img"') == 5
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert not re.search(r"(src|href|url\()\s*=?\s*[\"']?(https?:)?//", page)


def test_the_page_of_a_rehearsal_nobody_finished_can_be_read() -> None:
    report = report_of(replace(PLAN, visitors=1), Notes(), {}, played_seconds=0)
    assert "Not every check passed." in page_of(report.document())


def test_the_page_of_a_rehearsal_is_in_the_language_of_its_organizer() -> None:
    notes = Notes()
    notes.waits.extend(_told_waits(60, low=0.8, high=1.2))
    notes.outcomes.update({"booked": 3, "sent home": 1})
    notes.bad_days.update(USUAL_DAYS)
    notes.samples.extend(Sample(at, 3, 1, 1, 1, 1, 1, 1, 1, at * 10, 0, 0.5) for at in range(5))
    for name in STEPS:
        notes.steps[name].took_ms.append(20.0)
    with use("hi"):
        page = page_of(report_of(PLAN, notes, EVENT, played_seconds=5).document())
    assert '<html lang="hi-IN" dir="ltr">' in page
    shown = re.sub(r"<style.*?</style>|<[^>]*>", " ", page, flags=re.DOTALL)
    assert set(re.findall(r"[A-Za-z]{3,}", shown)) == {"Surge"}


class _Lives:
    """Plays people who do nothing but end as their number says."""

    def __init__(self, _crowd: object, _plan: Plan, profile: VisitorProfile) -> None:
        self._index = profile.index

    async def attend(self) -> str:
        if self._index == 1:
            message = "a fault of the rehearsal"
            raise RuntimeError(message)
        if self._index == 2:
            await asyncio.Event().wait()
        return "booked"


def test_what_a_visitor_must_not_see_is_in_the_language_of_the_organizer() -> None:
    notes = Notes()
    browser = SimpleNamespace(crowd=SimpleNamespace(notes=notes))
    waiter = Waiter(cast("Browser", browser), PLAN, profiles(PLAN)[0])
    with use("hi"):
        waiter._check({"number": 8, "retry_after_ms": 20}, Wait(1, number=7, joined=0.0))
        report = report_of(PLAN, notes, EVENT, played_seconds=5)
    (found,) = [check.found for check in report.checks if check.code == "no_surprise"]
    assert len(notes.broken) == 2
    assert not re.search(r"[A-Za-z]{3,}", found)


async def _played(monkeypatch: pytest.MonkeyPatch, *, visitors: int, seconds: float) -> Notes:
    monkeypatch.setattr(runner, "Visitor", _Lives)
    notes = Notes()
    plan = Plan(event="e", visitors=visitors, most_seconds=seconds)
    await runner._play(cast("Crowd", SimpleNamespace(notes=notes)), plan, asyncio.Event())
    return notes


async def test_a_visitor_that_fails_breaks_a_promise_and_takes_nobody_along(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    notes = await _played(monkeypatch, visitors=2, seconds=60)
    assert notes.outcomes == {"booked": 1, "sent home": 0}
    assert [name for name in notes.broken if name.startswith("visitor 1 failed")]


async def test_whoever_is_still_there_when_the_time_is_over_is_sent_home(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    notes = await _played(monkeypatch, visitors=5, seconds=1)
    assert notes.outcomes == {"booked": 3, "sent home": 1}
