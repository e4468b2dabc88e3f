"""An event in the hands of its organizer: created, changed, published, copied."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import reflex as rx

from surge_app.container import current
from surge_app.errors import EditConflict, InvalidRequest
from surge_app.formatting import rupees, tickets
from surge_app.languages import gettext as _, ngettext
from surge_app.services.admin.event_admin import EventSettings
from surge_app.services.checkout.email_suggestion import typo_question
from surge_app.services.events.changes import ANNOUNCED
from surge_app.services.events.facts import EDITABLE_FACTS
from surge_app.services.events.new_event import NewEvent
from surge_app.state.admin.common import (
    HOME_ZONE,
    AdminState,
    form_fields,
    organizer_action,
    version_of,
)
from surge_app.state.admin.events.event_forms import (
    SALE_WINDOW,
    TIER_COLUMNS,
    TIER_FIELDS,
    EventForm,
    SaleChange,
    TierForm,
    capacity,
    event_form,
    fee_text,
    is_open,
    publish_question,
    required_moment,
    shown_value,
    slug_from,
    text_fields,
    tier_form,
    tier_question,
    typed_texts,
    typed_tier,
    typed_value,
)

_LONGEST_TEXT = 40_000
_EVENT, _NEW = "event", "new"


class EventEditorState(AdminState, rx.State):
    """The event an organizer edits.

    Attributes:
        facts: The editable facts as their form was opened with; times are those of its zone.
        texts: Those of `facts` in other languages, a field for each.
        fee: What buyers pay beside the price of a ticket.
        leave_to: An address to go on to.
        edited: The form that was sent last: event, new, or the id of a ticket type.
        question: What saving that form does to the sale; empty if nothing is asked.
        added: How many ticket types were added; each starts the form of the next one afresh.
        changed: The facts someone else changed since; empty if none.
        publish_question: What publishing will do.
        version: Of the event `publish_question` is about.
    """

    event: EventForm = EventForm()
    facts: dict[str, str] = {}
    texts: dict[str, str] = {}
    tiers: list[TierForm] = []
    fee: str = ""
    leave_to: str = ""
    edited: str = ""
    question: str = ""
    changed: str = ""
    added: int = 0
    publish_question: str = ""
    version: int = 0
    _draft: SaleChange = SaleChange()
    _reopened: frozenset[str] = frozenset()

    @rx.event
    @organizer_action
    async def create(self, actor: str, form: dict[str, object]) -> None:
        """Create a draft."""
        sent = form_fields(form)
        new = NewEvent(
            slug=slug_from(sent.get("slug") or sent.get("name", "")),
            tiers=(typed_tier(sent),),
            is_draft=True,
            time_zone=sent.get("time_zone", HOME_ZONE),
            starts_at=required_moment(sent, "starts_at"),
            name=sent.get("name", ""),
            venue=sent.get("venue", ""),
        )
        self.leave_to = f"/admin/events/{await current().organizer.create(new, actor=actor)}/edit"

    @rx.event
    @organizer_action
    async def save(self, actor: str, form: dict[str, object]) -> str | None:
        """Save the fields that were changed; what opens the sale is asked first."""
        sent = form_fields(form, longest=_LONGEST_TEXT)
        self.edited, self.question = _EVENT, ""
        # The times of the form are those of the zone it was opened with.
        zone = {"time_zone": sent.get("was_time_zone") or self.event.time_zone}
        sent = {**zone, **sent, "translations": typed_texts(sent)}
        if not (sent.get("name") and sent.get("venue")):
            raise InvalidRequest(_("Nothing was saved. Enter a name and a venue."))
        required_moment(sent, "starts_at")
        # Another zone gives each time that is shown another moment.
        is_moved = sent["time_zone"] != zone["time_zone"]
        names = [
            name
            for name, one in EDITABLE_FACTS.items()
            if sent.get(name, "") != sent.get(f"was_{name}", "") or (is_moved and one.is_time)
        ]
        if not names:
            return _("Nothing to save: no field was changed.")
        was = {**sent, **zone}
        self._draft = SaleChange(
            {name: typed_value(sent, name) for name in names},
            {name: typed_value(was, name, prefix="was_") for name in names},
        )
        stored = await current().organizer.settings(self._subject())
        before = {name: getattr(stored, name) for name in SALE_WINDOW}
        after = {**before, **{name: self._draft.changes[name] for name in SALE_WINDOW & set(names)}}
        if stored.phase == "published" and not is_open(**before) and is_open(**after):
            self.question = ngettext(
                "{count} ticket goes on sale immediately. Save and open the sale?",
                "{count} tickets go on sale immediately. Save and open the sale?",
                capacity(stored),
            )
            return None
        return await self._store(actor)

    @rx.event
    @organizer_action
    async def save_tier(self, actor: str, form: dict[str, object]) -> str | None:
        """Save a ticket type; what puts tickets on or off sale is asked first."""
        sent = form_fields(form)
        tier = sent.get("tier_id", "")
        self.edited, self.question = tier or _NEW, ""
        typed = typed_tier(sent)
        stored = await current().organizer.settings(self._subject())
        is_on_sale = stored.phase == "published"
        if not tier:
            self._draft = SaleChange(new=typed)
            question = ngettext(
                "Put {count} {name} ticket on sale at {price} each?",
                "Put {count} {name} tickets on sale at {price} each?",
                typed.units,
                name=typed.name,
                price=rupees(typed.price_paise),
            )
        else:
            shown = typed_tier({name: sent.get(f"was_{name}", "") for name in TIER_FIELDS})
            fields = [
                name
                for name in ("name", "price_paise", "units")
                if getattr(typed, name) != getattr(shown, name)
            ]
            if not fields:
                return _("Nothing to save: no field was changed.")
            self._draft = SaleChange(
                {name: getattr(typed, name) for name in fields},
                {name: getattr(shown, name) for name in fields},
                tier,
            )
            question = tier_question(typed, shown)
        if is_on_sale and question:
            self.question = question
            return None
        return await self._store(actor)

    @rx.event
    @organizer_action
    async def apply(self, actor: str, _form: dict[str, object]) -> str:
        """Save what was asked about, once."""
        was_asked, self.question = bool(self.question), ""
        if not was_asked:
            raise InvalidRequest(_("Nothing was saved. Save the form first."))
        return await self._store(actor)

    @rx.event
    async def go_back(self) -> None:
        """Go back to the form."""
        self.question = ""

    async def _store(self, actor: str) -> str:
        """Save the draft; the form that was sent shows the stored values from now on."""
        draft, slug, services = self._draft, self._subject(), current()
        try:
            if draft.new:
                await services.inventory.add_tier(slug, draft.new, actor=actor)
            elif draft.tier:
                await services.inventory.change_tier(
                    slug, draft.tier, draft.changes, actor=actor, expected=draft.expected
                )
            else:
                await services.organizer.change(
                    slug, draft.changes, actor=actor, expected=draft.expected
                )
        except EditConflict as error:
            # The sentence names one field; the others stay as the form was opened.
            self._reopened = frozenset({str(error.details.get("field", ""))})
            raise
        self._reopened = frozenset(TIER_COLUMNS if draft.tier else EDITABLE_FACTS)
        if draft.new:
            self.added += 1
            return _("{name} added.", name=draft.new.name)
        if not draft.tier:
            return self._saved(draft.changes)
        more = draft.changes.get("units", 0) - draft.expected.get("units", 0)
        saved, number = (
            _("Saved. Tickets already in a checkout keep the old price."),
            tickets(abs(more)),
        )
        if not more:
            return saved
        done = (
            _("{tickets} added.", tickets=number)
            if more > 0
            else _("{tickets} withdrawn.", tickets=number)
        )
        return f"{saved} {done}"

    def _saved(self, changes: dict[str, Any]) -> str:
        question = typo_question(str(changes.get("organizer_email", "")))
        if self.event.phase == "draft":
            return _("Draft saved. It is not visible until you publish.") + question
        is_untold = self.event.has_sold and not changes.keys().isdisjoint(ANNOUNCED)
        done = _("Saved. The event page shows it now.")
        if is_untold:
            done += " " + _("Ticket holders are not told yet.")
        return done + question

    @rx.event
    @organizer_action
    async def publish(self, actor: str, form: dict[str, object]) -> str:
        """Show the draft to everyone."""
        await current().lifecycle.publish(self._subject(), actor=actor, version=version_of(form))
        return _("Published.")

    @rx.event
    @organizer_action
    async def unpublish(self, actor: str, form: dict[str, object]) -> str:
        """Make the event a draft again."""
        await current().lifecycle.unpublish(self._subject(), actor=actor, version=version_of(form))
        return _("Unpublished. Only organizers see it now.")

    @rx.event
    @organizer_action
    async def delete_draft(self, actor: str, form: dict[str, object]) -> None:
        """Delete a draft that was never published."""
        await current().lifecycle.delete_draft(
            self._subject(), actor=actor, version=version_of(form)
        )
        self.leave_to = "/admin"

    @rx.event
    @organizer_action
    async def duplicate(self, actor: str, form: dict[str, object]) -> None:
        """Copy the event to another address and date."""
        sent = {**form_fields(form), "time_zone": self.event.time_zone}
        copy = await current().lifecycle.copy_event(
            self._subject(),
            new_slug=sent.get("slug", ""),
            starts_at=required_moment(sent, "starts_at"),
            actor=actor,
        )
        self.leave_to = f"/admin/events/{copy}/edit"

    async def _read(self) -> None:
        if self._subject() == "new":
            self.fee, self.phase = fee_text(current().settings.convenience_fee_paise), "new"
            return
        if self.leave_to:
            # A deleted draft is not missing: the browser is on its way to the list.
            return
        stored = await current().organizer.settings(self._subject())
        self.version = await current().lifecycle.version(self._subject())
        self.fee = fee_text(stored.fee_paise)
        self._show_forms(stored)
        self.publish_question = publish_question(stored)
        self.phase = "ready"

    def _show_forms(self, stored: EventSettings) -> None:
        """Show stored values where a form was opened or sent; what is typed stays."""
        event, reopened = (
            event_form(stored),
            self._reopened if self.edited == _EVENT else frozenset(),
        )
        if "time_zone" in reopened:
            # The times of the form are those of its zone.
            reopened = frozenset(EDITABLE_FACTS)
        facts = {
            name: shown_value(getattr(stored, name), stored.time_zone)
            if name in reopened or name not in self.facts
            else self.facts[name]
            for name in EDITABLE_FACTS
        }
        labels = [
            _(one.fact.label)
            for name, one in EDITABLE_FACTS.items()
            if facts[name] != shown_value(getattr(stored, name), facts["time_zone"])
        ]
        names = ", ".join(labels)
        self.changed = (
            _("Changed meanwhile: {names}. Open the page again to see the new value.", names=names)
            if labels
            else ""
        )
        opened = {one.id: one for one in self.tiers}
        tiers = [self._tier_form(tier_form(one), opened.get(one.id)) for one in stored.tiers]
        self._reopened = frozenset()
        texts = text_fields(facts["translations"])
        self._set_changed(event=event, facts=facts, texts=texts, tiers=tiers)

    def _tier_form(self, stored: TierForm, opened: TierForm | None) -> TierForm:
        if opened is None:
            return stored
        columns = self._reopened if self.edited == stored.id else frozenset[str]()
        fields = {TIER_COLUMNS[one] for one in columns if one in TIER_COLUMNS}
        changed = {name: getattr(stored, name) for name in (*fields, "sold")}
        return replace(opened, **changed)
