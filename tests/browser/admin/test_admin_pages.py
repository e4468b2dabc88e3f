"""The console in a browser, beside a sale driven over HTTP: each sees what the other does."""

from __future__ import annotations

import csv
import io
import re
import secrets
import zipfile
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

from playwright.async_api import Page, expect

from surge_app.clock import utc_now
from surge_app.container import Container
from surge_app.services.events.covers import LARGEST_UPLOAD
from tests.browser.checkout import Attendee, end_holds
from tests.browser.conftest import NewPerson, Person, cover_photo
from tests.browser.page_checks import look
from tests.conftest import NewBuyer, Surge, eventually

_OF_A_BOOKING = (
    ("Tickets as PDF", ".pdf", b"%PDF-"),
    ("Receipt as PDF", "-receipt.pdf", b"%PDF-"),
    ("Add to calendar", ".ics", b"BEGIN:VCALENDAR"),
)


async def _make_event(organizer: Person, slug: str) -> None:
    page = organizer.page
    await page.goto("/admin")
    await page.get_by_role("link", name="New event").click()
    typed = {
        "Name": "Made in the browser",
        "Web address: /events/…": slug,
        "Venue": "The hall",
        "Starts": f"{utc_now() + timedelta(days=40):%Y-%m-%dT19:00}",
        "Ticket type": "General",
        "Ticket price (₹)": "499.50",
        "Tickets": "5",
    }
    for label, value in typed.items():
        await page.get_by_label(label).first.fill(value)
    await page.get_by_role("button", name="Create draft").click()
    await page.wait_for_url(f"**/admin/events/{slug}/edit")
    assert (await organizer.context.request.get(f"/api/events/{slug}")).status == 404


async def _choose_pictures(organizer: Person, folder: Path) -> None:
    """A file that is too large, one that is no picture, one that is, none again, and one."""
    page = organizer.page

    async def choose(name: str, content: bytes) -> None:
        async with page.expect_file_chooser() as chooser:
            await page.get_by_role("button", name=re.compile("^Choose a")).click()
        (folder / name).write_bytes(content)
        await (await chooser.value).set_files(folder / name)

    await choose("large.png", bytes(LARGEST_UPLOAD + 1))
    await expect(page.get_by_text("large.png has 10.0 MB")).to_be_visible()
    assert organizer.errors == []
    await choose("program.png", b"<svg xmlns='http://www.w3.org/2000/svg'/>")
    await expect(page.get_by_text("The picture has to be a JPEG, PNG or WebP")).to_be_visible()
    # The browser itself notes that the server refused.
    assert [error for error in organizer.errors if "422" not in error] == []
    organizer.errors.clear()
    await choose("photo.png", cover_photo())
    cut = page.get_by_alt_text("How attendees will see the picture")
    await page.get_by_label("Which part is shown").press("Home")
    await expect(cut).to_have_css("object-position", "0% 0%")
    await look(page, "admin-event-cut")
    await page.get_by_role("button", name="Save the picture").click()
    await expect(page.get_by_text("Attendees see the picture at once")).to_be_visible()
    await page.get_by_role("button", name="Remove the picture").click()
    await expect(page.get_by_text("The drawn cover is back")).to_be_visible()
    await choose("photo.webp", cover_photo("WEBP"))
    await page.get_by_role("button", name="Save the picture").click()
    await expect(page.get_by_alt_text("The picture of the event")).to_be_visible()
    await look(page, "admin-event")


