"""A visitor whose turn it is: in several tabs, out of sight, and by a notification."""

from __future__ import annotations

import re
from functools import partial

from playwright.async_api import Browser, expect

from tests.browser.conftest import NewPerson
from tests.browser.waiting import wait_behind
from tests.conftest import NewBuyer, NewSale, eventually

# For the page it is as if its tab were in the background.
_HIDE = """
    window.isAway = true;
    Object.defineProperty(document, "hidden", { get: () => window.isAway });
"""
_NOTIFICATIONS = """async () => {
  const registration = await navigator.serviceWorker.getRegistration("/js/");
  const found = await registration?.getNotifications();
  return (found ?? []).map((one) => `${one.title}. ${one.body}`);
}"""
_LOOK = "window.isAway = false; document.dispatchEvent(new Event('visibilitychange'))"


async def test_being_called_leads_one_tab_in_and_the_other_says_so(
    new_person: NewPerson, new_sale: NewSale, new_buyer: NewBuyer
) -> None:
    slug = await new_sale(concurrent_buyers=1)
    inside, (person,) = await wait_behind(new_person, new_buyer, slug)
    other = await person.context.new_page()
    await other.goto(f"/queue/{slug}")
    await expect(other.locator(".hero")).to_have_text("1")
    await inside.http.delete(f"/api/queue/{slug}")
    tabs = person.page, other
    scanner = re.compile(r"Continued in another tab|Your tickets|Hold ")
    for tab in tabs:
        await expect(tab.locator("main")).to_contain_text(scanner)

    async def is_one_in() -> bool:
        return sorted("/book/" in tab.url for tab in tabs) == [False, True]

    await eventually(is_one_in, about="one tab in the checkout")


async def test_a_page_out_of_sight_calls_and_goes_in_when_somebody_looks(
    new_person: NewPerson, new_sale: NewSale, new_buyer: NewBuyer
) -> None:
    slug = await new_sale(concurrent_buyers=1)
    inside, (person,) = await wait_behind(new_person, new_buyer, slug)
    await person.page.evaluate(_HIDE)
    await inside.http.delete(f"/api/queue/{slug}")
    await expect(person.page).to_have_title(re.compile("^● It is your turn"))
    await expect(person.page.get_by_text("Your turn is held for").first).to_be_visible()
    assert "/queue/" in person.page.url
    await person.page.evaluate(_LOOK)
    await person.page.wait_for_url(f"**/book/{slug}")


async def test_whoever_asked_for_it_is_told_by_a_notification(
    whole_browser: Browser, new_person: NewPerson, new_sale: NewSale, new_buyer: NewBuyer
) -> None:
    slug = await new_sale(concurrent_buyers=1, name="Monsoon Beats")
    inside, (person,) = await wait_behind(partial(new_person, using=whole_browser), new_buyer, slug)
    page = person.page
    asked = await page.evaluate("Notification.permission")
    await person.context.grant_permissions(["notifications"])
    switch = page.get_by_role("switch", name="Notify me when it's my turn")
    await expect(switch).not_to_be_checked()
    await switch.click()
    await expect(switch).to_be_checked()
    await expect(page.get_by_text("We'll play a sound and notify you")).to_be_visible()
    # It is remembered for the event.
    await page.reload()
    await expect(switch).to_be_checked()
    await inside.http.delete(f"/api/queue/{slug}")
    await page.wait_for_url(f"**/book/{slug}")
    told: list[str] = []

    async def is_notified() -> bool:
        # The page may leave for the checkout a moment before its worker has shown it.
        told[:] = await page.evaluate(_NOTIFICATIONS)
        return bool(told)

    await eventually(is_notified, about="the notification")
    assert asked != "granted"
    assert told == ["It is your turn. Monsoon Beats: come in and choose."]
