"""Participants of one sale: search, filters, and the way to each booking."""

from __future__ import annotations

from typing import Any

import reflex as rx

from surge_app.components import admin_layout, controls, layout
from surge_app.components.controls import button_link
from surge_app.pages.admin.shared import listed, page_of, search, waiting
from surge_app.state.admin.participants import ParticipantsState, PersonRow

_STATUSES = (
    ("", "Any status"),
    ("confirmed", "Confirmed"),
    ("refunding", "Refund on its way"),
    ("refunded", "Refunded"),
)
_CHANNELS = (
    ("", "Sold anywhere"),
    ("online", "Online"),
    ("box_office", "For cash"),
    ("complimentary", "Given away"),
)
_PRESENCES = (("", "Inside or not"), ("inside", "Came in"), ("outside", "Still to come"))


def page() -> rx.Component:
    """Build the page."""
    return page_of(
        ParticipantsState,
        waiting("14rem", ("52px", "44px", "44px", "44px")),
        ("ready", _list()),
        ("missing", admin_layout.missing("event")),
        current="people",
        slug=ParticipantsState.slug,
    )


def _list() -> rx.Component:
    files = f"/api/admin/events/{ParticipantsState.slug}/participants"
    return rx.fragment(
        rx.el.div(
            rx.el.h1("Participants"),
            rx.el.div(
                button_link("CSV", href=f"{files}.csv"),
                button_link("Excel", href=f"{files}.xlsx"),
                class_name="row",
            ),
            class_name="row apart",
        ),
        admin_layout.news("", ParticipantsState.notice),
        layout.card(
            rx.el.div(
                search(
                    "find", "Find", "Name, email, last digits, or SRG-…", ParticipantsState.search
                ),
                _choose("status", "Status", _STATUSES, ParticipantsState.status),
                _choose("presence", "At the door", _PRESENCES, ParticipantsState.presence),
                _choose("channel", "Sold", _CHANNELS, ParticipantsState.channel),
                class_name="fields",
            ),
            *listed(
                ParticipantsState,
                ParticipantsState.people,
                _person,
                nothing="Nobody was found.",
                class_name="people",
            ),
        ),
    )


def _choose(
    name: str, label: str, options: tuple[tuple[str, str], ...], value: Any
) -> rx.Component:
    return admin_layout.select(
        name,
        label,
        options,
        value=value,
        on_change=lambda chosen: ParticipantsState.narrow(name, chosen),
    )


def _person(row: PersonRow) -> rx.Component:
    return rx.el.li(
        rx.el.a(
            rx.el.div(
                rx.el.span(row.name, class_name="strong"),
                rx.el.span(row.contact, class_name="muted small"),
                class_name="stack tight grow",
            ),
            rx.el.div(
                rx.el.span(f"{row.tickets} tickets · {row.total}", class_name="small number"),
                rx.el.span(f"{row.ref} · {row.booked_at}", class_name="muted small number"),
                class_name="stack tight facts-of",
            ),
            rx.cond(
                row.channel != "",
                controls.chip(row.channel, tone="accent", plain=True),
                rx.fragment(),
            ),
            admin_layout.toned(row.status, row.tone),
            href=f"/admin/bookings/{row.ref}",
            class_name="person",
        ),
        key=row.ref,
    )
