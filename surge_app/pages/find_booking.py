"""Find a booking again. A cold page, and a form that works without a script."""

from __future__ import annotations

import reflex as rx

from surge_app.components import controls, layout
from surge_app.components.controls import button
from surge_app.components.frame import shell
from surge_app.components.scripts.javascript import component
from surge_app.components.text import gettext as _

_FORM = "find"


_FindBooking = component("find_booking", "FindBooking", form=str, contact=str)


def page() -> rx.Component:
    """Build the page."""
    return shell.page(
        rx.el.div(
            rx.el.h1(_("Find my booking")),
            rx.el.p(
                _(
                    "Open your tickets on any device with your booking reference and the email or "
                    "mobile number you used."
                ),
                class_name="muted",
            ),
            class_name="stack",
        ),
        shell.plain_form(
            layout.card(
                controls.field(
                    "ref",
                    _("Booking reference"),
                    error="",
                    hint=_("It is in your email, your SMS and on the receipt."),
                    placeholder="SRG-ABCD2345",
                    auto_complete="off",
                    auto_capitalize="characters",
                    spell_check=False,
                    required=True,
                    max_length=40,
                ),
                controls.field(
                    "contact",
                    _("Email or mobile number"),
                    error="",
                    hint=_("The one you gave when you booked."),
                    suggestion=_FindBooking.create(form=_FORM, contact="contact"),
                    auto_complete="email",
                    required=True,
                    max_length=200,
                ),
                button(_("Open my booking"), kind="primary", full=True, type="submit"),
            ),
            action="/api/bookings/find",
            id=_FORM,
        ),
        # Below the form: a late notice must not move the button that is about to be pressed.
        _answer(),
    )


def _answer() -> rx.Component:
    """Show the outcome of the last search; the address names it and the stylesheet selects it."""
    return rx.fragment(
        rx.el.div(
            layout.notice(
                _(
                    "We couldn't find that booking. Check the reference and your email or mobile "
                    "number."
                ),
                tone="bad",
            ),
            id="missing",
            class_name="linked-notice",
        ),
        rx.el.div(
            layout.notice(
                _(
                    "This booking was searched for too often. If your details are right, its link "
                    "is on the way to the booking's email address."
                ),
                tone="warn",
            ),
            id="emailed",
            class_name="linked-notice",
        ),
        rx.el.div(
            layout.notice(
                _("That was tried too often. Wait a few minutes, then try again."), tone="warn"
            ),
            id="later",
            class_name="linked-notice",
        ),
    )
