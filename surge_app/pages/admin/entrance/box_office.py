"""The box office: sell tickets, issue free ones, print them."""

from __future__ import annotations

import reflex as rx

from surge_app.components import controls, layout
from surge_app.components.controls import button, button_link
from surge_app.components.feeds import timers
from surge_app.components.frame import admin_layout
from surge_app.components.text import gettext as _
from surge_app.formatting import BOX_OFFICE_METHODS
from surge_app.languages import SUPPORTED
from surge_app.pages.admin.shared import (
    checkbox,
    contact_fields,
    form_key,
    heading,
    hidden,
    outcome,
    page_of,
    waiting,
)
from surge_app.state.admin.entrance.box_office import BoxOfficeState, CounterTier

_REFRESH_SECONDS = 5


def page() -> rx.Component:
    """Build the page."""
    return page_of(
        BoxOfficeState,
        waiting("14rem", ("52px", "52px", "52px", "44px")),
        ("ready", _counter()),
        ("missing", admin_layout.missing(_("There is no such event"))),
        ("draft", _draft()),
        current="box_office",
        slug=BoxOfficeState.event.slug,
    )


def _draft() -> rx.Component:
    return layout.state(
        _("This event is a draft"),
        _("Publish the event to sell at the counter."),
        action=button_link(
            _("Open the event"),
            href=f"/admin/events/{BoxOfficeState.event.slug}/edit",
            kind="primary",
        ),
        at=4,
    )


def _counter() -> rx.Component:
    event = BoxOfficeState.event
    return rx.fragment(
        timers.interval(_REFRESH_SECONDS, BoxOfficeState.refresh),
        heading(_("Box office"), f"{event.name} · {event.where_when}"),
        rx.cond(
            event.is_cancelled,
            layout.notice(_("This event is cancelled. Tickets are no longer sold."), tone="warn"),
            _form(),
        ),
    )


def _sold() -> rx.Component:
    ref = BoxOfficeState.sold_ref
    return rx.cond(
        ref != "",
        rx.el.div(
            button_link(
                _("Print tickets"),
                href=f"/api/admin/bookings/{ref}/tickets.pdf",
                target="_blank",
                kind="primary",
            ),
            button_link(_("Open the booking"), href=f"/admin/bookings/{ref}"),
            class_name="row",
        ),
    )


def _form() -> rx.Component:
    is_free = BoxOfficeState.kind == "given"
    return layout.card(
        admin_layout.form(
            form_key(BoxOfficeState),
            rx.el.fieldset(
                rx.el.legend(_("Tickets"), class_name="sr-only"),
                rx.el.div(rx.foreach(BoxOfficeState.tiers, _tier), class_name="fields top"),
                class_name="bare",
            ),
            controls.select(
                "kind",
                _("Payment"),
                (
                    *((method, _(words[0])) for method, words in BOX_OFFICE_METHODS.items()),
                    ("given", _("Complimentary")),
                ),
                default_value=BoxOfficeState.kind,
                on_change=BoxOfficeState.choose_kind,
            ),
            rx.cond(
                (BoxOfficeState.kind == "upi") | (BoxOfficeState.kind == "card"),
                controls.field(
                    "reference",
                    _("Reference"),
                    error="",
                    hint=_("Optional. From the UPI app or the card slip"),
                    max_length=60,
                    auto_complete="off",
                ),
            ),
            rx.el.div(
                *contact_fields(
                    BoxOfficeState,
                    {
                        "name": {"hint": _("Optional. Printed on the ticket")},
                        "email": {"hint": _("Optional. Gets the tickets")},
                        "phone": {"hint": _("Optional. Gets a link")},
                    },
                ),
                controls.select(
                    "language",
                    _("Language of messages and tickets"),
                    tuple((one.tag, one.name) for one in SUPPORTED.values()),
                    default_value=BoxOfficeState.language,
                ),
                class_name="fields top",
            ),
            rx.cond(BoxOfficeState.event.asks_names, _names()),
            rx.cond(is_free, checkbox("is_free", _("These tickets are free of charge"))),
            rx.el.p(
                rx.cond(BoxOfficeState.total != "", BoxOfficeState.total, _("No tickets chosen.")),
                class_name="strong number",
                role="status",
            ),
            rx.el.div(
                button(
                    rx.cond(is_free, _("Issue free tickets"), _("Sell")),
                    type="submit",
                    kind="primary",
                ),
                class_name="row",
            ),
            rx.el.p(
                _("No booking fee at the counter. Counter sales do not wait in the queue."),
                class_name="muted small",
            ),
            on_submit=BoxOfficeState.sell,
            # The next sale starts with an empty form.
            key=BoxOfficeState.form_key,
        ),
        outcome(BoxOfficeState),
        _sold(),
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
            on_change=lambda typed: BoxOfficeState.choose(tier.field, typed),
        ),
        hidden(tier.price_field, tier.price_paise),
        rx.el.p(tier.note, class_name="hint number"),
        class_name="field",
        key=tier.id,
    )


def _names() -> rx.Component:
    return rx.el.div(
        rx.el.label(_("Attendees, one name per line"), html_for="attendees", class_name="label"),
        rx.el.textarea(
            id="attendees", name="attendees", rows="3", max_length=2_000, class_name="input"
        ),
        rx.cond(
            BoxOfficeState.field_errors.get("attendees", "") != "",
            rx.el.p(BoxOfficeState.field_errors.get("attendees", ""), class_name="complaint"),
            rx.el.p(_("Optional. In the order of the ticket types"), class_name="hint"),
        ),
        class_name="field",
    )
