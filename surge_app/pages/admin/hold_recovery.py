"""Holds that ended without tickets, each with one more chance."""

from __future__ import annotations

import reflex as rx

from surge_app.components import admin_layout, layout
from surge_app.components.controls import button
from surge_app.pages.admin.shared import listed, page_of, waiting
from surge_app.state.admin.hold_recovery import HoldRecoveryState, HoldRow

_STATUSES = (
    ("expired", "Ran out of time"),
    ("released", "Let go"),
    ("held", "Running now"),
    ("paying", "Paying now"),
)


def page() -> rx.Component:
    """Build the page."""
    return page_of(
        HoldRecoveryState,
        waiting("10rem", ("52px", "44px", "44px", "44px")),
        ("ready", _list()),
        ("missing", admin_layout.missing("event")),
        current="holds",
        slug=HoldRecoveryState.slug,
    )


def _list() -> rx.Component:
    return rx.fragment(
        rx.el.h1("Holds"),
        admin_layout.news(HoldRecoveryState.done, HoldRecoveryState.problem),
        layout.card(
            admin_layout.select(
                "status",
                "Which",
                _STATUSES,
                value=HoldRecoveryState.status,
                on_change=HoldRecoveryState.narrow,
            ),
            rx.el.p(
                "Reviving holds the same tickets again at the same price, if they are still free, "
                "and lets the person in past the line.",
                class_name="muted small",
            ),
            *listed(HoldRecoveryState, HoldRecoveryState.holds, _hold, nothing="There are none."),
        ),
    )


def _hold(row: HoldRow) -> rx.Component:
    return rx.el.li(
        rx.el.div(
            rx.el.span(row.who, class_name="strong"),
            rx.cond(
                row.email != "",
                rx.el.span(
                    rx.el.a(row.email, href=f"mailto:{row.email}", class_name="link"),
                    " · ",
                    rx.el.a(row.phone, href=f"tel:{row.phone}", class_name="link"),
                    class_name="small",
                ),
                rx.fragment(),
            ),
            rx.el.span(row.what, class_name="small number"),
            rx.el.span(row.when, class_name="muted small number"),
            class_name="stack tight grow",
        ),
        rx.cond(
            row.can_revive,
            button(
                "Revive",
                aria_label=f"Revive: {row.who}, {row.what}",
                on_click=HoldRecoveryState.revive(row.id),
            ),
            rx.fragment(),
        ),
        key=row.id,
        class_name="row apart top",
    )
