"""Continuing on another device; see `device_move.js`."""

from __future__ import annotations

from typing import Any

import reflex as rx

from surge_app.components.scripts.javascript import component

_DeviceMove = component("device_move", "DeviceMove", slug=str)


def device_move(slug: Any) -> rx.Component:
    """Offer to move the place of this browser in an event's queue, with all that it holds."""
    return _DeviceMove.create(slug=slug)
