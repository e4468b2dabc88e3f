"""Dates as people in India read them."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, strategies as st

from surge_app.clock import new_id, utc_now
from surge_app.formatting import long_date, short_date, when

ZONES = Path(__file__).parents[1] / "js" / "zones.json"
EVENING = datetime(2027, 3, 6, 13, 30, tzinfo=UTC)
MOMENTS = st.datetimes(
    min_value=datetime(2000, 1, 1),  # noqa: DTZ001 - hypothesis adds the zone
    max_value=datetime(2100, 1, 1),  # noqa: DTZ001 - as above
    timezones=st.just(UTC),
)


@pytest.mark.parametrize(
    ("zone", "long", "short"),
    [
        ("Asia/Kolkata", "Saturday, 6 March 2027, 7:00 pm IST", "6 Mar 2027, 7:00 pm"),
        ("Europe/London", "Saturday, 6 March 2027, 1:30 pm GMT", "6 Mar 2027, 1:30 pm"),
        ("Pacific/Auckland", "Sunday, 7 March 2027, 2:30 am GMT+13", "7 Mar 2027, 2:30 am"),
    ],
)
def test_a_moment_is_told_in_the_zone_of_the_event(zone: str, long: str, short: str) -> None:
    assert long_date(EVENING, zone) == long
    assert short_date(EVENING, zone) == short


def test_the_zone_follows_summer_time() -> None:
    assert long_date(datetime(2027, 7, 1, 18, tzinfo=UTC), "Europe/London").endswith(
        "7:00 pm GMT+1"
    )


@pytest.mark.parametrize(("moment", "zone", "name"), json.loads(ZONES.read_text()))
def test_mail_and_paper_name_a_zone_as_the_pages_do(moment: str, zone: str, name: str) -> None:
    at = datetime.fromisoformat(moment)
    assert long_date(at, zone).endswith(f"m {name}")
    assert when(at, zone).endswith(f"m {name}")


def test_the_zone_the_moment_came_in_does_not_matter() -> None:
    abroad = EVENING.astimezone(ZoneInfo("America/New_York"))
    assert long_date(abroad, "Asia/Kolkata") == long_date(EVENING, "Asia/Kolkata")


@pytest.mark.parametrize(("hour", "text"), [(0, "12:05 am"), (12, "12:05 pm"), (23, "11:05 pm")])
def test_midnight_and_noon_are_twelve(hour: int, text: str) -> None:
    moment = datetime(2027, 3, 6, hour, 5, tzinfo=UTC)
    assert short_date(moment, "UTC").endswith(text)


@given(MOMENTS, st.sampled_from(["Asia/Kolkata", "Asia/Dubai", "Europe/London", "Asia/Kathmandu"]))
def test_the_date_of_an_sms_is_ascii_and_of_a_mail_one_line(moment: datetime, zone: str) -> None:
    short, long = short_date(moment, zone), long_date(moment, zone)
    assert short.isascii()
    assert short in long.replace(moment.astimezone(ZoneInfo(zone)).strftime("%B"), short.split()[1])
    assert long.isprintable()
    assert "\u202f" not in long
    assert "\u00a0" not in long


@given(MOMENTS, st.integers(1, 10**6))
def test_the_hour_told_is_the_local_hour(moment: datetime, minutes: int) -> None:
    later = moment + timedelta(minutes=minutes)
    local = later.astimezone(ZoneInfo("Asia/Kolkata"))
    hour = local.hour % 12 or 12
    half = "am" if local.hour < 12 else "pm"
    assert short_date(later, "Asia/Kolkata").endswith(f", {hour}:{local.minute:02d} {half}")


def test_now_is_aware_and_identifiers_are_unlike() -> None:
    assert utc_now().utcoffset() == timedelta(0)
    assert len({new_id() for _ in range(1000)}) == 1000
    assert all(len(new_id()) == 26 for _ in range(10))
