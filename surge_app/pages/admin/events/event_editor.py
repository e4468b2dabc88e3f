"""The event editor: its facts, its ticket types, publishing and copying."""

from __future__ import annotations

from typing import Any

import reflex as rx

from surge_app.components import controls, layout
from surge_app.components.controls import button, button_link, chip
from surge_app.components.frame import admin_layout, navigation
from surge_app.components.match import match
from surge_app.components.scripts.cover_upload import cover_field
from surge_app.components.text import gettext as _
from surge_app.languages import Language
from surge_app.pages.admin.shared import (
    BOT_CHECKS,
    checkbox,
    confirmed,
    form_key,
    heading,
    hidden,
    labelled,
    outcome,
    page_of,
    question,
    waiting,
)
from surge_app.services.events.covers import LARGEST_UPLOAD
from surge_app.services.events.facts import (
    ALL_FACTS,
    EDITABLE_FACTS,
    PUBLIC_FACTS,
    TRANSLATABLE,
    Fact,
    FactField,
)
from surge_app.state.admin.events.event_editor import EventEditorState
from surge_app.state.admin.events.event_forms import OTHER_LANGUAGES, TICKED, TierForm

_CHOICES = {
    **dict(BOT_CHECKS),
    "fifo": _("First come, first served"),
    "random": _("A draw when the sale opens"),
}
_OWN_LANGUAGES = ALL_FACTS["translations"].fact
_INPUT_TYPES = {"mailto:": "email", "tel:": "tel"}


def page() -> rx.Component:
    """Build the page of an event that exists."""
    return _framed(slug=EventEditorState.event.slug, current="edit")


def new_page() -> rx.Component:
    """Build the page that creates an event."""
    return _framed(slug=None, current="events")


def _framed(*, slug: Any, current: str) -> rx.Component:
    return page_of(
        EventEditorState,
        waiting("14rem", ("52px", "52px", "52px")),
        ("new", _new()),
        ("ready", _event()),
        ("missing", admin_layout.missing(_("There is no such event"))),
        current=current,
        slug=slug,
    )


def _new() -> rx.Component:
    return rx.fragment(
        navigation.redirect(EventEditorState.leave_to),
        rx.el.h1(_("New event")),
        layout.card(
            rx.el.p(_("Only organizers see a draft, until you publish it."), class_name="muted"),
            admin_layout.form(
                form_key(EventEditorState),
                rx.el.div(
                    labelled("name", _("Name")),
                    labelled(
                        "slug",
                        _("Web address: /events/…"),
                        hint=_("Letters, numbers and hyphens. Empty: made from the name"),
                    ),
                    labelled("venue", _("Venue")),
                    labelled("starts_at", _("Starts"), type="datetime-local"),
                    labelled("time_zone", _("Time zone"), "Asia/Kolkata"),
                    class_name="fields top",
                ),
                rx.el.h2(_("First ticket type")),
                rx.el.div(*_tier_fields("", "", ""), class_name="fields top"),
                rx.el.div(
                    button(_("Create draft"), type="submit", kind="primary"), class_name="row"
                ),
                on_submit=EventEditorState.create,
            ),
            outcome(EventEditorState),
        ),
    )


def _tier_fields(name: Any, price: Any, units: Any) -> tuple[rx.Component, ...]:
    return (
        labelled("tier_name", _("Ticket type"), name),
        labelled(
            "price",
            _("Ticket price (₹)"),
            price,
            input_mode="decimal",
            hint=EventEditorState.fee,
        ),
        labelled("units", _("Tickets"), units, input_mode="numeric"),
    )


def _event() -> rx.Component:
    event = EventEditorState.event
    return rx.fragment(
        navigation.redirect(EventEditorState.leave_to),
        heading(event.name, f"/events/{event.slug}", *_stage()),
        outcome(EventEditorState, "", "publish", "unpublish", "delete_draft"),
        _details(),
        _cover(),
        rx.cond(event.phase == "cancelled", rx.fragment(), _tiers()),
        _duplicate(),
    )


