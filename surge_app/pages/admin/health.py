"""Before a sale and after: the preflight, the promises, and what waits for a person."""

from __future__ import annotations

import reflex as rx

from surge_app.components import admin_layout, controls, layout
from surge_app.components.controls import button
from surge_app.pages.admin.shared import page_of, waiting
from surge_app.state.admin.health import CheckRow, HealthState, WaitingCard


def page() -> rx.Component:
    """Build the page."""
    return page_of(
        HealthState,
        waiting("14rem", ("24px", "44px"), ("24px", "24px", "24px", "24px")),
        ("ready", _checks()),
        current="checks",
    )


def _checks() -> rx.Component:
    return rx.fragment(
        rx.el.div(
            rx.el.h1("Checks"),
            button("Look again", on_click=HealthState.refresh),
            class_name="row apart",
        ),
        admin_layout.news(HealthState.done, HealthState.problem),
        layout.card(
            rx.el.h2("Waits for you"),
            rx.cond(
                rx.Var.create(HealthState.waiting).length() > 0,
                rx.el.ul(rx.foreach(HealthState.waiting, _item), class_name="plain-list"),
                rx.el.p("Nothing. Money and messages go on by themselves.", class_name="muted"),
            ),
        ),
        layout.card(
            rx.el.div(
                rx.el.h2("Promises"),
                button("Check them now", on_click=HealthState.check_promises),
                class_name="row apart",
            ),
            rx.cond(
                rx.Var.create(HealthState.promises).length() > 0,
                rx.el.ul(rx.foreach(HealthState.promises, _row), class_name="plain-list"),
                rx.el.p(
                    "No seat twice, no money for nothing: each promise is looked up in the data. "
                    "With a million places that takes seconds.",
                    class_name="muted",
                ),
            ),
        ),
        layout.card(
            rx.el.h2("Ready for a sale"),
            rx.el.ul(rx.foreach(HealthState.checks, _row), class_name="plain-list"),
        ),
    )


def _row(row: CheckRow) -> rx.Component:
    return rx.el.li(
        rx.el.div(
            rx.el.span(row.name),
            rx.cond(
                row.advice != "", rx.el.span(row.advice, class_name="muted small"), rx.fragment()
            ),
            class_name="stack tight grow",
        ),
        rx.cond(
            row.is_ok,
            controls.chip("Holds", tone="good"),
            controls.chip("Broken", tone="warn"),
        ),
        class_name="row apart top",
    )


def _item(card: WaitingCard) -> rx.Component:
    return rx.el.li(
        rx.el.div(
            rx.el.span(card.title, class_name="strong"),
            rx.el.span(card.about, class_name="small number"),
            rx.el.span(card.what, class_name="muted small"),
            rx.el.span(card.advice, class_name="small"),
            rx.cond(
                card.ref != "",
                rx.el.a("Open the booking", href=f"/admin/bookings/{card.ref}", class_name="link"),
                rx.fragment(),
            ),
            class_name="stack tight grow",
        ),
        button(card.action, on_click=HealthState.act(card.kind, card.id)),
        key=card.id,
        class_name="row apart top",
    )
