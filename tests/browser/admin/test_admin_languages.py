"""An organizer works in another language: every page of the admin area, and a refund."""

from __future__ import annotations

import secrets
from datetime import timedelta

import pytest
from playwright.async_api import Page, expect

from surge_app.clock import utc_now
from surge_app.container import Container
from surge_app.models import MessageKind
from surge_app.services.bookings.check_in import Scan
from surge_app.services.checkout.views import OrderLine
from surge_app.services.events.new_event import NewTier
from surge_app.services.payments.box_office import CounterSale
from tests.browser.conftest import NewPerson, Person
from tests.browser.language_checks import BUYER, EVENT_NAME, TIER, VENUE, faults_of
from tests.conftest import (
    Customer,
    NewBuyer,
    NewSale,
    Surge,
    add_action_item,
    units_freed_by_hand,
)

_SALE = {"name": EVENT_NAME, "venue": VENUE}
_TIERS = (NewTier(TIER, 100_000, 20), NewTier("Ƀåļçøñý", 225_000, 8))
_WIDTHS = (390, 1280, 1920)
_ACTOR = "0@1"
# Messages, whose names and dates are an example's, and what other tests left in the shared Surge.
_OWN = (
    "pre.mail, .event h2, .event p:not(.number), select[name=event] option, "
    "select[name=actor] option"
)
# The accented one in each run, all of them at night.
_IN_TURN = pytest.mark.parametrize(
    "tag",
    ["en-XA", *(pytest.param(one, marks=pytest.mark.nightly) for one in ("hi", "ar-XB"))],
)


async def _organizer(new_person: NewPerson, services: Container) -> Person:
    account = f"0@{secrets.randbelow(10**9)}"
    await services.admin_access.add_account(
        account, role="organizer", password="let me in", actor=_ACTOR
    )
    login = {"username": account, "password": "let me in"}
    return await new_person(desktop=True, http_credentials=login)


async def _open(page: Page, path: str) -> None:
    await page.goto(path)
    await expect(page.locator("main h1").first).to_be_visible()


async def _look(page: Page, name: str, own: str = _OWN) -> list[str]:
    """Return what is wrong with a page when everything on it is opened."""
    await page.evaluate("document.querySelectorAll('main details').forEach(o => { o.open = true })")
    return await faults_of(page, name, widths=_WIDTHS, data=("test", "General"), own=own)


async def _buy(buyer: Customer, quantity: int) -> str:
    """Buy as someone whose name has no plain letters."""
    await buyer.join()
    intent = (await buyer.hold(quantity)).json()
    order = (await buyer.start_payment(intent["id"], name=BUYER)).json()
    outcome = await buyer.callback(await buyer.attempt(str(order["order_id"])))
    return outcome.json()["booking_ref"]


async def _sale_with_everything(
    new_sale: NewSale, new_buyer: NewBuyer, services: Container
) -> tuple[str, str]:
    """Sell, refund, check in, hold, let a hold go, wait and change; returns slug and booking."""
    slug = await new_sale(**_SALE, tiers=_TIERS)
    first = new_buyer(slug)
    ref = await _buy(first, 3)
    await services.refunds.refund(ref, actor=_ACTOR, restock=False, tickets=[2])
    stored = await services.organizer.settings(slug)
    event = await services.catalog.event(slug)
    ticket = (await first.http.get(f"/api/bookings/{ref}")).json()["tickets"][0]["code"]
    scan = Scan(id="0001", at=utc_now(), text=services.ticket_codes.qr_text(event.id, ticket))
    await services.check_in.scan(slug, [scan], gate="1", actor=_ACTOR)
    for paise, key in ((200_000, "1"), (None, "2")):
        line = OrderLine(stored.tiers[0].id, 2)
        sale = CounterSale([line], cash_paise=paise, name=BUYER)
        await services.box_office.sell(slug, sale, key=f"{slug}-{key}", actor=_ACTOR)
    released = new_buyer(slug)
    await released.join()
    intent = (await released.hold(2)).json()["id"]
    (await released.http.delete(f"/api/intents/{intent}")).raise_for_status()
    holder = new_buyer(slug)
    await holder.join()
    await holder.hold()
    await services.organizer.change(slug, {"venue": "Ñéŵ ħåļļ"}, actor=_ACTOR)
    notices = services.event_notices
    version = (await notices.preview(slug, MessageKind.EVENT_CHANGED)).version
    await notices.announce_changes(slug, words="Ŵéļļ", version=version, actor=_ACTOR)
    await services.organizer.change(
        slug,
        {
            "venue": VENUE,
            "concurrent_buyers": 1,
            "queue_message": "Ŵåîţ",
            "ask_attendee_names": True,
        },
        actor=_ACTOR,
    )
    await new_buyer(slug).join()
    return slug, ref


