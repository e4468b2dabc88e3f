"""Remembering what is typed: a reload, or a page that comes back from paying, finds it again."""

from __future__ import annotations

from typing import Any

import reflex as rx

from surge_app.components.scripts.javascript import component


def _corrected(name: rx.Var[str], value: rx.Var[str]) -> tuple[rx.Var[str], rx.Var[str]]:
    return name, value


_FormPersistence = component(
    "form_persistence",
    "FormPersistence",
    form=str,
    name=str,
    fields=int,
    on_correct=rx.EventHandler[_corrected],
)


def remembered_input(
    form: str, name: rx.Var[str] | str, *, fields: rx.Var[int] | int, on_correct: Any
) -> rx.Component:
    """Remember what is typed into a form while its tab is open.

    Args:
        name: What the form is about; each name has entries of its own.
        fields: How many fields were added later; a new one gets its stored value, too.
        on_correct: Gets the name and the value of an invalid field, after a pause in typing.
    """
    return _FormPersistence.create(form=form, name=name, fields=fields, on_correct=on_correct)
