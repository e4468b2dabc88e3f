"""Leaving a page, waiting for its own state, and moving the focus."""

from __future__ import annotations

import reflex as rx
from reflex_components_core.core.banner import connect_errors

from surge_app.components.scripts.javascript import component

_WhenSettled = component("page_state", "WhenSettled", ready=bool, path=str, errors=list[object])


_AccessCheck = component("page_state", "AccessCheck", errors=list[object])


_Focus = component("page_state", "Focus", to=str, stamp=int)


_Redirect = component("redirect", "Redirect", to=str)


_SkipLink = component("page_state", "SkipLink", to=str)


def skip_link(to: str) -> rx.Component:
    """Let the keyboard go past the menu to the element with this id."""
    return _SkipLink.create(to=to)


_Address = component("page_state", "Address", query=str)


_UnsavedChanges = component("unsaved_changes", "UnsavedChanges")


def unsaved_changes() -> rx.Component:
    """Ask before the typed changes of any form are lost."""
    return _UnsavedChanges.create()


def address(query: rx.Var[str] | str) -> rx.Component:
    """Keep the query of the address at this, so that a reload shows the same."""
    return _Address.create(query=query)


def when_settled(
    waiting: rx.Component, *content: rx.Component, blocked: rx.Component
) -> rx.Component:
    """Show the content of a page with state once the page's own handlers have loaded it.

    Args:
        waiting: Shown until then.
        *content: Shown from then on, whatever happens to the connection.
        blocked: Shown instead of `waiting` where no connection comes about within seconds.
    """
    return _WhenSettled.create(
        waiting,
        rx.fragment(*content),
        blocked,
        ready=rx.State.is_hydrated,
        path=rx.State.router.url.path,
        errors=connect_errors,
    )


def access_check() -> rx.Component:
    """Load the document again if the live connection fails because its right has ended.

    It stands outside `when_settled`: the right may end before the page has loaded its state.
    """
    return _AccessCheck.create(errors=connect_errors)


def redirect(to: rx.Var[str] | str) -> rx.Component:
    """Load `to` once it is an address of this site; an empty one does nothing."""
    return _Redirect.create(to=to)


def focus(to: rx.Var[str] | str, stamp: rx.Var[int] | int) -> rx.Component:
    """Move the focus to the element with the id `to` each time `stamp` changes."""
    return _Focus.create(to=to, stamp=stamp)
