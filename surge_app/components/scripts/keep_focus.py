"""Keeping the focus on a page whose controls come and go; see `keep_focus.js`."""

from __future__ import annotations

import reflex as rx

from surge_app.components.scripts.javascript import component

_KeepFocus = component("keep_focus", "KeepFocus", to=str, stamp=str)


def keep_focus(to: str, stamp: rx.Var[str] | str) -> rx.Component:
    """Move the focus to the element with an id where a change of `stamp` took its control away."""
    return _KeepFocus.create(to=to, stamp=stamp)
