"""The checkout as an attendee uses it."""

from __future__ import annotations

import json
import re
import secrets
from contextlib import suppress
from typing import Any

from playwright.async_api import Locator, Page, Route, expect
from sqlalchemy import text

from surge_app.container import Container
from tests.browser.conftest import Person, fill_contact
from tests.browser.words import ENGLISH, Words
from tests.conftest import Customer, eventually

_DEADLINE = text(
    "UPDATE intents SET expires_at = now() + make_interval(secs => :seconds) "
    "WHERE event_id = (SELECT id FROM events WHERE slug = :slug) "
    "AND status IN ('held', 'paying')"
)
BEAT_SECONDS = 16


class Attendee:
    """One person at one event's checkout, the page they look at, and its language."""

    def __init__(self, person: Person, slug: str, words: Words = ENGLISH) -> None:
        self.person, self.page, self.slug, self.words = person, person.page, slug, words
        self.tag = f"asha{secrets.token_hex(3)}"

    async def enter(self) -> None:
        """Go in by the event's page."""
        await self.page.goto(f"/events/{self.slug}{self.words.query}")
        await self.named("Get tickets").click()
        await self.page.wait_for_url(f"**/book/{self.slug}")
        await expect(self.named("One more: {name}").first).to_be_visible()

    async def choose(self, tickets: int, tier: str = "") -> None:
        """Press plus until so many tickets of a tier are chosen."""
        shown = self._chosen(tier)
        for number in range(int(await shown.inner_text()), tickets):
            await self.named("One more: {name}", name=tier).first.click()
            await expect(shown).to_have_text(str(number + 1))

    async def choose_fewer(self, tier: str = "") -> None:
        """Press minus once."""
        shown = self._chosen(tier)
        number = int(await shown.inner_text())
        await self.named("One fewer: {name}", name=tier).first.click()
        await expect(shown).to_have_text(str(number - 1))

    async def hold(self) -> None:
        """Hold what is chosen."""
        await self.named("Hold {tickets}").click()
        await self.is_held()

    async def is_held(self) -> None:
        """Wait until the page shows a hold."""
        held = re.compile(re.escape(self.words("Held for you")))
        await expect(self.page.get_by_text(held).first).to_be_visible()

    async def open_payment(self) -> Locator:
        """Fill the form, press Pay and return the payment's window."""
        await fill_contact(self.page, tag=self.tag, words=self.words)
        await self.named("Pay {amount}").click()
        await expect(self.window).to_be_visible()
        return self.window

    async def pay(self) -> str:
        """Pay in the open window; returns the booking's reference."""
        await self.window.get_by_role("button", name=re.compile("^Pay")).click()
        return await self.is_booked()

    async def is_booked(self) -> str:
        """Wait for the booking's page; returns its reference."""
        await self.page.wait_for_url("**/bookings/SRG-*")
        ref = self.page.url.rpartition("/")[2]
        await expect(self.page.get_by_text(ref).first).to_be_visible()
        return ref

    async def wait_for(self, awaited: Locator) -> None:
        """Wait until the page, whose clock stands still, shows what follows from elsewhere.

        A look of the page may meet counts of a moment ago, and then it has to look again. It is not
        hurried: a clock that leaps further than a silent connection lives would end the connection.
        """

        async def is_there() -> bool:
            await self.pass_a_beat()
            with suppress(AssertionError):
                await expect(awaited).to_be_visible(timeout=2_000)
            return await awaited.is_visible()

        await eventually(is_there, about=str(awaited))

    async def pass_a_beat(self) -> None:
        """Let the page ask the server what is new; its clock was installed before."""
        self.person.has_leaped = True
        await self.page.clock.fast_forward(BEAT_SECONDS * 1000)

    def button(self, name: str) -> Locator:
        """Find a button by a pattern of its name."""
        return self.page.get_by_role("button", name=re.compile(name))

    def named(self, message: str, **values: object) -> Locator:
        """Find a button by the sentence that its name begins with."""
        return self.page.get_by_role("button", name=self.words.like(message, **values))

    def said(self, message: str, **values: object) -> Locator:
        """Find a text by the sentence it begins with."""
        return self.page.get_by_text(self.words.like(message, **values))

    def _chosen(self, tier: str) -> Locator:
        return self.page.get_by_label(self.words.like("Tickets: {name}", name=tier)).first

    @property
    def window(self) -> Locator:
        """The payment's window."""
        return self.page.get_by_role("dialog")

    async def next_attempt(self, **changes: Any) -> None:
        """Change what the next payment in the window asks of the sandbox."""

        async def change(route: Route) -> None:
            wanted = json.loads(route.request.post_data or "{}")
            await route.continue_(post_data=json.dumps({**wanted, **changes}))

        await self.page.route("**/attempts", change, times=1)

    async def pay_elsewhere(self, order_id: str, **wanted: Any) -> None:
        """Pay an order without the page: a phone's banking app, and no way back."""
        answer = await self.page.request.post(
            f"/sandbox/razorpay/orders/{order_id}/attempts", data={"outcome": "captured", **wanted}
        )
        assert answer.ok


async def order_of(page: Page, press: Locator) -> str:
    """Press what opens the payment; returns the order its window asks about."""
    async with page.expect_request("**/sandbox/razorpay/orders/*") as asked:
        await press.click()
    return (await asked.value).url.rpartition("/")[2]


async def let_in(buyer: Customer) -> None:
    """Wait for a buyer's turn: freed tickets reach the line a moment later."""
    await buyer.join()

    async def is_admitted() -> bool:
        return (await buyer.poll())["state"] == "admitted"

    await eventually(is_admitted, about="the turn")


async def end_holds(services: Container, slug: str, *, in_seconds: float = 0) -> None:
    """Move the deadline of what is held of an event."""
    async with services.database.transaction() as session:
        await session.execute(_DEADLINE, {"seconds": in_seconds, "slug": slug})
