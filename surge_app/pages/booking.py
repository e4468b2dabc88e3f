"""A booking: the tickets with their codes, the receipt, and what may be corrected."""

from __future__ import annotations

from typing import Any

import reflex as rx

from surge_app.components import controls, layout
from surge_app.components.controls import button_link, text_button
from surge_app.components.feeds import connection, status, timers
from surge_app.components.frame import navigation, shell
from surge_app.components.match import match
from surge_app.components.prose import language, text_part
from surge_app.components.text import gettext as _
from surge_app.pages import booking_corrections
from surge_app.pages.shared import price_rows, problem_notice, sale_title
from surge_app.services.events.rich_text import TextPart
from surge_app.state.booking import BookingState, TicketCard


def page() -> rx.Component:
    """Build the page."""
    return shell.page(
        navigation.access_check(),
        navigation.when_settled(
            _loading(),
            navigation.focus(BookingState.focus, BookingState.focus_stamp),
            rx.cond(
                BookingState.refresh_every > 0,
                timers.interval(BookingState.refresh_every, BookingState.refresh),
            ),
            # What is booked is held no more.
            connection.hold_record(BookingState.sale.slug, "", "", 0, 0),
            connection.guarded(
                status.disconnected(),
                problem_notice(),
                match(
                    BookingState.phase,
                    ("loading", _loading()),
                    ("ready", _ready()),
                    _missing(),
                ),
            ),
            blocked=connection.blocked_booking(),
        ),
        width="split",
    )


def _loading() -> rx.Component:
    return layout.loading(
        layout.split(
            layout.skeleton("36px", "9rem"),
            layout.skeleton("36px", "80%"),
            layout.skeleton_card("28px", "240px", "28px"),
            side=(layout.skeleton("50px"), layout.skeleton_card("28px", "96px")),
            boxed=False,
        )
    )


def _missing() -> rx.Component:
    return layout.state(
        _("There is no such booking here"),
        _("Open the link in your email: it works on every device."),
        action=button_link(_("Find my booking"), href="/bookings/find", kind="primary"),
        at=4,
    )


def _ready() -> rx.Component:
    return layout.split(
        rx.el.div(_status(), class_name="row"),
        sale_title(BookingState.sale),
        _news(),
        rx.el.ul(rx.foreach(BookingState.tickets, _ticket), class_name="tickets"),
        side=(
            _files(),
            _saved(),
            rx.cond(
                BookingState.status == "confirmed",
                rx.fragment(booking_corrections.messages(), booking_corrections.names()),
            ),
            _receipt(),
        ),
        more=(
            rx.cond(rx.Var.create(BookingState.sale.facts).length() > 0, _about(), rx.fragment()),
        ),
        boxed=False,
    )


def _status() -> rx.Component:
    return match(
        BookingState.status,
        ("confirmed", controls.chip(_("Confirmed"), tone="good")),
        ("refunding", controls.chip(_("Refund on its way"), tone="warn")),
        controls.chip(rx.cond(BookingState.is_free, _("Cancelled"), _("Refunded")), tone="off"),
    )


def _news() -> rx.Component:
    return rx.fragment(
        rx.cond(
            BookingState.cancelled != "",
            layout.notice(BookingState.cancelled, tone="warn", title=_("This event is cancelled.")),
            rx.cond(
                rx.Var.create(BookingState.changes).length() > 0,
                layout.notice(
                    _("Your tickets stay valid."),
                    tone="warn",
                    title=_("This event has changed."),
                    action=_lines(BookingState.changes),
                ),
            ),
        ),
        _status_notice(),
        rx.cond(
            rx.Var.create(BookingState.refunds).length() > 0,
            layout.card(rx.el.h2(_("Refunds")), _lines(BookingState.refunds)),
        ),
    )


def _lines(texts: Any) -> rx.Component:
    return rx.el.ul(rx.foreach(texts, _line), class_name="plain-list")


def _line(text: Any) -> rx.Component:
    return rx.el.li(text)


