"""The question whether another address was meant, beside a form with an email address."""

from __future__ import annotations

import reflex as rx

from surge_app.services.checkout.email_suggestion import email_suggestion
from surge_app.state.form_values import LONGEST_INPUT


class EmailSuggestion(rx.State, mixin=True):
    """A form whose field `email` is checked for typos when it is left.

    Attributes:
        suggestion: A likelier spelling of the address that was typed.
    """

    suggestion: str = ""

    @rx.event
    def check_email(self, value: object) -> None:
        """Look for a likelier spelling of the address."""
        self.suggestion = email_suggestion(value[:LONGEST_INPUT]) if isinstance(value, str) else ""

    @rx.event
    def apply_suggestion(self) -> rx.event.EventSpec | None:
        """Take the likelier spelling."""
        if not self.suggestion:
            return None
        email, self.suggestion = self.suggestion, ""
        return rx.set_value("email", email)