@_IN_TURN
async def test_every_page_of_a_sale_is_translated_and_has_room(
    new_person: NewPerson,
    new_sale: NewSale,
    new_buyer: NewBuyer,
    services: Container,
    tag: str,
) -> None:
    slug, ref = await _sale_with_everything(new_sale, new_buyer, services)
    person = await _organizer(new_person, services)
    page, found = person.page, list[str]()
    await _open(page, f"/admin/{slug}?lang={tag}")
    found += await _look(page, f"{tag}-admin-dashboard")
    # The choice is kept: no other address names the language.
    for name in ("box-office", "holds?status=released", "door", "notices", "preview"):
        await _open(page, f"/admin/events/{slug}/{name}")
        found += await _look(page, f"{tag}-admin-{name.partition('?')[0]}")
    await _open(page, f"/admin/events/{slug}/queue")
    await page.locator("main form").last.locator("button[type=button]").click()
    await expect(page.locator("main .notice")).to_have_count(1)
    found += await _look(page, f"{tag}-admin-queue")
    await _open(page, f"/admin/events/{slug}/edit")
    await page.locator("[name=units]").first.fill("30")
    await page.locator("form:has([name=was_units]) button[type=submit]").first.click()
    await expect(page.locator("main li .notice")).to_have_count(1)
    found += await _look(page, f"{tag}-admin-editor")
    await _open(page, f"/admin/events/{slug}/participants")
    await expect(page.locator("ul.participants > li")).to_have_count(3)
    found += await _look(page, f"{tag}-admin-participants")
    await _open(page, f"/admin/bookings/{ref}")
    await page.locator("form:has(#kind) button[type=submit]").click()
    await expect(page.locator("main .notice button[type=submit]")).to_be_visible()
    found += await _look(page, f"{tag}-admin-booking")
    assert found + person.errors == []


@_IN_TURN
async def test_every_state_of_a_sale_is_translated_and_has_room(
    new_person: NewPerson, new_sale: NewSale, new_buyer: NewBuyer, services: Container, tag: str
) -> None:
    draft = await new_sale(**_SALE, tiers=_TIERS, is_draft=True)
    later = await new_sale(**_SALE, tiers=_TIERS, sales_open_at=utc_now() + timedelta(days=9))
    paused, sold_out = await new_sale(**_SALE), await new_sale(**_SALE, tiers=(_TIERS[1],))
    await services.organizer.pause(paused, actor=_ACTOR)
    await _buy(new_buyer(sold_out), 4)
    cancelled = await new_sale(**_SALE)
    await _buy(new_buyer(cancelled), 1)
    await services.lifecycle.cancel(cancelled, actor=_ACTOR)
    person = await _organizer(new_person, services)
    page, found = person.page, list[str]()
    await _open(page, f"/admin?lang={tag}")
    for slug, parts in (
        (draft, ("", "/edit", "/box-office")),
        (later, ("", "/queue")),
        (paused, ("",)),
        (sold_out, ("",)),
        (cancelled, ("", "/queue", "/edit", "/notices", "/box-office")),
        ("no-such-event", ("", "/edit")),
    ):
        for part in parts:
            await _open(page, f"/admin/events/{slug}{part}" if part else f"/admin/{slug}")
            found += await _look(page, f"{tag}-admin-{slug}{part}")
    assert found + person.errors == []


@_IN_TURN
async def test_every_page_of_an_installation_is_translated_and_has_room(
    new_person: NewPerson, new_sale: NewSale, new_buyer: NewBuyer, services: Container, tag: str
) -> None:
    slug = await new_sale(**_SALE)
    await _buy(new_buyer(slug), 1)
    payment = await add_action_item(services)
    person = await _organizer(new_person, services)
    page, found = person.page, list[str]()
    await _open(page, f"/admin/events/new?lang={tag}")
    await page.locator("main form button[type=submit]").click()
    await expect(page.locator("main .notice")).to_have_count(1)
    found += await _look(page, f"{tag}-admin-new")
    for name, path in (
        ("events", "/admin"),
        ("texts", "/admin/install/texts"),
        ("log", f"/admin/install/log?event={slug}"),
    ):
        await _open(page, path)
        found += await _look(page, f"{tag}-admin-{name}")
    await _open(page, "/admin/install/checks")
    promises = page.locator("main .card").nth(1)
    async with units_freed_by_hand(services, slug):
        await promises.get_by_role("button").click()
        await expect(promises.get_by_text(f"slug={slug}")).to_be_visible()
    found += await _look(page, f"{tag}-admin-checks")
    await services.action_items.resolve("unmatched_payment", payment, actor=_ACTOR)
    await _open(page, "/admin/install/rehearsal")
    await page.locator("[name=visitors]").fill("0")
    await page.locator("main form button[type=submit]").click()
    await expect(page.locator("main .notice")).to_have_count(1)
    found += await _look(page, f"{tag}-admin-rehearsal", f"{_OWN}, main li .small, main li .grow")
    assert found + person.errors == []


async def test_an_organizer_refunds_in_hindi(
    new_person: NewPerson, new_sale: NewSale, new_buyer: NewBuyer, surge: Surge
) -> None:
    ref = await new_buyer(await new_sale()).buy(quantity=2)
    user, password = surge.organizer
    credentials = {"username": user, "password": password}
    page = (await new_person(desktop=True, http_credentials=credentials)).page
    await page.goto(f"/admin/bookings/{ref}")
    await page.locator(".side").get_by_role("link", name="हिन्दी").click()
    await expect(page.get_by_role("heading", name="इतिहास")).to_be_visible()
    assert await page.evaluate("document.documentElement.lang") == "hi-IN"
    await page.locator("select#kind").select_option("amount")
    await page.locator("[name=amount]").fill("60")
    await page.get_by_role("button", name="रिफ़ंड जाँचें").click()
    question = "Asha Rao को ₹60 रिफ़ंड करें और सभी टिकट मान्य रखें?"
    await expect(page.get_by_text(question)).to_be_visible()
    await page.get_by_role("button", name="रिफ़ंड", exact=True).click()
    await expect(page.get_by_text("₹60 का रिफ़ंड शुरू हो गया।")).to_be_in_viewport()
