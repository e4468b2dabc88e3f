"""One price: what an attendee sees first is what is ordered, charged, told and booked."""

from __future__ import annotations

import csv
import io
import re
import secrets
from typing import Any

import httpx
from playwright.async_api import BrowserContext, Page, expect
from pypdf import PdfReader
from sqlalchemy import text

from surge_app.container import Container
from surge_app.services.events.new_event import NewTier
from surge_app.services.vendors.sandbox_credentials import sandbox_keys
from tests.browser.checkout import Attendee, order_of
from tests.browser.conftest import NewPerson, fill_contact
from tests.browser.page_checks import is_too_wide, violations
from tests.browser.words import Words, in_turn
from tests.conftest import NewSale, Surge, eventually

_AMOUNT = re.compile(r"(?:₹|Rs\.? ?|INR ?)([\d,]+(?:\.\d\d)?)")
_STALLS, _BALCONY, _FEE = 99_925, 225_000, 2_500
_TOTAL = 2 * _STALLS + _BALCONY + _FEE
_BREAKUP = {2 * _STALLS, _BALCONY, _FEE, _TOTAL}
_EACH = {_STALLS, _BALCONY, _FEE}
_ALL_IN = {_STALLS + _FEE, _BALCONY + _FEE}
_OF_THE_BOOKING = ("booking_fee_paise", "booking_total_paise")
_OF_A_MAIL = ("color-contrast", "image-alt", "link-name", "document-title", "html-has-lang")
_LEDGER = text(
    "SELECT l.kind, l.amount_paise FROM ledger_entries l "
    "JOIN bookings b ON b.id = l.booking_id WHERE b.ref = :ref"
)


def _amounts(shown: str) -> set[int]:
    """Return every amount in a text, in paise."""
    return {round(float(one.replace(",", "")) * 100) for one in _AMOUNT.findall(shown)}


async def _seen(page: Page) -> set[int]:
    return _amounts(await page.locator("main").inner_text())


def _pdf(content: bytes) -> set[int]:
    pages = PdfReader(io.BytesIO(content)).pages
    return _amounts("\n".join(page.extract_text() for page in pages))


