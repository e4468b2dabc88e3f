"""The facts that the server writes into an event page are those the page shows, in every state."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import timedelta

import pytest
from playwright.async_api import Page, expect

from surge_app.clock import utc_now
from surge_app.container import Container
from surge_app.services.events.new_event import NewTier
from tests.browser.conftest import NewPerson
from tests.browser.page_checks import ask_until
from tests.conftest import NewBuyer, NewSale

_BOTH = """
async () => {
  const html = await (await fetch(location.href, { cache: "no-store" })).text();
  const served = new DOMParser().parseFromString(html, "text/html").getElementById("served");
  // The field that only scripts fill in is seen by nobody.
  for (const trap of document.querySelectorAll("main > [aria-hidden=true]")) trap.remove();
  const shown = document.querySelector(".page > main").innerText;
  // Without scripts a link leads on; the page has a button in its place.
  served.querySelector("main a.button")?.remove();
  document.body.append(served);
  const written = served.querySelector("main").innerText;
  served.remove();
  return [written, shown];
}
"""
# It runs in the browser alone: a page that is kept for two seconds cannot count them.
_CLOCK = "The sale opens in"


def _lines(text: str) -> list[str]:
    lines = [" ".join(line.split()) for line in text.splitlines()]
    return [line for line in lines if line and not line.startswith(_CLOCK)]


def _shown_in_order(written: list[str], shown: list[str]) -> list[str]:
    """Return the written lines that are shown after the ones before them."""
    rest = iter(shown)
    return [line for line in written if line in rest]


async def _compare(page: Page, path: str, said: str) -> list[str]:
    """Return the lines of a page once it says something and shows all that the server wrote."""
    await page.goto(path)
    await expect(page.locator("#served")).to_have_count(0)
    both: list[list[str]] = []

    async def agree() -> bool:
        # Two workers may have read the database a second apart; the page looks again by itself.
        both[:] = [_lines(text) for text in await page.evaluate(_BOTH)]
        return _shown_in_order(*both) == both[0] and said in "\n".join(both[1])

    with suppress(pytest.fail.Exception):
        await ask_until(page, agree, about=path)
    written, shown = both
    # Sentences are the page's own; the plain facts stand in both, in the same order.
    assert _shown_in_order(written, shown) == written
    assert written
    assert said in "\n".join(shown)
    return shown


async def test_a_page_shows_every_fact_that_the_server_writes_of_an_event(
    new_person: NewPerson, new_sale: NewSale, new_buyer: NewBuyer, services: Container
) -> None:
    now = utc_now()
    one = (NewTier("Stalls", 50_000, 1),)

    async def rich() -> str:
        return await new_sale(
            description="One night.",
            refund_policy="No refunds.",
            organizer_name="Acme",
            organizer_email="help@acme.example",
            organizer_phone="+91 98765 43210",
            max_per_person=4,
            tiers=(
                NewTier("Stalls", 50_000, 100_000, min_per_booking=2, max_per_booking=3),
                NewTier("Free", 0, 1),
                NewTier("Later", 90_000, 5, sales_open_at=now + timedelta(days=2)),
            ),
        )

    async def few() -> str:
        slug = await new_sale(units=10, max_per_person=9)
        await new_buyer(slug).order(9)
        return slug

    async def scheduled() -> str:
        return await new_sale(
            venue="The Old Mill, Pune",
            city="Pune",
            sales_open_at=now + timedelta(days=3, hours=1),
            starts_at=now + timedelta(days=4),
        )

    async def paused() -> str:
        slug = await new_sale()
        await services.organizer.pause(slug, actor="test")
        return slug

    async def held() -> str:
        slug = await new_sale(tiers=one)
        await new_buyer(slug).order()
        return slug

    async def sold_out() -> str:
        slug = await new_sale(tiers=one)
        await new_buyer(slug).buy()
        return slug

    async def cancelled() -> str:
        slug = await new_sale()
        await services.lifecycle.cancel(slug, actor="test")
        return slug

    kinds: dict[str, Callable[[], Awaitable[str]]] = {
        "Get tickets": rich,
        "Few left": few,
        "Join the queue": scheduled,
        "The sale is paused. You can join the queue now.": paused,
        "All in checkouts; some may be released": held,
        "All tickets are sold.": sold_out,
        "This event is cancelled.": cancelled,
    }
    person = await new_person(timezone_id="Asia/Kolkata")
    for said, make in kinds.items():
        await _compare(person.page, f"/events/{await make()}", said)
    listed = await _compare(person.page, "/events", "Opens in 3 days")
    assert "The Old Mill, Pune" in listed
