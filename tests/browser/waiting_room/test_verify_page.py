"""The receipt of a number, and the page that checks the log of a queue with it."""

from __future__ import annotations

import re
from pathlib import Path

import httpx
from playwright.async_api import Page, Route, expect

from surge_app.container import Container
from tests.browser.conftest import NewPerson
from tests.browser.page_checks import is_too_wide, picture, violations
from tests.conftest import NewBuyer, NewSale, Surge, eventually


async def _written(surge: Surge, services: Container, slug: str, number: int) -> list[str]:
    """Return the log once it has a number."""
    lines: list[str] = []

    async def is_written() -> bool:
        await services.queue_log.write([slug])
        async with httpx.AsyncClient(base_url=surge.url) as http:
            lines[:] = (await http.get(f"/api/queue/{slug}/log")).text.splitlines()
        issued = [
            int(last) for line in lines for last in re.findall(r'"issued":\[\d+,(\d+)\]', line)
        ]
        return max(issued, default=0) >= number

    await eventually(is_written, about="the log")
    return lines


async def _look(page: Page, name: str) -> None:
    """Look at a state, whose result may move what follows."""
    assert await violations(page) == [], name
    usual = page.viewport_size
    await page.set_viewport_size({"width": 320, "height": 640})
    assert not await is_too_wide(page), name
    assert usual is not None
    await page.set_viewport_size(usual)
    await picture(page, name)


async def _serve(page: Page, lines: list[str]) -> None:
    """Let the page get this log."""

    async def answer(route: Route) -> None:
        await route.fulfill(content_type="text/plain", body="".join(f"{one}\n" for one in lines))

    await page.unroute_all(behavior="wait")
    await page.route("**/api/queue/*/log", answer)


async def test_a_visitor_keeps_a_receipt_and_sees_where_it_stood(
    surge: Surge,
    services: Container,
    new_person: NewPerson,
    new_sale: NewSale,
    new_buyer: NewBuyer,
    tmp_path: Path,
) -> None:
    slug = await new_sale(concurrent_buyers=1)
    inside = new_buyer(slug)
    await inside.join()
    person = await new_person()
    page = person.page
    await page.goto(f"/queue/{slug}")
    await expect(page.locator(".hero")).to_have_text("1")
    async with page.expect_download() as downloading:
        await page.get_by_role("link", name="Save a receipt of your number").click()
    saved = tmp_path / "receipt.txt"
    await (await downloading.value).save_as(saved)
    key = f"surge-receipt-{slug}"

    async def is_kept() -> bool:
        return bool(await page.evaluate("key => localStorage.getItem(key)", key))

    await eventually(is_kept, about="the kept receipt")
    await _written(surge, services, slug, 2)
    await page.get_by_role("link", name="Check the queue's order").click()
    await page.wait_for_url(f"**/queue/{slug}/verify")
    await expect(page.get_by_role("heading", name="Everything holds")).to_be_visible()
    await expect(page.get_by_text("Number 2 was issued, with 1 ahead")).to_be_visible()
    await _look(page, "verify-holds")
    # Another browser has nothing but the file.
    stranger = (await new_person()).page
    await stranger.goto(f"/queue/{slug}/verify")
    await expect(stranger.get_by_role("heading", name="Everything holds")).to_be_visible()
    await stranger.get_by_label("Open a file").set_input_files(saved)
    await expect(stranger.get_by_text("Number 2 was issued, with 1 ahead")).to_be_visible()
    await stranger.get_by_role("button", name="Use another receipt").click()
    receipt = saved.read_text("utf-8")
    await stranger.get_by_label("Paste your receipt").fill(
        receipt.replace('"number":2', '"number":1')
    )
    await stranger.get_by_role("button", name="Use this receipt").click()
    await expect(stranger.get_by_text("This receipt is not genuine")).to_be_visible()
    await _look(stranger, "verify-not-genuine")
    await stranger.get_by_label("Paste your receipt").fill(receipt)
    await stranger.get_by_role("button", name="Use this receipt").click()
    await expect(stranger.get_by_text("Number 2 was issued, with 1 ahead")).to_be_visible()
    # It is kept from now on.
    await stranger.reload()
    await expect(stranger.get_by_text("Number 2 was issued, with 1 ahead")).to_be_visible()
    assert (person.errors, person.sockets) == ([], [])


