"""A ticket is bought over 400 kbit/s, 800 ms and 3 % loss, and every press answers at once."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Locator, expect

from tests.browser.conftest import NewPerson, fill_contact
from tests.browser.slow_link import slow_link
from tests.conftest import NewSale, Surge

pytestmark = pytest.mark.nightly

_PATIENCE_MS = 240_000
# Two frames after a press, long before anything can have come back.
_AFTER_PRESS = """async button => {
  button.click();
  for (const _ of "12") await new Promise(requestAnimationFrame);
  return button.getAttribute("aria-busy") ?? String(button.disabled);
}"""


async def _appears(locator: Locator) -> None:
    await expect(locator).to_be_visible(timeout=_PATIENCE_MS)


async def test_a_ticket_is_bought_over_a_slow_and_lossy_link(
    new_person: NewPerson, new_sale: NewSale, surge: Surge
) -> None:
    slug = await new_sale()
    person = await new_person()
    page = person.page
    page.set_default_timeout(_PATIENCE_MS)
    async with slow_link(urlsplit(surge.url).port or 0) as url:
        await page.goto(f"{url}/events/{slug}", wait_until="commit")
        # The facts come with the first packets, before any script.
        await _appears(
            page.get_by_role("heading", name="General").or_(page.get_by_text("₹525")).first
        )
        get_tickets = page.get_by_role("button", name="Get tickets")
        await _appears(get_tickets)
        assert await get_tickets.evaluate(_AFTER_PRESS) == "true"
        await page.wait_for_url(f"**/book/{slug}", wait_until="commit")
        more = page.get_by_role("button", name=re.compile("^One more")).first
        await _appears(more)
        await more.evaluate(_AFTER_PRESS)
        # The count is that of the press, not of the answer.
        assert await page.get_by_label("Tickets:").first.inner_text() == "2"
        hold = page.get_by_role("button", name=re.compile("^Hold"))
        await expect(hold).to_have_text(re.compile("2 tickets"), timeout=_PATIENCE_MS)
        assert await hold.evaluate(_AFTER_PRESS) == "true"
        await _appears(page.get_by_text(re.compile("Held for you")).first)
        await fill_contact(page, tag="slowlink")
        await page.get_by_role("button", name="Pay ₹1,025").click()
        window = page.get_by_role("dialog")
        await _appears(window)
        await window.get_by_role("button", name=re.compile("^Pay")).click()
        await page.wait_for_url("**/bookings/SRG-*", wait_until="commit")
        await expect(page.get_by_role("img", name="QR code of ticket")).to_have_count(
            2, timeout=_PATIENCE_MS
        )
        await page.close()
    assert person.errors == []
