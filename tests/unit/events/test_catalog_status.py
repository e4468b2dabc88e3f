"""The word for where a sale stands follows from decisions, time and stock, in that order."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, strategies as st

from surge_app.db.events.units import Counts
from surge_app.errors import InvalidRequest
from surge_app.models import Event, EventPhase, Tier
from surge_app.services.events.catalog import event_status, event_view
from surge_app.services.events.new_event import NewEvent, NewTier, check_event
from surge_app.services.events.views import TierView

NOW = datetime(2027, 1, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
WORDS = {"scheduled", "on_sale", "paused", "all_held", "sold_out", "ended", "cancelled"}


def _event(**values: object) -> Event:
    known = {"slug": "gala", "name": "Gala", "venue": "Hall", "fee_paise": 2_500}
    return Event(**{**known, "starts_at": NOW + 30 * HOUR, **values})


def _tier(available: int = 0, held: int = 0, sold: int = 0) -> TierView:
    tier = Tier(id="t", event_id="e", name="General", price_paise=50_000, capacity=10)
    counts = {"t": Counts(available, held, sold)}
    return event_view(_event(), [tier], counts, NOW).tiers[0]


def _tier_word(
    counts: Counts, *, at: datetime = NOW, event: Event | None = None, **rules: object
) -> str:
    tier = Tier(id="t", event_id="e", name="General", price_paise=50_000, capacity=10, **rules)
    return event_view(event or _event(), [tier], {"t": counts}, at).tiers[0].status


def test_a_tier_opens_and_closes_by_its_own_window_to_the_second() -> None:
    window = {"sales_open_at": NOW, "sales_close_at": NOW + HOUR}
    second = timedelta(seconds=1)
    assert _tier_word(Counts(1), at=NOW - second, **window) == "scheduled"
    assert _tier_word(Counts(1), at=NOW, **window) == "on_sale"
    assert _tier_word(Counts(1), at=NOW + HOUR - second, **window) == "on_sale"
    assert _tier_word(Counts(1), at=NOW + HOUR, **window) == "ended"


def test_a_tier_is_never_open_while_its_event_is_not() -> None:
    later = _event(sales_open_at=NOW + HOUR)
    assert _tier_word(Counts(1), event=later, sales_open_at=NOW) == "scheduled"
    over = _event(sales_close_at=NOW)
    assert _tier_word(Counts(1), event=over, sales_close_at=NOW + HOUR) == "ended"


def test_a_tier_tells_on_hold_from_sold_out() -> None:
    assert _tier_word(Counts(available=0, held=1, sold=9)) == "all_held"
    assert _tier_word(Counts(available=0, held=0, sold=10)) == "sold_out"
    assert _tier_word(Counts()) == "sold_out"


def _status(*tiers: TierView, at: datetime = NOW, **values: object) -> str:
    return event_status(_event(**values), tiers or (_tier(available=1),), at)


def test_a_published_event_with_free_units_is_on_sale() -> None:
    assert _status() == "on_sale"


def test_a_sale_opens_and_closes_to_the_second() -> None:
    times = {"sales_open_at": NOW, "sales_close_at": NOW + HOUR}
    second = timedelta(seconds=1)
    assert _status(at=NOW - second, **times) == "scheduled"
    assert _status(at=NOW, **times) == "on_sale"
    assert _status(at=NOW + HOUR - second, **times) == "on_sale"
    assert _status(at=NOW + HOUR, **times) == "ended"


def test_without_a_closing_time_a_sale_ends_when_the_event_starts() -> None:
    assert _status(starts_at=NOW) == "ended"
    assert _status(starts_at=NOW, sales_close_at=NOW + HOUR) == "on_sale"


def test_all_held_is_not_sold_out() -> None:
    assert _status(_tier(held=1, sold=9)) == "all_held"
    assert _status(_tier(sold=10)) == "sold_out"
    assert _status(_tier(sold=10), _tier(held=1)) == "all_held"
    assert _status(_tier(sold=10), _tier(available=1)) == "on_sale"


def _sale(*tiers: tuple[Counts, dict[str, object]]) -> str:
    rows = [
        Tier(id=str(at), event_id="e", name=str(at), price_paise=100, capacity=10, **rules)
        for at, (_, rules) in enumerate(tiers)
    ]
    counts = {row.id: tiers[at][0] for at, row in enumerate(rows)}
    return event_view(_event(), rows, counts, NOW).status


def test_a_sale_waits_for_a_tier_that_opens_later() -> None:
    free, gone, later = Counts(1), Counts(sold=1), {"sales_open_at": NOW + HOUR}
    assert _sale((free, later)) == "scheduled"
    assert _sale((gone, {}), (free, later)) == "scheduled"
    assert _sale((Counts(held=1), {}), (free, later)) == "all_held"
    assert _sale((free, {}), (free, later)) == "on_sale"


def test_a_tier_that_is_over_has_nothing_to_give() -> None:
    free, over = Counts(1), {"sales_close_at": NOW}
    assert _sale((free, over)) == "ended"
    assert _sale((free, over), (Counts(sold=1), {})) == "sold_out"
    assert _sale((free, over), (Counts(held=1), {})) == "all_held"


def test_pausing_hides_neither_the_end_nor_sold_out() -> None:
    assert _status(is_paused=True) == "paused"
    assert _status(_tier(held=1), is_paused=True) == "paused"
    assert _status(_tier(sold=1), is_paused=True) == "sold_out"
    assert _status(is_paused=True, starts_at=NOW) == "ended"
    assert _status(is_paused=True, sales_open_at=NOW + HOUR) == "scheduled"


@pytest.mark.parametrize(
    ("capacity", "free", "is_said"),
    [
        (50, 5, True),
        (50, 6, False),
        (5_000, 100, True),
        (5_000, 101, False),
        # Of nine, one is not few; and none is sold out, or on hold.
        (9, 1, False),
        (50, 0, False),
    ],
)
def test_few_left_is_said_of_a_tenth_and_of_a_hundred_at_most(
    capacity: int, free: int, *, is_said: bool
) -> None:
    tier = Tier(id="t", event_id="e", name="General", price_paise=50_000, capacity=capacity)
    counts = {"t": Counts(available=free, held=0, sold=capacity - free)}
    assert event_view(_event(), [tier], counts, NOW).few_left is is_said
    assert not event_view(_event(is_paused=True), [tier], counts, NOW).few_left


def test_cancelled_wins_over_everything() -> None:
    assert _status(_tier(sold=1), phase=EventPhase.CANCELLED, starts_at=NOW) == "cancelled"


def test_an_event_without_tiers_has_nothing_to_sell() -> None:
    assert event_status(_event(), (), NOW) == "sold_out"


@given(
    st.sampled_from(EventPhase),
    st.booleans(),
    st.lists(st.tuples(*[st.integers(0, 3)] * 3), max_size=3),
    st.integers(-3, 3),
    st.integers(-3, 3),
)
def test_there_is_always_one_word_and_only_on_sale_promises_a_ticket(
    phase: EventPhase,
    is_paused: bool,  # noqa: FBT001 - hypothesis passes by position
    counts: list[tuple[int, int, int]],
    opens: int,
    closes: int,
) -> None:
    word = event_status(
        _event(
            phase=phase,
            is_paused=is_paused,
            sales_open_at=NOW + opens * HOUR,
            sales_close_at=NOW + closes * HOUR,
        ),
        tuple(_tier(*count) for count in counts),
        NOW,
    )
    assert word in WORDS
    if word == "on_sale":
        assert sum(count[0] for count in counts) > 0
        assert opens <= 0 < closes
        assert not is_paused


@given(st.integers(100, 10**9), st.integers(0, 10**6))
def test_the_first_figure_shown_has_the_fee_in_it(price_paise: int, fee_paise: int) -> None:
    tier = Tier(id="t", event_id="e", name="General", price_paise=price_paise, capacity=7)
    view = event_view(_event(fee_paise=fee_paise), [tier], {"t": Counts(4, 2, 1)}, NOW)
    assert view.tiers[0].all_in_paise == price_paise + fee_paise
    assert (view.tiers[0].available, view.tiers[0].held, view.tiers[0].sold) == (4, 2, 1)


def test_a_free_ticket_costs_nothing_at_all() -> None:
    tier = Tier(id="t", event_id="e", name="General", price_paise=0, capacity=7)
    view = event_view(_event(fee_paise=2_500), [tier], {"t": Counts(7)}, NOW)
    assert view.tiers[0].all_in_paise == 0


def test_a_tier_nobody_counted_is_empty_not_broken() -> None:
    tier = Tier(id="t", event_id="e", name="General", price_paise=100, capacity=7)
    assert event_view(_event(), [tier], {}, NOW).status == "sold_out"


GENERAL = (NewTier("General", 50_000, 10),)
GOOD = {"slug": "gala", "name": "Gala", "venue": "Hall", "starts_at": NOW, "tiers": GENERAL}


@pytest.mark.parametrize(
    "values",
    [
        {"slug": ""},
        {"slug": "Gala"},
        {"slug": "-gala"},
        {"slug": "gala--night"},
        {"slug": "gala/night"},
        {"slug": "gala\n"},
        {"slug": "गाला"},
        {"slug": "x" * 61},
        {"name": " "},
        {"venue": ""},
        {"tiers": ()},
        {"tiers": (*GENERAL, NewTier("General", 100, 1))},
        {"tiers": (NewTier(" ", 100, 1),)},
        {"tiers": (NewTier("General", 99, 1),)},
        {"tiers": (NewTier("General", -1, 1),)},
        {"tiers": (NewTier("General", 100, -1),)},
        {"tiers": (NewTier("General", 100, 1, min_per_booking=0),)},
        {"tiers": (NewTier("General", 100, 1, min_per_booking=7),)},
        {"tiers": (NewTier("General", 100, 1, min_per_booking=3, max_per_booking=2),)},
        {"tiers": (NewTier("General", 100, 1, max_per_booking=101),)},
        {"tiers": (NewTier("General", 100, 1, max_per_booking=0),)},
        {"tiers": (NewTier("General", 100, 1, sales_open_at=NOW.replace(tzinfo=None)),)},
        {"tiers": (NewTier("General", 100, 1, sales_open_at=NOW),)},
        {"tiers": (NewTier("General", 100, 1, sales_close_at=NOW + HOUR),)},
        {
            "sales_open_at": NOW - HOUR,
            "tiers": (NewTier("General", 100, 1, sales_open_at=NOW - 2 * HOUR),),
        },
        {
            "tiers": (
                NewTier("General", 100, 1, sales_open_at=NOW - HOUR, sales_close_at=NOW - 2 * HOUR),
            )
        },
        {"sales_open_at": NOW},
        {"tiers": (NewTier("General", 100, 0),)},
        {"tiers": (NewTier("General", 100, 1_000_001),)},
        {"starts_at": NOW.replace(tzinfo=None)},
        {"sales_open_at": NOW.replace(tzinfo=None)},
        {"sales_close_at": NOW.replace(tzinfo=None)},
        {"time_zone": "Asia/Nowhere"},
        {"time_zone": ""},
        {"time_zone": "posixrules"},
        {"time_zone": "Etc/GMT+5"},
        {"time_zone": "localtime"},
        {"time_zone": "../../etc/passwd"},
        {"max_per_person": 0},
        {"max_per_person": 101},
        {"hold_seconds": 4},
        {"hold_seconds": 3601},
        {"concurrent_buyers": 0},
        {"admissions_per_minute": 0},
        {"slow_payment_percent": 101},
        {"fee_paise": -1},
        {"challenge": "maybe"},
    ],
)
def test_an_event_that_makes_no_sense_is_refused_with_a_sentence(values: dict[str, object]) -> None:
    check_event(NewEvent(**GOOD))  # pyright: ignore[reportArgumentType]
    with pytest.raises(InvalidRequest) as caught:
        check_event(NewEvent(**{**GOOD, **values}))  # pyright: ignore[reportArgumentType]
    assert caught.value.message.endswith(".")


def test_a_tier_with_rules_of_its_own_makes_sense() -> None:
    early = NewTier(
        "Early",
        0,
        5,
        min_per_booking=2,
        max_per_booking=4,
        sales_open_at=NOW - 3 * HOUR,
        sales_close_at=NOW - 2 * HOUR,
    )
    check_event(NewEvent(**{**GOOD, "tiers": (early, *GENERAL)}))  # pyright: ignore[reportArgumentType]
