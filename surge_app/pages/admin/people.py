"""Participants of one sale: search, filters, and the way to each booking."""

from __future__ import annotations

import reflex as rx

from surge_app.components import console, controls, live, status, surfaces
from surge_app.components.choice import switch
from surge_app.components.controls import button, button_link
from surge_app.pages.parts import problem_notice
from surge_app.state.admin.people import PeopleState, PersonRow

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
    return console.frame(
        live.settled(
            _loading(),
            status.disconnected(),
            problem_notice(),
            switch(
                PeopleState.phase,
                ("loading", _loading()),
                ("ready", _list()),
                ("missing", console.missing("event")),
                console.signed_out(),
            ),
        ),
        current="people",
        slug=PeopleState.slug,
    )


def _loading() -> rx.Component:
    return surfaces.loading(
        surfaces.skeleton("36px", "14rem"), surfaces.waiting_card("52px", "44px", "44px", "44px")
    )


def _list() -> rx.Component:
    files = f"/api/admin/events/{PeopleState.slug}/participants"
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
        console.news("", PeopleState.notice),
        surfaces.card(
            rx.el.div(
                rx.el.div(
                    rx.el.label("Find", html_for="find", class_name="label"),
                    rx.el.input(
                        id="find",
                        type="search",
                        placeholder="Name, email, last digits, or SRG-…",
                        class_name="input",
                        auto_complete="off",
                        on_change=lambda value: PeopleState.search(value).debounce(250),
                    ),
                    class_name="field",
                ),
                console.select(
                    "status",
                    "Status",
                    _STATUSES,
                    value=PeopleState.status,
                    on_change=lambda value: PeopleState.narrow("status", value),
                ),
                console.select(
                    "presence",
                    "At the door",
                    _PRESENCES,
                    value=PeopleState.presence,
                    on_change=lambda value: PeopleState.narrow("presence", value),
                ),
                console.select(
                    "channel",
                    "Sold",
                    _CHANNELS,
                    value=PeopleState.channel,
                    on_change=lambda value: PeopleState.narrow("channel", value),
                ),
                class_name="fields",
            ),
            rx.cond(
                rx.Var.create(PeopleState.people).length() > 0,
                rx.el.ul(rx.foreach(PeopleState.people, _person), class_name="people"),
                rx.el.p("Nobody was found.", class_name="muted", role="status"),
            ),
            rx.cond(
                PeopleState.next_before != "",
                button("More", on_click=PeopleState.more),
                rx.fragment(),
            ),
        ),
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
            console.toned(row.status, row.tone),
            href=f"/admin/bookings/{row.ref}",
            class_name="person",
        ),
        key=row.ref,
    )
