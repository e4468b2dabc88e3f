"""The page shown when a component throws."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import reflex as rx
from reflex_components_core.base.error_boundary import ErrorBoundary

from surge_app.components import controls, layout
from surge_app.components.frame import shell
from surge_app.components.scripts.page_guards import page_guards
from surge_app.components.text import gettext as _


def app_wraps() -> dict[tuple[int, str], Callable[[bool], rx.Component | None]]:
    """Return the components that wrap every page.

    They replace Reflex's own set, whose error screen shows a stack trace and whose connection
    overlay shows a toast beside our own notice.
    """
    return {(56, "PageGuards"): lambda _: page_guards(), (55, "ErrorBoundary"): _boundary}


def _boundary(is_stateful: bool) -> rx.Component:  # noqa: FBT001 - Reflex passes it by position
    screen = shell.page(
        layout.state(
            _("This page stopped working"),
            _("What you hold or bought is safe. Load the page again to go on."),
            action=controls.button_link(_("Load again"), href="", kind="primary"),
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
