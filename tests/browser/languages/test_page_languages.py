"""A purchase in other languages than English: nothing stays English, is cut, or overlaps."""

from __future__ import annotations

import re

import httpx
import pytest
from playwright.async_api import expect

from surge_app.languages import SUPPORTED
from surge_app.services.events.new_event import NewTier
from tests.browser.conftest import NewPerson
from tests.browser.language_checks import EVENT_NAME, TIER, VENUE, is_well_shown
from tests.browser.page_checks import is_too_wide, picture
from tests.conftest import NewSale, Surge

_ALTERNATE = re.compile(r'rel="alternate" hreflang="([^"]+)" href="([^"]+)"')


@pytest.mark.parametrize(("tag", "lang"), [("hi", "hi-IN"), ("en-XA", "en-IN")])
async def test_a_purchase_shows_no_english(
    new_person: NewPerson, new_sale: NewSale, tag: str, lang: str
) -> None:
    slug = await new_sale(name=EVENT_NAME, venue=VENUE, tiers=(NewTier(TIER, 100_000, 20),))
    person = await new_person()
    page = person.page
    await page.goto(f"/bookings/find?lang={tag}")
    await expect(page.locator("h1")).to_be_visible()
    await is_well_shown(page, f"{tag}-find")
    # The choice is kept: no other address names the language.
    await page.goto(f"/events/{slug}")
    button = page.locator(".paybar button")
    await expect(button).to_be_visible()
    assert await page.evaluate("document.documentElement.lang") == lang
    await is_well_shown(page, f"{tag}-event")
    await button.click()
    await page.wait_for_url(f"**/book/{slug}")
    more = page.locator(".stepper button").last
    await more.click()
    await expect(page.locator("#hold")).to_be_enabled()
    await is_well_shown(page, f"{tag}-choose")
    await page.locator("#hold").click()
    await page.locator("#name").fill("Åßħå")
    await page.locator("#phone").fill("9800000001")
    await page.locator("#email").fill("asha@example.com")
    await is_well_shown(page, f"{tag}-held")
    await page.locator("#pay").click()
    await page.get_by_role("dialog").get_by_role("button", name=re.compile("^Pay")).click()
    await page.wait_for_url("**/bookings/SRG-*")
    await expect(page.locator(".ticket").first).to_be_visible()
    await is_well_shown(page, f"{tag}-booking")
    await page.goto(f"{page.url.partition('?')[0]}/tickets")
    await expect(page.locator(".ticket").first).to_be_visible()
    await is_well_shown(page, f"{tag}-tickets")
    assert person.errors == []


async def test_the_waiting_room_and_the_list_show_no_english(
    new_person: NewPerson, new_sale: NewSale
) -> None:
    slug = await new_sale(
        name=EVENT_NAME, venue=VENUE, tiers=(NewTier(TIER, 100_000, 20),), concurrent_buyers=1
    )
    first = await new_person()
    await first.page.goto(f"/events/{slug}")
    await first.page.locator(".paybar button").click()
    await first.page.wait_for_url(f"**/book/{slug}")
    for tag, is_wide in (("en-XA", False), ("hi", True)):
        page = (await new_person(desktop=is_wide)).page
        await page.goto(f"/queue/{slug}?lang={tag}")
        await expect(page.locator(".hero")).to_be_visible()
        await expect(page.locator(".tiers")).to_have_count(1)
        await is_well_shown(page, f"{tag}-queue")
        await page.goto(f"/events?q={slug}-no-such-event")
        # While the page loads, it has no title yet.
        await expect(page.locator("main h1")).to_be_visible()
        await is_well_shown(page, f"{tag}-events-none")
        await page.route("**/api/events*", lambda route: route.abort())
        await page.goto(f"/events?q={slug}")
        await expect(page.locator("#served")).to_have_count(0)
        await expect(page.locator("main").get_by_role("button")).to_be_visible()
        await is_well_shown(page, f"{tag}-events-lost")


