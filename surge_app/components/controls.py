"""Controls: buttons, links, fields, the stepper, and the status chip."""

from __future__ import annotations

from typing import Any, Literal

import reflex as rx
from reflex_components_core.el.elements.inline import A

from surge_app.components.scripts.javascript import NO_ARGUMENTS, component, function
from surge_app.components.text import gettext as _

Tone = Literal["accent", "good", "warn", "bad", "off"]
Kind = Literal["primary", "plain", "quiet"]


def button(*children: Any, kind: Kind = "plain", full: bool = False, **props: Any) -> rx.Component:
    """Create a button; `type="button"` unless said otherwise."""
    props.setdefault("type", "button")
    return rx.el.button(*children, class_name=_button_class(kind, full=full), **props)


def link(*children: Any, href: Any, **props: Any) -> rx.Component:
    """Create a plain `<a>`, which loads a new document.

    `rx.el.a` shows the page of that address without a request to the server: it downloads no file,
    gets no cookie from the edge, and asks for no sign-in.
    """
    return A.create(*children, href=href, **props)


def button_link(
    *children: Any, href: Any, kind: Kind = "plain", full: bool = False, **props: Any
) -> rx.Component:
    """Create a link that looks like a button, and loads a new document."""
    return link(*children, href=href, class_name=_button_class(kind, full=full), **props)


def verify_link(slug: Any) -> rx.Component:
    """Create the link to the page that checks the log of an event's queue."""
    address = function("inLanguage", source="language").call(f"/queue/{slug}/verify")
    return link(_("Check the queue's order"), href=address, class_name="link")


def text_button(*children: Any, **props: Any) -> rx.Component:
    """Create a button that looks like a link, tall enough for a finger."""
    return rx.el.button(*children, type="button", class_name="link", **props)


_SavedTickets = component("saved_tickets", "SavedTickets", reference=str, stamp=str)


def saved_tickets(
    saved: rx.Component, unsaved: rx.Component, *, reference: Any, stamp: Any
) -> rx.Component:
    """Keep the tickets of a booking in this browser, and show which of the two is so.

    Args:
        saved: Shown while they are; its button removes them.
        unsaved: Shown once they were removed; its button saves them again.
        stamp: Changes with what the tickets say.
    """
    return _SavedTickets.create(saved, unsaved, reference=reference, stamp=stamp)


_ShareLinks = component(
    "share", "ShareLinks", title=str, share=str, copy=str, copied=str, whatsapp=str
)


def share(title: Any) -> rx.Component:
    """Let a visitor pass on the page; `title` is what it is about."""
    return _ShareLinks.create(
        title=title,
        share=_("Share"),
        copy=_("Copy link"),
        copied=_("Link copied."),
        whatsapp=_("Share on WhatsApp"),
    )


_FullScreen = component("full_screen", "FullScreen", label=str)


def full_screen(*children: Any, label: Any) -> rx.Component:
    """Let a press fill the screen with the children, on white, and another take that back."""
    return _FullScreen.create(*children, label=label)


def _button_class(kind: Kind, *, full: bool) -> str:
    return " ".join(
        name for name in ("button", "" if kind == "plain" else kind, "full" if full else "") if name
    )


def field(
    name: str,
    label: Any,
    *,
    error: rx.Var[str] | str,
    hint: Any = None,
    suggestion: rx.Component | None = None,
    quiet: bool = False,
    **props: Any,
) -> rx.Component:
    """Create a labelled input with its hint and its error.

    The input is uncontrolled, so a slow connection never overwrites what is typed.

    Args:
        name: Name and id of the input.
        error: The error text; empty while the value is valid.
        hint: Shown while there is no error.
        suggestion: Shown below, such as a likelier spelling.
        quiet: Whether the page announces the error itself; otherwise the field does.
    """
    message = f"{name}-message"
    below = rx.cond(
        error != "",
        rx.el.p(error, class_name="complaint"),
        rx.el.p(hint, class_name="hint") if hint is not None else rx.fragment(),
    )
    return rx.el.div(
        rx.el.label(label, html_for=name, class_name="label"),
        rx.el.input(
            id=name,
            name=name,
            class_name="input",
            aria_invalid=error != "",
            aria_describedby=message,
            **props,
        ),
        rx.el.div(
            below,
            suggestion or rx.fragment(),
            id=message,
            class_name="message",
            aria_live="off" if quiet else "polite",
        ),
        class_name="field",
    )


def select(
    name: str, label: Any, options: tuple[tuple[str, Any], ...], *more: rx.Component, **props: Any
) -> rx.Component:
    """Create a labelled select.

    Args:
        name: Name and id of the field.
        options: Pairs of a value and its label.
        *more: Options known only while the page is open.
    """
    return rx.el.div(
        rx.el.label(label, html_for=name, class_name="label"),
        rx.el.select(
            *(rx.el.option(words, value=value) for value, words in options),
            *more,
            id=name,
            name=name,
            class_name="input",
            **props,
        ),
        class_name="field",
    )


_Stepper = component(
    "stepper",
    "Stepper",
    **dict.fromkeys(("value", "least", "most"), int),
    **dict.fromkeys(("can_add", "can_remove"), bool),
    **dict.fromkeys(("name", "why_no_more", "why_no_fewer"), str),
    **dict.fromkeys(("on_add", "on_remove"), NO_ARGUMENTS),
)


def stepper(value: Any, **props: Any) -> rx.Component:
    """Create a number with a minus and a plus button, which counts before the server has answered.

    Args:
        value: The server's number.
        **props: `name` of what is counted, `least` and `most` of it, `can_add`, `can_remove`,
            `on_add`, `on_remove`; `why_no_more` and `why_no_fewer` are ids of elements that say
            why a button does nothing, and one with the class `why` shows once it is pressed.
    """
    return _Stepper.create(value=value, **props)


def chip(
    *children: Any, tone: Tone = "accent", plain: bool = False, extra: str = "", **props: Any
) -> rx.Component:
    """Create a status chip, which never relies on colour alone."""
    names = ("chip", "" if tone == "accent" else tone, "plain" if plain else "", extra)
    return rx.el.span(*children, class_name=" ".join(name for name in names if name), **props)
