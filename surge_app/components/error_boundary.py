"""What is shown when a page itself breaks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import reflex as rx
from reflex_components_core.base.error_boundary import ErrorBoundary

from surge_app.components import controls, layout, shell
from surge_app.components.page_guards import page_guards


def app_wraps() -> dict[tuple[int, str], Callable[[bool], rx.Component | None]]:
    """Return what Reflex wraps around every page.

    In place of Reflex's own set: its error screen shows a stack trace, and its connection
    overlay shows a toast on pages that have their own words for it.
    """
    return {
        (56, "PageGuards"): lambda _: page_guards(),
        (55, "ErrorBoundary"): _boundary,
    }


def _boundary(is_stateful: bool) -> rx.Component:  # noqa: FBT001 - Reflex passes it by position
    screen = shell.page(
        layout.state(
            "This page stopped working",
            "What you hold or bought is safe. Load the page again to go on.",
            action=controls.button_link("Load again", href="", kind="primary"),
            at=20,
        )
    )
    props: dict[str, Any] = {} if is_stateful else {"on_error": rx.noop()}
    return ErrorBoundary.create(
        fallback_render=rx.vars.function.ArgsFunctionOperation.create(
            ("event_args",), rx.Var.create(screen)
        ),
        **props,
    )
