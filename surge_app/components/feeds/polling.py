"""Polling without a live connection: what keeps public pages up to date.

A feed is a component around a page. It requests the JSON API at the pace the server sets, and gives
each answer to the page as one value, so a page never shows half of an answer. The buttons of a page
speak to its feed with `dispatch`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Literal

import reflex as rx

from surge_app.components.feeds.feed_types import EventFeed, EventsFeed, QueueFeed
from surge_app.components.scripts import proof_of_work
from surge_app.components.scripts.javascript import function, module

Message = Literal[
    "retry", "enter", "join", "ask", "leave", "tell", "opened", "late", "more", "receipt"
]


class _Feed(rx.Component):
    """A component that keeps a value up to date and gives it to its children."""

    base: rx.Var[Any]


class _EventsFeed(_Feed):
    library = module("events_feed")
    tag = "EventsFeed"


class _EventFeed(_Feed):
    library = module("event_feed")
    tag = "EventFeed"


class _PreviewFeed(_Feed):
    library = module("preview_feed")
    tag = "PreviewFeed"


class _QueueFeed(_Feed):
    library = module("waiting_room")
    lib_dependencies: list[str] = [proof_of_work.LIBRARY]  # noqa: RUF012 - as Reflex declares it
    tag = "QueueFeed"


def _feed(kind: type[_Feed], base: object) -> tuple[Callable[..., rx.Component], Any]:
    """Return the component that runs a feed, and its value.

    Returns:
        A function that wraps the page, and the var typed like `base`. The var's type is known to
        Reflex but not to pyright, hence Any.
    """
    imports = {module("feed_context"): [rx.ImportVar(tag="useFeed")]}
    data = rx.vars.VarData(hooks={"const feed = useFeed()": None}, imports=imports)
    value = rx.Var(_js_expr="feed", _var_type=type(base), _var_data=data).guess_type()
    return partial(kind.create, base=rx.Var.create(base)), value


def events() -> tuple[Callable[..., rx.Component], Any]:
    """Return the feed of the list of events and its value, an `EventsFeed`."""
    return _feed(_EventsFeed, EventsFeed())


def event() -> tuple[Callable[..., rx.Component], Any]:
    """Return the feed of the event named by the address and its value, an `EventFeed`."""
    return _feed(_EventFeed, EventFeed())


def preview() -> tuple[Callable[..., rx.Component], Any]:
    """Return the feed of the event an organizer previews and its value, an `EventFeed`."""
    return _feed(_PreviewFeed, EventFeed())


def queue() -> tuple[Callable[..., rx.Component], Any]:
    """Return the feed of the queue named by the address and its value, a `QueueFeed`.

    Placing it on a page joins the queue.
    """
    return _feed(_QueueFeed, QueueFeed())


def dispatch(message: Message) -> rx.Var[Any]:
    """Return a handler that sends a message to the feed of this page.

    Args:
        message: retry (ask now), enter (get tickets), join, ask (open or close the question
            before leaving), leave, tell (announce the turn, or no longer), opened (the sale has
            started by our clock; the feed asks after a random moment, so that all visitors do
            not ask at the same one), late (the time to come in is over), more (show more
            events) or receipt (keep the receipt of the queue number in this browser).
    """
    return function("sendToFeed", source="polling").call(message).to(rx.EventChain)