async def _preview(organizer: Person, slug: str) -> None:
    page = organizer.page
    await page.get_by_role("link", name="Preview").click()
    await page.wait_for_url(f"**/admin/events/{slug}/preview")
    await expect(page.get_by_role("heading", name="Made in the browser")).to_be_visible()
    await expect(page.get_by_text("₹524.50")).to_be_visible()
    shown = page.locator("img.cover")
    assert await shown.evaluate("one => one.decode().then(() => one.naturalWidth)") == 1200
    await look(page, "admin-preview")
    await page.get_by_role("button", name="Get tickets").click()
    await expect(page.get_by_text("Nothing can be bought here.")).to_be_visible()
    assert urlsplit(page.url).path == f"/admin/events/{slug}/preview"
    await page.get_by_role("link", name="Back to the event").click()
    await page.wait_for_url(f"**/admin/events/{slug}/edit")
    # A browser cuts a date and its hour in a narrower field.
    await page.set_viewport_size({"width": 1280, "height": 800})
    dates = page.locator("[type=datetime-local]")
    await expect(dates.first).to_be_visible()
    assert await dates.evaluate_all("all => Math.min(...all.map(one => one.offsetWidth))") >= 240


async def _publish(page: Page) -> None:
    await page.get_by_text("Publish", exact=True).click()
    await expect(page.get_by_text("5 tickets go on sale immediately.")).to_be_visible()
    await page.get_by_role("button", name="Publish now").click()
    await expect(page.get_by_text("Published", exact=True)).to_be_visible()


async def _refund_the_second_ticket(page: Page) -> None:
    await page.get_by_label("Refund", exact=True).select_option("tickets")
    await page.get_by_label("2 · General").check()
    await page.get_by_role("button", name="Review refund").click()
    await expect(
        page.get_by_text("Refund ₹499.50 to Asha Rao and cancel 1 ticket?")
    ).to_be_visible()
    await page.get_by_role("button", name="Refund", exact=True).click()
    await expect(page.get_by_text("Refund of ₹499.50 started.")).to_be_visible()


async def _set_buyers(page: Page, number: int) -> None:
    await page.get_by_label("Buyers inside at once").fill(str(number))
    await expect(
        page.get_by_text(re.compile("last in the queue waits|No one is waiting, so"))
    ).to_be_visible()
    await page.get_by_role("button", name="Apply").click()
    await expect(page.get_by_text(re.compile("^Applied: "))).to_be_visible()


async def _steer(page: Page, attendee: Page, slug: str) -> None:
    """Pause, resume, write to those who wait, and let one more in; the attendee sees each."""
    await page.get_by_role("button", name="Pause the queue").click()
    await expect(attendee.get_by_text("The queue is paused").first).to_be_visible()
    await page.get_by_role("link", name="Queue", exact=True).click()
    await page.get_by_role("button", name="Resume the queue").click()
    await expect(attendee.get_by_text("The queue is paused")).to_have_count(0)
    await page.get_by_label("Message to everyone in the queue").fill("Doors open at seven.")
    await page.get_by_role("button", name="Apply").click()
    await expect(page.get_by_text(re.compile("^Applied: "))).to_be_visible()
    await expect(attendee.get_by_text("Doors open at seven.")).to_be_visible()
    await _set_buyers(page, 2)
    await attendee.wait_for_url(f"**/book/{slug}")


async def _sell_at_the_counter(page: Page) -> str:
    """Sell a ticket for cash; returns the booking's reference."""
    await page.get_by_role("link", name="Box office").click()
    await page.get_by_label("General", exact=True).fill("1")
    await expect(page.get_by_text("1 ticket: take ₹499.50 in cash")).to_be_visible()
    await look(page, "admin-box-office")
    await page.get_by_role("button", name="Sell", exact=True).click()
    sold = page.get_by_text(re.compile("^1 ticket sold for ₹499.50 in cash. Booking SRG-"))
    return (await sold.inner_text())[-13:-1]


