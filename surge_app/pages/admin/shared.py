"""Parts that several pages of the admin area have."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import reflex as rx

from surge_app.components import controls, layout
from surge_app.components.controls import button
from surge_app.components.feeds import connection, status
from surge_app.components.frame import admin_layout, navigation
from surge_app.components.match import match
from surge_app.components.text import gettext as _
from surge_app.pages.shared import email_check, problem_notice
from surge_app.state.admin.common import FORM_KEY

BOT_CHECKS = (("off", _("Off")), ("auto", _("When busy")), ("always", _("Always")))


def page_of(
    state: Any,
    waiting: rx.Component,
    *cases: tuple[str, rx.Component],
    current: str,
    slug: Any = None,
    is_organizer: Any = True,
) -> rx.Component:
    """Build a page of the admin area from its State's `phase`.

    Args:
        waiting: Shown while it is loading.
        *cases: Pairs of another phase and its content; every other phase is signed out.
        slug: The event whose tabs are shown, if any.
        is_organizer: Whether there is more to see than the check-in.
    """
    return admin_layout.frame(
        navigation.when_settled(
            waiting,
            connection.guarded(
                status.disconnected(),
                problem_notice(),
                match(state.phase, ("loading", waiting), *cases, admin_layout.signed_out()),
            ),
            blocked=connection.blocked(),
        ),
        current=current,
        attention=state.attention,
        slug=slug,
        is_organizer=is_organizer,
    )


def waiting(title: str, *cards: tuple[str, ...]) -> rx.Component:
    """Build a page that is loading, from the width of its title and the heights of its lines."""
    return layout.loading(
        layout.skeleton("36px", title), *(layout.skeleton_card(*heights) for heights in cards)
    )


def heading(title: Any, below: Any = None, *actions: rx.Component) -> rx.Component:
    """Build the head of a page: its title, a line below, and what can be done."""
    line = rx.fragment() if below is None else rx.el.p(below, class_name="muted small")
    return rx.el.div(
        rx.el.div(rx.el.h1(title), line, class_name="stack tight"),
        rx.el.div(*actions, class_name="row"),
        class_name="row apart",
    )


def outcome(state: Any, *actions: str) -> rx.Component:
    """Build the notice of the last action, where it was one of these; of any without a name.

    It stands beside the button that was pressed, so that it is never off screen.
    """
    shown = admin_layout.flash(state.done, state.problem)
    if not actions:
        return shown
    is_here = state.acted == actions[0]
    for name in actions[1:]:
        is_here = is_here | (state.acted == name)
    return rx.cond(is_here, shown)


def form_key(state: Any) -> rx.Component:
    """Build the hidden field that makes a form execute once."""
    return hidden(FORM_KEY, state.form_key)


def hidden(name: str, value: Any) -> rx.Component:
    """Build a field that is sent along and not seen."""
    return rx.el.input(type="hidden", name=name, value=value, read_only=True)


def confirmed(
    state: Any, label: Any, question: Any, action: Any, on_submit: Any, *fields: rx.Component
) -> rx.Component:
    """Build a button that asks before it acts, and acts once.

    Args:
        state: Whose `form_key` changes after each action, which closes the question again.
    """
    return rx.el.details(
        rx.el.summary(label, class_name="button"),
        admin_layout.form(
            form_key(state),
            rx.el.p(question),
            *fields,
            rx.el.div(button(action, type="submit", kind="primary"), class_name="row"),
            on_submit=on_submit,
        ),
        class_name="confirm",
        key=state.form_key,
    )


def question(
    state: Any, text: Any, action: Any, on_submit: Any, on_cancel: Any, *fields: rx.Component
) -> rx.Component:
    """Build the second step of a form: what it will do, and the button that does it once.

    It stands below the form, so that a second click on the first button confirms nothing.
    """
    return rx.cond(
        text != "",
        layout.notice(
            text,
            tone="warn",
            action=admin_layout.form(
                form_key(state),
                *fields,
                rx.el.div(
                    button(action, type="submit", kind="primary"),
                    button(_("Go back"), on_click=on_cancel),
                    class_name="row",
                ),
                on_submit=on_submit,
            ),
        ),
    )


def labelled(
    name: str, label: Any, value: Any = "", *, hint: Any = "", **props: Any
) -> rx.Component:
    """Build a labelled input without an id: several forms of a page may have its name."""
    return rx.el.label(
        rx.el.span(label, class_name="label"),
        rx.el.input(
            name=name, default_value=value, auto_complete="off", class_name="input", **props
        ),
        rx.fragment()
        if isinstance(hint, str) and not hint
        else rx.el.span(hint, class_name="hint"),
        class_name="field",
    )


def contact_fields(state: Any, props: dict[str, dict[str, Any]]) -> list[rx.Component]:
    """Build the fields of a contact: name, email and mobile number, each with props of its own."""
    return [
        controls.field(
            name,
            label,
            error=state.field_errors.get(name, ""),
            type=kind,
            auto_complete="off",
            **(email_check(state) if kind == "email" else {}),
            **props[name],
        )
        for name, label, kind in (
            ("name", _("Name"), "text"),
            ("email", _("Email"), "email"),
            ("phone", _("Mobile number"), "tel"),
        )
    ]


def checkbox(name: str, label: Any, *, is_checked: Any = False, **props: Any) -> rx.Component:
    """Build a tick box that sends `yes`."""
    return rx.el.label(
        rx.el.input(type="checkbox", name=name, value="yes", default_checked=is_checked, **props),
        rx.el.span(label),
        class_name="check",
    )


def listed(
    state: Any,
    rows: list[Any],
    row: Callable[[Any], rx.Component],
    *,
    nothing: Any,
    tag: Any = rx.el.ul,
    class_name: str = "plain-list wrapping",
) -> tuple[rx.Component, ...]:
    """Build a list with a button for its next page.

    Args:
        state: Has `next_before` and `more`.
        nothing: Said where there are none.
    """
    return (
        list_or(rows, row, nothing, tag=tag, class_name=class_name),
        rx.cond(state.next_before != "", button(_("More"), on_click=state.more)),
    )


def list_or(
    rows: list[Any],
    row: Callable[[Any], rx.Component],
    nothing: Any,
    *,
    tag: Any = rx.el.ul,
    class_name: str = "plain-list",
) -> rx.Component:
    """Build a list, or a sentence where it is empty."""
    return rx.cond(
        rx.Var.create(rows).length() > 0,
        tag(rx.foreach(rows, row), class_name=class_name),
        rx.el.p(nothing, class_name="muted", role="status"),
    )


def list_row(*left: rx.Component, right: Any, key: Any) -> rx.Component:
    """Build a row of a list: texts, and what belongs at its end."""
    return rx.el.li(
        rx.el.div(*left, class_name="stack tight grow"),
        right,
        key=key,
        class_name="row apart top",
    )


def search(state: Any, name: str, placeholder: Any) -> rx.Component:
    """Build a field that searches a list while one types."""
    return rx.el.div(
        rx.el.label(_("Search"), html_for=name, class_name="label"),
        rx.el.input(
            id=name,
            type="search",
            placeholder=placeholder,
            default_value=state.filters[name],
            class_name="input",
            auto_complete="off",
            on_change=lambda typed: state.filter(name, typed).debounce(250),
        ),
        class_name="field",
    )


def choose(
    state: Any, name: str, label: Any, options: tuple[tuple[str, Any], ...], *more: rx.Component
) -> rx.Component:
    """Build a select that filters a list."""
    return controls.select(
        name,
        label,
        options,
        *more,
        value=state.filters[name],
        on_change=lambda chosen: state.filter(name, chosen),
    )
