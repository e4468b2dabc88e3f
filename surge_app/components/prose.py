"""Texts of organizers: paragraphs, lists and links, in the language they are written in."""

from __future__ import annotations

from typing import Any

import reflex as rx

from surge_app.components import controls, formatting
from surge_app.components.match import match


def language(text: Any) -> dict[str, Any]:
    """Return the attributes of an element whose text may be in another language."""
    return {"lang": formatting.language(text), "dir": "auto"}


def prose(blocks: Any, text: Any) -> rx.Component:
    """Lay out a text.

    Args:
        blocks: As the API has them, `TextBlockJson`.
        text: The same, plain; it names the language.
    """
    return rx.el.div(rx.foreach(blocks, _block), class_name="prose", **language(text))


def _block(block: Any) -> rx.Component:
    items = rx.foreach(block.lines, lambda line: rx.el.li(_parts(line)))
    return match(
        block.kind,
        ("heading", rx.el.h2(rx.foreach(block.lines, _parts))),
        ("list", rx.el.ul(items)),
        ("steps", rx.el.ol(items)),
        rx.el.p(rx.foreach(block.lines, lambda line: rx.fragment(_parts(line), rx.el.br()))),
    )


def _parts(line: Any) -> rx.Component:
    return rx.fragment(rx.foreach(line.parts, text_part))


def text_part(part: Any) -> rx.Component:
    """Create a part of a text, a link where it has an address."""
    return rx.cond(
        part.href != "",
        controls.link(part.text, href=part.href, rel="nofollow ugc noopener"),
        rx.fragment(part.text),
    )
