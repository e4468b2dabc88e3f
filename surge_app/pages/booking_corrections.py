"""Corrections of a booking: contact and attendee names."""

from __future__ import annotations

import reflex as rx

from surge_app.components import controls, layout
from surge_app.components.controls import button
from surge_app.components.match import match
from surge_app.components.text import gettext as _
from surge_app.pages.shared import email_check
from surge_app.state.booking import BookingState, MessageCard
from surge_app.state.view_models import AttendeeCard


def messages() -> rx.Component:
    """Show the delivery of mail and SMS, and offer to send them again."""
    return layout.card(
        rx.el.h2(_("Email and SMS")),
        rx.el.ul(
            rx.foreach(BookingState.messages, _message),
            class_name="plain-list",
            aria_live="polite",
        ),
        _notice("send"),
        layout.disclosure(
            _("Resend tickets or change email or mobile"),
            _send_again(),
            open=BookingState.is_lost
            | (BookingState.needs_code & (BookingState.section == "send"))
            | (BookingState.complaints.email != "")
            | (BookingState.complaints.phone != ""),
        ),
        extra="no-print",
    )


def _message(one: MessageCard) -> rx.Component:
    return rx.el.li(
        rx.el.span(_("{channel} to {address}", channel=one.channel, address=one.recipient)),
        match(
            one.tone,
            ("good", controls.chip(one.said, tone="good")),
            ("bad", controls.chip(one.said, tone="bad")),
            controls.chip(one.said, tone="off"),
        ),
        # A state that changes is read with what it is the state of.
        aria_atomic="true",
        class_name="row apart",
    )


def _send_again() -> rx.Component:
    typed, wrong = BookingState.draft, BookingState.complaints
    return rx.el.form(
        controls.field(
            "email",
            _("Email"),
            error=wrong.email,
            **email_check(BookingState),
            default_value=typed.email,
            type="email",
            auto_complete="email",
            input_mode="email",
            spell_check=False,
        ),
        controls.field(
            "phone",
            _("Mobile"),
            error=wrong.phone,
            hint=_("If you change it, we'll let your old email or number know."),
            default_value=typed.phone,
            type="tel",
            auto_complete="tel",
            input_mode="tel",
        ),
        _code("send"),
        _turn(),
        rx.el.div(button(_("Send again"), type="submit", kind="primary"), class_name="row"),
        # Rendered anew after each submission, with the current contact.
        key=BookingState.turn,
        no_validate=True,
        on_submit=BookingState.send_again,
        class_name="stack",
    )


def names() -> rx.Component:
    """Edit the names on the tickets, where the event asks for them."""
    return rx.cond(
        BookingState.names,
        layout.card(
            rx.el.h2(_("Names on the tickets")),
            rx.el.p(
                _("You can change them until the event begins or a ticket is used."),
                class_name="muted small",
            ),
            rx.el.form(
                rx.foreach(BookingState.names, _name),
                _code("names"),
                _turn(),
                _notice("names"),
                rx.el.div(button(_("Save the names"), type="submit"), class_name="row"),
                key=BookingState.turn,
                no_validate=True,
                on_submit=BookingState.rename,
                class_name="stack",
            ),
            extra="no-print",
        ),
    )


def _code(section: str) -> rx.Component:
    return rx.cond(
        BookingState.needs_code & (BookingState.section == section),
        controls.field(
            "code",
            _("Code from your email"),
            error="",
            hint=_("6 digits, sent to your current address. It works for 10 minutes."),
            auto_complete="one-time-code",
            input_mode="numeric",
        ),
    )


def _name(one: AttendeeCard) -> rx.Component:
    return controls.field(
        one.id, one.label, error=one.complaint, default_value=one.name, auto_complete="off"
    )


def _turn() -> rx.Component:
    return rx.el.input(type="hidden", name="turn", value=BookingState.turn)


def _notice(section: str) -> rx.Component:
    return rx.cond(
        (BookingState.notice != "") & (BookingState.section == section),
        match(
            BookingState.tone,
            ("bad", layout.notice(BookingState.notice, tone="bad")),
            layout.notice(BookingState.notice, tone="good"),
        ),
    )