def _stage() -> tuple[rx.Component, ...]:
    event = EventEditorState.event
    preview = f"/admin/events/{event.slug}/preview"
    draft = rx.fragment(
        chip(_("Draft"), tone="off"),
        button_link(_("Preview"), href=preview),
        confirmed(
            EventEditorState,
            _("Publish"),
            EventEditorState.publish_question,
            _("Publish now"),
            EventEditorState.publish,
            hidden("version", EventEditorState.version),
        ),
        confirmed(
            EventEditorState,
            _("Delete draft"),
            _("The draft and its ticket types are deleted for good."),
            _("Delete now"),
            EventEditorState.delete_draft,
            hidden("version", EventEditorState.version),
        ),
    )
    published = rx.fragment(
        chip(_("Published"), tone="good"),
        button_link(_("View as a buyer"), href=preview),
        confirmed(
            EventEditorState,
            _("Unpublish"),
            _(
                "Buyers no longer see the event, and its queue closes. "
                "Possible only while no ticket is sold or in a checkout."
            ),
            _("Unpublish now"),
            EventEditorState.unpublish,
            hidden("version", EventEditorState.version),
        ),
    )
    return (
        match(
            event.phase,
            ("draft", draft),
            ("published", published),
            chip(_("Cancelled"), tone="off"),
        ),
    )


def _details() -> rx.Component:
    event = EventEditorState.event
    return layout.card(
        rx.el.h2(_("Event")),
        rx.cond(
            event.has_sold,
            layout.notice(
                _(
                    "People already have tickets. Changes appear on their tickets, and you decide "
                    "when to announce them."
                ),
                tone="warn",
                action=button_link(_("Announcements"), href=f"/admin/events/{event.slug}/notices"),
            ),
        ),
        rx.cond(
            EventEditorState.changed != "", layout.notice(EventEditorState.changed, tone="warn")
        ),
        admin_layout.form(
            form_key(EventEditorState),
            *(hidden(f"was_{name}", EventEditorState.facts[name]) for name in EDITABLE_FACTS),
            rx.el.div(*_fields(is_public=True, is_long=False), class_name="fields top"),
            *_fields(is_public=True, is_long=True),
            # A node of the release before would take it for emptied.
            hidden("translations", EventEditorState.facts["translations"]),
            layout.disclosure(
                _(_OWN_LANGUAGES.label),
                rx.el.p(
                    _("Visitors read what is empty as you wrote it above."), class_name="muted"
                ),
                *(_texts_in(language) for language in OTHER_LANGUAGES.values()),
            ),
            layout.disclosure(
                _("Queue"),
                rx.el.div(*_fields(is_public=False, is_long=False), class_name="fields top"),
            ),
            rx.el.p(
                _(
                    "Times are in {zone}.",
                    zone=EventEditorState.facts["time_zone"],
                ),
                class_name="muted small",
            ),
            rx.el.div(button(_("Save"), type="submit", kind="primary"), class_name="row"),
            on_submit=EventEditorState.save,
            key=event.slug,
        ),
        _sent("event", "save", _("Save and open the sale")),
    )


def _fields(*, is_public: bool, is_long: bool) -> list[rx.Component]:
    return [
        _field(one)
        for name, one in EDITABLE_FACTS.items()
        if (name in PUBLIC_FACTS) == is_public and one.fact.is_long == is_long
    ]


def _texts_in(language: Language) -> rx.Component:
    texts = (
        _text(
            f"{language.tag}_{name}",
            _("{fact} in {language}", fact=_(one.fact.label), language=language.name),
            one.fact,
            EventEditorState.texts,
            lang=language.html_lang,
        )
        for name, one in TRANSLATABLE.items()
    )
    return layout.disclosure(
        rx.el.span(language.name, lang=language.html_lang),
        rx.el.div(*texts, class_name="stack loose"),
    )