def _status_notice() -> rx.Component:
    return match(
        BookingState.status,
        (
            "confirmed",
            rx.cond(
                BookingState.is_lost,
                layout.notice(
                    _(
                        "Your tickets are here, whatever happens to a message. You can have them "
                        "sent to a corrected address below."
                    ),
                    tone="warn",
                    title=_("A message did not reach you."),
                ),
                rx.el.p(_("You're going. Show these codes at the entrance.")),
            ),
        ),
        layout.notice(_("This booking is cancelled. Its tickets are no longer valid.")),
    )


def _ticket(ticket: TicketCard) -> rx.Component:
    return rx.el.li(
        layout.card(
            # Printed, each ticket has a page of its own.
            rx.el.p(
                BookingState.sale.name,
                rx.el.br(),
                f"{BookingState.sale.when} · {BookingState.sale.venue}",
                class_name="print-only",
            ),
            rx.el.h2(ticket.title),
            rx.cond(ticket.name != "", rx.el.p(ticket.name, class_name="strong")),
            controls.full_screen(
                rx.el.div(
                    rx.html(ticket.qr_svg),
                    class_name=rx.cond(ticket.is_valid, "qr", "qr voided"),
                    role="img",
                    aria_label=_("QR code of ticket {code}", code=ticket.code),
                ),
                rx.el.p(ticket.code, class_name="code"),
                label=_("Full screen: {title}", title=ticket.title),
            ),
            rx.cond(ticket.note != "", rx.el.p(ticket.note, class_name="complaint")),
            extra="ticket",
        )
    )


def _files() -> rx.Component:
    base = f"/api/bookings/{BookingState.ref}"
    return rx.cond(
        BookingState.status == "confirmed",
        rx.el.div(
            button_link(_("Tickets as PDF"), href=f"{base}/tickets.pdf", kind="primary"),
            button_link(_("Add to calendar"), href=f"{base}/calendar.ics"),
            button_link(_("Directions"), href=BookingState.sale.directions, rel="noopener"),
            class_name="row files no-print",
        ),
    )


def _saved() -> rx.Component:
    local = {"data-local": True}
    return controls.saved_tickets(
        rx.el.p(
            rx.el.span(_("Saved on this device: your tickets open without a connection.")),
            text_button(_("Remove from this device"), custom_attrs=local),
            class_name="row muted small no-print",
        ),
        rx.el.p(
            rx.el.span(_("Not saved on this device.")),
            text_button(_("Save for offline use"), custom_attrs=local),
            class_name="row muted small no-print",
        ),
        reference=BookingState.ref,
        stamp=f"{BookingState.status} {BookingState.turn}",
    )


def _receipt() -> rx.Component:
    return layout.card(
        rx.el.div(
            rx.el.h2(_("Receipt")),
            controls.link(
                _("Receipt as PDF"),
                href=f"/api/bookings/{BookingState.ref}/receipt.pdf",
                class_name="link no-print",
            ),
            class_name="row apart",
        ),
        price_rows(BookingState.price),
        rx.el.dl(
            rx.el.dt(_("Booking")),
            rx.el.dd(BookingState.ref, class_name="code"),
            rx.el.dt(_("Booked by")),
            rx.el.dd(BookingState.contact.name),
            rx.el.dt(rx.cond(BookingState.is_free, _("Booked"), _("Paid"))),
            rx.el.dd(BookingState.booked_at),
            rx.cond(
                BookingState.payment_id != "",
                rx.fragment(rx.el.dt(_("Payment")), rx.el.dd(BookingState.payment_id)),
            ),
            class_name="breakup meta muted",
        ),
        rx.el.p(controls.verify_link(BookingState.sale.slug), class_name="small no-print"),
    )


def _about() -> rx.Component:
    return layout.card(
        rx.el.h2(_("About this event")),
        rx.el.dl(
            rx.foreach(
                BookingState.sale.facts,
                lambda fact: rx.el.div(
                    rx.el.dt(fact.title), rx.el.dd(rx.foreach(fact.lines, _fact_line))
                ),
            ),
            class_name="where",
        ),
        extra="flat",
    )


def _fact_line(line: TextPart) -> rx.Component:
    return rx.el.span(text_part(line), **language(line.text))
