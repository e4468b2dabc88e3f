"""Shapes that several pages of the console have."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import reflex as rx

from surge_app.components import admin_layout, layout, status, timers
from surge_app.components.controls import button
from surge_app.components.match import match
from surge_app.pages.shared import problem_notice


def page_of(
    state: Any,
    waiting: rx.Component,
    *cases: tuple[str, rx.Component],
    current: str,
    slug: Any = None,
    is_organizer: Any = True,
) -> rx.Component:
    """Build a page of the console: what its State's `phase` says is to be seen.

    Args:
        state: The State of the page.
        waiting: What is seen while it is loading.
        *cases: Pairs of another phase and what is seen then; signed out is for everything else.
        current: The tab that is open.
        slug: The event whose tabs are shown, if any.
        is_organizer: Whether there is more to see than the check-in.
    """
    return admin_layout.frame(
        timers.when_settled(
            waiting,
            status.disconnected(),
            problem_notice(),
            match(state.phase, ("loading", waiting), *cases, admin_layout.signed_out()),
        ),
        current=current,
        slug=slug,
        is_organizer=is_organizer,
    )


def waiting(title: str, *cards: tuple[str, ...]) -> rx.Component:
    """Build the place of a page that is loading: how wide its title is, how high its lines are."""
    return layout.loading(
        layout.skeleton("36px", title), *(layout.waiting_card(*heights) for heights in cards)
    )


def listed(
    state: Any,
    rows: list[Any],
    row: Callable[[Any], rx.Component],
    *,
    nothing: str,
    tag: Any = rx.el.ul,
    class_name: str = "plain-list wrapping",
) -> tuple[rx.Component, ...]:
    """Build a list with the way to its next page.

    Args:
        state: Has `next_before` and `more`.
        rows: What is listed.
        row: Builds one of them.
        nothing: Said where there are none.
        tag: The element of the list.
        class_name: Its class.
    """
    return (
        rx.cond(
            rx.Var.create(rows).length() > 0,
            tag(rx.foreach(rows, row), class_name=class_name),
            rx.el.p(nothing, class_name="muted", role="status"),
        ),
        rx.cond(state.next_before != "", button("More", on_click=state.more), rx.fragment()),
    )


def search(name: str, label: str, placeholder: str, on_search: Any, **props: Any) -> rx.Component:
    """Build a field that searches while one types."""
    return rx.el.div(
        rx.el.label(label, html_for=name, class_name="label"),
        rx.el.input(
            id=name,
            type="search",
            placeholder=placeholder,
            class_name="input",
            auto_complete="off",
            on_change=lambda value: on_search(value).debounce(250),
            **props,
        ),
        class_name="field",
    )
