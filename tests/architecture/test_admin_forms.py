"""Every handler of the admin area: what it only shows, or what it does once, after a question."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from reflex.event import EventSpec

from surge_app.edge.routes import Access
from surge_app.pages import ROUTES
from surge_app.state.admin.common import FORM_KEY

_SHOWS = {
    *("load", "refresh", "filter", "more", "select_all", "choose", "choose_kind", "choose_refund"),
    *("cancel_refund", "cancel_review", "go_back", "PassesState.cancel", "check_invariants"),
    # They only say what would be done.
    *("preview", "preview_all", "preview_refund", "preview_change", "preview_cancellation"),
    *("preview_settings", "review", "dismiss"),
    *("check_email", "apply_suggestion"),
}
# Reviewed by the other form: `apply` does what `review` has read, and so on.
_REVIEWED_BY = {
    "BookingDetailState.refund": "preview_refund",
    "EventEditorState.apply": "save",
    "ParticipantsState.apply": "review",
    "PassesState.confirm": "preview",
}
_ONE_STEP = {
    "BookingDetailState.correct": "a name or address that is typed, and can be typed again",
    "BoxOfficeState.sell": "a counter sells what is typed with a total beside it; free ones ask",
    "DashboardState.pause": "keeps everyone's place; to wait for a question costs tickets",
    "DashboardState.resume": "undoes a pause",
    "DashboardState.save_settings": "rules that are typed, with their effect beside them",
    "EventEditorState.create": "a draft",
    "EventEditorState.duplicate": "a draft",
    "EventEditorState.save": "what opens the sale is asked: test_edit_questions",
    "EventEditorState.save_tier": "what concerns the sale is asked: test_edit_questions",
    "RehearsalState.start": "moves nothing of a sale",
    "RehearsalState.stop": "moves nothing of a sale",
    "SiteTextsState.save": "a text that is typed",
}
_NO_VERSION = {
    "BookingDetailState.undo_check_in": "refused unless the ticket is checked in",
    "DashboardState.pause": "twice is once",
    "DashboardState.resume": "twice is once",
    "EventEditorState.create": "new",
    "EventEditorState.duplicate": "new",
    "HealthState.resolve": "an item is resolved once, by whoever is first",
    "HoldRecoveryState.restore": "a hold that is live again is refused",
    "ParticipantsState.apply": "the selection has the version of each booking",
    "PassesState.confirm": "asked about whoever is inside when it is confirmed",
    "RehearsalState.start": "new",
    "RehearsalState.stop": "the one that was shown",
}
# Pressed with `on_click`; each is harmless twice, or sends the key itself.
_NO_KEY = {
    *("DashboardState.pause", "DashboardState.resume", "RehearsalState.stop"),
    "ParticipantsState.apply",
}


class Press(NamedTuple):
    """A way to reach a handler: a form or a button."""

    has_key: bool
    asks: bool
    has_version: bool


def _below(component: Any, *, asks: bool = False) -> Iterator[tuple[Any, bool]]:
    """Yield each part of a page, and whether it is only seen after a question."""
    asks = asks or "confirm" in str(getattr(component, "class_name", "")).split('"')
    condition = str(getattr(component, "cond", ""))
    yield component, asks
    for child in component.children:
        yield from _below(child, asks=asks or "question" in condition)


def _presses() -> dict[str, list[Press]]:
    found: dict[str, list[Press]] = {}
    for route in ROUTES:
        if route.access is not Access.ADMIN:
            continue
        for one, asks in _below(route.component()):
            for chain in getattr(one, "event_triggers", {}).values():
                for event in getattr(chain, "events", ()):
                    if not isinstance(event, EventSpec):
                        continue
                    # A `key` of React starts the form afresh; only a field is sent.
                    shown = str(one.render())
                    # The price of each ticket type at the counter is such a field as well.
                    versions = ('name:"version"', 'name:"was_', "price_field")
                    press = Press(
                        f'name:"{FORM_KEY}"' in shown, asks, any(one in shown for one in versions)
                    )
                    name = event.handler.fn.__qualname__.removesuffix(".<locals>.run")
                    found.setdefault(name, []).append(press)
    return found


def test_every_handler_that_changes_something_acts_once_asks_first_and_knows_what_was_shown() -> (
    None
):
    presses = _presses()
    acting = {
        name: pressed
        for name, pressed in presses.items()
        if not {name, name.rpartition(".")[2]} & _SHOWS
    }
    gone = {*_ONE_STEP, *_NO_VERSION, *_REVIEWED_BY, *_NO_KEY} - set(acting)
    assert not gone, "these are excused and no longer there"
    for name, pressed in acting.items():
        for press in pressed:
            assert press.has_key or name in _NO_KEY, f"{name} needs the key of its form"
            assert press.asks or name in _ONE_STEP, f"{name} needs a question before it"
        # The form of what is new has nothing to compare.
        is_compared = any(press.has_version for press in pressed)
        assert is_compared or name in {*_NO_VERSION, *_REVIEWED_BY}, (
            f"{name} needs what was shown: `version`, or `was_…` for each field"
        )
    for name, review in _REVIEWED_BY.items():
        state = name.partition(".")[0]
        (reviewed, *_) = presses[f"{state}.{review}"]
        assert reviewed.has_version or name in _NO_VERSION, f"{state}.{review} sends no version"
