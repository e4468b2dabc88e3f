"""Action items, the invariants of the data, and the checks before a sale."""

from __future__ import annotations

from typing import Any

import reflex as rx

from surge_app.components import layout
from surge_app.components.controls import button
from surge_app.components.frame import admin_layout
from surge_app.components.text import gettext as _
from surge_app.pages.admin.shared import (
    confirmed,
    heading,
    hidden,
    list_or,
    list_row,
    listed,
    outcome,
    page_of,
    waiting,
)
from surge_app.state.admin.site.health import ActionItemCard, CheckRow, HealthState


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
        heading(_("Checks"), None, button(_("Refresh"), on_click=HealthState.refresh)),
        layout.card(
            rx.el.h2(_("Needs attention")),
            outcome(HealthState, "", "resolve"),
            *listed(HealthState, HealthState.items, _item, nothing=_("All clear.")),
        ),
        layout.card(
            rx.el.div(
                rx.el.h2(_("Tickets and money")),
                button(_("Check now"), on_click=HealthState.check_invariants),
                class_name="row apart",
            ),
            outcome(HealthState, "check_invariants"),
            list_or(
                HealthState.invariants,
                _row,
                _(
                    "Checks in the data that no ticket is sold twice and no payment is lost. "
                    "With a million tickets it takes a few seconds."
                ),
            ),
        ),
        layout.card(
            rx.el.h2(_("Ready for a sale")),
            rx.el.ul(rx.foreach(HealthState.checks, _row), class_name="plain-list"),
        ),
    )


def _row(row: CheckRow) -> rx.Component:
    return rx.el.li(
        rx.el.div(
            rx.el.span(row.name),
            rx.cond(row.advice != "", rx.el.span(row.advice, class_name="muted small")),
            # Names and values of the database, for an operator; the same in every language.
            rx.cond(
                row.rows != "", rx.el.pre(row.rows, lang="en", dir="ltr", class_name="mail small")
            ),
            class_name="stack tight grow",
        ),
        admin_layout.tone_chip(row.verdict, row.tone),
        class_name="row apart top",
    )


def _reason(card: ActionItemCard) -> rx.Component:
    kind = "muted small"
    return rx.cond(
        card.is_quoted,
        rx.el.span(card.reason, lang="en", dir="auto", class_name=kind),
        rx.el.span(card.reason, class_name=kind),
    )


def _item(card: ActionItemCard) -> rx.Component:
    asked: Any = rx.cond(card.about != "", f"{card.title}: {card.about}", card.title)
    return list_row(
        rx.el.span(card.title, class_name="strong"),
        rx.el.span(card.about, class_name="small number"),
        rx.cond(card.detail != "", rx.el.span(card.detail, class_name="muted small")),
        rx.cond(card.reason != "", _reason(card)),
        rx.el.span(card.advice, class_name="small"),
        rx.cond(
            card.ref != "",
            rx.el.a(_("Open the booking"), href=f"/admin/bookings/{card.ref}", class_name="link"),
        ),
        right=confirmed(
            HealthState,
            card.action,
            asked,
            _("Confirm"),
            HealthState.resolve,
            hidden("kind", card.kind),
            hidden("id", card.id),
        ),
        key=card.id,
    )
