"""What a visitor needs to know before they go, the way there, and passing the page on."""

from __future__ import annotations

import re
from urllib.parse import parse_qs, urlsplit

from playwright.async_api import expect

from surge_app.container import Container
from tests.browser.conftest import NewPerson
from tests.browser.page_checks import is_too_wide, violations
from tests.conftest import NewBuyer, NewSale


async def test_an_event_says_how_to_get_there_and_what_to_bring_and_can_be_passed_on(
    new_person: NewPerson, new_sale: NewSale, new_buyer: NewBuyer, services: Container
) -> None:
    slug = await new_sale(
        name="Monsoon Beats",
        address="12 Mill Road, Pune",
        age_limit=18,
        what_to_bring="A photo ID.",
        accessibility="No steps.",
        organizer_name="Acme Shows",
        organizer_email="hello@example.com",
    )
    person = await new_person()
    page = person.page
    await page.goto(f"/events/{slug}")
    for text in ("18 and over", "A photo ID.", "No steps.", "Acme Shows"):
        await expect(page.get_by_text(text, exact=True)).to_be_visible()
    address = page.get_by_role("link", name="12 Mill Road, Pune")
    await expect(address).to_have_attribute("href", re.compile("query=12%20Mill%20Road"))
    mail = page.get_by_role("link", name="hello@example.com")
    await expect(mail).to_have_attribute("href", "mailto:hello@example.com")
    whatsapp = page.get_by_role("link", name="Share on WhatsApp")
    await expect(whatsapp).to_have_attribute("href", re.compile(f"^https://wa.me/.*{slug}"))
    (text,) = parse_qs(urlsplit(await whatsapp.get_attribute("href") or "").query)["text"]
    assert text == f"Monsoon Beats {page.url}"
    await page.set_viewport_size({"width": 320, "height": 640})
    assert not await is_too_wide(page)
    assert await violations(page) == []
    ref = await new_buyer(slug).buy()
    await page.goto(f"/bookings/{ref}?token={services.identity.booking_token(ref)}")
    way = page.get_by_role("link", name="Directions")
    await expect(way).to_have_attribute("href", re.compile("destination=12%20Mill%20Road"))
    assert person.errors == []


async def test_a_device_with_a_sheet_for_sharing_gets_the_page_there(
    new_person: NewPerson, new_sale: NewSale
) -> None:
    slug = await new_sale(name="Monsoon Beats")
    page = (await new_person()).page
    await page.add_init_script("navigator.share = async given => { window.shared = given; };")
    await page.goto(f"/events/{slug}")
    await page.get_by_role("button", name="Share", exact=True).click()
    await page.wait_for_function("window.shared")
    assert await page.evaluate("window.shared") == {"title": "Monsoon Beats", "url": page.url}
