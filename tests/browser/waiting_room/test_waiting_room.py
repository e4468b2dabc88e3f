"""Waiting in line, in real browsers: leaving, coming back, the draw before the opening."""

from __future__ import annotations

import asyncio
import re
from datetime import timedelta
from hashlib import sha256
from typing import Any

import pytest
from playwright.async_api import Locator, Route, expect

from surge_app.clock import utc_now
from surge_app.container import Container
from tests.browser.conftest import NewPerson, Person
from tests.browser.page_checks import ask_until
from tests.browser.queue_states import LINE_STATES, LineState, force
from tests.browser.waiting import wait_behind
from tests.conftest import NewBuyer, NewSale, eventually


async def test_whoever_leaves_makes_room_and_starts_again_at_the_end(
    new_person: NewPerson, new_sale: NewSale, new_buyer: NewBuyer
) -> None:
    slug = await new_sale(concurrent_buyers=1)
    _, (first, second) = await wait_behind(new_person, new_buyer, slug, people=2)
    await first.page.get_by_role("button", name="Leave the queue").click()
    await first.page.get_by_role("button", name="Stay in the queue").click()
    await first.page.get_by_role("button", name="Leave the queue").click()
    await first.page.get_by_role("button", name="Yes, give up my place").click()
    await expect(first.page.get_by_role("heading", name="You left the queue")).to_be_visible()
    await expect(first.page.get_by_role("main")).to_be_focused()
    await expect(first.page.get_by_role("status")).to_have_text("You left the queue")
    await first.page.keyboard.press("Tab")
    await expect(first.page.get_by_role("button", name="Join again")).to_be_focused()
    await expect(second.page.get_by_text("You are next", exact=True).first).to_be_visible()
    await expect(second.page).to_have_title(re.compile("^You are next"))
    # Loading the page again joins nobody behind their back.
    await first.page.reload()
    await first.page.get_by_role("button", name="Join again").click()
    await expect(first.page.locator(".hero")).to_have_text("2")
    await expect(second.page.locator(".hero")).to_have_text("1")
    assert first.sockets == second.sockets == []
    assert first.errors == second.errors == []


async def test_a_reload_and_a_second_tab_show_the_same_place(
    new_person: NewPerson, new_sale: NewSale, new_buyer: NewBuyer
) -> None:
    slug = await new_sale(concurrent_buyers=1)
    _, (_, person) = await wait_behind(new_person, new_buyer, slug, people=2)
    await person.page.reload()
    await expect(person.page.locator(".hero")).to_have_text("2")
    tab = await person.context.new_page()
    await tab.goto(f"/queue/{slug}")
    await expect(tab.locator(".hero")).to_have_text("2")
    told = await tab.get_by_text(re.compile("queue number is")).inner_text()
    number = told.partition("·")[2].splitlines()[0].strip()
    await expect(person.page.get_by_text(number)).to_be_visible()
    # The way back out of the browser's history is none into the end of the line.
    await tab.goto("/events")
    await tab.go_back()
    await expect(tab.locator(".hero")).to_have_text("2")
    # A visitor who leaves in one tab has left in the other, which may hear of it first.
    answer_to_leaving = asyncio.Event()

    async def answer_late(route: Route) -> None:
        if route.request.method == "DELETE":
            answer = await route.fetch()
            await answer_to_leaving.wait()
            await route.fulfill(response=answer)
        else:
            await route.continue_()

    await tab.route(f"**/api/queue/{slug}", answer_late)
    await tab.get_by_role("button", name="Leave the queue").click()
    await tab.get_by_role("button", name="Yes, give up my place").click()
    left = "You left the queue"
    await expect(person.page.get_by_role("heading", name=left)).to_be_visible()
    # Nor does the late answer take away what was joined again in between.
    await person.page.get_by_role("button", name="Join again").click()
    await expect(person.page.locator(".hero")).to_have_text("2")
    answer_to_leaving.set()
    await expect(tab.get_by_role("heading", name=left)).to_be_visible()
    await tab.reload()
    for page in (person.page, tab):
        await expect(page.locator(".hero")).to_have_text("2")


async def test_leaving_whose_answer_is_lost_is_told_as_leaving(
    new_person: NewPerson, new_sale: NewSale, new_buyer: NewBuyer
) -> None:
    slug = await new_sale(concurrent_buyers=1)
    _, (person,) = await wait_behind(new_person, new_buyer, slug, people=1)

    async def lose_answer(route: Route) -> None:
        if route.request.method == "DELETE":
            await route.fetch()
            await route.abort()
        else:
            await route.continue_()

    await person.page.route(f"**/api/queue/{slug}", lose_answer)
    await person.page.get_by_role("button", name="Leave the queue").click()
    await person.page.get_by_role("button", name="Yes, give up my place").click()
    left = person.page.get_by_role("heading", name="You left the queue")
    await expect(left).to_be_visible()
    await person.page.reload()
    await expect(left).to_be_visible()


