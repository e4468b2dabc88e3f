"""The options of `event create`, made from the declared facts of an event."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from inspect import Parameter, Signature
from typing import Annotated, Any

import typer

from surge_app.errors import ConfigurationError
from surge_app.services.events.facts import ALL_FACTS, FactField
from surge_app.services.events.new_event import NewEvent, NewTier

_BEFORE_A_RULE = re.compile(":(?=(?:min|max|opens|closes)=)")
_SLUG = typer.Option(help="Address of the event: lowercase letters, digits and hyphens.")
_TIERS = typer.Option(
    help="NAME:PRICE_PAISE:UNITS, then :min=N, :max=N, :opens=TIME, :closes=TIME as needed. "
    "Repeat the option for each tier. A price of 0 is free."
)


def with_event_options(command: Callable[[NewEvent], None]) -> Callable[..., None]:
    """Give a command one option for each fact of the event that it takes."""

    def wrapped(**given: Any) -> None:
        facts = {name: _parsed(one, given[name]) for name, one in ALL_FACTS.items()}
        tiers = tuple(_tier(text) for text in given["tier"])
        command(NewEvent(slug=given["slug"], tiers=tiers, **facts))

    options = [
        Parameter("slug", Parameter.KEYWORD_ONLY, annotation=Annotated[str, _SLUG]),
        *(_option(one) for one in ALL_FACTS.values()),
        Parameter("tier", Parameter.KEYWORD_ONLY, annotation=Annotated[list[str], _TIERS]),
    ]
    wrapped.__doc__ = command.__doc__
    wrapped.__signature__ = Signature(options)  # pyright: ignore[reportFunctionMemberAccess]
    wrapped.__annotations__ = {one.name: one.annotation for one in options}
    return wrapped


def _option(one: FactField) -> Parameter:
    help_text = "ISO 8601 with an offset." if one.is_time else one.fact.help
    shown = typer.Option(
        help=f"{one.fact.label}. {help_text}".rstrip(), min=one.fact.least, max=one.fact.most
    )
    kind: Any = one.type
    if one.is_time:
        kind = str | None if one.is_nullable else str
    default = Parameter.empty if one.is_required else one.default
    return Parameter(
        one.name, Parameter.KEYWORD_ONLY, default=default, annotation=Annotated[kind, shown]
    )


def _parsed(one: FactField, value: Any) -> Any:
    if value and one.is_time:
        return _moment(value, f"--{one.name.replace('_', '-')}")
    return value


def _moment(text: str, option: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        msg = f"{option} takes a time with an offset, such as 2027-03-06T19:00:00+05:30."
        raise ConfigurationError(msg)
    return moment


def _tier(text: str) -> NewTier:
    # Times hold colons themselves, so only those before a known key separate.
    offer, *rules = _BEFORE_A_RULE.split(text)
    name, _, rest = offer.partition(":")
    price, _, count = rest.partition(":")
    known = dict(rule.split("=", 1) for rule in rules)
    least, most = known.get("min", "1"), known.get("max", "0")
    numbers = (price, count, least, most)
    if not name or len(known) < len(rules) or not all(number.isdecimal() for number in numbers):
        msg = (
            "--tier takes NAME:PRICE_PAISE:UNITS, such as General:50000:100, and after it "
            f":min=2, :max=4, :opens=TIME or :closes=TIME, each once; this was {text!r}."
        )
        raise ConfigurationError(msg)
    opens, closes = known.get("opens"), known.get("closes")
    return NewTier(
        name,
        int(price),
        int(count),
        min_per_booking=int(least),
        max_per_booking=int(most) if "max" in known else None,
        sales_open_at=_moment(opens, f"The opening of {name}") if opens else None,
        sales_close_at=_moment(closes, f"The closing of {name}") if closes else None,
    )
