"""People who wait behind a buyer, each in a browser of their own."""

from __future__ import annotations

from playwright.async_api import expect

from tests.browser.conftest import NewPerson, Person
from tests.conftest import Customer, NewBuyer


async def wait_behind(
    new_person: NewPerson, new_buyer: NewBuyer, slug: str, people: int = 1
) -> tuple[Customer, list[Person]]:
    """Let one buyer in, and people with browsers wait behind."""
    inside = new_buyer(slug)
    assert (await inside.join())["state"] == "admitted"
    waiting: list[Person] = []
    for number in range(1, people + 1):
        person = await new_person()
        await person.page.goto(f"/queue/{slug}")
        await expect(person.page.locator(".hero")).to_have_text(str(number))
        waiting.append(person)
    return inside, waiting