def _text(name: str, label: Any, fact: Fact, values: Any, **props: Any) -> rx.Component:
    if not fact.is_long:
        return labelled(name, label, values[name], **props)
    return rx.el.label(
        rx.el.span(label, class_name="label"),
        rx.el.textarea(
            name=name, default_value=values[name], rows="3", class_name="input", **props
        ),
        rx.el.span(_(fact.help), class_name="hint") if fact.help else rx.fragment(),
        class_name="field",
    )


def _field(one: FactField) -> rx.Component:
    name, fact, value = one.name, one.fact, EventEditorState.facts[one.name]
    if one.type is bool:
        return checkbox(name, _(fact.label), is_checked=value == TICKED)
    if one.choices:
        choices = tuple((word, _CHOICES[word]) for word in one.choices)
        return controls.select(name, _(fact.label), choices, default_value=value)
    if fact.is_long:
        return _text(name, _(fact.label), fact, EventEditorState.facts)
    props: dict[str, Any] = {"input_mode": "numeric"} if one.is_number else {}
    kind = "datetime-local" if one.is_time else _INPUT_TYPES.get(fact.link)
    if kind:
        props["type"] = kind
    return labelled(name, _(fact.label), value, hint=_(fact.help) if fact.help else "", **props)


def _cover() -> rx.Component:
    event = EventEditorState.event
    return layout.card(
        rx.el.h2(_("Picture")),
        rx.el.p(
            _("JPEG, PNG or WebP, up to 10 MB. 1200 × 630 works best. Location data is removed."),
            class_name="muted small",
        ),
        cover_field(event.slug, event.cover_digest, largest=LARGEST_UPLOAD),
    )


def _tiers() -> rx.Component:
    return layout.card(
        rx.el.h2(_("Tickets")),
        rx.el.p(
            _("You can add tickets at any time. Only unsold tickets can be withdrawn."),
            class_name="muted small",
        ),
        rx.el.ul(rx.foreach(EventEditorState.tiers, _tier), class_name="plain-list"),
        layout.disclosure(
            _("Add a ticket type"),
            admin_layout.form(
                form_key(EventEditorState),
                rx.el.div(*_tier_fields("", "", ""), class_name="fields top"),
                rx.el.div(button(_("Add"), type="submit"), class_name="row"),
                on_submit=EventEditorState.save_tier,
                key=EventEditorState.added,
            ),
        ),
        _sent("new", "save_tier", _("Put on sale")),
    )


def _sent(name: Any, action: Any, confirm: Any) -> rx.Component:
    """Build what is below a form: the question it leads to, and its outcome."""
    state = EventEditorState
    return rx.cond(
        state.edited == name,
        rx.fragment(
            question(state, state.question, confirm, state.apply, state.go_back),
            outcome(state, action, "apply"),
        ),
    )


def _tier(row: TierForm) -> rx.Component:
    return rx.el.li(
        admin_layout.form(
            form_key(EventEditorState),
            hidden("tier_id", row.id),
            hidden("was_tier_name", row.name),
            hidden("was_price", row.price),
            hidden("was_units", row.units),
            rx.el.div(*_tier_fields(row.name, row.price, row.units), class_name="fields top"),
            rx.el.div(
                button(_("Save ticket type"), type="submit"),
                rx.el.span(row.sold, class_name="muted small number"),
                class_name="row",
            ),
            on_submit=EventEditorState.save_tier,
        ),
        _sent(row.id, "save_tier", _("Save and apply now")),
        key=row.id,
        class_name="stack",
    )


def _duplicate() -> rx.Component:
    return layout.card(
        rx.el.h2(_("Duplicate")),
        admin_layout.form(
            form_key(EventEditorState),
            labelled("slug", _("Web address of the copy")),
            labelled("starts_at", _("Starts"), type="datetime-local"),
            rx.el.div(button(_("Duplicate"), type="submit"), class_name="row"),
            on_submit=EventEditorState.duplicate,
        ),
        outcome(EventEditorState, "duplicate"),
    )
