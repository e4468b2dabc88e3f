"""One booking: what happened to it, and how to help."""

from __future__ import annotations

import reflex as rx

from surge_app.components import admin_layout, controls, layout
from surge_app.components.controls import button, button_link
from surge_app.pages.admin.shared import page_of, waiting
from surge_app.state.admin.participants import BookingDetailState, TicketRow, TimelineRow


def page() -> rx.Component:
    """Build the page."""
    return page_of(
        BookingDetailState,
        waiting("14rem", ("24px", "24px", "24px"), ("24px", "120px")),
        ("ready", _booking()),
        ("missing", admin_layout.missing("booking")),
        current="people",
        slug=BookingDetailState.desk.slug,
    )


def _booking() -> rx.Component:
    desk = BookingDetailState.desk
    return rx.fragment(
        rx.el.div(
            rx.el.div(
                rx.el.h1(desk.name),
                rx.el.p(f"{desk.ref} · {desk.event}", class_name="muted small number"),
                class_name="stack tight",
            ),
            rx.el.div(
                admin_layout.toned(desk.status, desk.tone),
                button("Look again", on_click=BookingDetailState.refresh),
                class_name="row",
            ),
            class_name="row apart",
        ),
        admin_layout.news(BookingDetailState.done, BookingDetailState.problem),
        rx.el.div(_tickets(), _contact(), _refund(), class_name="columns"),
        _timeline(),
    )


def _tickets() -> rx.Component:
    desk = BookingDetailState.desk
    return layout.card(
        rx.el.h2("Tickets"),
        rx.el.ul(rx.foreach(BookingDetailState.tickets, _ticket), class_name="plain-list"),
        rx.el.p(desk.paid, class_name="muted small number"),
        rx.el.div(
            button_link(
                "Print the tickets",
                href=f"/api/admin/bookings/{desk.ref}/tickets.pdf",
                target="_blank",
            ),
            class_name="row",
        ),
    )


def _ticket(row: TicketRow) -> rx.Component:
    return rx.el.li(
        rx.el.span(row.title), admin_layout.toned(row.status, row.tone), class_name="row apart"
    )


def _contact() -> rx.Component:
    desk, complaints = BookingDetailState.desk, BookingDetailState.complaints
    return layout.card(
        rx.el.h2("Contact"),
        admin_layout.form(
            *(
                controls.field(
                    name,
                    label,
                    error=complaints.get(name, ""),
                    default_value=value,
                    type=kind,
                    auto_complete="off",
                )
                for name, label, value, kind in (
                    ("name", "Name", desk.name, "text"),
                    ("email", "Email", desk.email, "email"),
                    ("phone", "Mobile number", desk.phone, "tel"),
                )
            ),
            rx.el.div(
                button("Correct", type="submit"),
                button("Send the confirmation again", on_click=BookingDetailState.resend),
                class_name="row",
            ),
            on_submit=BookingDetailState.correct,
            key=desk.version,
        ),
    )


def _refund() -> rx.Component:
    return rx.cond(
        BookingDetailState.desk.can_refund,
        layout.card(
            rx.el.h2("Refund"),
            admin_layout.form(
                admin_layout.select(
                    "kind",
                    "What goes back",
                    (
                        ("all", "Everything; all tickets become void"),
                        ("tickets", "Some tickets, by their numbers"),
                        ("amount", "An amount; every ticket stays valid"),
                    ),
                ),
                controls.field("tickets", "Numbers of the tickets", error="", hint="Such as 1, 3"),
                controls.field(
                    "amount",
                    "Amount in rupees",
                    error="",
                    input_mode="numeric",
                    hint="Whole rupees",
                ),
                rx.el.label(
                    rx.el.input(type="checkbox", name="restock", value="yes", default_checked=True),
                    " Put the places on sale again",
                    class_name="check",
                ),
                rx.cond(
                    BookingDetailState.desk.in_cash,
                    rx.el.label(
                        rx.el.input(
                            type="checkbox", name="handed_over", value="yes", default_checked=True
                        ),
                        " The cash is handed back now; else it waits on the page Checks",
                        class_name="check",
                    ),
                    rx.fragment(),
                ),
                rx.el.div(button("Refund", type="submit", kind="primary"), class_name="row"),
                on_submit=BookingDetailState.refund,
                key=BookingDetailState.desk.version,
            ),
        ),
        rx.fragment(),
    )


def _timeline() -> rx.Component:
    return layout.card(
        rx.el.div(
            rx.el.h2("What happened"),
            rx.el.a(
                "In the log",
                href=f"/admin/install/log?about={BookingDetailState.desk.ref}",
                class_name="link",
            ),
            class_name="row apart",
        ),
        rx.el.ol(rx.foreach(BookingDetailState.timeline, _moment), class_name="timeline"),
    )


def _moment(row: TimelineRow) -> rx.Component:
    return rx.el.li(
        rx.el.span(row.at, class_name="muted small number"),
        rx.el.span(row.what, class_name="strong"),
        rx.el.span(row.detail, class_name="small"),
    )
