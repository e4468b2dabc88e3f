"""Two organizers edit one event: only what each of them changed is saved, or it is said who did."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from datetime import timedelta
from typing import Any

import httpx
import pytest
import pytest_asyncio

from surge_app.clock import utc_now
from surge_app.container import Container, installed
from surge_app.errors import InvalidRequest, NotFound
from surge_app.state.admin.booking import BookingDetailState
from surge_app.state.admin.dashboard import DashboardState
from surge_app.state.admin.event_editor import EventEditorState
from surge_app.state.admin.site_texts import SiteTextsState
from tests.conftest import NewBuyer, NewSale, Surge
from tests.state.harness import at, call


@pytest_asyncio.fixture
async def cookie(surge: Surge, services: Container) -> AsyncGenerator[str]:
    """The session of an organizer who signed in, for States of this process."""
    async with httpx.AsyncClient(base_url=surge.url, auth=surge.organizer) as http:
        answer = await http.get("/admin")
    pairs = [f"{name}={value}" for name, value in answer.cookies.items()]
    with installed(services):
        yield "; ".join(pairs)


async def _editor(slug: str, cookie: str) -> Any:
    state = at(EventEditorState(), f"/admin/events/{slug}/edit", cookie)
    await call(EventEditorState.load, state)
    return state


def _tier_form(state: Any, **typed: str) -> dict[str, object]:
    """What the browser sends of the first ticket type, as it was shown when the page opened."""
    tier = state.tiers[0]
    shown = {"tier_name": tier.name, "price": tier.price, "units": tier.units}
    was = {f"was_{name}": value for name, value in shown.items()}
    return {**shown, **was, "tier_id": tier.id, "form_key": state.form_key, **typed}


async def test_a_stale_page_changes_only_what_was_changed_on_it(
    services: Container, new_sale: NewSale, cookie: str
) -> None:
    slug = await new_sale(units=20)
    first, second = await _editor(slug, cookie), await _editor(slug, cookie)
    stale = _tier_form(second, price="499.50")
    await call(EventEditorState.save_tier, first, _tier_form(first, units="30"))
    await call(EventEditorState.save_tier, second, stale)
    (tier,) = (await services.organizer.settings(slug)).tiers
    assert (tier.capacity, tier.price_paise) == (30, 49_950)


async def test_a_change_of_what_someone_else_changed_is_refused_with_both_values(
    services: Container, new_sale: NewSale, cookie: str
) -> None:
    slug = await new_sale(units=20)
    first, second = await _editor(slug, cookie), await _editor(slug, cookie)
    stale = _tier_form(second, units="25")
    await call(EventEditorState.save_tier, first, _tier_form(first, units="30"))
    await call(EventEditorState.save_tier, second, stale)
    assert "changed number of tickets from 20 to 30 1 minute ago." in second.problem
    assert (await services.organizer.settings(slug)).tiers[0].capacity == 30
    # What the form shows now is the new value; saving again is meant.
    again = {**_tier_form(second, units="35")}
    await call(EventEditorState.save_tier, second, again)
    assert second.done.endswith(" 5 tickets added.")
    assert (await services.organizer.settings(slug)).tiers[0].capacity == 35


async def test_fewer_tickets_need_a_tick_and_a_form_counts_once(
    services: Container, new_sale: NewSale, cookie: str
) -> None:
    slug = await new_sale(units=20)
    state = await _editor(slug, cookie)
    fewer = _tier_form(state, units="15")
    await call(EventEditorState.save_tier, state, fewer)
    assert state.problem.startswith("Nothing was saved. Tick")
    await call(EventEditorState.save_tier, state, {**fewer, "withdraw": "yes"})
    assert state.done.endswith(" 5 tickets withdrawn.")
    assert (await services.organizer.settings(slug)).tiers[0].capacity == 15
    added = {"tier_name": "Balcony", "price": "100", "units": "5", "form_key": state.form_key}
    await call(EventEditorState.save_tier, state, added)
    await call(EventEditorState.save_tier, state, added)
    tiers = (await services.organizer.settings(slug)).tiers
    assert [(one.name, one.capacity) for one in tiers] == [("General", 15), ("Balcony", 5)]
    assert state.done == "Balcony added."


async def test_venue_and_queue_rules_are_guarded_the_same_way(
    services: Container, new_sale: NewSale, cookie: str
) -> None:
    slug = await new_sale(venue="The hall", concurrent_buyers=50)
    state = await _editor(slug, cookie)
    names = ("name", "venue", "starts_at", "max_per_person")
    shown = {name: state.facts[name] for name in names}
    form = {**shown, **{f"was_{name}": value for name, value in shown.items()}}
    await services.organizer.change(slug, {"venue": "The park"}, actor="ravi")
    saved = {**form, "form_key": state.form_key, "venue": "The beach"}
    await call(EventEditorState.save, state, saved)
    assert "ravi changed venue from The hall to The park" in state.problem
    renamed = {**form, "form_key": state.form_key, "name": "Another name"}
    await call(EventEditorState.save, state, renamed)
    stored = await services.organizer.settings(slug)
    assert (stored.name, stored.venue) == ("Another name", "The park")

    queue: Any = at(DashboardState(), f"/admin/events/{slug}/queue", cookie)
    await call(DashboardState.load, queue)
    rules = {
        "concurrent_buyers": "50",
        "admissions_per_minute": "",
        "challenge": "off",
        "queue_message": "",
    }
    was = {f"was_{name}": value for name, value in rules.items()}
    await services.organizer.change(slug, {"concurrent_buyers": 60}, actor="ravi")
    sent = {**rules, **was, "concurrent_buyers": "70", "form_key": queue.form_key}
    await call(DashboardState.save_settings, queue, sent)
    assert "ravi changed buyers inside at once from 50 to 60" in queue.problem
    assert queue.settings.concurrent_buyers == "60"


async def test_publishing_says_when_the_sale_opens_and_refuses_one_that_is_over(
    services: Container, new_sale: NewSale, cookie: str
) -> None:
    opens = utc_now() + timedelta(days=1)
    slug = await new_sale(is_draft=True, sales_open_at=opens)
    state = await _editor(slug, cookie)
    assert "10 tickets go on sale on " in state.publish_question
    await services.organizer.change(slug, {"sales_open_at": None}, actor="test")
    state = await _editor(slug, cookie)
    assert state.publish_question.endswith("10 tickets go on sale immediately.")
    stats = await services.dashboard.stats(slug)
    overview = {one.slug: one.status for one in await services.dashboard.overview()}
    assert (stats.status, overview[slug]) == ("draft", "draft")
    past = await new_sale(is_draft=True, starts_at=utc_now() - timedelta(days=1))
    with pytest.raises(InvalidRequest):
        await services.lifecycle.publish(past, actor="test")
    state = await _editor(past, cookie)
    await call(EventEditorState.delete_draft, state, {"form_key": state.form_key})
    assert (state.leave_to, state.phase, state.problem) == ("/admin", "ready", "")
    with pytest.raises(NotFound):
        await services.organizer.settings(past)
    await services.lifecycle.publish(slug, actor="test")
    with pytest.raises(InvalidRequest):
        await services.lifecycle.delete_draft(slug, actor="test")


async def test_a_check_in_is_undone_once_and_the_ticket_works_again(
    services: Container, surge: Surge, new_sale: NewSale, new_buyer: NewBuyer, cookie: str
) -> None:
    slug = await new_sale()
    ref = await new_buyer(slug).buy()
    path = f"/api/admin/events/{slug}/door"

    async def scan(number: int) -> str:
        async with httpx.AsyncClient(base_url=surge.url, auth=surge.organizer, timeout=30) as http:
            (found,) = (await http.get(f"{path}/tickets", params={"q": ref})).json()["tickets"]
            one = {"id": f"{slug}-{number}", "at": utc_now().isoformat(), "ticket_id": found["id"]}
            answer = await http.post(f"{path}/scans", json={"gate": "North", "scans": [one]})
        return answer.json()["results"][0]["verdict"]

    assert [await scan(1), await scan(2)] == ["admitted", "already"]
    state: Any = at(BookingDetailState(), f"/admin/bookings/{ref}", cookie)
    await call(BookingDetailState.load, state)
    (ticket,) = state.tickets
    assert ticket.is_checked_in
    form = {"ticket": ticket.field, "form_key": state.form_key}
    await call(BookingDetailState.undo_check_in, state, form)
    assert state.done.startswith("Check-in of ticket 1 undone.")
    assert not state.tickets[0].is_checked_in
    assert [await scan(3), await scan(4)] == ["admitted", "already"]


async def test_a_text_that_someone_else_changed_is_not_replaced_unseen(
    services: Container, cookie: str
) -> None:
    async def opened() -> Any:
        state = at(SiteTextsState(), "/admin/install/texts", cookie)
        await call(SiteTextsState.load, state)
        return state

    def form(state: Any, name: str, body: str) -> dict[str, object]:
        (shown,) = [one for one in state.texts if one.name == name]
        key = {"form_key": state.form_key}
        # A browser sends the lines of a textarea with another ending.
        return {"name": name, "was_body": shown.body.replace("\n", "\r\n"), "body": body, **key}

    async def stored(name: str) -> str:
        (page,) = [one for one in await services.site_texts.pages() if one.name == name]
        return page.body

    first, second = await opened(), await opened()
    await call(SiteTextsState.save, first, form(first, "privacy", "The text of the first."))
    assert (first.done, first.saved) == ("Saved. Everyone sees it at /privacy.", "privacy")
    # Another text that was saved meanwhile does not make the first one look seen.
    await call(SiteTextsState.save, second, form(second, "refunds", "Refunds within a week."))
    assert second.done
    mine = form(second, "privacy", "The text of the second.")
    await call(SiteTextsState.save, second, mine)
    assert second.problem.startswith("Nothing was saved. ")
    assert await stored("privacy") == "The text of the first."
    # The page now knows what was stored; saving again is meant.
    await call(SiteTextsState.save, second, form(second, "privacy", "The text of the second."))
    assert await stored("privacy") == "The text of the second."
    for name in ("privacy", "refunds"):
        await services.site_texts.save(name, "", actor="test")
