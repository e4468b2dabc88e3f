"""Compare the countries of a number and an event: an SMS abroad costs many times as much."""

from __future__ import annotations

from functools import cache

import phonenumbers
from babel.core import get_global


def country_of_number(number: str) -> str:
    """Return the two letters of the country of an E.164 number, empty if it has none."""
    try:
        return phonenumbers.region_code_for_number(phonenumbers.parse(number)) or ""
    except phonenumbers.NumberParseException:
        return ""


@cache
def country_of_zone(time_zone: str) -> str:
    """Return the two letters of the country of a time zone, empty if it spans several."""
    aliases, territories = get_global("zone_aliases"), get_global("zone_territories")
    name = aliases.get(time_zone, time_zone)
    return str(territories.get(time_zone) or territories.get(name) or "")
