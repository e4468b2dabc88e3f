"""Amounts, numbers and dates as text, formatted in the browser from what the JSON API sends."""

from __future__ import annotations

import reflex as rx

from surge_app.components.scripts.javascript import function


def _format(name: str, *values: object) -> rx.Var[str]:
    return function(name, source="formatting").call(*values).to(str)


def money(paise: rx.Var[int] | int) -> rx.Var[str]:
    """Format paise the Indian way: ₹2,06,100, or ₹25.50 when there are paise."""
    return _format("formatMoney", paise)


def price(paise: rx.Var[int] | int) -> rx.Var[str]:
    """Format an all-in price, "Free" if it is nothing."""
    return _format("formatPrice", paise)


def prices(low: rx.Var[int] | int, high: rx.Var[int] | int) -> rx.Var[str]:
    """Format the all-in prices of an event: "from ₹1,025", or "Free–₹8,024"."""
    return _format("formatPrices", low, high)


def language(text: rx.Var[str] | str) -> rx.Var[str]:
    """Return the language tag that a text's script suggests; undefined for Latin letters."""
    return _format("languageOf", text)


def count(number: rx.Var[int] | int) -> rx.Var[str]:
    """Group a number the Indian way: 1,02,961."""
    return _format("formatCount", number)


def local_time(moment: rx.Var[str] | str, zone: rx.Var[str] | str) -> rx.Var[str]:
    """Format a moment by the reader's own clock: "Sat 6 Mar, 1:30 pm".

    Empty where that clock shows the same as the event's.
    """
    return _format("formatLocalTime", moment, zone)


def duration(seconds: rx.Var[int] | int) -> rx.Var[str]:
    """Format seconds in their largest unit: "6 days", "3 hours", "5 minutes"."""
    return _format("formatDuration", seconds)


def day(moment: rx.Var[str] | str, zone: rx.Var[str] | str) -> rx.Var[str]:
    """Format the day of the month in the event's own zone: "6"."""
    return _format("formatDay", moment, zone)


def month(moment: rx.Var[str] | str, zone: rx.Var[str] | str) -> rx.Var[str]:
    """Format the month in the event's own zone: "Mar"."""
    return _format("formatMonth", moment, zone)


def event_time(moment: rx.Var[str] | str, zone: rx.Var[str] | str) -> rx.Var[str]:
    """Format an ISO time in the event's own zone: "Sat 6 Mar 2027, 7:00 pm IST".

    An empty moment gives "".
    """
    return _format("formatEventTime", moment, zone)
