"""The facts of an event, declared once: forms, API, command line, pages and copies follow.

A new fact is a field below and a column of `models.Event`; docs/develop.md has the steps.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import MISSING, dataclass, fields
from datetime import datetime
from types import NoneType
from typing import Annotated, Any, Final, Literal, get_args, get_origin, get_type_hints
from urllib.parse import quote

from surge_app.formatting import when_beside
from surge_app.languages import A_, N_, gettext as _
from surge_app.services.events.rich_text import TextPart

ChallengeMode = Literal["off", "auto", "always"]
QueueOrder = Literal["fifo", "random"]


@dataclass(frozen=True, slots=True)
class Fact:
    """The declaration of a fact: its form field, its limits and its display.

    Attributes:
        label: Of its field in the editor, of its option on the command line, and in errors.
        help: What the label leaves open.
        max_length: Of a text, in characters.
        least: Of a number.
        most: Of a number.
        is_long: Whether the editor gives it several lines.
        is_editable: Whether it can change after the event exists.
        is_copied: Whether a copy of the event has it too.
        heading: Under which pages and mails show it; facts of one heading stand together.
        is_brief: Whether it stands beside day and venue, in a word.
        text: How a value reads, where the value alone does not say it.
        link: What a link to it begins with, such as `mailto:`; in a query the value is encoded.
        is_translatable: Whether it may have a text of its own in each language.
    """

    label: str
    help: str = ""
    max_length: int | None = None
    least: int | None = None
    most: int | None = None
    is_long: bool = False
    is_editable: bool = True
    is_copied: bool = True
    heading: str = ""
    is_brief: bool = False
    text: str = "{number}"
    link: str = ""
    is_translatable: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class EventFacts:
    """The public facts of an event; times are aware."""

    name: Annotated[str, Fact(N_("Name"), max_length=200, is_translatable=True)]
    venue: Annotated[str, Fact(N_("Venue"), max_length=200, is_translatable=True)]
    starts_at: Annotated[datetime, Fact(N_("Starts"), is_copied=False)]
    time_zone: Annotated[
        str, Fact(N_("Time zone"), A_("A place, such as Asia/Kolkata."), max_length=60)
    ] = "Asia/Kolkata"
    # Windows of the old date would make no sense at the new one.
    sales_open_at: Annotated[datetime | None, Fact(A_("Sale opens"), is_copied=False)] = None
    sales_close_at: Annotated[datetime | None, Fact(A_("Sale closes"), is_copied=False)] = None
    max_per_person: Annotated[int, Fact(A_("Tickets per person"), least=1, most=100)] = 6
    hold_seconds: Annotated[
        int,
        Fact(A_("Seconds tickets are held"), A_("While a buyer checks out."), least=5, most=3600),
    ] = 300
    city: Annotated[
        str, Fact(A_("City"), A_("Visitors choose by it in the list of events."), 60)
    ] = ""
    category: Annotated[str, Fact(A_("Category"), A_("Such as Music, Comedy or Theatre."), 40)] = ""
    description: Annotated[
        str, Fact(A_("Description"), max_length=10_000, is_long=True, is_translatable=True)
    ] = ""
    doors_open_at: Annotated[
        datetime | None,
        Fact(N_("Doors open"), is_copied=False, heading=N_("Doors open"), is_brief=True),
    ] = None
    ends_at: Annotated[
        datetime | None, Fact(N_("Ends"), is_copied=False, heading=N_("Ends"), is_brief=True)
    ] = None
    address: Annotated[
        str | None,
        Fact(
            N_("Address"),
            A_("For maps and calendars."),
            300,
            heading=N_("Address"),
            is_brief=True,
            link="https://www.google.com/maps/search/?api=1&query=",
        ),
    ] = None
    age_limit: Annotated[
        int | None,
        Fact(
            A_("Minimum age"),
            A_("Empty: all ages."),
            least=1,
            most=99,
            heading=N_("Age"),
            is_brief=True,
            text=N_("{number} and over"),
        ),
    ] = None
    what_to_bring: Annotated[
        str,
        Fact(
            A_("What to bring"),
            A_("Such as a photo ID, and what stays outside."),
            1_000,
            is_long=True,
            heading=N_("What to bring"),
            is_translatable=True,
        ),
    ] = ""
    accessibility: Annotated[
        str,
        Fact(
            A_("Accessibility"),
            A_("Steps, seats, toilets, and whom to ask."),
            1_000,
            is_long=True,
            heading=N_("Accessibility"),
            is_translatable=True,
        ),
    ] = ""
    refund_policy: Annotated[
        str,
        Fact(
            A_("Refund policy"),
            max_length=2_000,
            is_long=True,
            heading=N_("Refunds"),
            is_translatable=True,
        ),
    ] = ""
    organizer_name: Annotated[
        str, Fact(A_("Organizer"), max_length=200, heading=N_("Questions"))
    ] = ""
    organizer_email: Annotated[
        str, Fact(A_("Organizer's email"), max_length=254, heading=N_("Questions"), link="mailto:")
    ] = ""
    organizer_phone: Annotated[
        str, Fact(A_("Organizer's phone"), max_length=30, heading=N_("Questions"), link="tel:")
    ] = ""
    ask_attendee_names: Annotated[bool, Fact(A_("Ask for a name on each ticket"))] = False


# Without slots: two bases with slots cannot be combined.
@dataclass(frozen=True, kw_only=True)
class QueueRules:
    """The rules of admission; only organizers see them."""

    concurrent_buyers: Annotated[
        int, Fact(A_("Buyers inside at once"), A_("In the checkout."), least=1, most=1_000_000)
    ] = 200
    admissions_per_minute: Annotated[
        int | None,
        Fact(A_("Let in per minute at most"), A_("Empty: no limit."), least=1, most=1_000_000),
    ] = None
    slow_payment_percent: Annotated[
        int,
        Fact(
            A_("Kept for slow payments, in percent"),
            A_(
                "Of all tickets: payments that started late and were not tried yet keep at most so "
                "many beyond their hold."
            ),
            least=0,
            most=100,
        ),
    ] = 20
    challenge: Annotated[Literal["off", "auto", "always"], Fact(A_("Bot check before joining"))] = (
        "auto"
    )
    queue_order: Annotated[
        QueueOrder, Fact(A_("Queue order"), A_("Of visitors who join before the sale opens."))
    ] = "fifo"
    # It is about one evening, not about the event.
    queue_message: Annotated[
        str, Fact(A_("Message to the queue"), max_length=500, is_copied=False)
    ] = ""


@dataclass(frozen=True, kw_only=True)
class OwnLanguages:
    """The texts that visitors of other languages read instead; see `translations`."""

    translations: Annotated[
        str,
        Fact(
            A_("In other languages"),
            A_("A line such as “hi name: …” for each text; the lines below it belong to it."),
            40_000,
            is_long=True,
        ),
    ] = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TierRules:
    """The rules of sale of a tier; times are aware.

    Attributes:
        min_per_booking: A booking with any of the tier has at least so many of it.
        max_per_booking: None leaves the limit to `max_per_person` of the event.
        sales_open_at: None opens it with its event.
        sales_close_at: None closes it with its event.
    """

    min_per_booking: Annotated[int, Fact(A_("Fewest per booking"))] = 1
    max_per_booking: Annotated[int | None, Fact(A_("Most per booking"))] = None
    sales_open_at: Annotated[datetime | None, Fact(A_("Sale opens"), is_copied=False)] = None
    sales_close_at: Annotated[datetime | None, Fact(A_("Sale closes"), is_copied=False)] = None


@dataclass(frozen=True, slots=True)
class FactField:
    """A declared fact with its type, free of annotations, and its default."""

    name: str
    type: Any
    default: Any
    fact: Fact

    @property
    def is_required(self) -> bool:
        """Return whether an event cannot be without it."""
        return self.default is MISSING

    @property
    def is_nullable(self) -> bool:
        """Return whether it may be unknown."""
        return NoneType in get_args(self.type)

    @property
    def is_number(self) -> bool:
        """Return whether it is a whole number."""
        return int in {self.type, *get_args(self.type)}

    @property
    def is_time(self) -> bool:
        """Return whether it is a moment."""
        return datetime in {self.type, *get_args(self.type)}

    @property
    def choices(self) -> tuple[str, ...]:
        """The words it may be; none if it is free."""
        return get_args(self.type) if get_origin(self.type) is Literal else ()


@dataclass(frozen=True, slots=True)
class ShownFact:
    """Facts of one heading, ready to be read; a brief one is a single line."""

    title: str
    is_brief: bool
    lines: tuple[TextPart, ...]

    @property
    def text(self) -> str:
        """All of it on one line."""
        return " · ".join(line.text for line in self.lines)


def facts_of(*declarations: type) -> dict[str, FactField]:
    """Return the facts some dataclasses declare, by name and in their order."""
    found: dict[str, FactField] = {}
    for declaration in declarations:
        annotated = get_type_hints(declaration, include_extras=True)
        bare = get_type_hints(declaration)
        for one in fields(declaration):
            marks = [mark for mark in get_args(annotated[one.name]) if isinstance(mark, Fact)]
            for fact in marks:
                found[one.name] = FactField(one.name, bare[one.name], one.default, fact)
    return found


PUBLIC_FACTS: Final = facts_of(EventFacts)
ALL_FACTS: Final = facts_of(EventFacts, QueueRules, OwnLanguages)
EDITABLE_FACTS: Final = {name: one for name, one in ALL_FACTS.items() if one.fact.is_editable}


TRANSLATABLE: Final = {name: one for name, one in ALL_FACTS.items() if one.fact.is_translatable}
TIER_RULES: Final = tuple(facts_of(TierRules))


def read_facts(source: object, names: Iterable[str]) -> dict[str, Any]:
    """Return attributes of a row or a view, by name."""
    return {name: getattr(source, name) for name in names}


def shown_facts(source: object, starts_at: datetime, time_zone: str) -> tuple[ShownFact, ...]:
    """Return what pages and mails say of an event beside its name, day and venue."""
    found: dict[str, ShownFact] = {}
    for name, one in PUBLIC_FACTS.items():
        value, fact = getattr(source, name), one.fact
        if not (fact.heading and value):
            continue
        text = _(fact.text, number=value)
        if isinstance(value, datetime):
            text = when_beside(value, starts_at, time_zone)
        line = TextPart(text, _link(fact, str(value)))
        known = found.get(fact.heading)
        lines = (*known.lines, line) if known else (line,)
        found[fact.heading] = ShownFact(_(fact.heading), fact.is_brief, lines)
    return tuple(found.values())


def _link(fact: Fact, value: str) -> str:
    if not fact.link:
        return ""
    return fact.link + (quote(value, safe="") if "?" in fact.link else value)
