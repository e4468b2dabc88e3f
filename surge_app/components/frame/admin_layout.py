"""The frame of the admin pages, and the parts only they have."""

from __future__ import annotations

from typing import Any

import reflex as rx

from surge_app.components import controls, layout
from surge_app.components.controls import button_link
from surge_app.components.frame import navigation
from surge_app.components.frame.shell import brand, plain_form
from surge_app.components.match import match
from surge_app.components.scripts.language import switch
from surge_app.components.text import gettext as _

_NO_HREF = rx.Var("undefined")
_EVENT_TABS = (
    ("dashboard", _("Sale day"), "/admin/", ""),
    ("queue", _("Queue"), "/admin/events/", "/queue"),
    ("participants", _("Participants"), "/admin/events/", "/participants"),
    ("box_office", _("Box office"), "/admin/events/", "/box-office"),
    ("holds", _("Ticket holds"), "/admin/events/", "/holds"),
    ("check_in", _("Check-in"), "/admin/events/", "/door"),
    ("edit", _("Event"), "/admin/events/", "/edit"),
    ("notices", _("Announcements"), "/admin/events/", "/notices"),
)


def frame(
    *children: Any, current: str, attention: Any, slug: Any = None, is_organizer: Any = True
) -> rx.Component:
    """Create an admin page: navigation beside the content.

    Args:
        *children: The content.
        current: The tab that is open: events, checks, texts, log, rehearsal, or one of a sale.
        attention: How many action items wait; empty if none.
        slug: The event whose tabs are shown, if any.
        is_organizer: Whether to show more than the check-in.
    """
    count = rx.cond(
        attention != "",
        rx.el.span(
            attention,
            " ",
            rx.el.span(_("need attention"), class_name="sr-only"),
            class_name="count",
        ),
    )
    tabs = [
        # Until the event is known, its tabs have no address.
        _tab(label, rx.cond(slug != "", f"{before}{slug}{behind}", _NO_HREF), here=name == current)
        for name, label, before, behind in (_EVENT_TABS if slug is not None else ())
    ]
    tabs += [
        _tab(_("Checks"), "/admin/install/checks", count, here=current == "checks"),
        _tab(_("Texts"), "/admin/install/texts", here=current == "texts"),
        _tab(_("Audit log"), "/admin/install/log", here=current == "log"),
        _tab(_("Rehearsal"), "/admin/install/rehearsal", here=current == "rehearsal"),
    ]
    return rx.el.div(
        navigation.skip_link("main"),
        rx.el.aside(
            brand("/admin"),
            rx.el.nav(
                _tab(_("Events"), "/admin", here=current == "events"),
                rx.cond(is_organizer, rx.fragment(*tabs)),
                aria_label=_("Organizer"),
            ),
            rx.el.div(
                plain_form(
                    rx.el.button(_("Sign out"), type="submit", class_name="tab"),
                    action="/admin/logout",
                ),
                switch(for_organizers=True),
                class_name="end",
            ),
            class_name="side",
        ),
        rx.el.main(*children, id="main", tab_index=-1, class_name="main"),
        navigation.unsaved_changes(),
        class_name="admin",
    )


def signed_out() -> rx.Component:
    """Create the page shown once the session has ended."""
    return layout.state(
        _("You are not signed in"),
        _("Sign in as an organizer to see your sales."),
        action=button_link(_("Sign in"), href="/admin", kind="primary"),
        at=4,
    )


def missing(title: Any) -> rx.Component:
    """Create the page shown where nothing has that address."""
    return layout.state(
        title,
        _("Its address may have changed."),
        action=button_link(_("All events"), href="/admin", kind="primary"),
        at=4,
    )


def tone_chip(text: Any, tone: Any) -> rx.Component:
    """Create a chip whose tone is a var."""
    return match(
        tone,
        ("good", controls.chip(text, tone="good")),
        ("warn", controls.chip(text, tone="warn")),
        ("accent", controls.chip(text)),
        controls.chip(text, tone="off"),
    )


def flash(done: Any, problem: Any) -> rx.Component:
    """Create the notice after an action: done, or why not; it stays in view in a long list."""

    def shown(said: Any, notice: rx.Component) -> rx.Component:
        return rx.cond(said != "", rx.el.div(notice, class_name="flash"))

    return rx.fragment(
        shown(done, layout.notice(done, tone="good")),
        shown(problem, layout.notice(problem, tone="bad")),
    )


def stat(label: Any, figure: Any, *below: rx.Component) -> rx.Component:
    """Create a figure with its label and an explanation."""
    return layout.card(
        rx.el.h2(label, class_name="tile-label"),
        rx.el.p(figure, class_name="figure"),
        rx.el.div(*below, class_name="muted small number"),
        extra="tile",
    )


def form(*children: Any, on_submit: Any, **props: Any) -> rx.Component:
    """Create a form whose submit calls a handler."""
    return rx.el.form(*children, on_submit=on_submit, class_name="stack loose", **props)


def _tab(label: Any, href: Any, *more: rx.Component, here: bool) -> rx.Component:
    props: dict[str, Any] = {"aria_current": "page"} if here else {}
    return rx.el.a(label, *more, href=href, class_name="tab", **props)
