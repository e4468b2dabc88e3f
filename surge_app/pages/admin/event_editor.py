"""The event editor: what it is, what is sold, and what becomes of it."""

from __future__ import annotations

from typing import Any

import reflex as rx

from surge_app.components import admin_layout, controls, layout, progress, timers
from surge_app.components.controls import button, button_link
from surge_app.components.cover_upload import cover_field
from surge_app.components.match import match
from surge_app.pages.admin.shared import page_of, waiting
from surge_app.services.events.covers import LARGEST_UPLOAD
from surge_app.state.admin.event_editor import EventEditorState, TierForm

_REFRESH_SECONDS = 3


def page() -> rx.Component:
    """Build the page of an event that exists."""
    return _framed(slug=EventEditorState.event.slug, current="edit")


def new_page() -> rx.Component:
    """Build the page that makes one."""
    return _framed(slug=None, current="events")


def _framed(*, slug: Any, current: str) -> rx.Component:
    return page_of(
        EventEditorState,
        waiting("14rem", ("52px", "52px", "52px")),
        ("new", _new()),
        ("ready", _event()),
        ("missing", admin_layout.missing("event")),
        current=current,
        slug=slug,
    )


def _field(name: str, label: Any, value: Any = "", **props: Any) -> rx.Component:
    # Several forms of the page have a field of that name; an id is there once.
    return rx.el.label(
        rx.el.span(label, class_name="label"),
        rx.el.input(
            name=name, default_value=value, auto_complete="off", class_name="input", **props
        ),
        class_name="field",
    )


def _text(name: str, label: str, value: Any) -> rx.Component:
    return rx.el.label(
        rx.el.span(label, class_name="label"),
        rx.el.textarea(name=name, default_value=value, rows="3", class_name="input"),
        class_name="field",
    )


def _new() -> rx.Component:
    return rx.fragment(
        timers.leave(EventEditorState.leave_to),
        rx.el.h1("New event"),
        admin_layout.news(EventEditorState.done, EventEditorState.problem),
        layout.card(
            rx.el.p("It is a draft until you publish it.", class_name="muted"),
            admin_layout.form(
                rx.el.div(
                    _field("name", "Name"),
                    _field("slug", "Address: small letters, digits, hyphens"),
                    _field("venue", "Venue"),
                    _field("starts_at", "Starts", type="datetime-local"),
                    _field("time_zone", "Time zone", "Asia/Kolkata"),
                    class_name="fields",
                ),
                rx.el.h2("First tier"),
                rx.el.div(*_tier_fields("", "", ""), class_name="fields"),
                rx.el.div(
                    button("Make the draft", type="submit", kind="primary"), class_name="row"
                ),
                on_submit=EventEditorState.create,
            ),
        ),
    )


def _tier_fields(name: Any, price: Any, units: Any) -> tuple[rx.Component, ...]:
    return (
        _field("tier_name", "Tier", name),
        _field("price", "Price in rupees, without the fee", price, input_mode="decimal"),
        _field("units", "Places", units, input_mode="numeric"),
    )


def _event() -> rx.Component:
    event = EventEditorState.event
    return rx.fragment(
        timers.leave(EventEditorState.leave_to),
        timers.interval(_REFRESH_SECONDS, EventEditorState.refresh),
        rx.el.div(
            rx.el.div(
                rx.el.h1(event.name),
                rx.el.p(f"/events/{event.slug}", class_name="muted small"),
                class_name="stack tight",
            ),
            rx.el.div(_stage(), class_name="row"),
            class_name="row apart",
        ),
        admin_layout.news(EventEditorState.done, EventEditorState.problem),
        _cancelled(),
        _details(),
        _cover(),
        _tiers(),
        _ends(),
    )


def _stage() -> rx.Component:
    event = EventEditorState.event
    return match(
        event.phase,
        (
            "draft",
            rx.fragment(
                controls.chip("Draft", tone="off"),
                button_link("Preview", href=f"/admin/events/{event.slug}/preview"),
                button("Publish", kind="primary", on_click=EventEditorState.publish),
            ),
        ),
        (
            "published",
            rx.fragment(
                controls.chip("Published", tone="good"),
                button_link("See it as an attendee", href=f"/admin/events/{event.slug}/preview"),
            ),
        ),
        controls.chip("Cancelled", tone="off"),
    )


