"""The organizer's console: every sale, and one sale in full, live."""

from __future__ import annotations

from typing import Any

import reflex as rx

from surge_app.components import controls, line, live, shell, status, surfaces
from surge_app.components.choice import switch
from surge_app.components.controls import button, button_link
from surge_app.pages.parts import problem_notice
from surge_app.state.admin import AdminState, BoardCard, StockRow

_REFRESH_SECONDS = 2


def overview() -> rx.Component:
    """Build the list of sales."""
    return shell.board(
        live.settled(
            _loading(),
            status.disconnected(),
            problem_notice(),
            switch(
                AdminState.phase,
                ("loading", _loading()),
                ("ready", _events()),
                _signed_out(),
            ),
        ),
        current="events",
    )


def board() -> rx.Component:
    """Build the board of one sale."""
    return shell.board(
        live.settled(
            _loading(),
            status.disconnected(),
            problem_notice(),
            switch(
                AdminState.phase,
                ("loading", _loading()),
                ("ready", _sale()),
                ("missing", _missing()),
                _signed_out(),
            ),
        ),
        current="sale",
        slug=AdminState.board.slug,
    )


def _loading() -> rx.Component:
    return surfaces.loading(
        surfaces.skeleton("36px", "18rem"),
        rx.el.div(
            *(surfaces.waiting_card("20px", "40px", "44px") for _ in range(4)), class_name="tiles"
        ),
        surfaces.waiting_card("28px", "120px"),
    )


def _signed_out() -> rx.Component:
    return surfaces.state(
        "You are not signed in",
        "Sign in as the organizer to see your sales.",
        action=button_link("Sign in", href="/admin", kind="primary"),
        at=4,
    )


def _missing() -> rx.Component:
    return surfaces.state(
        "There is no such event",
        "It may have another address now.",
        action=button_link("All events", href="/admin", kind="primary"),
        at=4,
    )


def _notice() -> rx.Component:
    return rx.cond(
        AdminState.notice != "", surfaces.notice(AdminState.notice, tone="warn"), rx.fragment()
    )


def _paused(card: Any) -> rx.Component:
    return rx.cond(
        card.payments_paused_since != "",
        surfaces.notice(
            f"Payments pause since {card.payments_paused_since}, because the payment provider "
            "does not answer. Nobody loses a hold meanwhile; it goes on by itself.",
            tone="warn",
        ),
        rx.fragment(),
    )


def _events() -> rx.Component:
    return rx.fragment(
        live.every(_REFRESH_SECONDS, AdminState.refresh),
        rx.el.h1("Events"),
        _notice(),
        rx.cond(
            rx.Var.create(AdminState.events).length() > 0,
            rx.el.ul(rx.foreach(AdminState.events, _event), class_name="events"),
            surfaces.state(
                "No events yet",
                "Create one with: python -m surge_app event create",
                at=4,
            ),
        ),
    )


def _event(card: BoardCard) -> rx.Component:
    return rx.el.li(
        rx.el.a(
            rx.el.div(rx.el.h2(card.name), _status(card), class_name="row apart top"),
            rx.el.p(card.where_when, class_name="muted small"),
            _stock(card),
            rx.el.p(
                f"{card.sold} of {card.capacity} sold · {card.waiting} in line · {card.taken}",
                class_name="muted small number",
            ),
            href=f"/admin/{card.slug}",
            class_name="card event",
        ),
        key=card.slug,
    )


def _status(card: Any) -> rx.Component:
    return switch(
        card.tone,
        ("good", controls.chip(card.status, tone="good")),
        ("warn", controls.chip(card.status, tone="warn")),
        ("accent", controls.chip(card.status)),
        controls.chip(card.status, tone="off"),
    )


def _stock(card: Any) -> rx.Component:
    return line.stock(
        card.sold_percent,
        card.held_percent,
        f"{card.sold} sold, {card.held} on hold, {card.free} free",
    )


def _sale() -> rx.Component:
    card = AdminState.board
    return rx.fragment(
        live.every(_REFRESH_SECONDS, AdminState.refresh),
        rx.el.div(
            rx.el.div(
                rx.el.h1(card.name),
                rx.el.p(card.where_when, " · live, ", live.ago(card.at), class_name="muted small"),
                class_name="stack tight",
            ),
            rx.el.div(_status(card), _export(card), _switch(card), class_name="row"),
            class_name="row apart",
        ),
        _notice(),
        _paused(card),
        rx.el.div(
            _tile(
                f"Sold of {card.capacity}",
                card.sold,
                _stock(card),
                rx.el.p(f"{card.held} on hold · {card.free} free"),
            ),
            _tile(
                "In line",
                card.waiting,
                rx.el.p(f"{card.admitted} let in so far"),
                rx.el.p(f"{card.left} left without buying"),
            ),
            _tile("Inside now", card.inside, rx.el.p(f"of {card.allowed} allowed")),
            _tile(
                "Taken",
                card.taken,
                rx.el.p(f"fees {card.fees}"),
                rx.el.p(card.bookings),
            ),
            class_name="tiles",
        ),
        _tiers(),
        _messages(card),
    )


def _tile(label: Any, figure: Any, *below: rx.Component) -> rx.Component:
    return surfaces.card(
        rx.el.h2(label, class_name="tile-label"),
        rx.el.p(figure, class_name="figure"),
        rx.el.div(*below, class_name="muted small number"),
        extra="tile",
    )


def _export(card: Any) -> rx.Component:
    return button_link("Export CSV", href=f"/api/admin/events/{card.slug}/participants.csv")


def _switch(card: Any) -> rx.Component:
    return rx.cond(
        card.is_paused,
        button("Resume the queue", kind="primary", on_click=AdminState.resume),
        button("Pause the queue", kind="primary", on_click=AdminState.pause),
    )


def _tiers() -> rx.Component:
    return surfaces.card(
        rx.el.h2("Tickets"),
        rx.el.div(
            rx.el.table(
                rx.el.thead(
                    rx.el.tr(
                        *(
                            rx.el.th(label, scope="col")
                            for label in ("Tier", "Capacity", "Sold", "On hold", "Free")
                        )
                    )
                ),
                rx.el.tbody(rx.foreach(AdminState.tiers, _tier)),
                class_name="table",
            ),
            class_name="table-wrap",
        ),
    )


def _tier(row: StockRow) -> rx.Component:
    return rx.el.tr(
        rx.el.td(row.name),
        rx.el.td(row.capacity),
        rx.el.td(row.sold),
        rx.el.td(row.held),
        rx.el.td(row.free),
    )


def _messages(card: Any) -> rx.Component:
    return surfaces.card(
        rx.el.h2("Messages"),
        rx.el.p(f"{card.messages_pending} waiting to be sent", class_name="muted number"),
        rx.cond(
            card.messages_dead > 0,
            surfaces.notice(
                f"{card.messages_dead} could not be delivered. Check the addresses in the export.",
                tone="bad",
            ),
            rx.fragment(),
        ),
    )
