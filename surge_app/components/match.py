"""Choosing a component by a value."""

from __future__ import annotations

from typing import Any, cast

import reflex as rx


def match(value: Any, *cases: Any) -> rx.Component:
    """Choose among components: `rx.match` with the type it has when all cases are components.

    Args:
        value: The value to compare.
        *cases: Pairs of a value and a component, then the component for any other value.
    """
    return cast("rx.Component", rx.match(value, *cases))
