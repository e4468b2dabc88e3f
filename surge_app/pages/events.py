"""Every event on sale. A cold page: no live connection."""

from __future__ import annotations

from typing import Any

import reflex as rx

from surge_app.components import controls, formatting, layout
from surge_app.components.controls import button
from surge_app.components.feeds import connection, polling, status, timers
from surge_app.components.feeds.feed_types import EventJson
from surge_app.components.frame import shell
from surge_app.components.match import match
from surge_app.components.prose import language
from surge_app.components.scripts import prerendered
from surge_app.components.text import gettext as _

_DATES = (
    ("", _("Any date")),
    ("today", _("Today")),
    ("weekend", _("This weekend")),
    ("week", _("Next 7 days")),
    ("month", _("Next 30 days")),
)


def page() -> rx.Component:
    """Build the page."""
    feed, value = polling.events()
    return feed(
        shell.page(
            rx.cond(value.phase == "loading", rx.fragment(), prerendered.prerendered_handoff()),
            match(
                value.phase,
                ("loading", _loading()),
                ("ready", _ready(value)),
                status.unreachable(_("The events cannot be shown right now"), value.problem),
            ),
            width="wide",
        )
    )


def _loading() -> rx.Component:
    return layout.loading(
        layout.skeleton("36px", "9rem"),
        rx.el.div(
            *(_waiting() for _ in range(4)),
            class_name="events",
        ),
    )


def _waiting() -> rx.Component:
    return layout.card(
        rx.el.span(class_name="skeleton cover", aria_hidden=True),
        *(layout.skeleton(height) for height in ("112px", "28px")),
        extra="event",
    )


def _ready(value: Any) -> rx.Component:
    return rx.el.div(
        rx.el.h1(_("Events")),
        status.offline(value.offline),
        connection.held_tickets(),
        rx.cond(value.is_searchable, _search(value)),
        rx.cond(
            value.events.length() > 0,
            rx.el.ul(rx.foreach(value.events, _event), class_name="events"),
            _nothing(value),
        ),
        rx.cond(value.has_more, button(_("Show more events"), on_click=polling.dispatch("more"))),
        rx.cond(
            value.is_cut,
            rx.el.p(
                _("These are the next 200 events. Search to find a later one."), class_name="muted"
            ),
        ),
        class_name="stack loose",
    )


def _search(value: Any) -> rx.Component:
    """Narrow the list; what is searched stands in the address, so that it can be shared."""
    search = value.search
    form = shell.plain_form(
        controls.field(
            "q",
            _("Event, venue or organizer"),
            error="",
            type="search",
            placeholder=_("Event, venue or organizer"),
            default_value=search.q,
            max_length=100,
            auto_complete="off",
        ),
        _choice("city", _("City"), _("Any city"), value.cities, search.city),
        _choice("category", _("Category"), _("Any category"), value.categories, search.category),
        controls.select("when", _("Date"), _DATES, default_value=search.when),
        button(_("Search"), type="submit"),
        action="/events",
        method="get",
        class_name="search",
    )
    return rx.el.div(form, role="search")


def _choice(name: str, label: Any, any_of_them: Any, found: Any, chosen: Any) -> rx.Component:
    """Offer what listed events have. It is known after the page, unlike what was chosen."""
    return controls.select(
        name,
        label,
        (("", any_of_them),),
        rx.cond(chosen != "", rx.el.option(chosen, value=chosen)),
        rx.foreach(
            found, lambda one: rx.cond(one == chosen, rx.fragment(), rx.el.option(one, value=one))
        ),
        default_value=chosen,
    )


def _nothing(value: Any) -> rx.Component:
    return rx.cond(
        value.is_narrowed,
        layout.state(
            _("No event matches your search"),
            _("Change what you search for, or look at all events."),
            action=controls.button_link(_("All events"), href="/events"),
            is_titled=True,
        ),
        layout.state(
            _("Nothing is on sale yet"),
            _("New events appear here automatically."),
            at=4,
            is_titled=True,
        ),
    )


def _event(event: EventJson) -> rx.Component:
    return rx.el.li(
        rx.el.a(
            layout.cover(event.cover),
            _day(event),
            rx.el.div(
                status.difference(event),
                rx.el.h2(event.name, **language(event.name)),
                rx.el.p(
                    formatting.event_time(event.starts_at, event.time_zone),
                    _here(event),
                    class_name="muted",
                ),
                rx.el.p(
                    event.venue,
                    rx.cond(
                        event.venue.contains(event.city),
                        rx.fragment(),
                        rx.fragment(", ", event.city),
                    ),
                    class_name="muted",
                    **language(event.venue),
                ),
                rx.cond(event.is_next, _opening(event)),
                class_name="stack tight",
            ),
            match(
                event.status,
                ("sold_out", "ended", "cancelled", rx.fragment()),
                rx.el.p(formatting.prices(event.from_paise, event.to_paise), class_name="price"),
            ),
            href=f"/events/{event.slug}",
            class_name="card event",
        ),
        class_name=rx.cond(event.is_next, "next", ""),
        key=event.slug,
    )


def _day(event: EventJson) -> rx.Component:
    """Show the day as a leaf of a calendar; the whole date is read beside it."""
    return rx.el.p(
        rx.el.span(formatting.day(event.starts_at, event.time_zone)),
        rx.el.span(formatting.month(event.starts_at, event.time_zone)),
        class_name="day",
        aria_hidden=True,
    )


def _opening(event: EventJson) -> rx.Component:
    return rx.el.p(
        timers.countdown(
            event.opens_in_seconds, label=_("The sale opens in"), on_end=polling.dispatch("retry")
        ),
        class_name="strong",
    )


def _here(event: EventJson) -> rx.Component:
    here = formatting.local_time(event.starts_at, event.time_zone)
    return rx.cond(here != "", rx.fragment(" · ", _("{time} where you are", time=here)))
