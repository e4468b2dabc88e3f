"""Two organizers edit one event: only what each of them changed is saved, or it is said who did."""

from __future__ import annotations

import re
from typing import Any

import httpx

from surge_app.container import Container
from surge_app.state.admin.bookings.booking import BookingDetailState
from surge_app.state.admin.events.event_editor import EventEditorState
from surge_app.state.admin.sale.dashboard import DashboardState
from surge_app.state.admin.site.site_texts import SiteTextsState
from tests.conftest import NewBuyer, NewSale, Surge
from tests.integration.admin.event_forms import confirm, editor, event_form, tier_form
from tests.integration.site_text_helper import shown_by_every_worker
from tests.state.harness import at, call


async def test_an_organizer_writes_in_another_language_and_keeps_what_a_program_wrote(
    services: Container, new_sale: NewSale, cookie: str
) -> None:
    written = "ta name: மழை இசை\nhi name: मॉनसून\nhi description: पहला दिन\nदूसरा दिन"
    slug = await new_sale(translations=written)
    state = await editor(slug, cookie)
    assert state.texts["hi_description"] == "पहला दिन\nदूसरा दिन"
    assert (state.texts["ta_name"], state.texts["ta_venue"]) == ("மழை இசை", "")
    # What is as it was shown is stored as it was written.
    await call(EventEditorState.save, state, event_form(state, **state.texts))
    assert (await services.organizer.settings(slug)).translations == written
    typed = {**state.texts, "hi_venue": "पहाड़ी", "ta_name": ""}
    await call(EventEditorState.save, state, event_form(state, **typed))
    assert (await services.organizer.settings(slug)).translations == (
        "hi name: मॉनसून\nhi venue: पहाड़ी\nhi description: पहला दिन\nदूसरा दिन"
    )
    assert state.texts["hi_venue"] == "पहाड़ी"


async def test_a_stale_page_changes_only_what_was_changed_on_it(
    services: Container, new_sale: NewSale, cookie: str
) -> None:
    slug = await new_sale(units=20)
    first, second = await editor(slug, cookie), await editor(slug, cookie)
    stale = tier_form(second, price="499.50")
    await call(EventEditorState.save_tier, first, tier_form(first, units="30"))
    assert (await services.organizer.settings(slug)).tiers[0].capacity == 20
    assert first.question == "Put 10 more General tickets on sale at ₹500 each?"
    await confirm(first)
    await call(EventEditorState.save_tier, second, stale)
    assert second.question == "Change the price from ₹500 to ₹499.50?"
    await confirm(second)
    (tier,) = (await services.organizer.settings(slug)).tiers
    assert (tier.capacity, tier.price_paise) == (30, 49_950)


async def test_a_change_of_what_someone_else_changed_is_refused_with_both_values(
    services: Container, new_sale: NewSale, cookie: str
) -> None:
    slug = await new_sale(units=20)
    first, second = await editor(slug, cookie), await editor(slug, cookie)
    stale = tier_form(second, units="25")
    await call(EventEditorState.save_tier, first, tier_form(first, units="30"))
    await confirm(first)
    await call(EventEditorState.save_tier, second, stale)
    await confirm(second)
    told = r"changed number of tickets from 20 to 30 \d+ minutes? ago\."
    assert re.search(told, second.problem)
    assert (await services.organizer.settings(slug)).tiers[0].capacity == 30
    # What the form shows now is the new value; saving again is meant.
    again = {**tier_form(second, units="35")}
    await call(EventEditorState.save_tier, second, again)
    await confirm(second)
    assert second.done.endswith(" 5 tickets added.")
    assert (await services.organizer.settings(slug)).tiers[0].capacity == 35


async def test_an_action_beside_a_form_does_not_make_its_stale_fields_look_seen(
    services: Container, new_sale: NewSale, cookie: str
) -> None:
    slug = await new_sale(units=20, venue="The hall", is_draft=True)
    state = await editor(slug, cookie)
    await services.organizer.change(slug, {"venue": "The park"}, actor="ravi")
    tier = (await services.organizer.settings(slug)).tiers[0]
    await services.inventory.change_tier(slug, tier.id, {"units": 40}, actor="ravi")
    # Everything is read again after an action; what was opened before stays as it was opened.
    added = {"tier_name": "Balcony", "price": "100", "units": "5", "form_key": state.form_key}
    await call(EventEditorState.save_tier, state, added)
    assert (state.facts["venue"], state.tiers[0].units) == ("The hall", "20")
    assert state.changed == "Changed meanwhile: Venue. Open the page again to see the new value."
    await call(EventEditorState.save, state, event_form(state, venue="The beach"))
    assert "ravi changed venue from The hall to The park" in state.problem
    await call(EventEditorState.save_tier, state, tier_form(state, units="25"))
    assert "ravi changed number of tickets from 20 to 40" in state.problem
    stored = await services.organizer.settings(slug)
    assert (stored.venue, stored.tiers[0].capacity) == ("The park", 40)
    assert state.tiers[0].units == "40"
    # Now both values were named; to save again is meant.
    await call(EventEditorState.save, state, event_form(state, venue="The beach"))
    await call(EventEditorState.save_tier, state, tier_form(state, units="25"))
    stored = await services.organizer.settings(slug)
    assert (stored.venue, stored.tiers[0].capacity) == ("The beach", 25)


