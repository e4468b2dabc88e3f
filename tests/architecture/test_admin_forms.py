"""A form of the admin area that changes something is executed once, however often it is pressed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from surge_app.edge.routes import Access
from surge_app.pages import ROUTES
from surge_app.state.admin.common import FORM_KEY

# They only show what would be done.
_PREVIEWS = {"preview", "preview_refund", "preview_change", "preview_cancellation", "review"}


def _below(component: Any) -> Iterator[Any]:
    yield component
    for child in component.children:
        yield from _below(child)


def _forms() -> Iterator[tuple[str, str, bool]]:
    """Yield the page, the handler and whether there is a key, for each form with a handler."""
    for route in ROUTES:
        if route.access is not Access.ADMIN:
            continue
        for one in _below(route.component()):
            if getattr(one, "tag", None) == "form" and "on_submit" in one.event_triggers:
                (event,) = one.event_triggers["on_submit"].events
                # A `key` of React starts the form afresh; only a field is sent.
                has_key = f'name:"{FORM_KEY}"' in str(one.render())
                yield route.path, event.handler.fn.__name__, has_key


def test_every_form_that_changes_something_sends_the_key_that_names_it() -> None:
    forms = list(_forms())
    assert {"refund", "cancel", "announce", "sell", "publish", "resolve"} <= {
        handler for _, handler, _ in forms
    }
    assert [one for one in forms if one[1] not in _PREVIEWS and not one[2]] == []
