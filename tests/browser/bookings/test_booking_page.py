"""Names in Hindi from the event page to the ticket, and a booking put right by its owner."""

from __future__ import annotations

import re
import secrets
from urllib.parse import urlsplit

from playwright.async_api import Page, expect

from surge_app.container import Container
from tests.browser.conftest import NewPerson, fill_contact
from tests.browser.page_checks import is_too_wide, violations
from tests.conftest import NewSale, eventually

_FACE = "/fonts/noto-sans-devanagari-wght-normal.woff2"


async def _faces_of_title(page: Page) -> set[tuple[str, bool]]:
    """Return the faces the title is drawn with, and whether each came from us."""
    devtools = await page.context.new_cdp_session(page)
    await devtools.send("DOM.enable")
    await devtools.send("CSS.enable")
    root = (await devtools.send("DOM.getDocument"))["root"]["nodeId"]
    title = await devtools.send("DOM.querySelector", {"nodeId": root, "selector": ".page h1"})
    used = await devtools.send("CSS.getPlatformFontsForNode", title)
    await devtools.detach()
    return {(one["familyName"], one["isCustomFont"]) for one in used["fonts"]}


async def test_a_name_in_hindi_has_a_face_of_ours_and_its_booking_can_be_put_right(
    new_person: NewPerson, new_sale: NewSale, services: Container
) -> None:
    latin = await new_sale(name="Monsoon Beats")
    slug = await new_sale(name="श्रीकृष्ण की रात", units=5, ask_attendee_names=True)
    person = await new_person()
    page, tag = person.page, f"hindi{secrets.token_hex(3)}"
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    await page.goto(f"/events/{latin}")
    await expect(page.get_by_role("button", name="Get tickets")).to_be_visible()
    assert not [url for url in asked if _FACE in url]
    await page.goto(f"/events/{slug}")
    await expect(page.get_by_role("button", name="Get tickets")).to_be_visible()
    await page.evaluate("document.fonts.ready")
    faces = await _faces_of_title(page)
    assert ("Noto Sans Devanagari", True) in faces
    # The spaces are Latin; nothing comes from the device.
    assert all(is_ours for _, is_ours in faces)
    await page.get_by_role("button", name="Get tickets").click()
    await page.wait_for_url(f"**/book/{slug}")
    await page.get_by_role("button", name=re.compile("^Hold")).click()
    await fill_contact(page, tag=tag)
    await page.get_by_label("Ticket 1 of 1, General").fill("रवि राव")
    hosts = {urlsplit(url).netloc for url in asked if not url.startswith("data:")}
    assert hosts == {urlsplit(page.url).netloc}
    await page.get_by_role("button", name="Pay ₹525").click()
    await page.get_by_role("dialog").get_by_role("button", name="Pay ₹525").click()
    await page.wait_for_url("**/bookings/SRG-*")
    await _put_right(page, tag)
    ref = page.url.rpartition("/")[2]
    booking = await services.tickets.view(ref)
    assert [one.attendee_name for one in booking.tickets] == ["मीरा"]
    assert booking.email == f"{tag}@example.net"
    assert person.errors == []

    async def is_told() -> bool:
        outbox = await person.context.request.get("/sandbox/outbox.json")
        told = [one["to"] for one in (await outbox.json())["messages"]]
        return {f"{tag}@example.com", f"{tag}@example.net"} <= set(told)

    await eventually(is_told, about="mails to the old and the new address")


async def _put_right(page: Page, tag: str) -> None:
    """Change the name and the address with the keyboard, as axe and a small screen allow."""
    await expect(page.locator(".ticket").get_by_text("रवि राव")).to_be_visible()
    # It follows its messages by itself.
    await expect(page.locator(".plain-list .chip", has_text="arrived")).to_have_count(2)
    await page.get_by_role("textbox", name="General").fill("मीरा")
    await page.get_by_role("textbox", name="General").press("Enter")
    await expect(page.get_by_text("Saved. Your codes stay the same")).to_be_visible()
    await expect(page.locator(".ticket").get_by_text("मीरा")).to_be_visible()
    await page.get_by_text("Resend tickets or change email or mobile").focus()
    await page.keyboard.press("Enter")
    await page.get_by_label("Email").fill("asha@gmial.com")
    await page.get_by_label("Mobile").focus()
    await expect(page.get_by_text("Did you mean asha@gmail.com?")).to_be_visible()
    await page.get_by_role("button", name="Use it").click()
    await expect(page.get_by_label("Email")).to_have_value("asha@gmail.com")
    await page.get_by_label("Email").fill(f"{tag}@")
    await page.get_by_label("Email").press("Enter")
    await expect(page.get_by_text("Enter an email address like")).to_be_visible()
    await expect(page.get_by_label("Email")).to_be_focused()
    assert await violations(page) == []
    await page.set_viewport_size({"width": 320, "height": 640})
    assert not await is_too_wide(page)
    await page.get_by_label("Email").fill(f"{tag}@example.net")
    await page.get_by_role("button", name="Send again").click()
    await expect(page.get_by_text(f"let {tag}@example.com know")).to_be_visible()
    await page.emulate_media(color_scheme="dark")
    await page.reload()
    await expect(page.get_by_role("heading", name="Receipt")).to_be_visible()
    assert await violations(page) == []
