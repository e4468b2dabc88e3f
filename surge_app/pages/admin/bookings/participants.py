"""Participants of one sale: search, filters, and the way to each booking."""

from __future__ import annotations

from typing import Any

import reflex as rx

from surge_app.components import controls, layout
from surge_app.components.controls import button, button_link
from surge_app.components.frame import admin_layout
from surge_app.components.frame.navigation import address
from surge_app.components.text import gettext as _
from surge_app.pages.admin.shared import (
    checkbox,
    choose,
    heading,
    listed,
    outcome,
    page_of,
    search,
    waiting,
)
from surge_app.state.admin.bookings.participants import BookingRow, ParticipantsState
from surge_app.state.admin.common import FORM_KEY

_FILTERS = (
    (
        "status",
        _("Status"),
        (
            ("", _("Any status")),
            ("confirmed", _("Confirmed")),
            ("refunding", _("Refund in progress")),
            ("refunded", _("Refunded")),
        ),
    ),
    (
        "presence",
        _("Check-in"),
        (
            ("", _("Checked in or not")),
            ("inside", _("Checked in")),
            ("outside", _("Not checked in")),
        ),
    ),
    (
        "channel",
        _("Sold"),
        (
            ("", _("Any channel")),
            ("online", _("Online")),
            ("box_office", _("Box office")),
            ("complimentary", _("Complimentary")),
        ),
    ),
)


def page() -> rx.Component:
    """Build the page."""
    return page_of(
        ParticipantsState,
        waiting("14rem", ("52px", "44px", "44px", "44px")),
        ("ready", _list()),
        ("missing", admin_layout.missing(_("There is no such event"))),
        current="participants",
        slug=ParticipantsState.slug,
    )


def export_links(slug: Any, query: Any = "") -> tuple[rx.Component, rx.Component]:
    """Build the links to the files of an event's participants that the query leaves."""
    files = f"/api/admin/events/{slug}/participants"
    return (
        button_link("CSV", href=f"{files}.csv?{query}"),
        button_link(_("Excel"), href=f"{files}.xlsx?{query}"),
    )


def _list() -> rx.Component:
    state = ParticipantsState
    return rx.fragment(
        address(state.address),
        heading(
            _("Participants · {event_name}", event_name=state.event_name),
            None,
            *export_links(state.slug, state.address),
        ),
        layout.card(
            rx.el.div(
                search(state, "q", _("Name, email, last digits, or SRG-…")),
                *(choose(state, *one) for one in _FILTERS),
                class_name="fields",
            ),
            outcome(state, "", "apply"),
            admin_layout.form(
                _actions(),
                *listed(
                    state,
                    state.bookings,
                    _booking,
                    nothing=_("No bookings match."),
                    class_name="participants",
                ),
                on_submit=state.review,
                custom_attrs={"data-unsaved": "ignore"},
                # What was done is no longer ticked.
                key=state.form_key,
            ),
        ),
    )


def _actions() -> rx.Component:
    state = ParticipantsState
    return rx.cond(
        rx.Var.create(state.bookings).length() > 0,
        rx.fragment(
            rx.el.div(
                button(
                    rx.cond(state.has_all, _("Select none"), _("Select all shown")),
                    on_click=state.select_all,
                ),
                controls.select(
                    "action",
                    _("With the selected"),
                    (
                        ("resend", _("Resend tickets")),
                        ("refund", _("Refund whole bookings")),
                        ("export", _("Export")),
                    ),
                ),
                checkbox("restock", _("Put refunded tickets back on sale"), is_checked=True),
                button(_("Review"), type="submit"),
                class_name="fields",
            ),
            outcome(state, "review"),
            rx.cond(
                state.question != "",
                layout.notice(
                    state.question,
                    tone="warn",
                    action=rx.el.div(
                        button(
                            _("Confirm"),
                            kind="primary",
                            on_click=lambda: state.apply({FORM_KEY: state.form_key}),
                        ),
                        button(_("Go back"), on_click=state.cancel_review),
                        class_name="row",
                    ),
                ),
            ),
            rx.cond(
                state.selected != "",
                layout.notice(
                    _("The selected bookings as a file:"),
                    action=rx.el.div(*export_links(state.slug, state.selected), class_name="row"),
                ),
            ),
        ),
    )


def _booking(row: BookingRow) -> rx.Component:
    return rx.el.li(
        rx.el.label(
            rx.el.input(
                type="checkbox",
                name=row.field,
                value="yes",
                default_checked=ParticipantsState.has_all,
                key=rx.Var.create(ParticipantsState.has_all).to_string(),
                aria_label=_("Select {name}, {ref}", name=row.name, ref=row.ref),
            ),
            class_name="check",
        ),
        rx.el.a(
            rx.el.div(
                rx.el.span(row.name, class_name="strong"),
                rx.el.span(row.contact, class_name="muted small"),
                class_name="stack tight grow",
            ),
            rx.el.div(
                rx.el.span(f"{row.tickets} · {row.total}", class_name="small number"),
                rx.el.span(f"{row.ref} · {row.booked_at}", class_name="muted small number"),
                class_name="stack tight facts-of",
            ),
            rx.cond(row.channel != "", controls.chip(row.channel, tone="accent", plain=True)),
            admin_layout.tone_chip(row.status, row.tone),
            href=f"/admin/bookings/{row.ref}",
            class_name="person grow",
        ),
        class_name="selectable",
        key=row.ref,
    )
