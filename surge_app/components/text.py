"""Sentences of pages: they are compiled once and shown in the language of each visitor."""

from __future__ import annotations

import reflex as rx

from surge_app.components.scripts.javascript import function


def gettext(message: str, **values: object) -> rx.Var[str]:
    """Return a sentence that the browser translates, its `{names}` filled in."""
    arguments = (message, rx.Var.create(values)) if values else (message,)
    return function("gettext", source="language").call(*arguments).to(str)


def ngettext(one: str, many: str, number: rx.Var[int] | int, **values: object) -> rx.Var[str]:
    """Return the form of a sentence for a number; `{count}` is the number, grouped."""
    arguments = (one, many, number, *((rx.Var.create(values),) if values else ()))
    return function("ngettext", source="language").call(*arguments).to(str)
