"""Pages work where a translator rewrites them, and where the browser refuses its storage."""

from __future__ import annotations

from datetime import timedelta

import pytest
from playwright.async_api import expect

from surge_app.clock import utc_now
from tests.browser.checkout import Attendee
from tests.browser.conftest import NewPerson
from tests.conftest import NewBuyer, NewSale

# As browsers translate a page: each text is put into two elements, or those take its place; what
# appears later follows.
_TRANSLATOR = """
addEventListener("DOMContentLoaded", () => {
  const translate = (text) => {
    const outer = document.createElement("font");
    const inner = outer.appendChild(document.createElement("font"));
    const keeps = %s;
    if (!keeps) inner.textContent = text.nodeValue;
    text.parentNode.replaceChild(outer, text);
    if (keeps) inner.append(text);
  };
  const isDue = ({ parentNode: parent, nodeValue }) =>
    parent && nodeValue.trim() && !parent.closest("script, style, font, head");
  const walk = (root) => {
    const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
    const texts = root.nodeType === Node.TEXT_NODE ? [root] : [];
    while (walker.nextNode()) texts.push(walker.currentNode);
    texts.filter(isDue).forEach(translate);
  };
  walk(document.body);
  new MutationObserver((records) => {
    for (const { addedNodes } of records) addedNodes.forEach(walk);
  }).observe(document.body, { childList: true, subtree: true });
});
"""
_NO_STORAGE = """
for (const name of ["localStorage", "sessionStorage"]) {
  Object.defineProperty(window, name, {
    configurable: true,
    get() { throw new DOMException("Access is denied for this document.", "SecurityError"); },
  });
}
"""


@pytest.mark.parametrize("keeps", ["true", "false"], ids=["around", "instead"])
async def test_a_buyer_whose_browser_translates_the_page_holds_and_pays(
    new_person: NewPerson, new_sale: NewSale, keeps: str
) -> None:
    slug = await new_sale(units=20)
    person = await new_person()
    await person.context.add_init_script(_TRANSLATOR % keeps)
    attendee = Attendee(person, slug)
    await attendee.enter()
    await attendee.choose(3)
    await attendee.choose_fewer()
    await attendee.hold()
    await attendee.open_payment()
    await attendee.pay()
    assert await person.page.locator("font font").count() > 0
    # A text translated before React takes the page over is drawn again, and React says so.
    assert [error for error in person.errors if "error #418" not in error] == []


@pytest.mark.parametrize("path", ["/events/{slug}", "/queue/{slug}", "/bookings/find"])
async def test_a_page_is_shown_where_the_browser_refuses_its_storage(
    new_person: NewPerson, new_sale: NewSale, path: str
) -> None:
    slug = await new_sale(sales_open_at=utc_now() + timedelta(days=1))
    person = await new_person()
    await person.context.add_init_script(_NO_STORAGE)
    await person.page.goto(path.format(slug=slug))
    await expect(person.page.locator("main h1").first).to_be_visible()
    await expect(person.page.get_by_text("This page stopped working")).to_have_count(0)
    # React Router's inline script for the scroll position runs before any guard, and reports it.
    assert [error for error in person.errors if "Access is denied" not in error] == []


async def test_a_buyer_whose_browser_refuses_its_storage_holds_and_pays(
    new_person: NewPerson, new_sale: NewSale
) -> None:
    slug = await new_sale(units=20)
    person = await new_person()
    await person.context.add_init_script(_NO_STORAGE)
    attendee = Attendee(person, slug)
    await attendee.enter()
    await attendee.choose(1)
    await attendee.hold()
    await attendee.open_payment()
    await attendee.pay()
    assert [error for error in person.errors if "Access is denied" not in error] == []


@pytest.mark.parametrize("keeps", ["true", "false"], ids=["around", "instead"])
async def test_a_translated_waiting_room_shows_each_new_position(
    new_person: NewPerson, new_sale: NewSale, new_buyer: NewBuyer, keeps: str
) -> None:
    slug = await new_sale(concurrent_buyers=1)
    inside, ahead = new_buyer(slug), new_buyer(slug)
    assert (await inside.join())["state"] == "admitted"
    assert (await ahead.join())["state"] == "waiting"
    person = await new_person()
    await person.context.add_init_script(_TRANSLATOR % keeps)
    page = person.page
    await page.goto(f"/queue/{slug}")
    await expect(page.locator(".hero")).to_have_text("2")
    await expect(page.get_by_text("1 person ahead of you")).to_be_visible()
    assert await page.locator("font font").count() > 0
    (await ahead.http.delete(f"/api/queue/{slug}")).raise_for_status()
    await expect(page.locator(".hero")).to_have_text("1", timeout=30_000)
    await expect(page.get_by_text("No one ahead of you")).to_be_visible()
    await expect(page.get_by_text("1 person ahead of you")).to_have_count(0)
    await expect(page.get_by_role("heading", name="You are next")).to_be_visible()
    assert [error for error in person.errors if "error #418" not in error] == []
