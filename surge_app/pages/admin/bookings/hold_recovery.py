"""Ticket holds of a sale; the tickets of one that ended can be held again."""

from __future__ import annotations

import reflex as rx

from surge_app.components import layout
from surge_app.components.frame import admin_layout
from surge_app.components.frame.navigation import address
from surge_app.components.text import gettext as _
from surge_app.pages.admin.shared import (
    choose,
    confirmed,
    heading,
    hidden,
    list_row,
    listed,
    outcome,
    page_of,
    waiting,
)
from surge_app.state.admin.bookings.hold_recovery import HoldRecoveryState, HoldRow

_STATUSES = (
    ("expired", _("Expired")),
    ("released", _("Released")),
    ("held", _("Choosing")),
    ("paying", _("Paying")),
)


def page() -> rx.Component:
    """Build the page."""
    return page_of(
        HoldRecoveryState,
        waiting("10rem", ("52px", "44px", "44px", "44px")),
        ("ready", _list()),
        ("missing", admin_layout.missing(_("There is no such event"))),
        current="holds",
        slug=HoldRecoveryState.slug,
    )


def _list() -> rx.Component:
    return rx.fragment(
        address(HoldRecoveryState.address),
        heading(_("Ticket holds · {event_name}", event_name=HoldRecoveryState.event_name)),
        layout.card(
            choose(HoldRecoveryState, "status", _("Status"), _STATUSES),
            rx.el.p(
                _(
                    "“Hold again” reserves the same tickets at the same price, if they are still "
                    "available. The buyer does not queue again."
                ),
                class_name="muted small",
            ),
            outcome(HoldRecoveryState),
            *listed(HoldRecoveryState, HoldRecoveryState.holds, _hold, nothing=_("No holds.")),
        ),
    )


def _hold(row: HoldRow) -> rx.Component:
    return list_row(
        rx.el.span(row.name, class_name="strong"),
        rx.cond(
            row.email != "",
            rx.el.span(
                rx.el.a(row.email, href=f"mailto:{row.email}", class_name="link"),
                " · ",
                rx.el.a(row.phone_text, href=f"tel:{row.phone}", class_name="link"),
                class_name="small",
            ),
        ),
        rx.el.span(row.tickets, class_name="small number"),
        rx.el.span(row.when, class_name="muted small number"),
        right=rx.cond(
            row.can_restore,
            confirmed(
                HoldRecoveryState,
                _("Hold again"),
                _("Hold {tickets} again?", tickets=row.tickets),
                _("Hold now"),
                HoldRecoveryState.restore,
                hidden("id", row.id),
            ),
        ),
        key=row.id,
    )
