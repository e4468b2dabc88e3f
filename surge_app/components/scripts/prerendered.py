"""Taking over from what the server wrote into a public page; see `prerendered.js`."""

from __future__ import annotations

import reflex as rx

from surge_app.components.scripts.javascript import component

_PrerenderedHandoff = component("prerendered", "PrerenderedHandoff")


def prerendered_handoff() -> rx.Component:
    """Remove the server's version; placed beside the content that takes its place."""
    return _PrerenderedHandoff.create()
