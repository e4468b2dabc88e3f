"""Polling without a live connection: what keeps cold pages up to date.

A feed is an invisible component. It asks the JSON API, obeys the pace the server sets, and
pushes each answer into one client-side var, so a page never shows half of an answer. Pages
read the var; their buttons speak to the feed with `tell`.
"""

from __future__ import annotations

from typing import Any, Literal

import reflex as rx
from reflex.experimental.client_state import ClientStateVar

from surge_app.components import feed_js, prerendered, proof_of_work, queue_js, turn_js
from surge_app.components.feed_types import EventFeed, EventsFeed, QueueFeed

Message = Literal["retry", "enter", "join", "ask", "leave", "tell", "opened", "late"]


class _Feed(rx.Component):
    """A component that renders nothing and calls `push` with every new value."""

    base: rx.Var[Any]
    push: rx.Var[Any]

    # The one line each feed differs in.
    _code: str = ""

    def add_imports(self) -> dict[str, Any]:
        """Import what the functions in `feed_js` use."""
        return {
            "react": [rx.ImportVar(tag="useEffect")],
            "$/utils/state": [rx.ImportVar(tag="getBackendURL")],
            "$/env.json": [rx.ImportVar(tag="env", is_default=True)],
        }


class _EventsFeed(_Feed):
    tag = "SurgeEventsFeed"

    def add_custom_code(self) -> list[str]:
        return [feed_js.CALL, prerendered.FIRST, feed_js.FEED, feed_js.EVENTS]


class _JoiningFeed(_Feed):
    """A feed that takes a place in line."""

    def add_imports(self) -> dict[str, Any]:
        """Import the solver of the check before joining, too."""
        return proof_of_work.imports()


class _EventFeed(_JoiningFeed):
    tag = "SurgeEventFeed"

    def add_custom_code(self) -> list[str]:
        shared = (feed_js.CALL, prerendered.FIRST, feed_js.SHARED, feed_js.FEED)
        return [*shared, proof_of_work.CODE, feed_js.EVENT]


class _PreviewFeed(_Feed):
    tag = "SurgePreviewFeed"

    def add_custom_code(self) -> list[str]:
        return [feed_js.CALL, feed_js.FEED, feed_js.PREVIEW]


class _QueueFeed(_JoiningFeed):
    tag = "SurgeQueueFeed"

    def add_custom_code(self) -> list[str]:
        base = (feed_js.CALL, feed_js.SHARED, feed_js.FEED, proof_of_work.CODE)
        return [*base, turn_js.TIMER, turn_js.CALL, queue_js.PLACE, queue_js.QUEUE]


def _feed(kind: type[_Feed], name: str, base: object) -> tuple[rx.Component, Any]:
    """Create a feed and the var it fills.

    Returns:
        The component to place on the page, and the var typed like `base`. The var's type is
        known to Reflex but not to pyright, hence Any.
    """
    var = ClientStateVar.create(name, default=base)
    return kind.create(base=rx.Var.create(base), push=var.set), var.value


def events() -> tuple[rx.Component, Any]:
    """Create the feed of the list of events and its var, an `EventsFeed`."""
    return _feed(_EventsFeed, "surge_events", EventsFeed())


def event() -> tuple[rx.Component, Any]:
    """Create the feed of the event named by the address and its var, an `EventFeed`."""
    return _feed(_EventFeed, "surge_event", EventFeed())


def preview() -> tuple[rx.Component, Any]:
    """Create the feed of the event an organizer previews and its var, an `EventFeed`."""
    return _feed(_PreviewFeed, "surge_preview", EventFeed())


def queue() -> tuple[rx.Component, Any]:
    """Create the feed of the line named by the address and its var, a `QueueFeed`.

    Placing it on a page joins the line.
    """
    return _feed(_QueueFeed, "surge_queue", QueueFeed())


def tell(message: Message) -> rx.Var[Any]:
    """Return a handler that sends a message to the feed of this page.

    Args:
        message: retry (ask now), enter (get tickets), join, ask (open or close the question
            before leaving), leave, tell (announce the turn, or no longer), opened (the sale has
            started by our clock; the feed asks after a random moment, so that not everybody
            asks at the same one) or late (the time to come in is over).
    """
    return rx.Var(_js_expr=f"(() => window.dispatchEvent(new CustomEvent('surge:{message}')))").to(
        rx.EventChain
    )