async def _messages(page: Page, ref: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []

    async def are_there() -> bool:
        answer = await (await page.request.get("/sandbox/outbox.json")).json()
        found[:] = [one for one in answer["messages"] if one["booking_ref"] == ref]
        return {one["channel"] for one in found} == {"email", "sms"}

    await eventually(are_there, about="the confirmation")
    return found


async def _read_mail(context: BrowserContext, message: dict[str, Any]) -> set[int]:
    """Read a mail as a phone shows it, by day and by night."""
    address = message["attachments"][0]["url"].partition("/attachments/")[0]
    html = await (await context.request.get(f"{address}/preview")).text()
    mail = await context.new_page()
    await mail.set_viewport_size({"width": 320, "height": 640})
    await mail.set_content(html)
    for scheme in ("light", "dark"):
        await mail.emulate_media(color_scheme=scheme)
        assert await violations(mail, *_OF_A_MAIL) == []
    assert not await is_too_wide(mail)
    told = _amounts(await mail.inner_text("body"))
    await mail.close()
    return told


async def _told_afterwards(page: Page, slug: str, ref: str, surge: Surge) -> dict[str, set[int]]:
    """Return the amounts of everything that tells of a booking."""
    messages = await _messages(page, ref)
    told = {
        f"{one['channel']} {part}": _amounts(one[part])
        for one in messages
        for part in ("subject", "body")
    }
    mail = next(one for one in messages if one["channel"] == "email")
    told["email html"] = await _read_mail(page.context, mail)
    for name in ("tickets.pdf", "receipt.pdf"):
        answer = await page.request.get(f"/api/bookings/{ref}/{name}")
        assert answer.ok
        told[name] = _pdf(await answer.body())
    async with httpx.AsyncClient(base_url=surge.url, auth=surge.organizer, timeout=30) as http:
        rows = await http.get(f"/api/admin/events/{slug}/participants.csv")
        stats = (await http.get(f"/api/admin/events/{slug}/stats")).json()
    for row in csv.DictReader(io.StringIO(rows.text.lstrip("\ufeff"))):
        # What is of the whole booking stands once, so that the columns add up.
        is_first = row["ticket"] == "1"
        names = _OF_THE_BOOKING if is_first else ()
        assert [bool(row[name]) for name in _OF_THE_BOOKING] == [is_first, is_first]
        told.setdefault("csv", set()).update(
            int(row[name]) for name in ("ticket_price_paise", *names)
        )
    told["organizer"] = {stats["revenue_paise"], stats["fees_paise"]}
    return told


async def test_every_amount_of_a_purchase_of_several_tiers_agrees(  # noqa: PLR0915  one long way
    new_person: NewPerson, new_sale: NewSale, services: Container, surge: Surge
) -> None:
    tiers = (NewTier("Stalls", _STALLS, 20), NewTier("Balcony", _BALCONY, 8))
    mark = secrets.token_hex(6)
    slug = await new_sale(name=f"Monsoon Beats, {mark}", tiers=tiers, fee_paise=_FEE)
    asha = Attendee(await new_person(desktop=True), slug)
    page = asha.page
    await page.goto(f"/events?q={mark}")
    await expect(page.locator("#served")).to_have_count(0)
    card = page.locator(f"a[href='/events/{slug}']")
    assert _amounts(await card.inner_text()) == _ALL_IN
    served = await (await page.request.get(f"/events/{slug}")).text()
    assert _amounts(served.partition("</main>")[0]) >= _ALL_IN
    assert {f"{paise / 100:.2f}" for paise in _ALL_IN} <= set(
        re.findall(r'"price": ?"([\d.]+)"', served)
    )
    event = await (await page.request.get(f"/api/events/{slug}")).json()
    assert {tier["all_in_paise"] for tier in event["tiers"]} == _ALL_IN
    await page.goto(f"/events/{slug}")
    await expect(page.get_by_role("button", name="Get tickets")).to_be_visible()
    assert await _seen(page) == {*_ALL_IN, *_EACH}

    await asha.enter()
    # Here the fee stands by itself, so that the prices add up.
    assert await _seen(page) == _EACH
    await asha.choose(2, "Stalls")
    await asha.choose(1, "Balcony")
    # Beside the form there is room for every row.
    await expect(page.locator(".beside .figure")).to_have_text("₹4,273.50")
    assert await _seen(page) == {*_EACH, *_BREAKUP}
    await asha.hold()
    await expect(page.locator(".beside .figure")).to_have_text("₹4,273.50")
    assert await _seen(page) == {*_EACH, *_BREAKUP}
    await fill_contact(page, tag=asha.tag)
    order_id = await order_of(page, asha.button(r"^Pay ₹4,273\.50"))
    order = await (await page.request.get(f"/sandbox/razorpay/orders/{order_id}")).json()
    assert (order["amount"], order["currency"]) == (_TOTAL, "INR")
    await expect(asha.window.get_by_role("button", name="Pay ₹4,273.50")).to_be_visible()
    assert _amounts(await asha.window.inner_text()) == {_TOTAL}
    # No contact is typed twice. The window ends with the hold: no attempt has lengthened it yet.
    await expect(asha.window.get_by_text(f"{asha.tag}@example.com")).to_be_visible()
    await expect(asha.window.get_by_text(re.compile(r"^You have [34]:\d\d to pay"))).to_be_visible()
    ref = await asha.pay()
    assert await _seen(page) == _BREAKUP

    booking = await services.tickets.view(ref)
    keys = sandbox_keys(services.settings)
    auth = (keys.razorpay_key_id, keys.razorpay_key_secret)
    async with httpx.AsyncClient(base_url=surge.url, auth=auth, timeout=30) as http:
        charge = (await http.get(f"/sandbox/razorpay/v1/payments/{booking.payment_id}")).json()
    assert (charge["amount"], charge["status"], charge["order_id"]) == (
        _TOTAL,
        "captured",
        order_id,
    )
    own = await (await page.request.get(f"/api/bookings/{ref}")).json()
    frozen = {name: own[f"{name}_paise"] for name in ("subtotal", "fee", "total")}
    assert frozen == {"subtotal": _TOTAL - _FEE, "fee": _FEE, "total": _TOTAL}
    async with services.database.transaction() as session:
        entries = await session.execute(_LEDGER, {"ref": ref})
        ledger = {entry.kind: entry.amount_paise for entry in entries}
    assert ledger == {"sale": _TOTAL - _FEE, "sale_fee": _FEE}
    told = await _told_afterwards(page, slug, ref, surge)
    assert told.pop("csv") == {_STALLS, _BALCONY, _FEE, _TOTAL}
    assert told.pop("organizer") == {_TOTAL, _FEE}
    assert told.pop("receipt.pdf") == {*_BREAKUP, _STALLS}
    assert told["email body"] == told["email html"] == _BREAKUP
    assert {name: found - _BREAKUP for name, found in told.items() if found - _BREAKUP} == {}


@in_turn(2)
async def test_what_is_free_names_no_amount_and_asks_for_no_payment(
    new_person: NewPerson, new_sale: NewSale, services: Container, surge: Surge, words: Words
) -> None:
    mark = secrets.token_hex(6)
    slug = await new_sale(name=mark, tiers=(NewTier("Entry", 0, 20),), fee_paise=_FEE)
    asha = Attendee(await new_person(dark=True), slug, words)
    page = asha.page
    seen: dict[str, set[int]] = {}
    await page.goto(f"/events?q={mark}{words.query.replace('?', '&')}")
    await expect(page.locator("#served")).to_have_count(0)
    card = page.locator(f"a[href='/events/{slug}']")
    await expect(card.get_by_text(words("Free"))).to_be_visible()
    seen["events"] = _amounts(await card.inner_text())
    served = await (await page.request.get(f"/events/{slug}")).text()
    seen["served"] = _amounts(served)
    await asha.enter()
    await asha.choose(2)
    await page.get_by_text(words("Price details")).click()
    seen["choose"] = await _seen(page)
    await asha.hold()
    seen["held"] = await _seen(page)
    await fill_contact(page, tag=asha.tag, words=words)
    await asha.named("Book for free").click()
    ref = await asha.is_booked()
    seen["booking"] = await _seen(page)
    await page.goto(f"/events/{slug}")
    await expect(asha.named("Get tickets")).to_be_visible()
    seen["event"] = await _seen(page)
    async with services.database.transaction() as session:
        assert (await session.execute(_LEDGER, {"ref": ref})).all() == []
    told = await _told_afterwards(page, slug, ref, surge)
    assert told.pop("csv") == told.pop("organizer") == {0}
    assert {name: found for name, found in {**seen, **told}.items() if found} == {}
    assert (await services.tickets.view(ref)).payment_id == ""
    assert asha.person.errors == []
