"""From the first look to a ticket in hand, as a person does it."""

from __future__ import annotations

import re
import secrets
from datetime import UTC, datetime

from playwright.async_api import Page, expect

from surge_app.clock import utc_now
from surge_app.container import Container
from tests.browser.checkout import Attendee, end_holds
from tests.browser.conftest import NewPerson, Person, fill_contact
from tests.browser.words import Words, in_turn
from tests.conftest import NewSale, Surge, eventually


async def _hold(page: Page, slug: str) -> None:
    await page.goto(f"/events/{slug}")
    await page.get_by_role("button", name="Get tickets").click()
    await page.wait_for_url(f"**/book/{slug}")
    # An event with one kind of ticket starts with one of it chosen.
    await page.get_by_role("button", name=re.compile("^Hold")).click()
    await expect(page.get_by_text(re.compile("Held for you")).first).to_be_visible()


async def test_a_newcomer_buys_a_ticket_and_holds_it_in_hand(
    new_person: NewPerson, new_sale: NewSale, surge: Surge, services: Container
) -> None:
    at = datetime(utc_now().year + 1, 12, 25, 13, 30, tzinfo=UTC)
    tag = f"asha{secrets.token_hex(3)}"
    slug = await new_sale(name="Monsoon Beats", units=20, starts_at=at, organizer_name=tag)
    person: Person = await new_person(timezone_id="Asia/Dubai", reduced_motion="no-preference")
    page = person.page
    await page.goto("/")
    await page.wait_for_url("**/events")
    await page.goto(f"/events?q=beats+{tag}")
    await page.locator(f"a[href='/events/{slug}']").first.click()
    await page.wait_for_url(f"**/events/{slug}")
    await expect(page.get_by_text("₹525").first).to_be_visible()
    # The event's own time, and beside it the reader's where that is another.
    await expect(page.locator("dl.where")).to_contain_text("7:00 pm IST")
    await expect(page.locator("dl.where")).to_contain_text("5:30 pm where you are")
    await _hold(page, slug)
    await fill_contact(page, tag=tag)
    await page.get_by_role("button", name="Pay ₹525").click()
    modal = page.get_by_role("dialog")
    await expect(modal).to_be_visible()
    await modal.get_by_role("button", name="Pay ₹525").click()
    await page.wait_for_url("**/bookings/SRG-*")
    ref = page.url.rpartition("/")[2]
    await expect(page.get_by_text(ref).first).to_be_visible()
    await expect(page.locator(".qr svg").first).to_be_visible()

    async def is_told() -> bool:
        outbox = await person.context.request.get("/sandbox/outbox.json")
        messages = (await outbox.json())["messages"]
        channels = sorted(one["channel"] for one in messages if one["booking_ref"] == ref)
        return channels == ["email", "sms"]

    await eventually(is_told, about="the confirmation")
    organizer = await new_person(
        desktop=True,
        http_credentials={"username": surge.organizer[0], "password": surge.organizer[1]},
    )
    await organizer.page.goto(f"/admin/{slug}")
    await expect(organizer.page.get_by_text("Sold of 20")).to_be_visible()
    csv = await organizer.context.request.get(f"/api/admin/events/{slug}/participants.csv")
    assert ref in await csv.text()
    assert surge.command("audit", "--event", slug).returncode == 0
    assert person.errors == []
    assert organizer.errors == []
    assert (await services.dashboard.stats(slug)).sold == 1


async def test_cold_pages_open_no_socket_and_log_no_error(
    new_person: NewPerson, new_sale: NewSale
) -> None:
    slug = await new_sale(units=5, concurrent_buyers=1)
    inside, waiting = await new_person(), await new_person()
    await inside.page.goto(f"/events/{slug}")
    await inside.page.get_by_role("button", name="Get tickets").click()
    await inside.page.wait_for_url(f"**/book/{slug}")
    for path in ("/events", "/bookings/find", f"/events/{slug}", f"/queue/{slug}"):
        await waiting.page.goto(path)
        await waiting.page.wait_for_load_state("networkidle")
    await expect(waiting.page.get_by_text("Your position in the queue", exact=True)).to_be_visible()
    assert waiting.sockets == []
    assert waiting.errors == []
    assert inside.sockets != []


