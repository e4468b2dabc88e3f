"""An organizer works in another language: every page of the admin area, and a refund."""

from __future__ import annotations

import pytest
from playwright.async_api import Page, expect

from surge_app.services.events.new_event import NewTier
from tests.browser.conftest import NewPerson
from tests.browser.page_checks import is_too_wide, picture
from tests.conftest import NewBuyer, NewSale, Surge, eventually

# What organizers typed, what programs read, and the names of others.
_SAME = (
    r"^(Surge|surge|IST|am|pm|SMS|UPI|PDF|QR|CSV|XLSX|Excel|Razorpay|SRG-\S*|Mon|Tue|Wed|Thu|Fri|"
    r"Sat|Sun|Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Sept|Oct|Nov|Dec|\S*@\S*|Asha|Rao|Asia|Kolkata|"
    r"WhatsApp|GB|MB|JPEG|PNG|WebP|OK|ID)$"
)
_ENGLISH = r"""(same) => {
  const found = new Set();
  for (const root of document.querySelectorAll("main, .side")) {
    const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
      const { parentElement: element, data } = walker.currentNode;
      const other = element.closest("[lang]:not(html), .brand, .code, [aria-hidden], script");
      if (other || !element.checkVisibility()) continue;
      const text = data.replace(/\S+@\S+|SRG-\S+/g, "");
      for (const word of text.match(/[A-Za-z][A-Za-z'’.-]*[A-Za-z]/g) ?? []) {
        if (!new RegExp(same).test(word)) found.add(data.trim());
      }
    }
  }
  return [...found];
}"""


async def _shows_no_english(page: Page, name: str) -> None:
    english: list[str] = []

    async def is_translated() -> bool:
        english[:] = await page.evaluate(_ENGLISH, _SAME)
        return not english

    try:
        await eventually(is_translated, about=name)
    except pytest.fail.Exception:
        assert english == [], name
    assert not await is_too_wide(page), name
    await picture(page, name)


async def test_the_pages_of_a_sale_show_no_english_in_hindi(
    new_person: NewPerson,
    new_sale: NewSale,
    new_buyer: NewBuyer,
    surge: Surge,
) -> None:
    slug = await new_sale(
        name="Ñøçħé þøð", venue="Ŵŷɱ ħåļļ", tiers=(NewTier("Ĝéñéŕåļ", 100_000, 20),)
    )
    await new_buyer(slug).buy(quantity=2)
    user, password = surge.organizer
    credentials = {"username": user, "password": password}
    page = (await new_person(desktop=True, http_credentials=credentials)).page
    await page.goto(f"/admin/{slug}?lang=hi")
    for path in ("", "/queue", "/participants", "/box-office", "/holds", "/door"):
        # The choice is kept: no other address names the language.
        await page.goto(f"/admin/events/{slug}{path}" if path else f"/admin/{slug}")
        await expect(page.locator("main h1")).to_be_visible()
        await _shows_no_english(page, f"hi-admin-{path.strip('/') or 'dashboard'}")


async def test_an_organizer_refunds_in_hindi(
    new_person: NewPerson, new_sale: NewSale, new_buyer: NewBuyer, surge: Surge
) -> None:
    ref = await new_buyer(await new_sale()).buy(quantity=2)
    user, password = surge.organizer
    credentials = {"username": user, "password": password}
    page = (await new_person(desktop=True, http_credentials=credentials)).page
    await page.goto(f"/admin/bookings/{ref}")
    await page.locator(".side").get_by_role("link", name="हिन्दी").click()
    await expect(page.get_by_role("heading", name="इतिहास")).to_be_visible()
    assert await page.evaluate("document.documentElement.lang") == "hi-IN"
    await page.locator("select#kind").select_option("amount")
    await page.locator("[name=amount]").fill("60")
    await page.get_by_role("button", name="रिफ़ंड जाँचें").click()
    question = "Asha Rao को ₹60 रिफ़ंड करें और सभी टिकट मान्य रखें?"
    await expect(page.get_by_text(question)).to_be_visible()
    await page.get_by_role("button", name="रिफ़ंड", exact=True).click()
    await expect(page.get_by_text("₹60 का रिफ़ंड शुरू हो गया।")).to_be_in_viewport()
