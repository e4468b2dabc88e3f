"""The console in a browser, beside a sale driven over HTTP: each sees what the other does."""

from __future__ import annotations

import re
import secrets
from datetime import timedelta

from playwright.async_api import expect

from surge_app.clock import utc_now
from surge_app.container import Container
from tests.browser.conftest import NewPerson
from tests.conftest import NewBuyer, NewSale, Surge, eventually


async def test_an_organizer_runs_a_sale_and_helps_one_of_its_buyers(  # noqa: PLR0915  one long day
    new_person: NewPerson,
    new_sale: NewSale,
    new_buyer: NewBuyer,
    surge: Surge,
    services: Container,
) -> None:
    slug = await new_sale(units=20, concurrent_buyers=1)
    user, password = surge.organizer
    organizer = await new_person(
        desktop=True, http_credentials={"username": user, "password": password}
    )
    page = organizer.page
    await page.goto(f"/admin/{slug}")
    await expect(page.get_by_text("Sold of 20")).to_be_visible()
    ref = await new_buyer(slug).buy(quantity=2)
    await expect(page.locator(".tile", has_text="Sold of 20").locator(".figure")).to_have_text("2")
    await expect(page.get_by_text("1 booking, 1 in the last minute")).to_be_visible()

    inside, waiting = new_buyer(slug), new_buyer(slug)
    await inside.join()
    await waiting.join()
    await page.get_by_role("button", name="Pause the queue").click()
    await expect(page.get_by_role("button", name="Resume the queue")).to_be_visible()

    async def is_paused() -> bool:
        return (await waiting.poll())["state"] == "paused"

    await eventually(is_paused, about="the pause")
    await page.get_by_role("link", name="Queue", exact=True).click()
    await page.get_by_role("button", name="Resume the queue").click()
    await page.get_by_label("Buyers inside at the same time").fill("2")
    await expect(page.get_by_text(re.compile("last in line waits"))).to_be_visible()

    async def is_waiting() -> bool:
        return (await waiting.poll())["state"] == "waiting"

    await eventually(is_waiting, about="the end of the pause")
    await page.get_by_role("button", name="Apply").click()
    await expect(page.get_by_text("Done. It is in force now.")).to_be_visible()

    async def is_called() -> bool:
        return (await waiting.poll())["state"] == "admitted"

    await eventually(is_called, about="the turn of who waited")

    await page.get_by_role("link", name="Participants").click()
    await page.get_by_label("Find").fill(ref.lower())
    await page.get_by_role("link", name=re.compile(ref)).click()
    await expect(page.get_by_role("heading", name="What happened")).to_be_visible()
    await page.get_by_label("Email").fill("right@example.com")
    await page.get_by_role("button", name="Correct").click()
    await expect(page.get_by_text(re.compile("^Corrected"))).to_be_visible()
    await page.get_by_role("button", name="Send the confirmation again").click()
    await expect(page.get_by_text("The confirmation is on its way again.")).to_be_visible()

    async def is_sent() -> bool:
        outbox = await organizer.context.request.get("/sandbox/outbox.json")
        messages = (await outbox.json())["messages"]
        return any(
            one["to"] == "right@example.com" and one["booking_ref"] == ref for one in messages
        )

    await eventually(is_sent, about="the confirmation at the right address")
    await page.get_by_label("What goes back").select_option("tickets")
    await page.get_by_label("Numbers of the tickets").fill("2")
    await page.get_by_role("button", name="Refund").click()
    await expect(page.get_by_text("₹500 is on its way back.")).to_be_visible()
    assert [one.status for one in (await services.tickets.view(ref)).tickets] == ["valid", "void"]

    await page.get_by_role("link", name="Check-in").click()
    await page.get_by_label("This gate is called").fill("North")
    await page.get_by_label("Find by hand").fill("asha")
    await page.get_by_role("button", name="Let in").click()
    await expect(page.get_by_text("Come in", exact=True)).to_be_visible()
    await expect(page.get_by_text("1 of 1 inside")).to_be_visible()
    await page.get_by_role("link", name="Checks").click()
    await page.get_by_role("button", name="Check them now").click()
    await expect(page.get_by_text(re.compile("^A visitor has one live intent"))).to_be_visible()
    assert organizer.errors == []
    assert surge.command("audit", "--event", slug).returncode == 0