async def test_a_second_browser_waits_and_is_let_in_when_the_first_leaves(
    new_person: NewPerson, new_sale: NewSale
) -> None:
    slug = await new_sale(units=5, concurrent_buyers=1)
    first, second, third = [await new_person() for _ in range(3)]
    await _hold(first.page, slug)
    for person in (second, third):
        await person.page.goto(f"/events/{slug}")
        await person.page.get_by_role("button", name="Get tickets").click()
        await person.page.wait_for_url(f"**/queue/{slug}")
    await expect(second.page.locator(".hero")).to_have_text("1")
    await expect(third.page.locator(".hero")).to_have_text("2")
    assert (await first.context.request.delete(f"/api/queue/{slug}")).status == 204
    await second.page.wait_for_url(f"**/book/{slug}")
    await expect(third.page.locator(".hero")).to_have_text("1")
    assert "/queue/" in third.page.url


async def test_below_the_cap_nobody_sees_a_queue(new_person: NewPerson, new_sale: NewSale) -> None:
    slug = await new_sale(units=5)
    person = await new_person()
    visited: list[str] = []
    person.page.on("framenavigated", lambda frame: visited.append(frame.url))
    await person.page.goto(f"/events/{slug}")
    await person.page.get_by_role("button", name="Get tickets").click()
    await person.page.wait_for_url(f"**/book/{slug}")
    assert not any("/queue/" in url for url in visited)


async def test_a_hot_page_without_a_pass_leads_to_the_queue_and_on(
    new_person: NewPerson, new_sale: NewSale
) -> None:
    slug = await new_sale(units=5)
    person = await new_person()
    await person.page.goto(f"/book/{slug}")
    await person.page.wait_for_url(f"**/book/{slug}")
    await expect(person.page.get_by_role("button", name=re.compile("^One more"))).to_be_visible()


async def test_an_ended_hold_says_so_and_offers_the_way_back(
    new_person: NewPerson, new_sale: NewSale, services: Container
) -> None:
    slug = await new_sale(units=5)
    person = await new_person()
    page = person.page
    await page.clock.install()
    await _hold(page, slug)
    await page.get_by_label("Full name").fill("Asha Rao")
    # Only now, so that a slow machine does not lose the hold before the name is typed.
    await end_holds(services, slug)
    await Attendee(person, slug).pass_a_beat()
    await expect(page.get_by_text("We released your tickets")).to_be_visible()

    async def are_free() -> bool:
        return (await services.dashboard.stats(slug)).available == 5

    await eventually(are_free, about="the tickets of the ended hold")
    await page.get_by_role("button", name=re.compile("^Hold .* again$")).first.click()
    await expect(page.get_by_text(re.compile("Held for you")).first).to_be_visible()
    await expect(page.get_by_label("Full name")).to_have_value("Asha Rao")


@in_turn(0)
async def test_money_whose_news_was_lost_still_opens_the_booking(
    new_person: NewPerson, new_sale: NewSale, words: Words
) -> None:
    asha = Attendee(await new_person(), await new_sale(units=5), words)
    await asha.enter()
    await asha.hold()
    modal = await asha.open_payment()
    await modal.get_by_text("Other things that happen").click()
    await modal.get_by_role("button", name="Succeed, but lose the connection").click()
    await asha.is_booked()


async def test_a_stranger_with_the_address_alone_sees_no_booking(
    new_person: NewPerson, new_sale: NewSale
) -> None:
    await new_sale()
    person = await new_person()
    answer = await person.page.goto("/bookings/SRG-AAAAAAAA")
    assert answer is not None
    assert answer.status == 404
    await expect(person.page.get_by_text("No booking here")).to_be_visible()
    assert person.sockets == []