async def _revive(page: Page, attendee: Attendee, services: Container) -> None:
    """Give a hold that ran out another chance; the attendee goes on where they were."""
    await attendee.hold()
    await end_holds(services, attendee.slug)
    await page.get_by_role("link", name="Ticket holds").click()
    hold_again = page.get_by_role("listitem").filter(has_text="1 × General")

    async def is_listed() -> bool:
        await page.get_by_label("Status").select_option("released")
        await expect(hold_again).to_have_count(0)
        await page.get_by_label("Status").select_option("expired")
        with suppress(AssertionError):
            await expect(hold_again).to_have_count(1, timeout=2_000)
        return await hold_again.count() == 1

    await eventually(is_listed, about="the hold that ran out")
    await look(page, "admin-holds")
    await hold_again.get_by_text("Hold again", exact=True).click()
    await page.get_by_role("button", name="Hold now").click()
    await expect(page.get_by_text("Held again for 5 minutes.")).to_be_visible()
    await attendee.page.reload()
    await attendee.is_held()


async def _end_the_pass(page: Page, attendee: Attendee, number: int) -> None:
    """End one person's pass; what it will do is said before, and what it did after."""
    await page.get_by_role("link", name="Queue", exact=True).click()
    await page.get_by_label("Queue number").fill(str(number))
    await page.get_by_role("button", name="Remove this number").click()
    asked = f"Number {number} is choosing tickets, holding 1 ticket. It loses its turn"
    await expect(page.get_by_text(asked)).to_be_visible()
    await page.get_by_role("button", name="Remove", exact=True).click()
    told = f"Number {number} was choosing tickets, holding 1 ticket. It is out of the queue"
    await expect(page.get_by_text(told)).to_be_visible()
    await attendee.page.reload()
    await attendee.page.wait_for_url(f"**/queue/{attendee.slug}")


async def _read_the_log(page: Page, slug: str) -> None:
    await page.get_by_role("link", name="Audit log", exact=True).click()
    await page.get_by_label("Event", exact=True).select_option(slug)
    rows = page.locator("main ol > li")
    await expect(rows.filter(has_text="Removed from the sale")).to_have_count(1)
    await look(page, "admin-log")
    await page.get_by_label("Action", exact=True).select_option("intent.revive")
    await expect(rows).to_have_count(1)


async def _help(organizer: Person, ref: str) -> None:
    """Find a booking, correct its address, and send it again."""
    page = organizer.page
    await page.get_by_role("link", name="Participants").click()
    await page.get_by_label("Search").fill(ref.lower())
    await page.get_by_role("link", name=re.compile(ref)).click()
    await expect(page.get_by_role("heading", name="History")).to_be_visible()
    await page.get_by_label("Email").fill("right@example.com")
    await page.get_by_role("button", name="Update contact").click()
    await expect(page.get_by_text(re.compile("^Contact updated\\. "))).to_be_visible()
    await page.get_by_text("Resend to the new contact", exact=True).click()
    await page.get_by_role("button", name="Resend now").click()
    await expect(page.get_by_text(re.compile("^Tickets resent in "))).to_be_visible()

    async def is_sent() -> bool:
        outbox = await organizer.context.request.get("/sandbox/outbox.json")
        messages = (await outbox.json())["messages"]
        return any(
            one["to"] == "right@example.com" and one["booking_ref"] == ref for one in messages
        )

    await eventually(is_sent, about="the confirmation at the right address")


async def _taken_home(page: Page, link: str, name: str) -> bytes:
    """Click a link to a file and return what the browser saved."""
    async with page.expect_download() as download:
        await page.get_by_role("link", name=link, exact=True).click()
    file = await download.value
    assert file.suggested_filename == name
    return (await file.path()).read_bytes()


async def _take_the_list_home(organizer: Person, slug: str) -> list[dict[str, str]]:
    """Save both files; the page goes on with the connection it has."""
    page = organizer.page
    await page.get_by_role("link", name="Participants").click()
    await expect(page.locator("ul.participants > li")).to_have_count(2)
    connections = len(organizer.sockets)
    text = (await _taken_home(page, "CSV", f"{slug}-participants.csv")).decode("utf-8-sig")
    workbook = await _taken_home(page, "Excel", f"{slug}-participants.xlsx")
    rows = list(csv.DictReader(io.StringIO(text)))
    with zipfile.ZipFile(io.BytesIO(workbook)) as files:
        sheet = files.read("xl/worksheets/sheet1.xml").decode()
    assert [row["booking_ref"] in sheet for row in rows] == [True] * len(rows)
    assert sheet.count("<row ") == 1 + len(rows)
    await page.get_by_label("Sold", exact=True).select_option("box_office")
    await expect(page.locator("ul.participants > li")).to_have_count(1)
    assert len(organizer.sockets) == connections
    return rows


