"""Choosing a component by a value."""

from __future__ import annotations

from typing import Any, cast

import reflex as rx


def match(value: Any, *cases: Any) -> rx.Component:
    """Choose among components: `rx.match` with the type it has when all cases are components.

    Args:
        *cases: Pairs of a value and a component or text, then that for any other value.
    """
    components = (
        (*case[:-1], _component(case[-1])) if isinstance(case, tuple) else _component(case)
        for case in cases
    )
    return cast("rx.Component", rx.match(value, *components))


def _component(shown: Any) -> Any:
    return rx.fragment(shown) if isinstance(shown, str | rx.Var) else shown
