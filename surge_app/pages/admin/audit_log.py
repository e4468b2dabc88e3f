"""The audit log, with filters and a search."""

from __future__ import annotations

import reflex as rx

from surge_app.components import layout
from surge_app.components.navigation import address
from surge_app.pages.admin.shared import choose, list_row, listed, outcome, page_of, search, waiting
from surge_app.state.admin.audit_log import AuditLogState, LogRow


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
        rx.el.h1("Audit log"),
        outcome(AuditLogState),
        layout.card(
            rx.el.div(
                _choose("event", "Event", "All events"),
                _choose("actor", "User", "All users"),
                _choose("action", "Action", "All actions"),
                search(AuditLogState, "about", "SRG-… or an account"),
                class_name="fields",
            ),
            *listed(
                AuditLogState, AuditLogState.rows, _row, nothing="No actions match.", tag=rx.el.ol
            ),
        ),
    )


def _choose(name: str, label: str, everything: str) -> rx.Component:
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
