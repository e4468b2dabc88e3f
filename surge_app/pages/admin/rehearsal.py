"""The dress rehearsal: virtual attendees on an event of their own, in the sandbox."""

from __future__ import annotations

import reflex as rx

from surge_app.components import admin_layout, layout, progress, timers
from surge_app.components.controls import button, button_link
from surge_app.pages.admin.shared import page_of, waiting
from surge_app.state.admin.rehearsal import RehearsalCard, RehearsalState

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


def _rehearsals(beginning: rx.Component) -> rx.Component:
    return rx.fragment(
        timers.interval(_REFRESH_SECONDS, RehearsalState.refresh),
        rx.el.h1("Dress rehearsal"),
        admin_layout.news("", RehearsalState.problem),
        rx.cond(RehearsalState.running.id != "", _running(), beginning),
        rx.cond(
            rx.Var.create(RehearsalState.past).length() > 0,
            layout.card(
                rx.el.h2("Before"),
                rx.el.ul(rx.foreach(RehearsalState.past, _past), class_name="plain-list"),
            ),
            rx.fragment(),
        ),
    )


def _live() -> rx.Component:
    return layout.card(
        rx.el.h2("Not with live keys"),
        rx.el.p(
            "Payments, mail or SMS are real here. A rehearsal needs an installation where the "
            "sandbox plays all three.",
            class_name="muted",
        ),
    )


def _start() -> rx.Component:
    return layout.card(
        rx.el.p(
            "Virtual attendees come at once, wait, choose, leave, pay and have bad days, over real "
            "HTTP. They get an event of their own that no list shows; your sales are not touched, "
            "but they share this machine.",
            class_name="muted",
        ),
        admin_layout.form(
            rx.el.div(
                _field("visitors", "Visitors, up to 3,000", "300"),
                _field("units", "Places, up to 3,000", "100"),
                _field("abandon_percent", "Leave without buying, %", "30"),
                class_name="fields",
            ),
            rx.el.label(
                rx.el.input(type="checkbox", name="bad_days", value="yes", default_checked=True),
                " Payments have bad days: late, twice, lost, refused first",
                class_name="check",
            ),
            rx.el.div(
                button("Start the rehearsal", type="submit", kind="primary"), class_name="row"
            ),
            on_submit=RehearsalState.start,
        ),
    )


def _field(name: str, label: str, value: str) -> rx.Component:
    return rx.el.label(
        rx.el.span(label, class_name="label"),
        rx.el.input(
            name=name,
            default_value=value,
            input_mode="numeric",
            auto_complete="off",
            class_name="input",
        ),
        class_name="field",
    )


def _running() -> rx.Component:
    now = RehearsalState.running
    return layout.card(
        rx.el.div(
            rx.el.div(
                rx.el.h2("Running"),
                rx.el.p(now.about, class_name="muted small"),
                class_name="stack tight",
            ),
            button("Stop", on_click=RehearsalState.stop),
            class_name="row apart top",
        ),
        progress.stock(now.sold_percent, now.held_percent, now.stock),  # pyright: ignore[reportArgumentType] - vars of the State
        rx.el.p(now.stock, class_name="muted small number"),
        rx.el.p(now.figures, class_name="number"),
    )


def _past(card: RehearsalCard) -> rx.Component:
    return rx.el.li(
        rx.el.div(
            rx.el.div(admin_layout.toned(card.verdict, card.tone), class_name="row"),
            rx.el.span(card.about),
            rx.el.span(card.found, class_name="small number"),
            rx.foreach(card.broken, lambda text: rx.el.span(text, class_name="small")),
            rx.el.span(card.when, class_name="muted small"),
            class_name="stack tight grow",
        ),
        rx.cond(
            card.report != "",
            button_link("Report", href=card.report, target="_blank"),
            rx.fragment(),
        ),
        key=card.id,
        class_name="row apart top",
    )
