"""The frame of the admin pages, and the parts only they have."""

from __future__ import annotations

from typing import Any

import reflex as rx

from surge_app.components import controls, layout
from surge_app.components.controls import button_link
from surge_app.components.match import match
from surge_app.components.shell import brand, plain_form

_NOWHERE = rx.Var("undefined")
_OF_A_SALE = (
    ("dashboard", "Sale day", "/admin/", ""),
    ("queue", "Queue", "/admin/events/", "/queue"),
    ("participants", "Participants", "/admin/events/", "/participants"),
    ("box_office", "Box office", "/admin/events/", "/box-office"),
    ("holds", "Ticket holds", "/admin/events/", "/holds"),
    ("check_in", "Check-in", "/admin/events/", "/door"),
    ("edit", "Event", "/admin/events/", "/edit"),
)


def frame(*children: Any, current: str, slug: Any = None, is_organizer: Any = True) -> rx.Component:
    """Create a page for organizers: navigation beside the content.

    Args:
        *children: What the main part holds.
        current: The tab that is open: events, checks, log, rehearsal, or one of a sale.
        slug: The event whose tabs are shown, if any.
        is_organizer: Whether there is more to see than the check-in.
    """
    tabs = [
        # Until the event is known, its tabs are there and lead nowhere.
        _tab(label, rx.cond(slug != "", f"{before}{slug}{behind}", _NOWHERE), here=name == current)
        for name, label, before, behind in (_OF_A_SALE if slug is not None else ())
    ]
    tabs += [
        _tab("Checks", "/admin/install/checks", here=current == "checks"),
        _tab("Audit log", "/admin/install/log", here=current == "log"),
        _tab("Rehearsal", "/admin/install/rehearsal", here=current == "rehearsal"),
    ]
    return rx.el.div(
        rx.el.aside(
            brand("/admin"),
            rx.el.nav(
                _tab("Events", "/admin", here=current == "events"),
                rx.cond(is_organizer, rx.fragment(*tabs), rx.fragment()),
                aria_label="Organizer",
            ),
            plain_form(
                rx.el.button("Sign out", type="submit", class_name="tab"),
                action="/admin/logout",
            ),
            class_name="side",
        ),
        rx.el.main(*children, class_name="main"),
        class_name="board",
    )


def signed_out() -> rx.Component:
    """Create what is shown once the session is over."""
    return layout.state(
        "You are not signed in",
        "Sign in as an organizer to see your sales.",
        action=button_link("Sign in", href="/admin", kind="primary"),
        at=4,
    )


def missing(what: str) -> rx.Component:
    """Create what is shown where there is nothing of that name."""
    return layout.state(
        f"There is no such {what}",
        "Its address may have changed.",
        action=button_link("All events", href="/admin", kind="primary"),
        at=4,
    )


def toned(text: Any, tone: Any) -> rx.Component:
    """Create a chip whose tone is a var."""
    return match(
        tone,
        ("good", controls.chip(text, tone="good")),
        ("warn", controls.chip(text, tone="warn")),
        ("accent", controls.chip(text)),
        controls.chip(text, tone="off"),
    )


def news(done: Any, problem: Any) -> rx.Component:
    """Create the answer to what was just done: that it was, or why not."""
    return rx.fragment(
        rx.cond(done != "", layout.notice(done, tone="good"), rx.fragment()),
        rx.cond(problem != "", layout.notice(problem, tone="bad"), rx.fragment()),
    )


def tile(label: Any, figure: Any, *below: rx.Component) -> rx.Component:
    """Create a figure with its label and what explains it."""
    return layout.card(
        rx.el.h2(label, class_name="tile-label"),
        rx.el.p(figure, class_name="figure"),
        rx.el.div(*below, class_name="muted small number"),
        extra="tile",
    )


def form(*children: Any, on_submit: Any, **props: Any) -> rx.Component:
    """Create a form that goes to a handler."""
    return rx.el.form(*children, on_submit=on_submit, class_name="stack loose", **props)


def select(
    name: str, label: str, options: tuple[tuple[str, str], ...], *more: rx.Component, **props: Any
) -> rx.Component:
    """Create a labelled choice of a few.

    Args:
        name: Name and id of the field.
        label: The visible label.
        options: Pairs of a value and its words.
        *more: Options that are known only while the page is open.
        **props: Further properties of the field.
    """
    return rx.el.div(
        rx.el.label(label, html_for=name, class_name="label"),
        rx.el.select(
            *(rx.el.option(words, value=value) for value, words in options),
            *more,
            id=name,
            name=name,
            class_name="input",
            **props,
        ),
        class_name="field",
    )


def _tab(label: str, href: Any, *, here: bool) -> rx.Component:
    props: dict[str, Any] = {"aria_current": "page"} if here else {}
    return rx.el.a(label, href=href, class_name="tab", **props)
