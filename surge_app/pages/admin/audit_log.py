"""The log of actions, to be searched."""

from __future__ import annotations

from typing import Any

import reflex as rx

from surge_app.components import admin_layout, layout
from surge_app.pages.admin.shared import listed, page_of, search, waiting
from surge_app.state.admin.audit_log import AuditLogState, Choice, LogRow


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
        rx.el.h1("Log"),
        admin_layout.news("", AuditLogState.notice),
        layout.card(
            rx.el.div(
                _choose("event", "Event", "Every event", AuditLogState.events, AuditLogState.event),
                _choose("actor", "Who", "Everybody", AuditLogState.actors, AuditLogState.actor),
                _choose(
                    "action", "What", "Everything", AuditLogState.actions, AuditLogState.action
                ),
                search(
                    "about",
                    "About",
                    "SRG-… or an account",
                    AuditLogState.search,
                    default_value=AuditLogState.subject,
                ),
                class_name="fields",
            ),
            *listed(
                AuditLogState, AuditLogState.rows, _row, nothing="Nothing was found.", tag=rx.el.ol
            ),
        ),
    )


def _choose(name: str, label: str, everything: str, choices: Any, value: Any) -> rx.Component:
    return admin_layout.select(
        name,
        label,
        (("", everything),),
        rx.foreach(choices, _option),
        value=value,
        on_change=lambda chosen: AuditLogState.narrow(name, chosen),
    )


def _option(choice: Choice) -> rx.Component:
    return rx.el.option(choice.words, value=choice.value)


def _row(row: LogRow) -> rx.Component:
    return rx.el.li(
        rx.el.div(
            rx.el.span(row.did, class_name="strong"),
            rx.el.ul(
                rx.foreach(row.changes, rx.el.li),
                class_name="plain small changes",
            ),
            class_name="stack tight grow",
        ),
        rx.el.div(
            rx.el.span(f"{row.at} · {row.who}", class_name="muted small number"),
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
        class_name="row apart top",
    )