async def test_who_comes_before_the_opening_is_drawn_and_led_in_by_the_clock(
    new_person: NewPerson, new_sale: NewSale, services: Container
) -> None:
    later = utc_now() + timedelta(hours=1)
    slug = await new_sale(concurrent_buyers=1, queue_order="random", sales_open_at=later)
    early = [await new_person() for _ in range(2)]
    for person in early:
        await person.page.goto(f"/queue/{slug}")
        await expect(person.page.get_by_text("You're in the draw")).to_be_visible()
        await expect(person.page.get_by_text("The order is drawn once")).to_be_visible()
    await early[0].page.get_by_text("How to check the draw").click()
    fingerprint = await early[0].page.locator(".proof .code").first.inner_text()
    # One of the two is called, and the other one has the next place, with the proof.
    sooner = {"sales_open_at": utc_now() + timedelta(seconds=3)}
    await services.organizer.change(slug, sooner, actor="test")
    for person in early:
        lobby = person.page.get_by_text("You're in the draw")

        async def is_over(lobby: Locator = lobby) -> bool:
            return await lobby.count() == 0

        await ask_until(person.page, is_over, about="the end of the draw")
    left: list[Person] = []

    async def is_one_called() -> bool:
        left[:] = [one for one in early if await _is_waiting(one, slug)]
        return len(left) == 1

    await eventually(is_one_called, about="the turn of one of them")
    (waiting,) = left
    await expect(waiting.page.locator(".hero")).to_have_text("1")
    if not await waiting.page.locator(".proof .code").first.is_visible():
        await waiting.page.get_by_text("How to check the draw").click()
    seed = await waiting.page.locator(".proof .code").nth(1).inner_text()
    assert sha256(seed.encode()).hexdigest() == fingerprint


async def _is_waiting(person: Person, slug: str) -> bool:
    answer = await person.context.request.get(f"/api/queue/{slug}")
    return (await answer.json())["state"] == "waiting"


async def test_place_and_estimate_never_go_back_without_a_reason(new_person: NewPerson) -> None:
    person = await new_person()
    steady = LINE_STATES["waiting"].answers[0]
    slug = "any-sale"

    body: dict[str, Any] = {}

    def show(**changes: object) -> None:
        # In place, so that no poll between two answers reaches the server.
        body.clear()
        body.update({**steady, "retry_after_ms": 500, **changes})

    show(position=20, ahead=19)
    await force(person.page, slug, LineState("", (body,)))
    await person.page.goto(f"/queue/{slug}")
    hero, about = person.page.locator(".hero"), person.page.locator(".facts dd").first
    await expect(hero).to_have_text("20")
    await expect(about).to_have_text("6–8 min")
    # Another worker's view is a moment older, and its estimate a little longer.
    show(position=22, ahead=21, eta_seconds={"low": 400, "high": 540}, message="Older")
    await expect(person.page.get_by_text("Older")).to_be_visible()
    await expect(hero).to_have_text("20")
    await expect(about).to_have_text("6–8 min")
    show(position=19, ahead=18, eta_seconds={"low": 1200, "high": 1500})
    await expect(hero).to_have_text("19")
    await expect(about).to_have_text("20–25 min")
    await expect(person.page.get_by_text("The queue is moving more slowly")).to_be_visible()
    show(position=24, ahead=23, note="recalled", note_text="Others went first.")
    await expect(hero).to_have_text("24")
    await expect(person.page.get_by_text("Others went first.")).to_be_visible()


@pytest.mark.parametrize(("wish", "least", "most"), [("reduce", 0, 0), ("no-preference", 1, 1000)])
async def test_under_reduced_motion_nothing_moves(
    new_person: NewPerson, wish: str, least: int, most: int
) -> None:
    person = await new_person(reduced_motion=wish)
    await force(person.page, "any-sale", LINE_STATES["waiting"])
    await person.page.goto("/queue/any-sale")
    await expect(person.page.locator(".hero")).to_have_text("1,284")
    moving = await person.page.evaluate(
        """[...document.querySelectorAll("*")].filter((element) => {
          const style = getComputedStyle(element);
          return style.animationName !== "none" || style.transitionDuration !== "0s";
        }).length"""
    )
    assert least <= moving <= most


async def test_a_check_before_joining_solves_itself(
    new_person: NewPerson, new_sale: NewSale
) -> None:
    slug = await new_sale(challenge="always")
    person = await new_person()
    await person.page.goto(f"/events/{slug}")
    await person.page.get_by_role("button", name="Get tickets").click()
    # A sale that is not crowded lets in at once whoever passed the check in the waiting room.
    await person.page.wait_for_url(f"**/queue/{slug}")
    await person.page.wait_for_url(f"**/book/{slug}")


async def test_without_javascript_a_page_says_that_it_needs_it(
    new_person: NewPerson, new_sale: NewSale
) -> None:
    slug = await new_sale(name="Monsoon Beats")
    person = await new_person(java_script_enabled=False)
    await person.page.goto(f"/events/{slug}")
    await expect(person.page.get_by_role("heading", name="Monsoon Beats")).to_be_visible()
    await person.page.get_by_role("link", name="Tickets", exact=True).click()
    # Locators by text or role pass over what stands in `noscript`.
    said = person.page.locator("noscript p")
    await expect(said).to_be_visible()
    await expect(said).to_contain_text("This page needs JavaScript")
    assert person.sockets == []
