"""The queue of one sale: its rules, and what a change does before it is made."""

from __future__ import annotations

import reflex as rx

from surge_app.components import admin_layout, controls, layout, timers
from surge_app.components.controls import button
from surge_app.pages.admin.dashboard import REFRESH_SECONDS, framed, head, line_tiles, switch_button
from surge_app.state.admin.dashboard import DashboardState
from surge_app.state.admin.passes import PassesState

_CHALLENGES = (
    ("off", "Never"),
    ("auto", "When too many come at once"),
    ("always", "Always"),
)


def page() -> rx.Component:
    """Build the page."""
    return framed(_queue(), current="queue")


def _queue() -> rx.Component:
    return rx.fragment(
        timers.interval(REFRESH_SECONDS, DashboardState.refresh),
        head("Queue", switch_button()),
        admin_layout.news("", DashboardState.notice),
        rx.el.div(*line_tiles(), class_name="tiles"),
        layout.card(
            rx.el.h2("Rules"),
            rx.el.div(
                _number(
                    "concurrent_buyers",
                    "Buyers inside at the same time",
                    DashboardState.draft.concurrent_buyers,
                ),
                _number(
                    "admissions_per_minute",
                    "Let in per minute at most",
                    DashboardState.draft.admissions_per_minute,
                    placeholder="no limit",
                ),
                admin_layout.select(
                    "challenge",
                    "Ask for a proof of work before a place in line",
                    _CHALLENGES,
                    value=DashboardState.draft.challenge,
                    on_change=lambda value: DashboardState.consider("challenge", value),
                ),
                class_name="fields",
            ),
            rx.el.div(
                rx.el.label(
                    "Message to everybody who waits", html_for="queue_message", class_name="label"
                ),
                rx.el.textarea(
                    id="queue_message",
                    default_value=DashboardState.draft.queue_message,
                    rows="2",
                    max_length=500,
                    class_name="input",
                    on_blur=lambda value: DashboardState.consider("queue_message", value),
                ),
                class_name="field",
            ),
            # What is foreseen comes while one is pressing: it must not move the button.
            rx.el.div(
                button("Apply", kind="primary", on_click=DashboardState.apply), class_name="row"
            ),
            rx.cond(
                DashboardState.effect != "", layout.notice(DashboardState.effect), rx.fragment()
            ),
            admin_layout.news(DashboardState.done, DashboardState.problem),
        ),
        _passes(),
    )


def _passes() -> rx.Component:
    return layout.card(
        rx.el.h2("End passes"),
        rx.el.p(
            "Take the turn from one number, such as a script's, or from everybody inside.",
            class_name="muted",
        ),
        admin_layout.news(PassesState.done, PassesState.problem),
        rx.cond(PassesState.question != "", _question(), _ask()),
    )


def _ask() -> rx.Component:
    return admin_layout.form(
        controls.field("number", "Number in line", error="", input_mode="numeric"),
        rx.el.div(
            button("End the pass of this number", type="submit"),
            button("End the passes of everybody", on_click=PassesState.ask_all),
            class_name="row",
        ),
        on_submit=PassesState.ask,
    )


def _question() -> rx.Component:
    return layout.notice(
        PassesState.question,
        tone="warn",
        action=rx.el.div(
            button("End it now", kind="primary", on_click=PassesState.confirm),
            button("Do nothing", on_click=PassesState.back),
            class_name="row",
        ),
    )


def _number(
    name: str, label: str, value: rx.Var[str] | str, *, placeholder: str = ""
) -> rx.Component:
    return rx.el.div(
        rx.el.label(label, html_for=name, class_name="label"),
        rx.el.input(
            id=name,
            type="text",
            input_mode="numeric",
            default_value=value,
            placeholder=placeholder,
            class_name="input number",
            on_change=lambda typed: DashboardState.consider(name, typed).debounce(250),
        ),
        class_name="field",
    )
