"""Every state of the waiting room: clean for axe in both themes, within 320 px, no socket."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, Route, expect

from tests.browser.conftest import PHONE, NewPerson, Person, arrive
from tests.browser.page_checks import look, misread, picture, violations
from tests.browser.queue_states import LINE_STATES, force
from tests.conftest import NewSale, Surge, eventually

# One column each, so a phone's picture tells all.
_PICTURES = (
    *("waiting", "odds", "hopeless", "next", "held", "slower", "cut", "admitted", "draw", "paused"),
    "challenge",
)
_SMALL = "document.querySelectorAll('main button, main a.button, main summary')"
_IS_SEEN = "all => all.some((one) => one.getBoundingClientRect().height > 8)"


async def is_fiddly(page: Page) -> bool:
    return await page.evaluate(
        f"[...{_SMALL}].some((one) => one.getBoundingClientRect().height < 44)"
    )


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def onlooker(browser: Browser, surge: Surge) -> AsyncGenerator[Person]:
    """One person for all states, whose browser has the page's files from the first one on."""
    person = await arrive(browser, surge)
    yield person
    await person.context.close()


@pytest.mark.parametrize("name", LINE_STATES)
async def test_a_state_is_clean_in_both_themes_and_fits(
    onlooker: Person, new_sale: NewSale, name: str
) -> None:
    state, page = LINE_STATES[name], onlooker.page
    # The page of a visitor whose turn it is goes on to the checkout, which has a socket.
    await page.goto("about:blank")
    onlooker.sockets.clear()
    await page.unroute_all(behavior="ignoreErrors")
    await page.set_viewport_size(PHONE)
    # A line of its own: what a browser keeps of one must not colour the next.
    slug = await new_sale(name="Monsoon Beats")
    await force(page, slug, state)
    await page.goto(f"/queue/{slug}")
    if state.presses:
        await page.get_by_role("button", name=state.presses).click()
    said = page.get_by_text(state.says)
    await expect(said.first).to_be_visible()

    async def is_seen() -> bool:
        # What only a screen reader hears is a pixel high.
        return await said.evaluate_all(_IS_SEEN)

    await eventually(is_seen, about=state.says)
    if name in _PICTURES:
        await expect(page.locator("h1:not(.sr-only)")).to_be_visible()
        await picture(page, f"queue-{name}", sizes=("phone",))
    found = await violations(page)
    await page.evaluate("document.documentElement.classList.replace('light', 'dark')")
    found += [f"dark: {one}" for one in await violations(page, "color-contrast")]
    await page.set_viewport_size({"width": 320, "height": 640})
    found += await misread(page)
    assert not await is_fiddly(page)
    assert found == []
    assert onlooker.sockets == []


async def test_a_join_that_takes_long_moves_nothing(
    new_person: NewPerson, new_sale: NewSale
) -> None:
    slug, page = await new_sale(name="Monsoon Beats"), (await new_person()).page
    has_waited = asyncio.Event()

    async def wait(route: Route) -> None:
        await has_waited.wait()
        await route.fallback()

    await force(page, slug, LINE_STATES["waiting"])
    await page.route(f"**/api/queue/{slug}", wait)
    await page.goto(f"/queue/{slug}")
    await expect(page.get_by_text("Joining the queue")).to_be_visible()
    has_waited.set()
    await expect(page.get_by_text(LINE_STATES["waiting"].says, exact=True)).to_be_visible()
    await expect(page.locator("h1:not(.sr-only)")).to_be_visible()
    await look(page, "queue-joined")
