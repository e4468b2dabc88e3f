"""The form of the checkout: who books, and who comes."""

from __future__ import annotations

import reflex as rx

from surge_app.components import controls, surfaces
from surge_app.components.controls import text_button
from surge_app.state.book import BookState
from surge_app.state.cards import AttendeeCard


def form(name: str) -> rx.Component:
    """Ask for the contact, and for a name on each ticket where the event wants one.

    Args:
        name: Id of the form, for the button that submits it.
    """
    typed, wrong = BookState.contact, BookState.complaints
    return surfaces.card(
        rx.el.h2("Who is coming?"),
        rx.el.form(
            controls.field(
                "name",
                "Full name",
                error=wrong.name,
                default_value=typed.name,
                auto_complete="name",
                on_blur=BookState.note("name"),
            ),
            controls.field(
                "email",
                "Email",
                error=wrong.email,
                suggestion=_suggestion(),
                default_value=typed.email,
                type="email",
                auto_complete="email",
                input_mode="email",
                spell_check=False,
                on_blur=BookState.note("email"),
            ),
            controls.field(
                "phone",
                "Mobile",
                error=wrong.phone,
                hint="Your tickets arrive by email and SMS.",
                default_value=typed.phone,
                type="tel",
                auto_complete="tel",
                input_mode="tel",
                placeholder="98765 43210",
                on_blur=BookState.note("phone"),
            ),
            rx.cond(BookState.attendees, _attendees(), rx.fragment()),
            id=name,
            # The server says what is wrong, in sentences; the browser's bubbles stay out.
            no_validate=True,
            on_submit=BookState.pay,
            class_name="stack",
        ),
    )


def _suggestion() -> rx.Component:
    return rx.cond(
        BookState.suggestion != "",
        rx.el.p(
            "Did you mean ",
            BookState.suggestion,
            "? ",
            text_button("Use it", on_click=BookState.use_suggestion),
            class_name="suggestion",
        ),
        rx.fragment(),
    )


def _attendees() -> rx.Component:
    return rx.el.fieldset(
        rx.el.legend("Names on the tickets", class_name="strong"),
        rx.foreach(BookState.attendees, _attendee),
        class_name="stack attendees",
    )


def _attendee(one: AttendeeCard) -> rx.Component:
    return controls.field(
        one.id,
        one.label,
        error=one.complaint,
        default_value=one.name,
        auto_complete="off",
        on_blur=BookState.note(one.id),
    )
