"""Rehearsals: virtual visitors on an event of their own, in the sandbox."""

from __future__ import annotations

import reflex as rx

from surge_app.components import layout, progress
from surge_app.components.controls import button, button_link
from surge_app.components.feeds import timers
from surge_app.components.frame import admin_layout
from surge_app.components.text import gettext as _
from surge_app.pages.admin.shared import (
    checkbox,
    form_key,
    labelled,
    list_row,
    outcome,
    page_of,
    waiting,
)
from surge_app.state.admin.site.rehearsal import RehearsalCard, RehearsalState

_REFRESH_SECONDS = 2


def page() -> rx.Component:
    """Build the page."""
    return page_of(
        RehearsalState,
        waiting("14rem", ("52px", "52px", "52px")),
        ("ready", _rehearsals(_start())),
        ("live", _rehearsals(_live())),
        current="rehearsal",
    )


def _rehearsals(start: rx.Component) -> rx.Component:
    return rx.fragment(
        timers.interval(_REFRESH_SECONDS, RehearsalState.refresh),
        rx.el.h1(_("Rehearsal")),
        outcome(RehearsalState),
        rx.cond(RehearsalState.running.id != "", _running(), start),
        rx.cond(
            rx.Var.create(RehearsalState.past).length() > 0,
            layout.card(
                rx.el.h2(_("Earlier rehearsals")),
                rx.el.ul(rx.foreach(RehearsalState.past, _past), class_name="plain-list"),
            ),
        ),
    )


def _live() -> rx.Component:
    return layout.card(
        rx.el.h2(_("Not available with live keys")),
        rx.el.p(
            _(
                "Payments, email or SMS are real here. A rehearsal needs an installation that "
                "uses the sandbox for all three."
            ),
            class_name="muted",
        ),
    )


def _start() -> rx.Component:
    return layout.card(
        rx.el.p(
            _(
                "Virtual visitors queue, choose, leave and pay over real HTTP, on a hidden event "
                "of their own. Your sales are not touched, but they share this machine."
            ),
            class_name="muted",
        ),
        admin_layout.form(
            form_key(RehearsalState),
            rx.el.div(
                labelled("visitors", _("Visitors, up to 3,000"), "300", input_mode="numeric"),
                labelled("units", _("Tickets, up to 3,000"), "100", input_mode="numeric"),
                labelled(
                    "abandon_percent", _("Leave without buying, %"), "30", input_mode="numeric"
                ),
                class_name="fields",
            ),
            checkbox(
                "bad_days",
                _("Include payment problems: late, duplicate, lost and declined payments"),
                is_checked=True,
            ),
            rx.el.div(
                button(_("Start the rehearsal"), type="submit", kind="primary"), class_name="row"
            ),
            on_submit=RehearsalState.start,
        ),
    )


def _running() -> rx.Component:
    now = RehearsalState.running
    return layout.card(
        rx.el.div(
            rx.el.div(
                rx.el.h2(_("Running")),
                rx.el.p(now.about, class_name="muted small"),
                class_name="stack tight",
            ),
            button(_("Stop"), on_click=RehearsalState.stop),
            class_name="row apart top",
        ),
        progress.stock_bar(now.sold_percent, now.held_percent, now.stock),  # pyright: ignore[reportArgumentType] - vars of the State
        rx.el.p(now.stock, class_name="muted small number"),
        rx.el.p(now.figures, class_name="number"),
    )


def _past(card: RehearsalCard) -> rx.Component:
    return list_row(
        rx.el.div(admin_layout.tone_chip(card.result, card.tone), class_name="row"),
        rx.el.span(card.about),
        rx.el.span(card.summary, class_name="small number"),
        rx.foreach(card.broken, lambda text: rx.el.span(text, class_name="small")),
        rx.el.span(card.when, class_name="muted small"),
        right=rx.cond(
            card.report != "", button_link(_("Report"), href=card.report, target="_blank")
        ),
        key=card.id,
    )
