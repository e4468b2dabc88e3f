"""Participants of one sale: search, filters, and the way to each booking."""

from __future__ import annotations

from typing import Any

import reflex as rx

from surge_app.components import admin_layout, controls, layout
from surge_app.components.controls import button_link
from surge_app.pages.admin.shared import heading, listed, outcome, page_of, search, waiting
from surge_app.state.admin.participants import BookingRow, ParticipantsState

_FILTERS = (
    (
        "status",
        "Status",
        (
            ("", "Any status"),
            ("confirmed", "Confirmed"),
            ("refunding", "Refund in progress"),
            ("refunded", "Refunded"),
        ),
    ),
    (
        "presence",
        "Check-in",
        (("", "Checked in or not"), ("inside", "Checked in"), ("outside", "Not checked in")),
    ),
    (
        "channel",
        "Sold",
        (
            ("", "Any channel"),
            ("online", "Online"),
            ("box_office", "Box office"),
            ("complimentary", "Complimentary"),
        ),
    ),
)


def page() -> rx.Component:
    """Build the page."""
    return page_of(
        ParticipantsState,
        waiting("14rem", ("52px", "44px", "44px", "44px")),
        ("ready", _list()),
        ("missing", admin_layout.missing("event")),
        current="participants",
        slug=ParticipantsState.slug,
    )


def export_links(slug: Any) -> tuple[rx.Component, rx.Component]:
    """Build the links to the files of an event's participants."""
    files = f"/api/admin/events/{slug}/participants"
    return (
        button_link("CSV", href=f"{files}.csv"),
        button_link("Excel", href=f"{files}.xlsx"),
    )


def _list() -> rx.Component:
    return rx.fragment(
        heading("Participants", ParticipantsState.slug, *export_links(ParticipantsState.slug)),
        outcome(ParticipantsState),
        layout.card(
            rx.el.div(
                search(
                    "find", "Search", "Name, email, last digits, or SRG-…", ParticipantsState.search
                ),
                *(_choose(*one) for one in _FILTERS),
                class_name="fields",
            ),
            *listed(
                ParticipantsState,
                ParticipantsState.bookings,
                _booking,
                nothing="No bookings match.",
                class_name="people",
            ),
        ),
    )


def _choose(name: str, label: str, options: tuple[tuple[str, str], ...]) -> rx.Component:
    return admin_layout.select(
        name,
        label,
        options,
        value=ParticipantsState.filters[name],
        on_change=lambda chosen: ParticipantsState.filter(name, chosen),
    )


def _booking(row: BookingRow) -> rx.Component:
    return rx.el.li(
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
            rx.cond(
                row.channel != "",
                controls.chip(row.channel, tone="accent", plain=True),
                rx.fragment(),
            ),
            admin_layout.tone_chip(row.status, row.tone),
            href=f"/admin/bookings/{row.ref}",
            class_name="person",
        ),
        key=row.ref,
    )
