"""A phone that lies down, a zoom of 400 %, and a wide screen: bars cover nothing."""

from __future__ import annotations

import re

from playwright.async_api import Page, ViewportSize, expect

from surge_app.container import Container
from surge_app.services.events.new_event import NewTier
from tests.browser.checkout import Attendee, let_in
from tests.browser.conftest import NewPerson
from tests.browser.page_checks import is_too_wide
from tests.conftest import NewBuyer, NewSale

_LYING: ViewportSize = {"width": 844, "height": 390}
# 1280 by 1024 at 400 %.
_ZOOMED: ViewportSize = {"width": 320, "height": 256}
_WIDE: ViewportSize = {"width": 1920, "height": 1080}
_STUCK = """() => [...document.querySelectorAll(".bar, .paybar")]
  .filter((bar) => getComputedStyle(bar).position === "sticky").map((bar) => bar.className)"""
_GROUND = "one => getComputedStyle(one).backgroundColor"
_COVERED = """(field) => {
  const box = field.getBoundingClientRect();
  const top = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
  return top !== field;
}"""


async def _stuck_at(page: Page, size: ViewportSize) -> list[str]:
    await page.set_viewport_size(size)
    assert not await is_too_wide(page), size
    return await page.evaluate(_STUCK)


async def test_bars_stay_in_view_only_where_they_leave_room(
    new_person: NewPerson, new_sale: NewSale
) -> None:
    slug = await new_sale()
    asha = Attendee(await new_person(), slug)
    page = asha.page
    await page.goto(f"/events/{slug}")
    await expect(page.get_by_role("button", name="Get tickets")).to_be_visible()
    for size in (_LYING, _ZOOMED):
        assert await _stuck_at(page, size) == [], size
    await page.set_viewport_size({"width": 390, "height": 844})
    await asha.enter()
    await asha.hold()
    assert len(await page.evaluate(_STUCK)) == 2
    for size in (_LYING, _ZOOMED):
        assert await _stuck_at(page, size) == [], size
    # The clock travels with the page, and the sum beside it with the action.
    await _stuck_at(page, _WIDE)
    for seen in (page.locator(".bar .held"), page.locator(".total .figure")):
        await expect(seen).to_be_in_viewport(ratio=1)


async def test_the_first_wrong_field_is_under_no_bar(
    new_person: NewPerson, new_sale: NewSale
) -> None:
    slug = await new_sale(tiers=tuple(NewTier(f"Block {n}", 50_000, 9) for n in range(1, 7)))
    asha = Attendee(await new_person(), slug)
    page = asha.page
    await asha.enter()
    await asha.choose(1, "Block 1")
    await asha.hold()
    for size in ({"width": 390, "height": 600}, _LYING, _ZOOMED):
        await page.set_viewport_size(size)
        await asha.button("^Pay").click()
        name = page.get_by_label("Full name")
        await expect(name).to_be_focused()
        await expect(page.locator("#name-message")).not_to_be_empty()
        # The page scrolls to the field after it has the focus.
        await page.wait_for_function(f"!({_COVERED})(document.activeElement)")


async def test_a_long_list_folds_once_some_of_it_is_held_and_a_dead_stepper_says_why(
    new_person: NewPerson, new_sale: NewSale
) -> None:
    tiers = tuple(NewTier(f"Block {n}", 50_000, 9) for n in range(1, 11))
    slug = await new_sale(tiers=tiers, max_per_person=2)
    asha = Attendee(await new_person(), slug)
    page = asha.page
    await asha.enter()
    await expect(page.locator(".tier:visible")).to_have_count(10)
    await asha.choose(2, "Block 3")
    await expect(asha.button("^One more: Block 3")).to_be_disabled()
    why = page.locator(".tier p", has_text="Maximum 2 tickets per person")
    await expect(why.and_(page.get_by_role("status"))).to_be_visible()
    more = asha.button("^One more: Block 4")
    await expect(more).to_have_accessible_description("Maximum 2 tickets per person")
    await expect(why.and_(page.locator(".asked"))).to_have_count(0)
    await more.focus()
    await page.keyboard.press("Enter")
    await expect(why.and_(page.locator(".asked"))).to_be_visible()
    await expect(more).to_be_focused()
    await asha.hold()
    await expect(page.locator(".tier:visible")).to_have_count(1)
    await page.get_by_text("Other ticket types").click()
    await expect(page.locator(".tier:visible")).to_have_count(10)
    await asha.open_payment()
    await page.keyboard.press("Escape")
    await expect(page.get_by_text("these tickets can't be changed")).to_be_visible()
    fewer = asha.button("^One fewer: Block 3")
    await expect(fewer).to_be_disabled()
    await expect(fewer).to_have_accessible_description(re.compile("can't be changed"))


async def test_a_busy_button_is_readable_under_the_pointer(
    new_person: NewPerson, new_sale: NewSale
) -> None:
    slug = await new_sale()
    page = (await new_person(desktop=True)).page
    await page.goto(f"/events/{slug}")
    press = page.get_by_role("button", name="Get tickets")
    await page.route(f"**/api/queue/{slug}", lambda _: None)
    await press.click()
    busy = page.get_by_role("button", name="One moment")
    await expect(busy).to_be_visible()
    await busy.hover(force=True)
    colours = await busy.evaluate(
        "(at) => [getComputedStyle(at).backgroundColor, getComputedStyle(at).color]"
    )
    line, muted = await page.evaluate(
        """() => ["--line", "--muted"].map((name) => {
          const at = document.body.appendChild(document.createElement("i"));
          at.style.color = `var(${name})`;
          const found = getComputedStyle(at).color;
          at.remove();
          return found;
        })"""
    )
    assert colours == [line, muted]


async def test_high_contrast_keeps_what_only_a_background_draws(
    new_person: NewPerson, new_sale: NewSale, new_buyer: NewBuyer, services: Container
) -> None:
    slug = await new_sale(units=10)
    ref = await new_buyer(slug).buy()
    person = await new_person(forced_colors="active")
    page = person.page
    await page.goto(f"/events/{slug}")
    get_tickets = page.get_by_role("button", name="Get tickets")
    await expect(get_tickets).to_be_visible()
    canvas = await page.locator("body").evaluate(_GROUND)
    assert await get_tickets.evaluate(_GROUND) != canvas
    # The page scrolls below it.
    assert await page.locator(".paybar").evaluate(_GROUND) == canvas
    crowded = await new_sale(concurrent_buyers=1)
    await let_in(new_buyer(crowded))
    await page.goto(f"/queue/{crowded}")
    await expect(page.get_by_text("Your position in the queue", exact=True)).to_be_visible()
    way = page.locator(".card .way").first
    line = await way.locator(".gone").evaluate(_GROUND)
    assert line != canvas
    assert await way.evaluate(_GROUND.replace("(one)", "(one, '::before')")) not in {line, canvas}
    await page.goto(f"/bookings/{ref}?token={services.identity.booking_token(ref)}")
    code = page.get_by_role("img", name="QR code of ticket")
    await expect(code).to_be_visible()
    assert await code.evaluate(_GROUND) == "rgb(255, 255, 255)"