async def test_a_changed_log_is_shown_with_the_line_and_the_reason(
    surge: Surge, services: Container, new_person: NewPerson, new_sale: NewSale, new_buyer: NewBuyer
) -> None:
    slug = await new_sale(concurrent_buyers=1)
    for number in range(1, 4):
        await new_buyer(slug).join()
        lines = await _written(surge, services, slug, number)
    page = (await new_person()).page
    flipped = [lines[0], lines[1].replace('"issued":[2,', '"issued":[3,'), *lines[2:]]
    await _serve(page, flipped)
    await page.goto(f"/queue/{slug}/verify")
    await expect(page.get_by_role("heading", name="Something is wrong")).to_be_visible()
    await expect(page.get_by_role("listitem").filter(has_text="Line 2")).to_contain_text(
        "The signature is wrong"
    )
    await _look(page, "verify-wrong")
    again = page.get_by_role("button", name="Check again")
    await _serve(page, [lines[1], lines[0], *lines[2:]])
    await again.click()
    moved = page.get_by_role("listitem").filter(has_text="Line 1 ").first
    await expect(moved).to_contain_text("A line is missing or was moved: this is number 2")
    await _serve(page, lines)
    await again.click()
    await expect(page.get_by_role("heading", name="Everything holds")).to_be_visible()
    await expect(page.get_by_text("Something is wrong")).to_be_hidden()


async def test_the_page_says_what_it_could_not_check_and_why(
    new_person: NewPerson, new_sale: NewSale
) -> None:
    slug = await new_sale()
    page = (await new_person()).page
    await _serve(page, [])
    await page.goto(f"/queue/{slug}/verify")
    await expect(page.get_by_role("heading", name="Nothing to check yet")).to_be_visible()
    await page.unroute_all(behavior="wait")
    await page.route("**/api/queue/*/log", lambda route: route.abort())
    await page.get_by_role("button", name="Check again").click()
    await expect(page.get_by_role("heading", name="could not be loaded")).to_be_visible()
    await _look(page, "verify-unread")
    old = await new_person()
    await old.context.add_init_script("SubtleCrypto.prototype.importKey = () => Promise.reject()")
    await old.page.goto(f"/queue/{slug}/verify")
    await expect(old.page.get_by_role("heading", name="cannot check signatures")).to_be_visible()
    await expect(old.page.get_by_text("Nothing was checked. Open this page")).to_be_visible()
    bare = await new_person(java_script_enabled=False)
    await bare.page.goto(f"/queue/{slug}/verify")
    # Locators by text pass over what stands in `noscript`.
    said = bare.page.locator("noscript p")
    await expect(said).to_contain_text("Without JavaScript this page checks nothing")
    await expect(said).to_be_visible()
    missing = await page.goto("/queue/no-such-event/verify")
    assert missing is not None
    assert missing.status == 404


async def test_the_page_speaks_the_language_it_was_opened_in(
    new_person: NewPerson, new_sale: NewSale
) -> None:
    slug = await new_sale()
    page = (await new_person(locale="hi-IN")).page
    await _serve(page, [])
    await page.goto(f"/events/{slug}")
    await expect(page.locator("#served")).to_have_count(0)
    await page.locator(f"a[href*='/queue/{slug}/verify']").click()
    await page.wait_for_url("**/verify?lang=hi")
    await expect(page.locator("html")).to_have_attribute("lang", "hi-IN")
    await expect(page.locator("[data-when=empty] h2")).to_be_visible()
    await _look(page, "verify-hindi")
