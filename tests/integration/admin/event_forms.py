"""What a browser sends of the forms of an event."""

from __future__ import annotations

from typing import Any

from surge_app.state.admin.events.event_editor import EventEditorState
from tests.state.harness import at, call


async def editor(slug: str, cookie: str) -> Any:
    """Open the editor of an event as an organizer."""
    state = at(EventEditorState(), f"/admin/events/{slug}/edit", cookie)
    await call(EventEditorState.load, state)
    return state


def tier_form(state: Any, **typed: str) -> dict[str, object]:
    """What the browser sends of the first ticket type, as it was shown when the page opened."""
    tier = state.tiers[0]
    shown = {"tier_name": tier.name, "price": tier.price, "units": tier.units}
    was = {f"was_{name}": value for name, value in shown.items()}
    return {**shown, **was, "tier_id": tier.id, "form_key": state.form_key, **typed}


def event_form(state: Any, **typed: str) -> dict[str, object]:
    """What the browser sends of the event, as it was shown when the page opened."""
    was = {f"was_{name}": value for name, value in state.facts.items()}
    return {**state.facts, **was, "form_key": state.form_key, **typed}


async def confirm(state: Any) -> None:
    """Answer the question of the editor with yes."""
    assert state.question
    await call(EventEditorState.apply, state, {"form_key": state.form_key})
