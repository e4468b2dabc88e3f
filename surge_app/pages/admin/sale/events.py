"""The list of sales."""

from __future__ import annotations

import reflex as rx

from surge_app.components import layout, progress
from surge_app.components.controls import button_link
from surge_app.components.feeds import timers
from surge_app.components.frame import admin_layout
from surge_app.components.text import gettext as _
from surge_app.pages.admin.shared import page_of, waiting
from surge_app.state.admin.sale.events import EventCard, EventsState

_REFRESH_SECONDS = 2


def page() -> rx.Component:
    """Build the page."""
    return page_of(
        EventsState,
        waiting("18rem", *(3 * [("20px", "12px", "16px")])),
        ("ready", _events()),
        ("scanner", _check_ins()),
        current="events",
        is_organizer=EventsState.phase != "scanner",
    )


def _events() -> rx.Component:
    return rx.fragment(
        timers.interval(_REFRESH_SECONDS, EventsState.refresh),
        rx.el.div(
            rx.el.h1(_("Events")),
            button_link(_("New event"), href="/admin/events/new", kind="primary"),
            class_name="row apart",
        ),
        admin_layout.flash("", EventsState.problem),
        rx.cond(
            rx.Var.create(EventsState.events).length() > 0,
            rx.el.ul(rx.foreach(EventsState.events, _event), class_name="events"),
            layout.state(
                _("No events yet"), _("A new event is a draft that only organizers see."), at=4
            ),
        ),
    )


def _event(card: EventCard) -> rx.Component:
    return rx.el.li(
        rx.el.a(
            rx.el.div(
                rx.el.h2(card.name),
                admin_layout.tone_chip(card.status, card.tone),
                class_name="row apart top",
            ),
            rx.el.p(card.where_when, class_name="muted small"),
            progress.stock_bar(
                card.sold_percent,  # pyright: ignore[reportArgumentType] - a var of a foreach
                card.held_percent,  # pyright: ignore[reportArgumentType] - as above
                _(
                    "{sold} sold, {held} held, {free} available",
                    sold=card.sold,
                    held=card.held,
                    free=card.free,
                ),
            ),
            rx.el.p(
                _(
                    "{sold} of {capacity} sold · {waiting} in queue · {revenue}",
                    sold=card.sold,
                    capacity=card.capacity,
                    waiting=card.waiting,
                    revenue=card.revenue,
                ),
                class_name="muted small number",
            ),
            href=f"/admin/{card.slug}",
            class_name="card event",
        ),
        key=card.slug,
    )


def _check_ins() -> rx.Component:
    return rx.fragment(
        rx.el.h1(_("Check-in")),
        rx.el.p(_("Choose the event you check tickets for."), class_name="muted"),
        rx.el.ul(rx.foreach(EventsState.events, _check_in), class_name="events"),
    )


def _check_in(card: EventCard) -> rx.Component:
    return rx.el.li(
        rx.el.a(
            rx.el.h2(card.name),
            rx.el.p(card.where_when, class_name="muted small"),
            href=f"/admin/events/{card.slug}/door",
            class_name="card event",
        ),
        key=card.slug,
    )
