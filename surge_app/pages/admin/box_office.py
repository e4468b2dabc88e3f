"""The counter: sell tickets for cash, give tickets away, print them."""

from __future__ import annotations

import reflex as rx

from surge_app.components import admin_layout, controls, layout, timers
from surge_app.components.controls import button, button_link
from surge_app.pages.admin.shared import page_of, waiting
from surge_app.state.admin.box_office import BoxOfficeState, CounterTier

_REFRESH_SECONDS = 5


def page() -> rx.Component:
    """Build the page."""
    return page_of(
        BoxOfficeState,
        waiting("14rem", ("52px", "52px", "52px", "44px")),
        ("ready", _counter()),
        ("missing", admin_layout.missing("event")),
        ("draft", _draft()),
        current="box_office",
        slug=BoxOfficeState.event.slug,
    )


def _draft() -> rx.Component:
    return layout.state(
        "This event is a draft",
        "It can be sold at the counter once it is published.",
        action=button_link(
            "Open the event",
            href=f"/admin/events/{BoxOfficeState.event.slug}/edit",
            kind="primary",
        ),
        at=4,
    )


def _counter() -> rx.Component:
    event = BoxOfficeState.event
    return rx.fragment(
        timers.interval(_REFRESH_SECONDS, BoxOfficeState.refresh),
        rx.el.div(
            rx.el.h1("Box office"),
            rx.el.p(f"{event.name} · {event.where_when}", class_name="muted small"),
            class_name="stack tight",
        ),
        _sold(),
        rx.cond(
            BoxOfficeState.problem != "",
            layout.notice(BoxOfficeState.problem, tone="bad"),
            rx.fragment(),
        ),
        rx.cond(
            event.is_cancelled,
            layout.notice("This event is cancelled, so nothing is sold any more.", tone="warn"),
            _form(),
        ),
    )


def _sold() -> rx.Component:
    sold = BoxOfficeState.sold
    return rx.cond(
        sold.ref != "",
        layout.notice(
            rx.cond(
                sold.again,
                f"That form was sent twice, and sold once: {sold.what}",
                sold.what,
            ),
            tone="good",
            action=rx.el.div(
                button_link(
                    "Print the tickets",
                    href=f"/api/admin/bookings/{sold.ref}/tickets.pdf",
                    target="_blank",
                    kind="primary",
                ),
                button_link("Open the booking", href=f"/admin/bookings/{sold.ref}"),
                class_name="row",
            ),
        ),
        rx.fragment(),
    )


def _form() -> rx.Component:
    complaints = BoxOfficeState.complaints
    return layout.card(
        admin_layout.form(
            rx.el.input(type="hidden", name="request_key", value=BoxOfficeState.request_key),
            rx.el.fieldset(
                rx.el.legend("Tickets", class_name="sr-only"),
                rx.el.div(rx.foreach(BoxOfficeState.tiers, _tier), class_name="fields"),
                class_name="bare",
            ),
            admin_layout.select(
                "kind",
                "How",
                (("cash", "Paid in cash"), ("given", "Given away, costs nothing")),
                on_change=BoxOfficeState.take,
            ),
            rx.el.div(
                *(
                    controls.field(
                        name,
                        label,
                        error=complaints.get(name, ""),
                        hint=hint,
                        type=kind,
                        auto_complete="off",
                    )
                    for name, label, kind, hint in (
                        ("name", "Name", "text", "On the ticket; may stay empty"),
                        ("email", "Email", "email", "Gets the tickets; may stay empty"),
                        ("phone", "Mobile number", "tel", "Gets a link; may stay empty"),
                    )
                ),
                class_name="fields top",
            ),
            rx.cond(BoxOfficeState.event.asks_names, _names(), rx.fragment()),
            rx.el.p(
                rx.cond(
                    BoxOfficeState.total != "",
                    BoxOfficeState.total,
                    "No tickets are chosen yet.",
                ),
                class_name="strong number",
                role="status",
            ),
            rx.el.div(
                button(
                    rx.cond(BoxOfficeState.kind == "given", "Give away", "Sell"),
                    type="submit",
                    kind="primary",
                ),
                class_name="row",
            ),
            rx.el.p(
                "Cash is the price of the tickets, without the convenience fee. These places are "
                "taken past the line.",
                class_name="muted small",
            ),
            on_submit=BoxOfficeState.sell,
            # A sale that went through begins with an empty form again.
            key=BoxOfficeState.request_key,
        ),
    )


def _tier(tier: CounterTier) -> rx.Component:
    return rx.el.div(
        rx.el.label(tier.name, html_for=tier.field, class_name="label"),
        rx.el.input(
            id=tier.field,
            name=tier.field,
            type="text",
            input_mode="numeric",
            placeholder="0",
            class_name="input number",
            auto_complete="off",
            on_change=lambda typed: BoxOfficeState.choose(tier.field, typed).debounce(150),
        ),
        rx.el.p(tier.note, class_name="hint number"),
        class_name="field",
        key=tier.id,
    )


def _names() -> rx.Component:
    return rx.el.div(
        rx.el.label("Who comes, one name a line", html_for="attendees", class_name="label"),
        rx.el.textarea(
            id="attendees", name="attendees", rows="3", max_length=2_000, class_name="input"
        ),
        rx.cond(
            BoxOfficeState.complaints.get("attendees", "") != "",
            rx.el.p(BoxOfficeState.complaints.get("attendees", ""), class_name="complaint"),
            rx.el.p("In the order of the categories; may stay empty", class_name="hint"),
        ),
        class_name="field",
    )
