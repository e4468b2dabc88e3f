"""The audit log, with filters and a search."""

from __future__ import annotations

from typing import Any

import reflex as rx

from surge_app.components import layout
from surge_app.components.frame.navigation import address
from surge_app.components.text import gettext as _
from surge_app.pages.admin.shared import choose, list_row, listed, outcome, page_of, search, waiting
from surge_app.state.admin.site.audit_log import AuditLogState, LogRow


def page() -> rx.Component:
    """Build the page."""
    return page_of(
        AuditLogState,
        waiting("10rem", ("52px", "44px", "44px", "44px")),
        ("ready", _log()),
        current="log",
    )


def _log() -> rx.Component:
    return rx.fragment(
        address(AuditLogState.address),
        rx.el.h1(_("Audit log")),
        outcome(AuditLogState),
        layout.card(
            rx.el.div(
                _choose("event", _("Event"), _("All events")),
                _choose("actor", _("User"), _("All users")),
                _choose("action", _("Action"), _("All actions")),
                search(AuditLogState, "about", _("SRG-… or an account")),
                class_name="fields",
            ),
            *listed(
                AuditLogState,
                AuditLogState.rows,
                _row,
                nothing=_("No actions match."),
                tag=rx.el.ol,
            ),
        ),
    )


def _choose(name: str, label: Any, everything: Any) -> rx.Component:
    options = rx.foreach(
        AuditLogState.options[name], lambda pair: rx.el.option(pair[1], value=pair[0])
    )
    return choose(AuditLogState, name, label, (("", everything),), options)


def _row(row: LogRow) -> rx.Component:
    return list_row(
        rx.el.span(row.action, class_name="strong"),
        rx.el.ul(rx.foreach(row.changes, rx.el.li), class_name="plain small changes"),
        right=rx.el.div(
            rx.el.span(f"{row.at} · {row.actor}", class_name="muted small number"),
            rx.cond(
                row.booking != "",
                rx.el.a(
                    row.subject, href=f"/admin/bookings/{row.booking}", class_name="link small"
                ),
                rx.cond(
                    row.event != "",
                    rx.el.a(row.subject, href=f"/admin/{row.event}", class_name="link small"),
                    rx.el.span(row.subject, class_name="small"),
                ),
            ),
            class_name="stack tight facts-of",
        ),
        key=row.id,
    )