@pytest.mark.parametrize("tag", ["hi", "en-XA"])
async def test_what_goes_wrong_in_a_checkout_is_said_in_no_english(
    new_person: NewPerson, new_sale: NewSale, tag: str
) -> None:
    slug = await new_sale(name=EVENT_NAME, venue=VENUE, tiers=(NewTier(TIER, 100_000, 20),))
    page = (await new_person()).page
    await page.goto(f"/events/{slug}?lang={tag}")
    await page.locator(".paybar button").click()
    await page.wait_for_url(f"**/book/{slug}")
    await page.locator(".stepper button").last.click()
    await page.locator("#hold").click()
    await page.locator("#email").fill("asha@")
    await page.locator("#pay").click()
    await expect(page.locator(".complaint").first).to_be_visible()
    await is_well_shown(page, f"{tag}-complaints")
    await page.locator("#name").fill("Åßħå")
    await page.locator("#phone").fill("9800000001")
    await page.locator("#email").fill("asha@example.com")
    fault = {"service": "razorpay", "seconds": 600, "mode": "down"}
    await page.request.post("/sandbox/faults", data=fault)
    try:
        await page.locator("#pay").click()
        await expect(page.locator("main [role=status] p").first).to_be_visible()
        await is_well_shown(page, f"{tag}-gateway-down")
    finally:
        await page.request.post("/sandbox/faults", data={**fault, "mode": "ok"})
    await page.locator("#pay").click()
    window = page.get_by_role("dialog")
    await window.get_by_role("button", name="Fail this payment").click()
    await window.get_by_role("button", name="Close").click()
    await expect(window).to_have_count(0)
    await is_well_shown(page, f"{tag}-failed")


async def test_right_to_left_nothing_is_wider_than_the_page(
    new_person: NewPerson, new_sale: NewSale
) -> None:
    slug = await new_sale(name=EVENT_NAME, venue=VENUE, tiers=(NewTier(TIER, 100_000, 20),))
    page = (await new_person()).page
    for path in (f"/events/{slug}", "/events", "/bookings/find"):
        await page.goto(f"{path}?lang=ar-XB")
        await expect(page.locator("main h1").first).to_be_visible()
        assert await page.evaluate("document.documentElement.dir") == "rtl"
        assert not await is_too_wide(page), path
        await picture(page, f"ar-XB-{path.split('/')[1]}")


async def test_the_switch_is_kept_and_english_loads_no_sentences(
    new_person: NewPerson, new_sale: NewSale
) -> None:
    slug = await new_sale(name=EVENT_NAME)
    page = (await new_person()).page
    loaded: list[str] = []
    page.on("request", lambda request: loaded.append(request.url))
    await page.goto(f"/events/{slug}")
    await expect(page.get_by_role("button", name="Get tickets")).to_be_visible()
    assert [url for url in loaded if "/languages/" in url] == []
    await page.locator(".bar .languages summary").click()
    await page.get_by_role("link", name="हिन्दी").click()
    await expect(page.get_by_role("button", name="टिकट लें")).to_be_visible()
    await page.goto(f"/events/{slug}")
    await expect(page.get_by_role("button", name="टिकट लें")).to_be_visible()
    assert len({url for url in loaded if "/languages/" in url}) == 1
    await page.locator(".bar .languages summary").click()
    await page.get_by_role("link", name="English").click()
    await expect(page.get_by_role("button", name="Get tickets")).to_be_visible()


async def test_a_browser_in_hindi_is_answered_in_hindi(
    new_person: NewPerson, new_sale: NewSale
) -> None:
    slug = await new_sale(name=EVENT_NAME)
    page = (await new_person(locale="hi-IN")).page
    await page.goto(f"/events/{slug}")
    await expect(page.get_by_role("button", name="टिकट लें")).to_be_visible()


async def test_a_public_page_is_in_the_language_of_its_address_alone(
    new_sale: NewSale, surge: Surge
) -> None:
    slug = await new_sale(name=EVENT_NAME)
    path = f"/events/{slug}"
    hindi_browser = {"cookie": "surge_lang=hi", "accept-language": "hi"}
    async with httpx.AsyncClient() as http:
        hindi = (await http.get(f"{surge.url}{path}?lang=hi")).text
        english = await http.get(f"{surge.url}{path}", headers=hindi_browser)
    assert '<html lang="hi-IN" dir="ltr">' in hindi
    assert "<dt>कब</dt>" in hindi
    assert '<html lang="en-IN" dir="ltr">' in english.text
    assert "<dt>When</dt>" in english.text
    assert english.headers["vary"] == "accept-encoding"
    assert f'{path}?lang=hi">' in hindi.partition('rel="canonical" href="')[2].partition("\n")[0]
    for page in (hindi, english.text):
        alternates = dict(_ALTERNATE.findall(page))
        assert alternates.keys() == {"x-default", *SUPPORTED}
        assert alternates["x-default"] == alternates["en"]
        assert alternates["en"].endswith(path)
        assert alternates["hi"] == f"{alternates['en']}?lang=hi"
