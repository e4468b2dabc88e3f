"""The log of actions, to be searched."""

from __future__ import annotations

from typing import Any

import reflex as rx

from surge_app.components import console, live, status, surfaces
from surge_app.components.choice import switch
from surge_app.components.controls import button
from surge_app.pages.parts import problem_notice
from surge_app.state.admin.log import Choice, LogRow, LogState


def page() -> rx.Component:
    """Build the page."""
    return console.frame(
        live.settled(
            _loading(),
            status.disconnected(),
            problem_notice(),
            switch(
                LogState.phase,
                ("loading", _loading()),
                ("ready", _log()),
                console.signed_out(),
            ),
        ),
        current="log",
    )


def _loading() -> rx.Component:
    return surfaces.loading(
        surfaces.skeleton("36px", "10rem"), surfaces.waiting_card("52px", "44px", "44px", "44px")
    )


def _log() -> rx.Component:
    return rx.fragment(
        rx.el.h1("Log"),
        console.news("", LogState.notice),
        surfaces.card(
            rx.el.div(
                _choose("event", "Event", "Every event", LogState.events, LogState.event),
                _choose("actor", "Who", "Everybody", LogState.actors, LogState.actor),
                _choose("action", "What", "Everything", LogState.actions, LogState.action),
                rx.el.div(
                    rx.el.label("About", html_for="about", class_name="label"),
                    rx.el.input(
                        id="about",
                        type="search",
                        placeholder="SRG-… or an account",
                        default_value=LogState.subject,
                        class_name="input",
                        auto_complete="off",
                        on_change=lambda value: LogState.search(value).debounce(250),
                    ),
                    class_name="field",
                ),
                class_name="fields",
            ),
            rx.cond(
                rx.Var.create(LogState.rows).length() > 0,
                rx.el.ol(rx.foreach(LogState.rows, _row), class_name="plain-list wrapping"),
                rx.el.p("Nothing was found.", class_name="muted", role="status"),
            ),
            rx.cond(
                LogState.next_before != "",
                button("More", on_click=LogState.more),
                rx.fragment(),
            ),
        ),
    )


def _choose(name: str, label: str, everything: str, choices: Any, value: Any) -> rx.Component:
    return rx.el.div(
        rx.el.label(label, html_for=name, class_name="label"),
        rx.el.select(
            rx.el.option(everything, value=""),
            rx.foreach(choices, _option),
            id=name,
            value=value,
            class_name="input",
            on_change=lambda chosen: LogState.narrow(name, chosen),
        ),
        class_name="field",
    )


def _option(choice: Choice) -> rx.Component:
    return rx.el.option(choice.words, value=choice.value)


def _row(row: LogRow) -> rx.Component:
    return rx.el.li(
        rx.el.div(
            rx.el.span(row.did, class_name="strong"),
            rx.el.ul(
                rx.foreach(row.changes, rx.el.li),
                class_name="plain small changes",
            ),
            class_name="stack tight grow",
        ),
        rx.el.div(
            rx.el.span(f"{row.at} · {row.who}", class_name="muted small number"),
            rx.cond(
                row.booking != "",
                rx.el.a(row.subject, href=f"/admin/bookings/{row.booking}", class_name="small"),
                rx.cond(
                    row.event != "",
                    rx.el.a(row.subject, href=f"/admin/{row.event}", class_name="small"),
                    rx.el.span(row.subject, class_name="small"),
                ),
            ),
            class_name="stack tight facts-of",
        ),
        key=row.id,
        class_name="row apart top",
    )
