"""Check the facts that an organizer typed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import cache
from typing import Any
from zoneinfo import available_timezones

from surge_app.errors import InvalidRequest
from surge_app.languages import SUPPORTED, gettext as _
from surge_app.services.events.facts import ALL_FACTS, TRANSLATABLE, FactField
from surge_app.services.events.translations import read_translations, unknown_line

_SHOWN = 60
_NO_REGIONS = ("Etc/", "SystemV/", "posix/", "right/", "US/")


def check_facts(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return facts as they are stored, texts without spare blanks.

    Args:
        values: By name; names that are no facts are left out.

    Raises:
        InvalidRequest: The first value that makes no sense.
    """
    checked = {
        name: _spaced(ALL_FACTS[name], value) if isinstance(value := values[name], str) else value
        for name in ALL_FACTS
        if name in values
    }
    checked = {
        name: None if value == "" and ALL_FACTS[name].is_nullable else value
        for name, value in checked.items()
    }
    for name, value in checked.items():
        complaint = _complaint(ALL_FACTS[name], value)
        if complaint:
            cause, action = complaint
            label = _(ALL_FACTS[name].fact.label)
            msg = _(
                "“{name}” {cause} Nothing was saved. {action}",
                name=label,
                cause=cause,
                action=action,
            )
            raise InvalidRequest(msg)
    _check_translations(checked.get("translations") or "")
    if "time_zone" in checked and checked["time_zone"] not in _zones():
        msg = _("We don't know this time zone. Nothing was saved. Write it like Asia/Kolkata.")
        raise InvalidRequest(msg)
    return checked


def _check_translations(text: str) -> None:
    if line := unknown_line(text, TRANSLATABLE):
        msg = _(
            "“{line}” begins no text in another language. Nothing was saved. Begin each with one "
            "of {languages}, one of {facts}, and a colon.",
            line=line[:_SHOWN],
            languages=", ".join(SUPPORTED),
            facts=", ".join(TRANSLATABLE),
        )
        raise InvalidRequest(msg)
    for texts in read_translations(text, TRANSLATABLE).values():
        for name, words in texts.items():
            fact = TRANSLATABLE[name].fact
            if len(words) > (fact.max_length or 0) or (not fact.is_long and "\n" in words):
                msg = _(
                    "“{name}” is too long in another language. Nothing was saved. Enter at most "
                    "{most} characters, a name or a venue on one line.",
                    name=_(fact.label),
                    most=fact.max_length,
                )
                raise InvalidRequest(msg)


def _spaced(one: FactField, text: str) -> str:
    # A name of two lines would end the subject of a mail in the middle.
    return text.strip() if one.fact.is_long else " ".join(text.split())


def _complaint(one: FactField, value: Any) -> tuple[str, str] | None:
    """Return what is wrong with a value, and what to do; None if nothing is."""
    least, most, longest = one.fact.least, one.fact.most, one.fact.max_length
    if value is None or value == "":
        is_missing = one.is_required or (value is None and not one.is_nullable)
        return (_("is empty."), _("Fill it in.")) if is_missing else None
    if one.choices and value not in one.choices:
        return _("is none of its values."), _(
            "Choose one of: {values}.", values=", ".join(one.choices)
        )
    if isinstance(value, datetime) and value.tzinfo is None:
        return _("has no offset."), _("Write it like 2027-03-06T19:00:00+05:30.")
    if longest is not None and len(str(value)) > longest:
        return _("is too long."), _("Enter at most {most} characters.", most=longest)
    if least is not None and most is not None and not least <= int(str(value)) <= most:
        return _("is out of range."), _(
            "Enter a number from {least} to {most}.", least=least, most=most
        )
    return None


@cache
def _zones() -> frozenset[str]:
    """Return the zones that are places; the machine's list has files of other kinds, too."""
    regions = {"UTC"} | {name for name in available_timezones() if "/" in name}
    return frozenset(name for name in regions if not name.startswith(_NO_REGIONS))