def _cancelled() -> rx.Component:
    return rx.cond(
        EventEditorState.cancelling != "",
        layout.card(
            rx.el.h2("Refunds"),
            progress.stock(EventEditorState.cancelled_percent, 0, EventEditorState.cancelling),
            rx.el.p(EventEditorState.cancelling, class_name="number", role="status"),
        ),
        rx.fragment(),
    )


def _details() -> rx.Component:
    event = EventEditorState.event
    return layout.card(
        rx.el.h2("Event"),
        rx.cond(
            event.has_sold,
            layout.notice(
                "Tickets are sold. What you change here is on the tickets of those who have one; "
                "tell them if day, time or place change.",
                tone="warn",
            ),
            rx.fragment(),
        ),
        admin_layout.form(
            rx.el.div(
                _field("name", "Name", event.name),
                _field("venue", "Venue", event.venue),
                _field("starts_at", "Starts", event.starts_at, type="datetime-local"),
                _field("sales_open_at", "Sale opens", event.sales_open_at, type="datetime-local"),
                _field(
                    "sales_close_at", "Sale closes", event.sales_close_at, type="datetime-local"
                ),
                _field(
                    "max_per_person",
                    "Tickets per person",
                    event.max_per_person,
                    input_mode="numeric",
                ),
                _field("organizer_name", "Organizer", event.organizer_name),
                _field("organizer_email", "Their email", event.organizer_email, type="email"),
                _field("organizer_phone", "Their phone", event.organizer_phone, type="tel"),
                class_name="fields",
            ),
            _text("description", "Description", event.description),
            _text("refund_policy", "Refund policy", event.refund_policy),
            rx.el.p(f"Times are those of {event.time_zone}.", class_name="muted small"),
            rx.el.div(button("Save", type="submit", kind="primary"), class_name="row"),
            on_submit=EventEditorState.save,
            key=event.slug,
        ),
    )


def _cover() -> rx.Component:
    event = EventEditorState.event
    return layout.card(
        rx.el.h2("Picture"),
        rx.el.p(
            "A JPEG, PNG or WebP of at most 10 MB. It is cut to 1200 by 630, and where and with "
            "what it was taken is removed. Without one, the event has a drawn cover.",
            class_name="muted small",
        ),
        cover_field(event.slug, event.cover_digest, largest=LARGEST_UPLOAD),
    )


def _tiers() -> rx.Component:
    return layout.card(
        rx.el.h2("Tickets"),
        rx.el.p(
            "More places are added at once; fewer are taken only from those that are free.",
            class_name="muted small",
        ),
        rx.el.ul(rx.foreach(EventEditorState.tiers, _tier), class_name="plain-list"),
        layout.disclosure(
            "Add a tier",
            admin_layout.form(
                rx.el.div(*_tier_fields("", "", ""), class_name="fields"),
                rx.el.div(button("Add", type="submit"), class_name="row"),
                on_submit=EventEditorState.save_tier,
                reset_on_submit=True,
            ),
        ),
    )


def _tier(row: TierForm) -> rx.Component:
    return rx.el.li(
        admin_layout.form(
            rx.el.input(type="hidden", name="tier_id", default_value=row.id),
            rx.el.div(
                *_tier_fields(row.name, row.price, row.units),
                rx.el.div(button("Save the tier", type="submit"), class_name="row"),
                class_name="fields",
            ),
            rx.el.p(row.sold, class_name="muted small number"),
            on_submit=EventEditorState.save_tier,
        ),
        key=row.id,
    )


def _ends() -> rx.Component:
    event = EventEditorState.event
    return rx.el.div(
        layout.card(
            rx.el.h2("Duplicate"),
            admin_layout.form(
                _field("slug", "Address of the copy"),
                _field("starts_at", "Starts", type="datetime-local"),
                rx.el.div(button("Duplicate", type="submit"), class_name="row"),
                on_submit=EventEditorState.duplicate,
            ),
        ),
        rx.cond(
            event.phase != "cancelled",
            layout.card(
                rx.el.h2("Cancel"),
                rx.el.p(
                    "Nothing is sold any more, every booking is refunded with its fee, and "
                    "everybody is told. This cannot be undone.",
                    class_name="muted",
                ),
                admin_layout.form(
                    _field("confirm", f"Type {event.slug} to confirm"),
                    rx.el.div(button("Cancel the event", type="submit"), class_name="row"),
                    on_submit=EventEditorState.cancel,
                ),
            ),
            rx.fragment(),
        ),
        class_name="columns",
    )
