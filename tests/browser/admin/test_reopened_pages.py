"""A page that opens again shows nothing of its last visit, and a press on it is answered."""

from __future__ import annotations

import re

from playwright.async_api import WebSocketRoute, expect

from tests.browser.conftest import NewPerson
from tests.conftest import NewSale, Surge


async def test_a_page_that_opens_again_waits_for_its_own_figures(
    new_person: NewPerson, new_sale: NewSale, surge: Surge
) -> None:
    slug = await new_sale()
    user, password = surge.organizer
    login = {"username": user, "password": password}
    person = await new_person(desktop=True, http_credentials=login)
    page = person.page
    kept: list[str | bytes] = []
    is_slow = False
    sockets: list[WebSocketRoute] = []

    def connect(socket: WebSocketRoute) -> None:
        sockets.append(socket)
        server = socket.connect_to_server()
        server.on_message(lambda said: kept.append(said) if is_slow else socket.send(said))

    await person.context.route_web_socket(re.compile("/_event"), connect)
    remove = page.get_by_role("button", name="Remove this number")
    await page.goto(f"/admin/events/{slug}/queue")
    await expect(remove).to_be_visible()
    await page.get_by_role("link", name="Sale day").click()
    await expect(page.get_by_text("Sold of 10")).to_be_visible()
    is_slow = True
    await page.get_by_role("link", name="Queue", exact=True).click()
    await page.wait_for_url(f"**/{slug}/queue")
    await expect(page.locator("main .skeleton").first).to_be_visible()
    await expect(remove).to_have_count(0)
    is_slow = False
    for said in kept:
        sockets[-1].send(said)
    await remove.click()
    await expect(page.get_by_text("Enter a queue number")).to_be_visible()
    assert person.errors == []
