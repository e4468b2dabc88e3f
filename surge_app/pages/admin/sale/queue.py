"""The queue of one sale: its rules, and what a change does before it is made."""

from __future__ import annotations

from typing import Any

import reflex as rx

from surge_app.components import controls, layout
from surge_app.components.controls import button
from surge_app.components.feeds import timers
from surge_app.components.frame import admin_layout
from surge_app.components.text import gettext as _
from surge_app.pages.admin.sale.dashboard import (
    REFRESH_SECONDS,
    framed,
    head,
    pause_button,
    queue_tiles,
)
from surge_app.pages.admin.shared import BOT_CHECKS, form_key, hidden, outcome, question
from surge_app.state.admin.sale.dashboard import DashboardState
from surge_app.state.admin.sale.passes import PassesState

_FIELDS = (
    *("concurrent_buyers", "admissions_per_minute", "slow_payment_percent"),
    *("challenge", "queue_message"),
)


def page() -> rx.Component:
    """Build the page."""
    return framed(_queue(), current="queue")


def _queue() -> rx.Component:
    sale = DashboardState.sale
    return rx.fragment(
        timers.interval(REFRESH_SECONDS, DashboardState.refresh),
        head(_("Queue · {name}", name=sale.name), pause_button()),
        outcome(DashboardState, "", "pause", "resume"),
        rx.el.div(*queue_tiles(), class_name="tiles"),
        rx.cond(
            sale.is_cancelled,
            layout.notice(_("This event is cancelled. Its queue is closed."), tone="warn"),
            rx.fragment(_rules_card(), _remove()),
        ),
    )


def _rules_card() -> rx.Component:
    return layout.card(
        rx.el.h2(_("Rules")),
        rx.el.p(DashboardState.in_force, class_name="muted small number"),
        _rules(),
        # It appears below the button, which must not move while it is pressed.
        rx.cond(DashboardState.effect != "", layout.notice(DashboardState.effect)),
        outcome(DashboardState, "save_settings"),
    )


def _rules() -> rx.Component:
    rules = DashboardState.settings
    return admin_layout.form(
        form_key(DashboardState),
        *(hidden(f"was_{name}", getattr(rules, name)) for name in _FIELDS),
        rx.el.div(
            _number("concurrent_buyers", _("Buyers inside at once"), rules.concurrent_buyers),
            _number(
                "admissions_per_minute",
                _("Let in per minute at most"),
                rules.admissions_per_minute,
                placeholder=_("no limit"),
            ),
            _number(
                "slow_payment_percent",
                _("Kept for slow payments, in percent"),
                rules.slow_payment_percent,
            ),
            controls.select(
                "challenge",
                _("Bot check before joining"),
                BOT_CHECKS,
                default_value=rules.challenge,
            ),
            class_name="fields",
        ),
        rx.el.div(
            rx.el.label(
                _("Message to everyone in the queue"), html_for="queue_message", class_name="label"
            ),
            rx.el.textarea(
                id="queue_message",
                name="queue_message",
                default_value=rules.queue_message,
                rows="2",
                max_length=500,
                class_name="input",
            ),
            class_name="field",
        ),
        rx.el.div(button(_("Apply"), type="submit", kind="primary"), class_name="row"),
        on_submit=DashboardState.save_settings,
        # Rules that were applied are shown as they are in force.
        key=DashboardState.rules_key,
    )


def _remove() -> rx.Component:
    return layout.card(
        rx.el.h2(_("Remove from the sale")),
        rx.el.p(
            _("Remove one queue number, or everyone who is choosing now."),
            class_name="muted",
        ),
        _choose(),
        question(
            PassesState, PassesState.question, _("Remove"), PassesState.confirm, PassesState.cancel
        ),
        outcome(PassesState),
    )


def _choose() -> rx.Component:
    return admin_layout.form(
        controls.field("number", _("Queue number"), error="", input_mode="numeric"),
        rx.el.div(
            button(_("Remove this number"), type="submit"),
            button(_("Remove everyone inside"), on_click=PassesState.preview_all),
            class_name="row",
        ),
        on_submit=PassesState.preview,
        # A number that was only asked about is nothing to save.
        custom_attrs={"data-unsaved": "ignore"},
        key=PassesState.removals,
    )


def _number(name: str, label: Any, value: Any, *, placeholder: Any = "") -> rx.Component:
    return rx.el.div(
        rx.el.label(label, html_for=name, class_name="label"),
        rx.el.input(
            id=name,
            name=name,
            type="text",
            input_mode="numeric",
            default_value=value,
            placeholder=placeholder,
            class_name="input number",
            # Only a preview: the form sends its own fields.
            on_change=lambda typed: DashboardState.preview_settings(name, typed),
        ),
        class_name="field",
    )
