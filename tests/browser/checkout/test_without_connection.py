"""The checkout without its live connection: it says so, sends nothing late, and keeps the hold."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from playwright.async_api import Page, expect

from surge_app.container import Container
from tests.browser.checkout import Attendee
from tests.browser.conftest import NewPerson, Person, fill_contact
from tests.browser.page_checks import violations
from tests.conftest import NewBuyer, NewSale, Surge, eventually

_OLDER_TOTAL = """document.addEventListener(
  "click", () => { document.querySelector("input[name=total]").value = "₹1"; }, true)"""


async def _ready_to_pay(person: Person, slug: str) -> Attendee:
    """Hold one ticket and fill in the contact."""
    asha = Attendee(person, slug)
    await asha.enter()
    await asha.choose(1)
    await asha.hold()
    await fill_contact(asha.page, tag=asha.tag)
    return asha


async def _block_sockets(page: Page) -> None:
    """Let each live connection fail, as behind a proxy that knows no WebSocket."""
    await page.clock.install()
    await page.route_web_socket(re.compile("/_event"), lambda socket: socket.close())
    await page.add_init_script(
        "window.WebSocket = class { constructor() { throw new Error('blocked'); } };"
    )


async def _is_told_that_it_cannot_connect(page: Page) -> None:
    told = page.get_by_role("heading", name="This page can't connect")

    async def is_told() -> bool:
        # The page has patience for twelve seconds, which pass faster here.
        await page.clock.fast_forward(2_000)
        return await told.is_visible()

    await eventually(is_told, about="the page that cannot connect")


async def test_a_page_that_cannot_connect_says_so_and_how_long_the_turn_is_held(
    new_person: NewPerson,
    new_sale: NewSale,
    new_buyer: NewBuyer,
    surge: Surge,
    services: Container,
) -> None:
    slug = await new_sale()
    person = await new_person()
    page = person.page
    await _block_sockets(page)
    await page.goto(f"/events/{slug}")
    await page.get_by_role("button", name="Get tickets").click()
    await page.wait_for_url(f"**/book/{slug}")
    await _is_told_that_it_cannot_connect(page)
    await expect(page.get_by_text(re.compile(r"^Your turn is held for \d:\d\d"))).to_be_visible()
    await expect(page.get_by_role("link", name="Load again")).to_be_visible()
    assert await violations(page) == []
    ref = await new_buyer(slug).buy()
    booking = f"/bookings/{ref}?token={services.identity.booking_token(ref)}"
    name, password = surge.organizer
    organizer = await new_person(http_credentials={"username": name, "password": password})
    tabs = [organizer.page, *[await organizer.context.new_page() for _ in range(2)]]
    paths = (booking, "/admin", f"/admin/events/{slug}/door")
    for tab, path in zip(tabs, paths, strict=True):
        await _block_sockets(tab)
        await tab.goto(path)
    for tab in tabs:
        await _is_told_that_it_cannot_connect(tab)
    assert await violations(organizer.page) == []
    async with organizer.page.expect_download() as download:
        await organizer.page.get_by_role("link", name="Tickets as PDF").click()
    assert (await download.value).suggested_filename == f"{ref}.pdf"
    await organizer.page.get_by_role("link", name="Show tickets").click()
    await expect(organizer.page.get_by_role("img", name="QR code of ticket")).to_be_visible()
    assert await violations(organizer.page) == []


async def test_a_page_connects_under_another_name_of_the_machine(
    new_person: NewPerson, new_sale: NewSale, surge: Surge
) -> None:
    slug = await new_sale()
    asha = Attendee(await new_person(), slug)
    page = asha.page
    # Browsers find each such name on their own machine, as a phone finds a laptop by its name.
    await page.goto(f"http://laptop.localhost:{urlsplit(surge.url).port}/events/{slug}")
    await page.get_by_role("button", name="Get tickets").click()
    await page.wait_for_url(f"**/book/{slug}")
    await asha.choose(1)
    await asha.hold()


async def test_what_is_pressed_offline_is_refused_beside_the_button_and_never_sent(
    new_person: NewPerson, new_sale: NewSale
) -> None:
    asha = await _ready_to_pay(await new_person(), await new_sale())
    page = asha.page
    await asha.person.context.set_offline(True)
    await expect(page.locator(".paybar").get_by_text("No connection.")).to_be_visible()
    await asha.button("^Pay").click()
    await asha.button("^One more").first.click()
    refused = page.locator(".paybar").get_by_role("alert")
    await expect(refused).to_contain_text("Nothing was sent.")
    await expect(page.get_by_label("Tickets:").first).to_have_text("1")
    await asha.person.context.set_offline(False)
    await expect(refused).to_have_count(0)
    await expect(asha.window).to_have_count(0)

    # What everyone sees of an event is up to a second old.
    async def is_one_held() -> bool:
        event = await (await page.request.get(f"/api/events/{asha.slug}")).json()
        return [tier["held"] for tier in event["tiers"]] == [1]

    await eventually(is_one_held, about="the hold of one ticket")
    await asha.choose(2)
    await asha.button("^Pay ₹1,025").click()
    await expect(asha.window).to_be_visible()


async def test_a_correction_pressed_offline_is_refused_and_never_sent(
    new_person: NewPerson,
    new_sale: NewSale,
    new_buyer: NewBuyer,
    surge: Surge,
    services: Container,
) -> None:
    ref = await new_buyer(await new_sale()).buy()
    name, password = surge.organizer
    organizer = await new_person(
        desktop=True, http_credentials={"username": name, "password": password}
    )
    page = organizer.page
    refused = page.get_by_text("Nothing was sent or changed.")
    await page.goto(f"/admin/bookings/{ref}")
    update = page.get_by_role("button", name="Update contact")
    await expect(update).to_be_visible()
    await page.get_by_label("Name", exact=True).fill("Written Offline")
    await organizer.context.set_offline(True)
    await update.click()
    await expect(refused).to_be_visible()
    await organizer.context.set_offline(False)
    await expect(refused).to_have_count(0)
    await expect(page.get_by_label("Name", exact=True)).to_have_value("Written Offline")
    await page.reload()
    await expect(page.get_by_label("Name", exact=True)).to_have_value("Asha Rao")
    assert (await services.tickets.view(ref)).name == "Asha Rao"


async def test_a_press_on_an_older_total_is_refused_and_shows_the_new_one(
    new_person: NewPerson, new_sale: NewSale
) -> None:
    asha = await _ready_to_pay(await new_person(), await new_sale())
    page = asha.page
    # As if what was pressed had been kept by a connection that was silently lost.
    await page.evaluate(_OLDER_TOTAL)
    await asha.button("^Pay").click()
    await expect(page.get_by_text(re.compile("^The total is now ₹[^.]+. Check it"))).to_be_visible()
    await expect(asha.window).to_have_count(0)


async def test_a_hold_is_shown_by_every_page_of_this_browser_until_it_is_released(
    new_person: NewPerson, new_sale: NewSale
) -> None:
    slug = await new_sale(name="Monsoon Beats, Pune")
    person = await new_person()
    asha, page = Attendee(person, slug), person.page
    await asha.enter()
    await asha.choose(2)
    await asha.hold()
    tab = await person.context.new_page()
    await tab.goto("/events")
    held = tab.locator("main .notice", has_text="Monsoon Beats, Pune")
    await expect(held).to_contain_text(re.compile(r"2 tickets held for you · \d:\d\d left"))
    await tab.goto(f"/events/{slug}")
    await expect(tab.get_by_text("2 tickets held for you")).to_be_visible()
    assert await violations(tab) == []
    await tab.get_by_role("link", name="Back to your tickets").click()
    await tab.wait_for_url(f"**/book/{slug}")
    await expect(tab.get_by_text(re.compile("Held for you")).first).to_be_visible()
    await tab.close()
    await asha.button("^Cancel and release").click()
    await asha.button("^Release tickets").click()
    await expect(page.get_by_text("Tickets released.")).to_be_visible()
    await page.goto("/events")
    await expect(page.get_by_role("heading", level=2).first).to_be_visible()
    await expect(page.get_by_text("held for you")).to_have_count(0)
    stranger = (await new_person()).page
    await stranger.goto(f"/events/{slug}")
    await expect(stranger.get_by_role("button", name="Get tickets")).to_be_visible()
    await expect(stranger.get_by_text("held for you")).to_have_count(0)
