"""Keeping every page working where its surroundings would break it; see `page_guards.js`."""

from __future__ import annotations

import reflex as rx

from surge_app.components.scripts.javascript import component

_PageGuards = component("page_guards", "PageGuards")


def page_guards() -> rx.Component:
    """Create what every page is wrapped in, so that the guards stand before it renders."""
    return _PageGuards.create()
