"""Notices to ticket holders: changes, the cancellation, and their delivery."""

from __future__ import annotations

from typing import Any

import reflex as rx

from surge_app.components import layout, progress
from surge_app.components.controls import button, link
from surge_app.components.feeds import timers
from surge_app.components.frame import admin_layout
from surge_app.components.text import gettext as _
from surge_app.pages.admin.shared import (
    confirmed,
    heading,
    hidden,
    labelled,
    list_or,
    outcome,
    page_of,
    waiting,
)
from surge_app.state.admin.events.event_notices import EventNoticesState, SentCard

_REFRESH_SECONDS = 3


def page() -> rx.Component:
    """Build the page."""
    return page_of(
        EventNoticesState,
        waiting("14rem", ("52px", "52px"), ("52px", "52px")),
        ("ready", _ready()),
        ("missing", admin_layout.missing(_("There is no such event"))),
        current="notices",
        slug=EventNoticesState.slug,
    )


def _ready() -> rx.Component:
    is_published = EventNoticesState.stage == "published"
    return rx.fragment(
        timers.interval(_REFRESH_SECONDS, EventNoticesState.refresh),
        heading(_("Announcements"), EventNoticesState.name),
        rx.cond(is_published, _change()),
        layout.card(
            rx.el.h2(_("Sent")),
            list_or(EventNoticesState.sent, _sent, _("No announcement was sent yet.")),
        ),
        rx.cond(
            EventNoticesState.refunds != "",
            layout.card(
                rx.el.h2(_("Refunds")),
                progress.stock_bar(
                    EventNoticesState.refunded_percent, 0, EventNoticesState.refunds
                ),
                rx.el.p(EventNoticesState.refunds, class_name="number", role="status"),
            ),
        ),
        rx.cond(is_published, _cancellation()),
        outcome(EventNoticesState),
    )


def _change() -> rx.Component:
    notice = EventNoticesState.change
    return layout.card(
        rx.el.h2(_("Announce a change")),
        rx.cond(
            rx.Var.create(notice.changes).length() > 0,
            rx.fragment(
                rx.el.p(_("Ticket holders have not been told:"), class_name="muted"),
                rx.el.ul(rx.foreach(notice.changes, _line), class_name="plain-list"),
                _message(notice, EventNoticesState.preview_change, _("Your own words (optional)")),
                confirmed(
                    EventNoticesState,
                    _("Send"),
                    notice.question,
                    _("Send now"),
                    EventNoticesState.announce,
                    hidden("words", notice.words),
                    hidden("version", notice.version),
                ),
            ),
            rx.el.p(_("Ticket holders know the event as it is now."), class_name="muted"),
        ),
    )


def _cancellation() -> rx.Component:
    notice = EventNoticesState.cancellation
    return layout.card(
        rx.el.h2(_("Cancel the event")),
        _message(notice, EventNoticesState.preview_cancellation, _("Reason for the buyers")),
        confirmed(
            EventNoticesState,
            _("Cancel the event"),
            notice.question,
            _("Cancel now"),
            EventNoticesState.cancel,
            hidden("words", notice.words),
            hidden("version", notice.version),
            labelled("confirm", _("Type {slug} to confirm", slug=EventNoticesState.slug)),
        ),
    )


def _message(notice: Any, on_preview: Any, label: Any) -> rx.Component:
    """Lay out whom a notice reaches, the field for words, and the texts."""
    return rx.fragment(
        rx.el.p(notice.reach, class_name="number"),
        rx.cond(notice.warning != "", _unreached(notice)),
        admin_layout.form(
            rx.el.label(
                rx.el.span(label, class_name="label"),
                rx.el.textarea(
                    name="words",
                    default_value=notice.words,
                    rows="2",
                    class_name="input",
                    # The buttons below send what was previewed, so no word is left behind.
                    on_blur=lambda words: on_preview({"words": words}),
                ),
                class_name="field",
            ),
            rx.el.div(button(_("Update the preview"), type="submit"), class_name="row"),
            on_submit=on_preview,
            key=notice.words,
        ),
        layout.disclosure(
            _("Preview"),
            rx.el.p(rx.el.strong(notice.subject)),
            rx.el.pre(notice.text, class_name="mail"),
            rx.el.p("SMS", class_name="label"),
            rx.el.pre(notice.sms, class_name="mail"),
            open=True,
        ),
    )


def _line(text: Any) -> rx.Component:
    return rx.el.li(text)


def _unreached(notice: Any) -> rx.Component:
    return layout.notice(
        notice.warning,
        tone="warn",
        action=rx.el.p(
            rx.foreach(
                notice.unreached,
                lambda ref: rx.el.span(link(ref, href=f"/admin/bookings/{ref}"), " "),
            ),
            class_name="small",
        ),
    )


def _sent(card: SentCard) -> rx.Component:
    return rx.el.li(
        rx.el.div(
            rx.el.p(card.title),
            rx.cond(card.text != "", rx.el.p(card.text, class_name="muted small")),
            rx.el.p(card.progress, class_name="muted small number"),
            class_name="stack tight",
        ),
        key=card.title,
    )
