"""What puts tickets on sale, withdraws them or changes a price is asked first."""

from __future__ import annotations

from datetime import timedelta

import pytest

from surge_app.clock import utc_now
from surge_app.container import Container
from surge_app.errors import InvalidRequest, NotFound
from surge_app.state.admin.events.event_editor import EventEditorState
from tests.conftest import NewSale
from tests.integration.admin.event_forms import confirm, editor, event_form, tier_form
from tests.state.harness import call


async def test_tickets_and_prices_of_a_sale_change_once_after_a_question(
    services: Container, new_sale: NewSale, cookie: str
) -> None:
    slug = await new_sale(units=20)
    state = await editor(slug, cookie)
    fewer = tier_form(state, units="15")
    await call(EventEditorState.save_tier, state, fewer)
    assert (state.question, state.done) == ("Withdraw 5 General tickets from sale?", "")
    await call(EventEditorState.go_back, state)
    await call(EventEditorState.apply, state, {"form_key": state.form_key})
    assert state.problem == "Nothing was saved. Save the form first."
    await call(EventEditorState.save_tier, state, fewer)
    asked = {"form_key": state.form_key}
    await call(EventEditorState.apply, state, asked)
    assert state.done.endswith(" 5 tickets withdrawn.")
    await call(EventEditorState.apply, state, asked)
    assert (await services.organizer.settings(slug)).tiers[0].capacity == 15
    added = {"tier_name": "Balcony", "price": "100", "units": "5", "form_key": state.form_key}
    await call(EventEditorState.save_tier, state, added)
    assert state.question == "Put 5 Balcony tickets on sale at ₹100 each?"
    await confirm(state)
    await call(EventEditorState.save_tier, state, added)
    tiers = (await services.organizer.settings(slug)).tiers
    assert [(one.name, one.capacity) for one in tiers] == [("General", 15), ("Balcony", 5)]
    assert state.done == "Balcony added."
    # A name is on no bill, and a draft on no sale.
    await call(EventEditorState.save_tier, state, tier_form(state, tier_name="Floor"))
    assert (state.question, state.done) == (
        "",
        "Saved. Tickets already in a checkout keep the old price.",
    )
    draft = await editor(await new_sale(units=20, is_draft=True), cookie)
    await call(EventEditorState.save_tier, draft, tier_form(draft, units="30"))
    assert draft.done.endswith(" 10 tickets added.")


async def test_a_save_that_opens_the_sale_is_asked_first(
    services: Container, new_sale: NewSale, cookie: str
) -> None:
    slug = await new_sale(units=20, sales_open_at=utc_now() + timedelta(days=1))
    state = await editor(slug, cookie)
    form = event_form(state, sales_open_at="")
    await call(EventEditorState.save, state, form)
    assert state.question == "20 tickets go on sale immediately. Save and open the sale?"
    assert (await services.organizer.settings(slug)).sales_open_at is not None
    await confirm(state)
    assert (await services.organizer.settings(slug)).sales_open_at is None
    # It is open already: a later change of the window asks nothing.
    later = event_form(state, sales_close_at=state.facts["starts_at"])
    await call(EventEditorState.save, state, later)
    assert (state.question, state.done) == ("", "Saved. The event page shows it now.")


async def test_a_draft_that_was_changed_since_the_page_was_opened_is_not_published(
    services: Container, new_sale: NewSale, cookie: str
) -> None:
    slug = await new_sale(units=10, is_draft=True)
    state = await editor(slug, cookie)
    stale = {"form_key": state.form_key, "version": str(state.version)}
    tier = (await services.organizer.settings(slug)).tiers[0]
    await services.inventory.change_tier(slug, tier.id, {"units": 10_000}, actor="ravi")
    for handler in (EventEditorState.publish, EventEditorState.delete_draft):
        await call(handler, state, stale)
        assert state.problem.startswith("The event or its tickets were changed a moment ago.")
    assert (await services.organizer.settings(slug)).phase == "draft"
    assert state.publish_question.startswith("Everyone sees the event, and 10,000 tickets go on")
    form = {"form_key": state.form_key, "version": str(state.version)}
    await call(EventEditorState.publish, state, form)
    assert (state.done, state.event.phase) == ("Published.", "published")
    await call(EventEditorState.unpublish, state, {**form, "form_key": state.form_key})
    assert state.problem.startswith("The event or its tickets were changed a moment ago.")


async def test_publishing_says_when_the_sale_opens_and_refuses_one_that_is_over(
    services: Container, new_sale: NewSale, cookie: str
) -> None:
    opens = utc_now() + timedelta(days=1)
    slug = await new_sale(is_draft=True, sales_open_at=opens)
    state = await editor(slug, cookie)
    assert "10 tickets go on sale on " in state.publish_question
    await services.organizer.change(slug, {"sales_open_at": None}, actor="test")
    state = await editor(slug, cookie)
    assert state.publish_question.endswith("10 tickets go on sale immediately.")
    stats = await services.dashboard.stats(slug)
    overview = {one.slug: one.status for one in await services.dashboard.overview()}
    assert (stats.status, overview[slug]) == ("draft", "draft")
    past = await new_sale(is_draft=True, starts_at=utc_now() - timedelta(days=1))
    with pytest.raises(InvalidRequest):
        await services.lifecycle.publish(past, actor="test")
    state = await editor(past, cookie)
    form = {"form_key": state.form_key, "version": str(state.version)}
    await call(EventEditorState.delete_draft, state, form)
    assert (state.leave_to, state.phase, state.problem) == ("/admin", "ready", "")
    with pytest.raises(NotFound):
        await services.organizer.settings(past)
    await services.lifecycle.publish(slug, actor="test")
    with pytest.raises(InvalidRequest):
        await services.lifecycle.delete_draft(slug, actor="test")
