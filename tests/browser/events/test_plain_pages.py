"""The pages about the shop, and those that say what went wrong."""

from __future__ import annotations

import re

from playwright.async_api import expect

from tests.browser.conftest import NewPerson
from tests.browser.page_checks import look
from tests.conftest import Surge, eventually


async def test_every_foot_leads_to_the_pages_about_the_shop(new_person: NewPerson) -> None:
    person = await new_person()
    page = person.page
    await page.goto("/events")
    foot = page.get_by_role("contentinfo")
    for name in ("Help", "Refunds", "Privacy", "Terms"):
        await foot.get_by_role("link", name=name).click()
        await page.wait_for_url(f"**/{name.lower()}")
        await expect(page.get_by_role("heading", level=1)).to_have_text(name)
        await look(page, f"text-{name.lower()}")
    await foot.get_by_role("link", name="Find my booking").click()
    await expect(page.get_by_label("Booking reference")).to_be_visible()
    await page.goto("/no-such-page")
    await look(page, "missing")
    await page.get_by_role("link", name="All events", exact=True).click()
    await page.wait_for_url("**/events")
    assert person.sockets == []


async def test_an_organizer_rewrites_a_page_about_the_shop(
    new_person: NewPerson, surge: Surge
) -> None:
    name, password = surge.organizer
    credentials = {"username": name, "password": password}
    organizer = await new_person(desktop=True, http_credentials=credentials)
    page = organizer.page
    await page.goto("/admin/install/texts")
    text = page.get_by_label("Refunds", exact=True)
    await expect(text).to_have_value(re.compile("^# When you get your money back"))
    await look(page, "texts")
    await text.fill("# Ours\n- Write to https://acme.example")
    card = page.locator(".card", has=text)
    await card.get_by_role("button", name="Save").click()
    await expect(page.get_by_text("Everyone sees it at /refunds.")).to_be_visible()
    visitor = (await new_person()).page

    async def is_shown() -> bool:
        await visitor.goto("/refunds")
        return await visitor.get_by_role("link", name="https://acme.example").count() == 1

    await eventually(is_shown, about="the new text")
    await card.get_by_label("Refunds", exact=True).fill("")
    await card.get_by_role("button", name="Save").click()
    await expect(page.get_by_text("This is the default text.")).to_have_count(4)
    assert organizer.errors == []
