"""Dates as people in India read them, in the event's own zone."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from babel.dates import format_datetime, get_timezone

from surge_app.words import LOCALE


def long_date(moment: datetime, time_zone: str) -> str:
    """Return a date like `Saturday, 6 March 2027, 7:00 pm IST`."""
    zone = moment.astimezone(ZoneInfo(time_zone)).tzname()
    return f"{_format(moment, time_zone, 'EEEE, d MMMM y, h:mm a')} {zone}"


def when(moment: datetime, time_zone: str) -> str:
    """Return a date like `Sat 6 Mar 2027, 7:00 pm IST`, as pages show it.

    The server's `components.text.when`.
    """
    # CLDR knows no short name of most zones ("+0530"); the zone itself does ("IST").
    zone = moment.astimezone(ZoneInfo(time_zone)).tzname()
    return f"{_format(moment, time_zone, 'EEE d MMM y, h:mm a')} {zone}"


def short_date(moment: datetime, time_zone: str) -> str:
    """Return a date like `6 Mar 2027, 7:00 pm`, in ASCII for SMS."""
    text = _format(moment, time_zone, "d MMM y, h:mm a")
    return text.encode("ascii", "ignore").decode("ascii")


def _format(moment: datetime, time_zone: str, pattern: str) -> str:
    text = format_datetime(moment, pattern, tzinfo=get_timezone(time_zone), locale=LOCALE)
    # CLDR separates "7:00" and "pm" by a narrow no-break space.
    return text.replace("\u202f", " ")
