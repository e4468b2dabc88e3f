"""Containers: cards, notices, skeletons, states of a whole page, price details."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import reflex as rx

from surge_app.components import progress
from surge_app.components.controls import Tone
from surge_app.components.text import gettext as _


def card(*children: Any, extra: str = "", **props: Any) -> rx.Component:
    """Create a card."""
    return rx.el.section(*children, class_name=f"card {extra}".strip(), **props)


def split(
    *story: Any,
    side: Sequence[Any],
    across: rx.Component | None = None,
    more: Sequence[Any] = (),
    boxed: bool = True,
) -> rx.Component:
    """Create two columns where there is room: the story, and beside it what to do.

    A narrow screen shows one column, in the order of the arguments below.

    Args:
        *story: What the page is about.
        side: The sum, the state and the one action, which stay in view.
        across: Above both columns.
        more: What may be read after the action; below the story where there are two columns.
        boxed: Whether the side is one card.
    """
    return rx.el.div(
        rx.el.div(across, class_name="across") if across else rx.fragment(),
        rx.el.div(*story, class_name="story"),
        rx.el.div(*side, class_name="beside boxed" if boxed else "beside"),
        rx.el.div(*more, class_name="more") if more else rx.fragment(),
        class_name="split",
    )


def notice(
    text: Any, *, tone: Tone = "accent", title: Any = None, action: rx.Component | None = None
) -> rx.Component:
    """Create a notice: the fact first, then what to do.

    A bad notice interrupts a screen reader; others wait for a pause.
    """
    return rx.el.div(
        rx.el.p(title, class_name="title") if title is not None else rx.fragment(),
        rx.el.p(text),
        action or rx.fragment(),
        class_name="notice" if tone == "accent" else f"notice {tone}",
        role="alert" if tone == "bad" else "status",
    )


def cover(source: Any, *, first: bool = False, **props: Any) -> rx.Component:
    """Create the cover of an event, as decoration beside its name.

    Args:
        first: Whether the browser should load it first.
    """
    hurry = {"fetchPriority": "high"} if first else {}
    size = {"width": "1200", "height": "630"}
    return rx.el.img(src=source, alt="", class_name="cover", custom_attrs=hurry, **size, **props)


def skeleton(height: str, width: str = "100%") -> rx.Component:
    """Create a grey block in the size of the content that is loading."""
    return rx.el.span(
        class_name="skeleton", style={"height": height, "width": width}, aria_hidden=True
    )


def skeleton_card(*heights: str) -> rx.Component:
    """Create a card of skeleton rows."""
    return card(*(skeleton(height) for height in heights))


def loading(*children: rx.Component) -> rx.Component:
    """Group skeletons, and announce once to screen readers that content is loading."""
    return rx.el.div(
        rx.el.span(_("Loading"), class_name="sr-only", role="status"),
        *children,
        class_name="stack loose",
    )


def state(
    title: Any,
    text: Any,
    *,
    action: rx.Component | None = None,
    at: int = 45,
    is_titled: bool = False,
) -> rx.Component:
    """Create the state of a whole page: nothing here, an error, done.

    Args:
        at: Where the ring of the drawing stands, 0 to 100.
        is_titled: Whether a title of the page stands above it.
    """
    return rx.el.section(
        progress.illustration(at),
        (rx.el.h2 if is_titled else rx.el.h1)(title),
        rx.el.p(text, class_name="muted"),
        action or rx.fragment(),
        class_name="state",
    )


def facts(*pairs: tuple[Any, Any]) -> rx.Component:
    """Create a row of label-and-number pairs."""
    return rx.el.dl(
        *(rx.el.div(rx.el.dt(label), rx.el.dd(value)) for label, value in pairs),
        class_name="card flat facts",
    )


def disclosure(summary: Any, *children: Any, **props: Any) -> rx.Component:
    """Create content that unfolds below a summary."""
    return rx.el.details(
        rx.el.summary(summary, class_name="small"), *children, class_name="disclosure", **props
    )


def price_breakdown(rows: rx.Component, total: Any) -> rx.Component:
    """Create a price breakdown: rows of dt and dd, and their total."""
    return rx.el.dl(
        rows,
        rx.el.dt(_("Total"), class_name="sum"),
        rx.el.dd(total, class_name="sum"),
        class_name="breakup",
    )
