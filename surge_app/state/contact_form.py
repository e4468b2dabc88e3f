"""The form that asks who is coming."""

from __future__ import annotations

from dataclasses import asdict

import reflex as rx

from surge_app.container import current
from surge_app.services.views import IntentView
from surge_app.state import cards
from surge_app.state.suggest import email_suggestion

FIELDS = ("name", "email", "phone")
LONGEST_INPUT = 200


class ContactForm(rx.State, mixin=True):
    """What was typed, what is wrong with it, and a likelier spelling of the address.

    Attributes:
        notice: A sentence beside the action, with its tone.
    """

    contact: cards.ContactCard = cards.ContactCard()
    complaints: cards.ContactCard = cards.ContactCard()
    suggestion: str = ""
    notice: str = ""
    tone: str = "bad"

    @rx.event
    def note(self, field: object, value: object) -> None:
        """Keep what was typed into a field, and say what is wrong with it."""
        if field not in FIELDS or not isinstance(value, str):
            return
        text = value[:LONGEST_INPUT]
        # Leaving a field empty is no mistake yet; Pay will ask for it. Nor is an old complaint
        # taken back: the page would move under the finger.
        complaint = getattr(self.complaints, field)
        if text.strip():
            complaint = current().contacts.check_field(field, text)
        self.contact = cards.ContactCard(**{**asdict(self.contact), field: text})
        self.complaints = cards.ContactCard(**{**asdict(self.complaints), field: complaint})
        if self.complaints == cards.ContactCard():
            self.notice = ""
        if field == "email":
            self.suggestion = "" if complaint else email_suggestion(text)

    @rx.event
    def use_suggestion(self) -> rx.event.EventSpec | None:
        """Take the likelier spelling of the email address."""
        if not self.suggestion:
            return None
        email, self.suggestion = self.suggestion, ""
        self.contact = cards.ContactCard(self.contact.name, email, self.contact.phone)
        return rx.set_value("email", email)

    def _keep_contact(self, intent: IntentView) -> None:
        if intent.email:
            self.contact = cards.ContactCard(intent.name, intent.email, intent.phone)

    def _say(self, text: str, tone: str = "bad") -> None:
        self.notice, self.tone = text, tone