async def _let_in(page: Page) -> None:
    await page.get_by_role("link", name="Check-in").click()
    await page.get_by_label("Gate name").fill("North")
    await page.get_by_label("Search").fill("asha")
    found = page.get_by_role("listitem").filter(has_text="Asha Rao")
    await found.get_by_role("button", name="Admit", exact=True).click()
    await expect(page.locator(".scan-result").get_by_text("Admit", exact=True)).to_be_visible()
    await expect(page.get_by_text("1 of 2 inside")).to_be_visible()


async def test_an_organizer_sets_an_event_up_and_runs_its_sale_and_attendees_see_it_all(
    new_person: NewPerson,
    new_buyer: NewBuyer,
    surge: Surge,
    services: Container,
    tmp_path: Path,
) -> None:
    slug = f"made-{secrets.token_hex(4)}"
    user, password = surge.organizer
    organizer = await new_person(
        desktop=True,
        http_credentials={"username": user, "password": password},
    )
    page, attendee = organizer.page, await new_person()
    await _make_event(organizer, slug)
    await _choose_pictures(organizer, tmp_path)
    await _preview(organizer, slug)
    await _publish(page)
    await page.get_by_role("link", name="Queue", exact=True).click()
    await _set_buyers(page, 1)

    await page.get_by_role("link", name="Sale day").click()
    await expect(page.get_by_text("Sold of 5")).to_be_visible()
    buyer = new_buyer(slug)
    ref = await buyer.buy(quantity=2)
    await expect(page.locator(".tile", has_text="Sold of 5").locator(".figure")).to_have_text("2")
    await expect(page.get_by_text("1 booking, 1 in the last minute")).to_be_visible()

    await new_buyer(slug).join()
    await attendee.page.goto(f"/events/{slug}")
    await expect(attendee.page.get_by_text("3 left", exact=True)).to_be_visible()
    await attendee.page.get_by_role("button", name="Get tickets").click()
    await expect(
        attendee.page.get_by_text("Your position in the queue", exact=True)
    ).to_be_visible()
    await _steer(page, attendee.page, slug)
    at_the_checkout = Attendee(attendee, slug)
    await _revive(page, at_the_checkout, services)
    await _end_the_pass(page, at_the_checkout, 3)
    for_cash = await _sell_at_the_counter(page)

    await _help(organizer, ref)
    await _refund_the_second_ticket(page)
    # The corrected address raised the version of the link.
    token = services.identity.booking_token(ref, 1)
    await attendee.page.goto(f"/bookings/{ref}?token={token}")
    await expect(attendee.page.get_by_text("No longer valid", exact=True)).to_have_count(1)
    for link, kind, start in _OF_A_BOOKING:
        saved = await _taken_home(attendee.page, link, f"{ref}{kind}")
        assert saved.startswith(start)

    rows = await _take_the_list_home(organizer, slug)
    assert [(row["booking_ref"], row["ticket_status"], row["email"]) for row in rows] == [
        (ref, "valid", "right@example.com"),
        (ref, "void", "right@example.com"),
        (for_cash, "valid", ""),
    ]
    await _let_in(page)
    await _read_the_log(page, slug)
    await page.get_by_role("link", name="Checks").click()
    await page.get_by_role("button", name="Check now").click()
    await expect(page.get_by_text(re.compile("^A visitor has one live intent"))).to_be_visible()
    assert organizer.errors == []
    assert attendee.errors == []
    assert surge.command("audit", "--event", slug).returncode == 0
