"""The form that asks who is coming."""

from __future__ import annotations

from dataclasses import asdict, replace

import reflex as rx

from surge_app.container import current
from surge_app.errors import InvalidContact
from surge_app.languages import gettext as _
from surge_app.services.checkout.email_suggestion import email_suggestion
from surge_app.services.checkout.views import IntentView
from surge_app.services.events.views import EventView
from surge_app.state import view_models
from surge_app.state.form_values import LONGEST_INPUT, form_text

FIELDS = ("name", "email", "phone")


class ContactForm(rx.State, mixin=True):
    """The typed contact, its errors, and a likelier spelling of the address.

    Attributes:
        notice: A sentence beside the action, with its tone.
        attendees: One field for each ticket, where the event asks who comes.
        said: What a screen reader reads out about the field that was left.
        focus: The field to look at next; `focus_stamp` grows each time there is one.
    """

    contact: view_models.ContactCard = view_models.ContactCard()
    complaints: view_models.ContactCard = view_models.ContactCard()
    suggestion: str = ""
    notice: str = ""
    tone: str = "bad"
    attendees: list[view_models.AttendeeCard] = []
    said: str = ""
    focus: str = ""
    focus_stamp: int = 0

    _names: dict[str, str] = {}

    @rx.event
    def validate_field(self, field: object, value: object) -> None:
        """Keep what was typed into a field, and say what is wrong with it."""
        if not isinstance(field, str) or not isinstance(value, str):
            return
        text, was_wrong = value[:LONGEST_INPUT], self._is_wrong()
        if field in {one.id for one in self.attendees}:
            self._validate_attendee(field, text)
        if field in FIELDS:
            self._validate_contact(field, text)
        # A notice about anything else stays: this may be processed after a press that it answers.
        if was_wrong and not self._is_wrong():
            self.notice = ""

    def _is_wrong(self) -> bool:
        complained = any(one.complaint for one in self.attendees)
        return complained or self.complaints != view_models.ContactCard()

    def _validate_contact(self, field: str, text: str) -> None:
        # Leaving a field empty is no mistake yet; Pay will ask for it. Nor is an old complaint
        # taken back: the page would move under the finger.
        complaint = getattr(self.complaints, field)
        if text.strip():
            complaint = current().contacts.check_field(field, text)
        self.contact = view_models.ContactCard(**{**asdict(self.contact), field: text})
        self.complaints = view_models.ContactCard(**{**asdict(self.complaints), field: complaint})
        self.said = complaint
        if field == "email":
            self.suggestion = "" if complaint else email_suggestion(text)
            if self.suggestion:
                self.said = _("Did you mean {email}?", email=self.suggestion)

    @rx.event
    def apply_suggestion(self) -> rx.event.EventSpec | None:
        """Take the likelier spelling of the email address."""
        if not self.suggestion:
            return None
        email, self.suggestion = self.suggestion, ""
        self.contact = view_models.ContactCard(self.contact.name, email, self.contact.phone)
        return rx.set_value("email", email)

    def _restore_contact(self, intent: IntentView) -> None:
        if intent.email:
            self.contact = view_models.ContactCard(intent.name, intent.email, intent.phone)
        self._names = {**view_models.names_of(intent), **self._names}

    def _show_attendee_fields(self, event: EventView, intent: IntentView) -> None:
        wrong = {one.id: one.complaint for one in self.attendees}
        asked = view_models.attendee_cards(intent, self._names) if event.ask_attendee_names else []
        self.attendees = [replace(one, complaint=wrong.get(one.id, "")) for one in asked]

    def _validate_attendee(self, field: str, text: str) -> None:
        complaint = self.said = current().contacts.check_field(field, text) if text.strip() else ""
        self._names = {**self._names, field: text}
        self.attendees = [
            replace(one, name=text, complaint=complaint) if one.id == field else one
            for one in self.attendees
        ]

    def _read_form(self, form: object) -> tuple[dict[str, str], dict[str, list[str]]]:
        """Keep what was typed, and return the contact and the names of attendees by tier."""
        known = (*FIELDS, *(one.id for one in self.attendees))
        typed = {field: form_text(form, field) for field in known}
        self.contact = view_models.ContactCard(*(typed.pop(field) for field in FIELDS))
        self.complaints, self.said = view_models.ContactCard(), ""
        self._names = {**self._names, **typed}
        coming: dict[str, list[str]] = {}
        for field, name in typed.items():
            coming.setdefault(field.split(".")[1], []).append(name)
        return asdict(self.contact), coming

    def _refuse_other_total(self, form: object, total: str) -> bool:
        """Refuse what was pressed on another total, as it comes after a lost connection."""
        pressed = form_text(form, "total")
        if not pressed or pressed == total:
            return False
        text = _("The total is now {total}. Check it, then press again.", total=total)
        self._show_notice(text, "warn")
        return True

    def _show_field_errors(self, error: InvalidContact) -> None:
        """Say beside each field what is wrong with it, and look at the first one."""
        wrong = error.fields
        self.complaints = view_models.ContactCard(*(wrong.get(field, "") for field in FIELDS))
        self.attendees = [
            replace(one, name=self._names.get(one.id, ""), complaint=wrong.get(one.id, ""))
            for one in self.attendees
        ]
        order = (*FIELDS, *(one.id for one in self.attendees))
        self._focus(next((field for field in order if field in wrong), ""))
        self._show_notice(_("Please check the marked fields."))

    def _focus(self, name: str) -> None:
        """Move the focus: to the first error, or to what replaced the pressed button."""
        self.focus = name
        self.focus_stamp += 1

    def _show_notice(self, text: str, tone: str = "bad", *, at: str = "") -> None:
        self.notice, self.tone = text, tone
        if at:
            self._focus(at)
