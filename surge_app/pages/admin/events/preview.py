"""An event as attendees will see it, before they do; nothing can be bought here."""

from __future__ import annotations

import reflex as rx

from surge_app.components import layout
from surge_app.components.controls import button, button_link
from surge_app.components.feeds import polling
from surge_app.components.frame import shell
from surge_app.components.match import match
from surge_app.components.text import gettext as _
from surge_app.pages import event


def page() -> rx.Component:
    """Build the page."""
    feed, value = polling.preview()
    return feed(
        shell.page(
            match(
                value.phase,
                ("loading", event.loading()),
                # In one piece: a banner that comes a frame later would push the page down.
                ("ready", rx.fragment(_banner(value.event.slug), event.ready(value))),
                _unreachable(value.problem),
            ),
            width="split",
        )
    )


def _banner(slug: rx.Var[str]) -> rx.Component:
    return layout.notice(
        _("Only organizers see this page, and nothing can be bought on it."),
        title=_("Preview"),
        action=button_link(_("Back to the event"), href=f"/admin/events/{slug}/edit"),
    )


def _unreachable(problem: rx.Var[str]) -> rx.Component:
    return layout.state(
        _("There is nothing to preview"),
        rx.cond(problem != "", problem, _("There is no such event, or no connection.")),
        action=button(_("Try again"), on_click=polling.dispatch("retry")),
    )