async def test_an_organizer_sets_an_event_up_sells_it_and_cancels_it(
    new_person: NewPerson, new_buyer: NewBuyer, surge: Surge
) -> None:
    slug = f"made-{secrets.token_hex(4)}"
    user, password = surge.organizer
    organizer = await new_person(
        desktop=True, http_credentials={"username": user, "password": password}
    )
    page = organizer.page
    await page.goto("/admin")
    await page.get_by_role("link", name="New event").click()
    starts = f"{utc_now() + timedelta(days=40):%Y-%m-%dT19:00}"
    typed = {
        "Name": "Made in the browser",
        "Address: small letters, digits, hyphens": slug,
        "Venue": "The hall",
        "Starts": starts,
        "Tier": "General",
        "Price in rupees, without the fee": "499.50",
        "Places": "5",
    }
    for label, value in typed.items():
        await page.get_by_label(label, exact=True).fill(value)
    await page.get_by_role("button", name="Make the draft").click()
    await page.wait_for_url(f"**/admin/events/{slug}/edit")
    assert (await organizer.context.request.get(f"/api/events/{slug}")).status == 404
    await page.get_by_role("button", name="Publish").click()
    await expect(page.get_by_text("Published", exact=True)).to_be_visible()
    await page.get_by_label("Venue", exact=True).fill("The larger hall")
    await page.get_by_role("button", name="Save", exact=True).click()
    await expect(page.get_by_text("Saved. Attendees see it at once.")).to_be_visible()

    async def is_seen() -> bool:
        answer = await organizer.context.request.get(f"/api/events/{slug}")
        return answer.ok and (await answer.json())["venue"] == "The larger hall"

    await eventually(is_seen, about="the change in the catalog")
    event = await (await organizer.context.request.get(f"/api/events/{slug}")).json()
    assert event["tiers"][0]["price_paise"] == 49_950
    await page.get_by_label("Places", exact=True).first.fill("7")
    await page.get_by_role("button", name="Save the tier").click()
    await expect(page.get_by_text("Saved. Holds that are running keep")).to_be_visible()
    ref = await new_buyer(slug).buy()
    await page.get_by_label(f"Type {slug} to confirm").fill(slug)
    await page.get_by_role("button", name="Cancel the event").click()
    await expect(page.get_by_text("1 of 1 bookings refunded")).to_be_visible(timeout=40_000)
    booking = await organizer.context.request.get(f"/api/admin/bookings/{ref}")
    assert (await booking.json())["status"] == "refunded"
    assert organizer.errors == []


async def test_who_checks_tickets_in_goes_on_without_a_network_and_signs_out_for_good(
    new_person: NewPerson, new_sale: NewSale, new_buyer: NewBuyer, services: Container
) -> None:
    name = (slug := await new_sale(units=5)).replace("sale-", "gate-")
    await services.admin_access.add_account(name, role="door", password="let me in", actor="test")
    await new_buyer(slug).buy()
    person = await new_person(http_credentials={"username": name, "password": "let me in"})
    page = person.page
    await page.goto("/admin")
    await page.locator(f'a[href="/admin/events/{slug}/door"]').click()
    await expect(page.get_by_text("0 of 1 inside")).to_be_visible()
    await expect(page.get_by_text("Online", exact=True)).to_be_visible()
    assert await page.get_by_role("link", name="Participants").count() == 0
    await person.context.set_offline(True)
    await expect(page.get_by_text(re.compile("^Offline"))).to_be_visible()
    await person.context.set_offline(False)
    await expect(page.get_by_text("Online", exact=True)).to_be_visible()
    await page.get_by_role("button", name="Sign out").click()
    await page.wait_for_url("**/events")
    answer = await person.context.request.get(f"/api/admin/events/{slug}/door")
    assert answer.status == 401
