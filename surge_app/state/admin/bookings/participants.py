"""The participants of a sale: a list to search and filter."""

from __future__ import annotations

from dataclasses import dataclass, field

import reflex as rx

from surge_app.container import current
from surge_app.errors import InvalidRequest
from surge_app.formatting import phone, rupees, tickets
from surge_app.languages import N_, gettext as _
from surge_app.services.admin.bulk_actions import Selection
from surge_app.services.admin.participants import Filter, Participant
from surge_app.state import view_models
from surge_app.state.admin.common import (
    BOOKING_STATUSES,
    HOME_ZONE,
    ListState,
    bookings,
    form_fields,
    organizer_action,
    status_and_tone,
)

_CHANNELS = {"online": "", "box_office": N_("box office"), "complimentary": N_("complimentary")}
_FILTERS = ("q", "status", "presence", "channel")
_BOOKING = "booking-"
_MAX_LISTED = 3


@dataclass(frozen=True)
class BookingRow:
    """A booking in the list, as text."""

    ref: str = ""
    field: str = ""
    name: str = ""
    contact: str = ""
    status: str = ""
    tone: str = "off"
    tickets: str = ""
    total: str = ""
    booked_at: str = ""
    channel: str = ""


@dataclass(frozen=True)
class BulkDraft:
    """An action that waits for its confirmation."""

    action: str = ""
    selection: Selection = field(default_factory=Selection)
    restock: bool = False


class ParticipantsState(ListState, rx.State):
    """The list an organizer searches, and what is done with some of it.

    Attributes:
        has_all: Whether every booking that is shown was ticked at once.
        question: What the reviewed action will do; empty until one was reviewed.
        selected: The query of an export of the selection; empty unless one was asked for.
    """

    slug: str = ""
    event_name: str = ""
    filters: dict[str, str] = dict.fromkeys(_FILTERS, "")
    bookings: list[BookingRow] = []
    has_all: bool = False
    question: str = ""
    selected: str = ""
    _draft: BulkDraft = BulkDraft()

    @rx.event
    async def select_all(self) -> None:
        """Tick or untick every booking that is shown."""
        if await self._organizer() is not None:
            self.has_all, self.question, self.selected = not self.has_all, "", ""

    @rx.event
    @organizer_action
    async def review(self, _actor: str, form: dict[str, object]) -> None:
        """Say what an action would do with the ticked bookings; nothing is done yet."""
        self.question, self.selected, sent = "", "", form_fields(form)
        refs = [name.removeprefix(_BOOKING) for name in sent if name.startswith(_BOOKING)]
        action = sent.get("action", "")
        selection = await current().bulk_actions.select(
            self.slug, refs, needs_contact=action == "resend"
        )
        if action == "export":
            # Short, because the edge refuses long addresses.
            self.selected = f"refs={'.'.join(ref.removeprefix('SRG-') for ref in refs)}"
            return
        if action not in {"refund", "resend"} or not selection.bookings:
            msg = _("Nothing to do: these bookings are refunded, or have no contact.")
            raise InvalidRequest(msg)
        self._draft = BulkDraft(action, selection, restock=sent.get("restock") == "yes")
        self.question = _question(self._draft)

    @rx.event
    async def cancel_review(self) -> None:
        """Go back to the selection."""
        self.question = self.selected = ""

    @rx.event
    @organizer_action
    async def apply(self, actor: str, _form: dict[str, object]) -> str:
        """Do what was reviewed, once, with every booking no one changed meanwhile."""
        draft, was_reviewed = self._draft, bool(self.question)
        self.question, self.has_all = "", False
        if not was_reviewed:
            raise InvalidRequest(_("Nothing was done. Review the selection first."))
        actions = current().bulk_actions
        if draft.action == "refund":
            outcome = await actions.refund(draft.selection, restock=draft.restock, actor=actor)
            done = _("Refund started for {bookings}.", bookings=bookings(len(outcome.done)))
        else:
            outcome = await actions.resend(draft.selection, actor=actor)
            done = _("Tickets resent for {bookings}.", bookings=bookings(len(outcome.done)))
        failed = " ".join(
            f"{ref}: {why}" for ref, why in list(outcome.failed.items())[:_MAX_LISTED]
        )
        number = len(outcome.failed)
        return " ".join((done, _("Not for {number}.", number=number), failed)) if number else done

    async def _find(self, *, before: str | None) -> None:
        self.slug = self._subject()
        query, status, presence, channel = (self.filters[name] or None for name in _FILTERS)
        wanted = Filter(query or "", status, presence, channel)
        page = await current().participants.search(self.slug, wanted, before=before)
        rows = [_row(one) for one in page.participants]
        self.bookings = [*self.bookings, *rows] if before else rows
        self.next_before, self.event_name = page.next_before or "", page.event
        self.phase = "ready"


def _question(draft: BulkDraft) -> str:
    selection = draft.selection
    of = bookings(len(selection.bookings))
    skipped = selection.skipped
    more = " " + _("{number} of the ticked are left out.", number=skipped) if skipped else ""
    if draft.action == "resend":
        return _("Resend the tickets of {bookings}?", bookings=of) + more
    question = _(
        "Refund {money} to the buyers of {bookings} and cancel {tickets}?",
        money=rupees(selection.refundable_paise),
        bookings=of,
        tickets=tickets(selection.tickets),
    )
    return question + more


def _row(one: Participant) -> BookingRow:
    refunded = one.tickets - one.valid
    notes = [
        text
        for number, text in (
            (refunded, _("{number} refunded", number=refunded)),
            (one.inside, _("{number} checked in", number=one.inside)),
        )
        if number
    ]
    return BookingRow(
        ref=one.ref,
        field=f"{_BOOKING}{one.ref}",
        name=one.name,
        contact=" · ".join(part for part in (one.email, phone(one.phone)) if part)
        or _("no contact"),
        tickets=tickets(one.tickets) + (f" ({', '.join(notes)})" if notes else ""),
        total=rupees(one.total_paise),
        booked_at=view_models.when(one.created_at, HOME_ZONE),
        channel=_(_CHANNELS[one.channel]) if _CHANNELS.get(one.channel) else "",
        **status_and_tone(one.status, BOOKING_STATUSES),
    )