async def test_two_fields_that_someone_changed_are_named_one_after_the_other(
    services: Container, new_sale: NewSale, cookie: str
) -> None:
    slug = await new_sale(venue="The hall")
    state = await editor(slug, cookie)
    await services.organizer.change(slug, {"venue": "The park", "name": "Theirs"}, actor="ravi")
    problems: list[str] = []
    for _ in range(2):
        await call(EventEditorState.save, state, event_form(state, venue="Mine", name="Mine"))
        problems.append(state.problem)
    assert sorted(one.split(" changed ")[1].split()[0] for one in problems) == ["name", "venue"]
    await call(EventEditorState.save, state, event_form(state, venue="Mine", name="Mine"))
    stored = await services.organizer.settings(slug)
    assert (stored.name, stored.venue) == ("Mine", "Mine")


async def test_venue_and_queue_rules_are_guarded_the_same_way(
    services: Container, new_sale: NewSale, cookie: str
) -> None:
    slug = await new_sale(venue="The hall", concurrent_buyers=50)
    state = await editor(slug, cookie)
    form = event_form(state)
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
        "slow_payment_percent": "20",
        "challenge": "off",
        "queue_message": "",
    }
    was = {f"was_{name}": value for name, value in rules.items()}
    await services.organizer.change(slug, {"concurrent_buyers": 60}, actor="ravi")
    sent = {**rules, **was, "concurrent_buyers": "70", "form_key": queue.form_key}
    await call(DashboardState.save_settings, queue, sent)
    assert "ravi changed buyers inside at once from 50 to 60" in queue.problem
    assert queue.settings.concurrent_buyers == "60"
    # The page is read again every second; the form stays as it was opened.
    await services.organizer.change(slug, {"concurrent_buyers": 80}, actor="ravi")
    services.dashboard.invalidate(slug)
    await call(DashboardState.refresh, queue)
    assert queue.settings.concurrent_buyers == "60"
    assert queue.in_force == "In force now: 80 inside, no limit a minute."


async def test_the_api_compares_what_a_program_saw_with_what_is_stored(
    surge: Surge, services: Container, new_sale: NewSale
) -> None:
    slug = await new_sale(units=20, venue="The hall")
    path = f"/api/admin/events/{slug}"
    (tier,) = (await services.organizer.settings(slug)).tiers
    async with httpx.AsyncClient(base_url=surge.url, auth=surge.organizer, timeout=30) as http:
        for where, one, other, third in (
            (path, {"venue": "The hall"}, {"venue": "The park"}, {"venue": "The beach"}),
            (f"{path}/tiers/{tier.id}", {"units": 20}, {"units": 30}, {"units": 25}),
        ):
            answers = [
                await http.patch(where, json={**other, "was": one}),
                await http.patch(where, json={**third, "was": one}),
                await http.patch(where, json={**third, "was": other}),
            ]
            assert [answer.status_code for answer in answers] == [200, 409, 200]
            assert answers[1].json()["code"] == "changed_meanwhile"


async def test_a_stale_contact_form_changes_only_what_was_typed_and_overwrites_no_one(
    services: Container, new_sale: NewSale, new_buyer: NewBuyer, cookie: str
) -> None:
    ref = await new_buyer(await new_sale()).buy()
    state: Any = at(BookingDetailState(), f"/admin/bookings/{ref}", cookie)
    await call(BookingDetailState.load, state)

    def form(**typed: str) -> dict[str, object]:
        was = {f"was_{name}": value for name, value in state.contact.items()}
        return {**state.contact, **was, "form_key": state.form_key, **typed}

    async def contact() -> tuple[str, str]:
        detail = await services.participants.detail(ref)
        return detail.name, detail.email

    name, email = await contact()
    seen = {"name": name, "email": email, "phone": state.contact["phone"]}
    right = {**seen, "email": "new@example.org"}
    await services.participants.correct(ref, **right, expected=seen, actor="ravi")
    # An own action reads the page again; the form still says what it was opened with.
    version = {"version": str(state.booking.version), "form_key": state.form_key}
    await call(BookingDetailState.refresh, state)
    await call(BookingDetailState.resend, state, {**version, "version": str(state.booking.version)})
    assert state.done.startswith("Tickets resent")
    assert (state.contact["email"], state.booking.email) == (email, "new@example.org")
    await call(BookingDetailState.correct, state, form(name="Asha R"))
    assert state.problem == ""
    assert await contact() == ("Asha R", "new@example.org")
    state = at(BookingDetailState(), f"/admin/bookings/{ref}", cookie)
    await call(BookingDetailState.load, state)
    theirs = {**seen, "name": "Asha R", "email": "their@example.org"}
    await services.participants.correct(ref, **theirs, expected=right, actor="ravi")
    await call(BookingDetailState.correct, state, form(email="mine@example.org"))
    assert "ravi changed email from new@example.org to their@example.org" in state.problem
    assert await contact() == ("Asha R", "their@example.org")
    await call(BookingDetailState.correct, state, form(email="mine@example.org"))
    assert await contact() == ("Asha R", "mine@example.org")


async def test_a_text_that_someone_else_changed_is_not_replaced_unseen(
    surge: Surge, services: Container, cookie: str
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
    for name, written in (("privacy", "The text of the second."), ("refunds", "within a week.")):
        await services.site_texts.save(name, "", actor="test")
        await shown_by_every_worker(surge, f"/{name}", written, is_shown=False)
