"""The door in a browser: a camera that sees real tickets, gates side by side, no network."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from datetime import timedelta

import httpx
import zxingcpp
from playwright.async_api import Browser, Locator, Page, Request, Route, expect

from surge_app.clock import utc_now
from surge_app.container import Container
from tests.browser.conftest import FILM, NewPerson
from tests.browser.page_checks import press
from tests.conftest import NewBuyer, NewSale, Surge, eventually

_SIDE = 480
_FRAMES_EACH = 8


def _film(texts: Sequence[str]) -> None:
    """Show each code for most of a second, over and over: a line of people at the door."""
    with FILM.open("wb") as film:
        film.write(f"YUV4MPEG2 W{_SIDE} H{_SIDE} F10:1 Ip A1:1 C420jpeg\n".encode())
        for text in texts:
            code = zxingcpp.create_barcode(text, zxingcpp.BarcodeFormat.QRCode, ec_level="L")
            rows = memoryview(code.to_image()).tolist()
            size = _SIDE // len(rows)
            wide = [b"".join((b"\xeb" if one else b"\x10") * size for one in row) for row in rows]
            lines = [row.ljust(_SIDE, b"\xeb") for row in wide for _ in range(size)]
            lines += [b"\xeb" * _SIDE] * (_SIDE - len(lines))
            grey = b"\x80" * (_SIDE * _SIDE // 2)
            film.write((b"FRAME\n" + b"".join(lines) + grey) * _FRAMES_EACH)


async def _codes(services: Container, buyer_of: NewBuyer, slug: str) -> list[str]:
    buyer = buyer_of(slug)
    ref = await buyer.buy(quantity=2)
    tickets = (await buyer.http.get(f"/api/bookings/{ref}")).json()["tickets"]
    event = await services.catalog.event(slug)
    return [services.ticket_codes.qr_text(event.id, one["code"]) for one in tickets]


async def _open_gate(page: Page, slug: str, name: str) -> None:
    async with page.expect_response("**/door/list"):
        await page.goto(f"/admin/events/{slug}/door")
    await page.get_by_label("Gate name").fill(name)


async def test_scanners_work_without_a_network_and_tell_each_other_what_they_let_in(
    whole_browser: Browser,
    new_person: NewPerson,
    new_sale: NewSale,
    new_buyer: NewBuyer,
    services: Container,
    surge: Surge,
) -> None:
    account = (slug := await new_sale(units=5)).replace("sale-", "gate-")
    await services.admin_access.add_account(
        account, role="door", password="let me in", actor="test"
    )
    texts = await _codes(services, new_buyer, slug)
    _film(texts)
    login = {"username": account, "password": "let me in"}
    north, east = [
        await new_person(using=whole_browser, http_credentials=login, permissions=["camera"])
        for _ in range(2)
    ]
    page = north.page
    await page.goto("/admin")
    await expect(page.locator(f'a[href="/admin/events/{slug}/door"]')).to_be_visible()
    assert await page.get_by_role("link", name="Participants").count() == 0
    await _open_gate(page, slug, "North")
    await expect(page.get_by_text("0 of 2 inside")).to_be_visible()

    await north.context.set_offline(True)
    await page.get_by_role("button", name="Scan with the camera").click()
    await expect(page.get_by_text("Offline, 2 to send")).to_be_visible()
    # The same people again: known here, although nobody else knows yet.
    await expect(page.get_by_text("Already inside", exact=True)).to_be_visible()
    await expect(page.get_by_text(re.compile(r"^North, \d"))).to_be_visible()
    await expect(page.get_by_text(re.compile("^Checked offline, against"))).to_be_visible()
    assert (await services.check_in.counts(slug)).inside == 0
    async with httpx.AsyncClient(base_url=surge.url, auth=(account, "let me in")) as south:
        scan = {"id": "south-0001", "at": utc_now().isoformat(), "text": texts[1]}
        answer = await south.post(
            f"/api/admin/events/{slug}/door/scans", json={"gate": "South", "scans": [scan]}
        )
        assert answer.json()["results"][0]["verdict"] == "admitted"
    await page.get_by_role("button", name="Stop the camera").click()
    await north.context.set_offline(False)
    await expect(page.get_by_text("2 of 2 inside")).to_be_visible()
    await expect(page.get_by_text("Online", exact=True)).to_be_visible()
    clash = page.locator(".notice", has_text="Admitted here while offline, but already inside")
    await expect(clash.get_by_text(re.compile(r"Already inside · South"))).to_be_visible()

    await _open_gate(east.page, slug, "East")
    await east.page.get_by_role("button", name="Scan with the camera").click()
    for first in ("North", "South"):
        await expect(east.page.get_by_text(re.compile(rf"^{first}, \d"))).to_be_visible()
    await expect(east.page.get_by_text("2 of 2 inside")).to_be_visible()
    await page.get_by_role("button", name="Sign out").click()
    await page.wait_for_url("**/events")
    answer = await north.context.request.get(f"/api/admin/events/{slug}/door")
    assert answer.status == 401


_PLAIN_HTTP = """
Object.defineProperty(window, "isSecureContext", { value: false });
Object.defineProperty(Crypto.prototype, "subtle", { value: undefined });
Object.defineProperty(Crypto.prototype, "randomUUID", { value: undefined });
"""


async def test_a_phone_with_a_typing_scanner_admits_a_booking_over_plain_http_and_takes_it_back(
    new_person: NewPerson,
    new_sale: NewSale,
    new_buyer: NewBuyer,
    services: Container,
    surge: Surge,
) -> None:
    slug = await new_sale(units=5)
    buyer = new_buyer(slug)
    ref = await buyer.buy(quantity=4)
    codes = [
        one["code"] for one in (await buyer.http.get(f"/api/bookings/{ref}")).json()["tickets"]
    ]
    event = await services.catalog.event(slug)
    user, password = surge.organizer
    door = await new_person(http_credentials={"username": user, "password": password})
    await door.context.add_init_script(_PLAIN_HTTP)
    page = door.page
    await _open_gate(page, slug, "North")
    await expect(page.get_by_text("This event starts on")).to_be_visible()
    await expect(page.get_by_text("This page is not on https")).to_be_visible()

    async def scan(text: str) -> None:
        # As such a device types: key by key, and Enter.
        await page.keyboard.type(text, delay=10)
        await page.keyboard.press("Enter")

    verdict = page.locator(".scan-result")
    # The name of the gate still has the focus, and keeps what it has.
    await scan(services.ticket_codes.qr_text(event.id, codes[0]))
    await expect(verdict.get_by_text("Admit", exact=True)).to_be_visible()
    await expect(page.get_by_label("Gate name")).to_have_value("North")
    await expect(page.get_by_text("1 of 4 inside")).to_be_visible()
    # A button has the focus next, and is not pressed by the Enter of the device.
    await page.get_by_role("button", name="Scan with the camera").focus()
    await scan(codes[0])
    await expect(verdict.get_by_text("Already inside")).to_be_visible()
    await expect(page.get_by_role("button", name="Stop the camera")).to_have_count(0)

    await page.get_by_role("button", name="Admit the other 3 tickets of this booking").click()
    await expect(verdict.get_by_text("Admit 3", exact=True)).to_be_visible()
    await expect(page.get_by_text("4 of 4 inside")).to_be_visible()
    await page.get_by_role("button", name="Undo").click()
    await expect(verdict.get_by_text("Check-in undone")).to_be_visible()
    await expect(page.get_by_text("1 of 4 inside")).to_be_visible()

    await page.get_by_label("Search").fill("rao asha")
    await page.get_by_role("button", name="Admit all 3").click()
    await expect(page.get_by_text("4 of 4 inside")).to_be_visible()
    assert door.errors == []


def _acts(request: Request) -> bool:
    """Tell a scan, or one that is taken back, from whatever else the page asks."""
    return request.method == "POST" and request.url.endswith(("/door/scans", "/door/undo"))


async def test_a_double_click_at_the_door_admits_no_one_else_and_takes_nothing_back(
    new_person: NewPerson, new_sale: NewSale, new_buyer: NewBuyer, surge: Surge
) -> None:
    slug = await new_sale(units=5)
    await new_buyer(slug).buy(quantity=3)
    user, password = surge.organizer
    door = await new_person(http_credentials={"username": user, "password": password})
    page = door.page
    await _open_gate(page, slug, "North")
    sent, presses = list[str](), list[int]()

    def note(request: Request) -> None:
        if _acts(request):
            sent.append(request.url)

    page.on("request", note)

    async def press_twice(button: Locator, inside: int) -> None:
        presses.append(inside)
        await press(button)
        shown = page.get_by_text(f"{inside} of 3 inside")
        await expect(shown).to_be_visible()
        # The page has moved by now; the hand has not, and this is its second click.
        await page.mouse.down(click_count=2)
        await page.mouse.up(click_count=2)
        # Whatever it has sent left the page before this.
        await page.evaluate("fetch('/api/livez').then(() => null)")
        assert len(sent) == len(presses), sent

    await page.get_by_label("Search").fill("rao asha")
    await press_twice(page.get_by_role("button", name="Admit", exact=True).nth(1), 1)
    await press_twice(page.get_by_role("button", name="Admit the other 2 tickets"), 3)
    await expect(page.get_by_text("Check-in undone")).to_have_count(0)
    assert door.errors == []


_SYNC_MS = 3_000
# What the page has sent, and what it makes of an answer, comes before this.
_AFTERWARDS = "fetch('/api/livez').then(() => null)"


class _Late:
    """An answer that was given, and arrives once a test lets it."""

    def __init__(self) -> None:
        self._may_arrive = asyncio.Event()
        self._request: Request | None = None

    async def answer(self, route: Route) -> None:
        """Handle a route."""
        answer = await route.fetch()
        self._request = route.request
        await self._may_arrive.wait()
        await route.fulfill(response=answer)

    async def given(self) -> None:
        """Wait until it was given."""

        async def is_given() -> bool:
            return self._request is not None

        await eventually(is_given, about="an answer on its way")

    async def arrive(self, page: Page) -> None:
        """Let it, and return when the page has it."""
        self._may_arrive.set()
        assert self._request is not None
        response = await self._request.response()
        assert response is not None
        await response.finished()
        await page.evaluate(_AFTERWARDS)


async def test_over_a_slow_network_a_scan_is_sent_once_and_a_late_count_is_not_shown(
    new_person: NewPerson,
    new_sale: NewSale,
    new_buyer: NewBuyer,
    services: Container,
    surge: Surge,
) -> None:
    slug = await new_sale(units=5)
    first, second = await _codes(services, new_buyer, slug)
    user, password = surge.organizer
    door = await new_person(http_credentials={"username": user, "password": password})
    page, sent = door.page, list[str]()
    may_arrive, late = asyncio.Event(), _Late()

    async def scan(text: str) -> None:
        await page.keyboard.type(text)
        await page.keyboard.press("Enter")

    async def arrive_late(route: Route) -> None:
        sent.append(route.request.url)
        await may_arrive.wait()
        await route.continue_()

    async def is_sent() -> bool:
        return bool(sent)

    await page.clock.install()
    await _open_gate(page, slug, "North")
    await expect(page.get_by_text("0 of 2 inside")).to_be_visible()
    await door.context.set_offline(True)
    # Only the test moves the clock from here on, so that no request is given up.
    await page.clock.pause_at(utc_now() + timedelta(hours=1))
    await scan(first)
    await expect(page.get_by_text("Offline, 1 to send")).to_be_visible()
    await page.route("**/door/scans", arrive_late)
    await door.context.set_offline(False)
    await page.clock.fast_forward(_SYNC_MS)
    await eventually(is_sent, about="the scan on its way")
    await page.clock.fast_forward(_SYNC_MS)
    await page.evaluate(_AFTERWARDS)
    assert len(sent) == 1
    # The same run asks for the counts next; that answer comes late.
    await page.route("**/door", late.answer)
    may_arrive.set()
    await expect(page.get_by_text("1 of 2 inside")).to_be_visible()
    await expect(page.get_by_text("Online", exact=True)).to_be_visible()
    await late.given()
    await scan(second)
    await expect(page.get_by_text("2 of 2 inside")).to_be_visible()
    await late.arrive(page)
    await expect(page.get_by_text("2 of 2 inside")).to_be_visible()


async def test_answers_to_two_scans_that_cross_do_not_count_back(
    new_person: NewPerson,
    new_sale: NewSale,
    new_buyer: NewBuyer,
    services: Container,
    surge: Surge,
) -> None:
    slug = await new_sale(units=5)
    user, password = surge.organizer
    door = await new_person(http_credentials={"username": user, "password": password})
    page, late = door.page, _Late()
    first, second = await _codes(services, new_buyer, slug)
    await page.clock.install()
    await _open_gate(page, slug, "North")
    await expect(page.get_by_text("0 of 2 inside")).to_be_visible()
    # No request is given up, and nothing is counted anew meanwhile.
    await page.clock.pause_at(utc_now() + timedelta(hours=1))
    await page.route("**/door/scans", late.answer, times=1)
    await page.keyboard.type(first)
    await page.keyboard.press("Enter")
    await late.given()
    await page.keyboard.type(second)
    await page.keyboard.press("Enter")
    await expect(page.get_by_text("2 of 2 inside")).to_be_visible()
    await late.arrive(page)
    await expect(page.get_by_text("2 of 2 inside")).to_be_visible()
