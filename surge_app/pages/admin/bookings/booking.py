"""One booking: its history, and how to help its buyer."""

from __future__ import annotations

from typing import Any

import reflex as rx

from surge_app.components import controls, layout
from surge_app.components.controls import button, button_link
from surge_app.components.frame import admin_layout
from surge_app.components.text import gettext as _
from surge_app.pages.admin.shared import (
    checkbox,
    confirmed,
    contact_fields,
    form_key,
    heading,
    hidden,
    labelled,
    outcome,
    page_of,
    question,
    waiting,
)
from surge_app.state.admin.bookings.booking import BookingDetailState, TicketRow, TimelineRow

_BOOKING = BookingDetailState.booking
_CONTACT = ("name", "email", "phone")


def page() -> rx.Component:
    """Build the page."""
    return page_of(
        BookingDetailState,
        waiting("14rem", ("24px", "24px", "24px"), ("24px", "120px")),
        ("ready", _booking()),
        ("missing", admin_layout.missing(_("There is no such booking"))),
        current="participants",
        slug=_BOOKING.slug,
    )


def _booking() -> rx.Component:
    return rx.fragment(
        heading(
            _BOOKING.name,
            f"{_BOOKING.ref} · {_BOOKING.event}",
            admin_layout.tone_chip(_BOOKING.status, _BOOKING.tone),
            button(_("Refresh"), on_click=BookingDetailState.refresh),
        ),
        outcome(BookingDetailState, ""),
        rx.cond(
            _BOOKING.dispute != "",
            layout.notice(_BOOKING.dispute, tone="warn", title=_("Payment disputed.")),
        ),
        rx.el.div(_tickets(), _contact(), _refund(), class_name="columns"),
        _timeline(),
    )


def _tickets() -> rx.Component:
    return layout.card(
        rx.el.h2(_("Tickets")),
        rx.el.ul(rx.foreach(BookingDetailState.tickets, _ticket), class_name="plain-list"),
        rx.el.p(_BOOKING.paid, class_name="muted small number"),
        rx.el.div(
            button_link(
                _("Print tickets"),
                href=f"/api/admin/bookings/{_BOOKING.ref}/tickets.pdf",
                target="_blank",
            ),
            _resend(_("Resend tickets"), _("Resend")),
            class_name="row top",
        ),
        outcome(BookingDetailState, "resend", "undo_check_in"),
    )


def _resend(label: Any, action: Any) -> rx.Component:
    return confirmed(
        BookingDetailState,
        label,
        _(
            "Resend the tickets to {email} {phone}?",
            email=_BOOKING.email,
            phone=_BOOKING.phone_text,
        ),
        action,
        BookingDetailState.resend,
        hidden("version", _BOOKING.version),
    )


def _ticket(row: TicketRow) -> rx.Component:
    return rx.el.li(
        rx.el.span(row.title),
        rx.el.div(
            admin_layout.tone_chip(row.status, row.tone),
            rx.cond(
                row.is_checked_in,
                confirmed(
                    BookingDetailState,
                    _("Undo check-in"),
                    _("The ticket can be used once more."),
                    _("Undo"),
                    BookingDetailState.undo_check_in,
                    hidden("ticket", row.field),
                ),
            ),
            class_name="row",
        ),
        class_name="row apart top",
    )


def _contact() -> rx.Component:
    contact = BookingDetailState.contact
    is_same = (
        (contact["name"] == _BOOKING.name)
        & (contact["email"] == _BOOKING.email)
        & (contact["phone"] == _BOOKING.phone)
    )
    return layout.card(
        rx.el.h2(_("Contact")),
        rx.cond(
            is_same,
            rx.fragment(),
            layout.notice(
                _(
                    "Changed meanwhile to {name} · {email} · {phone}. Open the page again to edit "
                    "it.",
                    name=_BOOKING.name,
                    email=_BOOKING.email,
                    phone=_BOOKING.phone_text,
                ),
                tone="warn",
            ),
        ),
        admin_layout.form(
            form_key(BookingDetailState),
            *(hidden(f"was_{name}", contact[name]) for name in _CONTACT),
            *contact_fields(
                BookingDetailState, {name: {"default_value": contact[name]} for name in _CONTACT}
            ),
            rx.el.div(button(_("Update contact"), type="submit"), class_name="row"),
            on_submit=BookingDetailState.correct,
        ),
        outcome(BookingDetailState, "correct"),
        rx.cond(
            (BookingDetailState.acted == "correct")
            & (BookingDetailState.done != "")
            & BookingDetailState.is_moved,
            _resend(_("Resend to the new contact"), _("Resend now")),
        ),
    )


def _refund() -> rx.Component:
    return layout.card(
        rx.el.h2(_("Refund")),
        rx.cond(
            _BOOKING.can_refund,
            rx.fragment(
                _refund_form(),
                question(
                    BookingDetailState,
                    BookingDetailState.question,
                    _("Refund"),
                    BookingDetailState.refund,
                    BookingDetailState.cancel_refund,
                ),
            ),
            rx.el.p(_("This booking is fully refunded."), class_name="muted"),
        ),
        outcome(BookingDetailState, "preview_refund", "refund"),
    )


def _refund_form() -> rx.Component:
    kind = BookingDetailState.refund_kind
    return admin_layout.form(
        hidden("version", _BOOKING.version),
        controls.select(
            "kind",
            _("Refund"),
            (
                ("all", _("Whole booking (cancels all tickets)")),
                ("tickets", _("Selected tickets (cancels them)")),
                ("amount", _("An amount (tickets stay valid)")),
            ),
            default_value=kind,
            on_change=BookingDetailState.choose_refund,
        ),
        rx.cond(
            kind == "tickets",
            rx.el.fieldset(
                rx.el.legend(_("Tickets to refund"), class_name="label"),
                rx.foreach(
                    BookingDetailState.tickets,
                    lambda row: rx.cond(row.is_valid, checkbox(row.field, row.title)),
                ),
                class_name="bare",
            ),
        ),
        rx.cond(
            kind == "amount",
            labelled("amount", _("Amount (₹)"), input_mode="decimal"),
            checkbox("restock", _("Put these tickets back on sale"), is_checked=True),
        ),
        rx.cond(
            _BOOKING.method != "",
            checkbox(
                "handed_over", _("The money was handed back {method}", method=_BOOKING.method)
            ),
        ),
        rx.el.div(button(_("Review refund"), type="submit"), class_name="row"),
        on_submit=BookingDetailState.preview_refund,
        # A refund that was made starts with a fresh form; one that failed keeps its fields.
        key=BookingDetailState.form_key,
    )


def _timeline() -> rx.Component:
    return layout.card(
        rx.el.div(
            rx.el.h2(_("History")),
            rx.el.a(
                _("Audit log"), href=f"/admin/install/log?about={_BOOKING.ref}", class_name="link"
            ),
            class_name="row apart",
        ),
        rx.el.ol(rx.foreach(BookingDetailState.timeline, _timeline_row), class_name="timeline"),
    )


def _timeline_row(row: TimelineRow) -> rx.Component:
    return rx.el.li(
        rx.el.span(row.at, class_name="muted small number"),
        rx.el.span(row.what, class_name="strong"),
        rx.el.span(row.detail, class_name="small"),
    )
