"""A ticket bought by the keyboard alone, and what is read out on the way: all of it, once."""

from __future__ import annotations

import re
from collections import Counter

from playwright.async_api import Page, expect

from surge_app.container import Container
from tests.browser.checkout import Attendee, end_holds
from tests.browser.conftest import NewPerson
from tests.browser.page_checks import heard
from tests.conftest import NewBuyer, NewSale, eventually

_MOST_STOPS = 40


async def _go_to(page: Page, name: str) -> None:
    """Press Tab until what has the focus is called so."""
    passed: list[str] = []
    for _ in range(_MOST_STOPS):
        await page.keyboard.press("Tab")
        called = await page.evaluate(
            """() => {
              let at = document.activeElement;
              while (at?.shadowRoot?.activeElement) at = at.shadowRoot.activeElement;
              const label = at?.labels?.[0]?.textContent ?? at?.ariaLabel ?? at?.innerText ?? "";
              return label.trim();
            }"""
        )
        passed.append(called)
        if called.startswith(name):
            return
    msg = f"{name} is not among {passed}"
    raise AssertionError(msg)


async def test_the_keyboard_alone_buys_a_ticket_and_what_is_wrong_is_heard_once(
    new_person: NewPerson, new_sale: NewSale, services: Container
) -> None:
    slug = await new_sale(units=9)
    person = await new_person(desktop=True)
    asha, page, keyboard = Attendee(person, slug), person.page, person.page.keyboard
    await page.goto(f"/events/{slug}")
    await expect(page.get_by_role("button", name="Get tickets")).to_be_visible()
    await _go_to(page, "Get tickets")
    await keyboard.press("Enter")
    await page.wait_for_url(f"**/book/{slug}")
    await expect(asha.button("^One more").first).to_be_visible()
    await _go_to(page, "One more: General")
    await keyboard.press("Enter")
    await _go_to(page, "Hold 2 tickets")
    await keyboard.press("Enter")
    await asha.is_held()
    # The focus is at the head of the form, which says how long the tickets are held: the next stop
    # is its first field.
    form = page.get_by_role("heading", name="Your details")
    await expect(form).to_be_focused()
    await expect(form).to_have_accessible_description(re.compile("Held for you 4:"))
    await _go_to(page, "Full name")
    await keyboard.type("Asha Rao")
    await _go_to(page, "Email")
    await keyboard.type("asha@gmial")
    await _go_to(page, "Mobile")
    await expect(page.locator("#email-message")).to_contain_text("an email address like")
    await keyboard.type("12345")
    await keyboard.press("Enter")
    await expect(page.get_by_label("Email")).to_be_focused()
    await expect(page.locator("#phone-message")).to_contain_text("a mobile number like")
    # What is wrong is taken back as one types, not only on the way out.
    await keyboard.press("Control+A")
    await keyboard.type(f"{asha.tag}@example.com")
    await expect(page.locator("#email-message")).not_to_contain_text("an email address like")
    await _go_to(page, "Mobile")
    await keyboard.press("Control+A")
    await keyboard.type(f"98{int(asha.tag[4:], 16) % 10**8:08d}")
    await expect(page.locator("#phone-message")).not_to_contain_text("a mobile number like")
    told = Counter(await heard(page))
    assert [count for text, count in told.items() if "email address" in text] == [1], told
    assert told["Please check the marked fields."] == 1, told
    await _go_to(page, "Pay ")
    await keyboard.press("Enter")
    await expect(asha.window).to_be_visible()
    await _go_to(page, "Pay ")
    await keyboard.press("Enter")
    await asha.is_booked()
    assert (await services.dashboard.stats(slug)).sold == 2
    assert person.errors == []


async def test_the_last_minute_and_the_end_of_a_hold_are_heard_once(
    new_person: NewPerson, new_sale: NewSale, services: Container
) -> None:
    slug = await new_sale(units=9)
    person = await new_person()
    asha, page = Attendee(person, slug), person.page
    await page.clock.install()
    await asha.enter()
    await asha.hold()
    await asha.pass_a_beat()
    assert [text for text in await heard(page) if "Held for you" in text] == []
    for left in (58, 41, 25):
        await end_holds(services, slug, in_seconds=left)
        await asha.pass_a_beat()
        await expect(page.get_by_role("timer")).to_contain_text(re.compile(r"0:\d\d left"))
    warnings = [text for text in await heard(page) if "Held for you" in text]
    assert warnings == ["Held for you 1 more minute"]
    await end_holds(services, slug)
    await asha.pass_a_beat()
    await expect(page.locator("#ended")).to_be_focused()
    assert not any("time ran out" in text for text in await heard(page))


async def test_each_new_place_in_line_is_heard_once(
    new_person: NewPerson, new_sale: NewSale, new_buyer: NewBuyer
) -> None:
    slug = await new_sale(concurrent_buyers=1)
    inside, ahead = new_buyer(slug), new_buyer(slug)
    await inside.join()
    await ahead.join()
    page = (await new_person()).page
    await page.goto(f"/queue/{slug}")
    await expect(page.locator(".hero")).to_have_text("2")
    await ahead.http.delete(f"/api/queue/{slug}")
    await expect(page.locator(".hero")).to_have_text("1")
    places: list[str] = []

    async def is_next_heard() -> bool:
        places[:] = [text for text in await heard(page) if "You are" in text or "place" in text]
        return any("next" in text for text in places)

    await eventually(is_next_heard, about="the next place in what is heard")
    assert len(places) == len(set(places)), places
