"""Holds that ended without tickets, each with one more chance."""

from __future__ import annotations

import reflex as rx

from surge_app.components import console, live, status, surfaces
from surge_app.components.choice import switch
from surge_app.components.controls import button
from surge_app.pages.parts import problem_notice
from surge_app.state.admin.holds import HoldRow, HoldsState

_STATUSES = (
    ("expired", "Ran out of time"),
    ("released", "Let go"),
    ("held", "Running now"),
    ("paying", "Paying now"),
)


def page() -> rx.Component:
    """Build the page."""
    return console.frame(
        live.settled(
            _loading(),
            status.disconnected(),
            problem_notice(),
            switch(
                HoldsState.phase,
                ("loading", _loading()),
                ("ready", _list()),
                ("missing", console.missing("event")),
                console.signed_out(),
            ),
        ),
        current="holds",
        slug=HoldsState.slug,
    )


def _loading() -> rx.Component:
    return surfaces.loading(
        surfaces.skeleton("36px", "10rem"), surfaces.waiting_card("52px", "44px", "44px", "44px")
    )


def _list() -> rx.Component:
    return rx.fragment(
        rx.el.h1("Holds"),
        console.news(HoldsState.done, HoldsState.problem),
        surfaces.card(
            console.select(
                "status",
                "Which",
                _STATUSES,
                value=HoldsState.status,
                on_change=HoldsState.narrow,
            ),
            rx.el.p(
                "Reviving holds the same tickets again at the same price, if they are still free, "
                "and lets the person in past the line.",
                class_name="muted small",
            ),
            rx.cond(
                rx.Var.create(HoldsState.holds).length() > 0,
                rx.el.ul(rx.foreach(HoldsState.holds, _hold), class_name="plain-list wrapping"),
                rx.el.p("There are none.", class_name="muted", role="status"),
            ),
            rx.cond(
                HoldsState.next_before != "",
                button("More", on_click=HoldsState.more),
                rx.fragment(),
            ),
        ),
    )


def _hold(row: HoldRow) -> rx.Component:
    return rx.el.li(
        rx.el.div(
            rx.el.span(row.who, class_name="strong"),
            rx.cond(
                row.email != "",
                rx.el.span(
                    rx.el.a(row.email, href=f"mailto:{row.email}"),
                    " · ",
                    rx.el.a(row.phone, href=f"tel:{row.phone}"),
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
                aria_label=f"Revive the hold of {row.who}",
                on_click=HoldsState.revive(row.id),
            ),
            rx.fragment(),
        ),
        key=row.id,
        class_name="row apart top",
    )
