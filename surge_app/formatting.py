"""Format amounts, numbers and dates for India.

Amounts are integer paise; no float ever holds one.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Final, NewType
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_datetime, get_timezone
from babel.numbers import format_decimal

from surge_app.languages import N_, NUMBERS, current, gettext as _, ngettext

Paise = NewType("Paise", int)

BANKS_TAKE: Final = N_("Banks take up to 7 working days.")
"""How long a refund travels, said the same everywhere."""
BOX_OFFICE_METHODS: Final = {
    "cash": (N_("Cash"), N_("in cash")),
    "upi": (N_("UPI"), N_("by UPI")),
    "card": (N_("Card"), N_("by card")),
}
"""Ways in which the box office takes and returns money: the name, and the words in a sentence."""
_PAISE_PER_RUPEE = 100
_INDIA = frozenset({"Asia/Kolkata", "Asia/Calcutta"})


# Prices and counts of a sale are few, and Babel reads its pattern anew for each.
@lru_cache(maxsize=4096)
def format_number(number: float) -> str:
    """Return a number grouped the Indian way: `1,02,961`."""
    return format_decimal(number, locale=NUMBERS)


def tickets(number: int) -> str:
    """Return a number of tickets: `1 ticket`, `2,140 tickets`."""
    return ngettext("{count} ticket", "{count} tickets", number)


def rupees(amount: int) -> str:
    """Format an amount in rupees, grouped the Indian way.

    Args:
        amount: Paise; may be negative.

    Returns:
        `₹2,06,100` for whole rupees, `₹25.50` otherwise, `-₹25` below zero.
    """
    whole, part = divmod(abs(amount), _PAISE_PER_RUPEE)
    text = format_number(whole)
    sign = "-" if amount < 0 else ""
    return f"{sign}₹{text}.{part:02d}" if part else f"{sign}₹{text}"


def price(amount: int) -> str:
    """Return an amount, "Free" if it is nothing."""
    return rupees(amount) if amount else _("Free")


def prices(low: int, high: int) -> str:
    """Return the all-in prices of an event: `from ₹1,025`, `₹1,024–₹8,024`, `Free–₹8,024`.

    A single price is where a booking starts, for its fee is paid once.
    """
    if low != high:
        return f"{price(low)}–{price(high)}"
    return _("from {price}", price=rupees(low)) if low else _("Free")


def rupees_ascii(amount: int) -> str:
    """Format an amount for SMS: `Rs 2,061`. The sign ₹ would halve the length of an SMS."""
    return rupees(amount).replace("₹", "Rs ")


def long_date(moment: datetime, time_zone: str) -> str:
    """Return a date like `Saturday, 6 March 2027, 7:00 pm IST`, in the event's own zone."""
    text = _format_date(moment, time_zone, "EEEE, d MMMM y, h:mm a")
    return f"{text} {zone_name(moment, time_zone)}"


def when(moment: datetime, time_zone: str) -> str:
    """Return a date like `Sat 6 Mar 2027, 7:00 pm IST`, as pages show it.

    The server's `components.text.when`.
    """
    text = _format_date(moment, time_zone, "EEE d MMM y, h:mm a")
    return f"{text} {zone_name(moment, time_zone)}"


def phone(number: str) -> str:
    """Return an Indian number as `+91 98765 43210`, any other as it is stored."""
    digits = number.removeprefix("+91")
    # A recipient may be an email address, which may begin in the same way.
    is_indian = len(digits) == len(number) - 3 == 10 and digits.isdecimal()  # noqa: PLR2004
    return f"{number[:3]} {number[3:8]} {number[8:]}" if is_indian else number


def when_beside(moment: datetime, start: datetime, time_zone: str) -> str:
    """Return a moment as `when` does, without the day and the zone it shares with a start."""
    zone = ZoneInfo(time_zone)
    is_same = moment.astimezone(zone).date() == start.astimezone(zone).date()
    return _format_date(moment, time_zone, "h:mm a") if is_same else when(moment, time_zone)


def zone_name(moment: datetime, time_zone: str) -> str:
    """Return `IST` in India, `GMT+9` or `GMT-3:30` elsewhere, as `formatting.js` does.

    Browsers know the letters of few zones, and letters of two zones may be the same.
    """
    if time_zone in _INDIA:
        return "IST"
    offset = moment.astimezone(ZoneInfo(time_zone)).utcoffset() or timedelta()
    hours, minutes = divmod(abs(int(offset.total_seconds())) // 60, 60)
    if not hours and not minutes:
        return "GMT"
    sign = "-" if offset < timedelta() else "+"
    return f"GMT{sign}{hours}{f':{minutes:02d}' if minutes else ''}"


def day(moment: datetime, time_zone: str) -> str:
    """Return the day of the month: `6`."""
    return _format_date(moment, time_zone, "d")


def month(moment: datetime, time_zone: str) -> str:
    """Return the month: `Mar`."""
    return _format_date(moment, time_zone, "MMM")


def short_day(day: date) -> str:
    """Return a day like `6 Mar`."""
    return format_date(day, "d MMM", locale=current().locale)


def short_date(moment: datetime, time_zone: str) -> str:
    """Return a date like `6 Mar 2027, 7:00 pm` for SMS; the English one is in ASCII."""
    return _format_date(moment, time_zone, "d MMM y, h:mm a")


def _format_date(moment: datetime, time_zone: str, pattern: str) -> str:
    return _format_date_in(current().locale, moment, time_zone, pattern)


# Every message and page of an event shows the same few moments.
@lru_cache(maxsize=1024)
def _format_date_in(locale: str, moment: datetime, time_zone: str, pattern: str) -> str:
    text = format_datetime(moment, pattern, tzinfo=get_timezone(time_zone), locale=locale)
    # CLDR separates "7:00" and "pm" by a narrow no-break space, and writes "PM" in some languages.
    return text.replace("\u202f", " ").replace(" AM", " am").replace(" PM", " pm")
