"""The form of the checkout: who books, and who comes."""

from __future__ import annotations

from typing import Any

import reflex as rx

from surge_app.components import controls, layout
from surge_app.components.scripts import form_persistence
from surge_app.components.text import gettext as _
from surge_app.pages.shared import suggestion
from surge_app.state.checkout import CheckoutState
from surge_app.state.element_ids import CLOCK, CONTACT
from surge_app.state.view_models import AttendeeCard


def form(name: str) -> rx.Component:
    """Ask for the contact, and for a name on each ticket where the event wants one.

    Args:
        name: Id of the form, for the button that submits it.
    """
    typed, errors = CheckoutState.contact, CheckoutState.complaints
    return layout.card(
        # The focus comes here once tickets are held, and how long they are is heard with it.
        rx.el.h2(_("Your details"), id=CONTACT, tab_index=-1, aria_describedby=CLOCK),
        form_persistence.remembered_input(
            name,
            CheckoutState.sale.slug,
            fields=rx.Var.create(CheckoutState.attendees).length(),
            on_correct=CheckoutState.validate_field,
        ),
        # What is wrong is read out once: here when a field is left, at the field when Pay leads
        # back to it.
        rx.el.p(CheckoutState.said, class_name="sr-only", role="status"),
        rx.el.form(
            _field(
                "name",
                _("Full name"),
                error=errors.name,
                default_value=typed.name,
                auto_complete="name",
            ),
            _field(
                "email",
                _("Email"),
                error=errors.email,
                suggestion=suggestion(CheckoutState),
                default_value=typed.email,
                type="email",
                auto_complete="email",
                input_mode="email",
                spell_check=False,
            ),
            _field(
                "phone",
                _("Mobile"),
                error=errors.phone,
                hint=_("We'll send your tickets by email and SMS."),
                default_value=typed.phone,
                type="tel",
                auto_complete="tel",
                input_mode="tel",
                placeholder="98765 43210",
            ),
            rx.cond(CheckoutState.attendees, _attendees()),
            id=name,
            # The server says what is wrong, in sentences; the browser's bubbles stay out.
            no_validate=True,
            on_submit=CheckoutState.pay,
            class_name="stack",
        ),
    )


def _field(name: Any, label: Any, *, error: Any, **props: Any) -> rx.Component:
    """Ask for something; what is wrong is said when it is left, and taken back as one types."""
    return controls.field(
        name,
        label,
        error=error,
        quiet=True,
        on_blur=CheckoutState.validate_field(name),
        **props,
    )


def _attendees() -> rx.Component:
    return rx.el.fieldset(
        rx.el.legend(_("Names on the tickets"), class_name="strong"),
        rx.foreach(CheckoutState.attendees, _attendee),
        class_name="stack attendees",
    )


def _attendee(one: AttendeeCard) -> rx.Component:
    return _field(
        one.id, one.label, error=one.complaint, default_value=one.name, auto_complete="off"
    )
