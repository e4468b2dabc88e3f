"""Far back in the queue: the page follows the public snapshot, and comes back in time."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import timedelta

from playwright.async_api import Request, expect

from surge_app.clock import utc_now
from surge_app.container import Container
from surge_app.kv import keys
from tests.browser.conftest import NewPerson, Person
from tests.browser.page_checks import ask_until
from tests.conftest import Customer, NewBuyer, NewSale, eventually

_CROWD = 1_500
# For so long a page believes what it has read of its part of the queue.
_BLOCK_MS = 30_000


class _Requests:
    """What a page asks the queue, in order."""

    def __init__(self, person: Person, slug: str) -> None:
        self._root = f"/api/queue/{slug}"
        self.public: list[Request] = []
        self.personal = 0
        person.page.on("request", self._note)

    def _note(self, request: Request) -> None:
        tail = request.url.partition(self._root)[2]
        if tail.startswith(("/public", "/positions")):
            self.public.append(request)
        elif self._root in request.url and request.method == "GET":
            self.personal += 1


async def _crowd(services: Container, slug: str, first: int) -> None:
    """Let numbers wait as if so many had joined a moment ago."""
    last = first + _CROWD - 1
    now = (await services.redis.time())[0]
    async with services.redis.pipeline(transaction=True) as pipe:
        for number in range(first, last + 1):
            pipe.setbit(keys.part(slug, "waiting"), number, 1)
        for number in range(first, last + 1):
            stamp = int(now).to_bytes(4, "big")
            pipe.setrange(keys.part(slug, "seen"), number * 4, stamp)  # pyright: ignore[reportArgumentType]
        pipe.hset(keys.part(slug, "numbers"), "crowd", str(first))
        pipe.hset(keys.part(slug, "counters"), mapping={"waiting": _CROWD, "issued": last})
        await pipe.execute()


async def _leave(services: Container, slug: str, numbers: Iterable[int]) -> None:
    gone = list(numbers)
    async with services.redis.pipeline(transaction=True) as pipe:
        for number in gone:
            pipe.setbit(keys.part(slug, "waiting"), number, 0)
        pipe.hincrby(keys.part(slug, "counters"), "waiting", -len(gone))
        await pipe.execute()


async def _ask_until(person: Person, text: str | re.Pattern[str], leap_ms: int = 0) -> None:
    """Let the page ask now and then until it shows a text."""
    shown = person.page.locator("main").get_by_text(text).first
    about = f"the text {text}"
    await ask_until(person.page, shown.is_visible, about=about, leap_ms=leap_ms)


async def _far_back(
    services: Container, new_person: NewPerson, new_buyer: NewBuyer, slug: str
) -> tuple[Customer, Person, _Requests]:
    """Let one buyer in, a crowd wait behind, and a page wait behind that and go the public way."""
    inside = new_buyer(slug)
    assert (await inside.join())["state"] == "admitted"
    await _crowd(services, slug, 2)
    person = await new_person()
    requests = _Requests(person, slug)
    await person.page.goto(f"/queue/{slug}")
    await expect(person.page.locator(".hero")).to_have_text(re.compile("^1,?501$"))

    async def is_public() -> bool:
        return len(requests.public) > 1

    await ask_until(person.page, is_public, about="the public way")
    return inside, person, requests


async def test_far_back_the_page_asks_no_one_for_itself_until_its_turn_is_near(
    services: Container, new_person: NewPerson, new_sale: NewSale, new_buyer: NewBuyer
) -> None:
    slug = await new_sale(concurrent_buyers=1)
    _, person, requests = await _far_back(services, new_person, new_buyer, slug)
    personal = requests.personal
    await services.organizer.pause(slug, actor="test")
    await _ask_until(person, "The queue is paused")
    await services.organizer.resume(slug, actor="test")
    await expect(person.page.locator(".hero")).to_have_text(re.compile("^1,?501$"))
    await _leave(services, slug, range(2, 302))
    await _ask_until(person, re.compile("^1,?201$"))
    assert requests.personal == personal
    for request in requests.public:
        assert "cookie" not in await request.all_headers()
    # A fifth of all who are left leave at once: now the turn may come soon.
    await _leave(services, slug, range(302, 602))
    await _ask_until(person, re.compile("^901$"))
    seen = len(requests.public)

    async def is_personal() -> bool:
        return requests.personal > personal + 2

    await ask_until(person.page, is_personal, about="the personal way")
    assert len(requests.public) == seen
    assert person.errors == []


async def test_sold_out_arrives_on_the_public_way(
    services: Container, new_person: NewPerson, new_sale: NewSale, new_buyer: NewBuyer
) -> None:
    slug = await new_sale(units=1, concurrent_buyers=1)
    inside, person, requests = await _far_back(services, new_person, new_buyer, slug)
    personal = requests.personal
    await inside.buy()
    await _ask_until(person, "Sold out for now")
    assert requests.personal == personal


async def test_a_visitor_whose_number_is_taken_away_is_told_so(
    services: Container, new_person: NewPerson, new_sale: NewSale, new_buyer: NewBuyer
) -> None:
    slug = await new_sale(concurrent_buyers=1)
    _, person, _ = await _far_back(services, new_person, new_buyer, slug)
    await person.page.clock.install()
    await services.waiting_room.revoke(slug, _CROWD + 2)
    await _ask_until(person, "Your place was given up", leap_ms=_BLOCK_MS)


async def test_a_turn_that_came_while_the_page_was_far_back_is_recalled(
    services: Container, new_person: NewPerson, new_sale: NewSale, new_buyer: NewBuyer
) -> None:
    slug = await new_sale(concurrent_buyers=1)
    inside, person, _ = await _far_back(services, new_person, new_buyer, slug)
    number = _CROWD + 2
    # Everyone ahead leaves; the page learns of it too late for its turn, but in time to come back.
    await person.context.set_offline(True)
    await _leave(services, slug, range(2, number))
    await inside.http.delete(f"/api/queue/{slug}")
    called = keys.part(slug, "called")

    async def is_called() -> bool:
        await services.waiting_room.stats(slug)
        return await services.redis.zscore(called, str(number)) is not None

    await eventually(is_called, about="the call")
    await services.redis.zadd(called, {str(number): 1})

    async def is_skipped() -> bool:
        return (await services.waiting_room.stats(slug)).absent == 1

    await eventually(is_skipped, about="the skip")
    await person.context.set_offline(False)
    await person.page.wait_for_url(f"**/book/{slug}")


async def test_the_draw_reaches_a_page_on_the_public_way(
    services: Container, new_person: NewPerson, new_sale: NewSale
) -> None:
    later = utc_now() + timedelta(hours=1)
    slug = await new_sale(concurrent_buyers=1, queue_order="random", sales_open_at=later)
    await services.waiting_room.publish()
    await _crowd(services, slug, 1)
    person = await new_person()
    requests = _Requests(person, slug)
    await person.page.goto(f"/queue/{slug}")
    await expect(person.page.get_by_text("You're in the draw")).to_be_visible()

    async def is_public() -> bool:
        return len(requests.public) > 0

    await ask_until(person.page, is_public, about="the public way")
    opens = utc_now() + timedelta(seconds=2)
    await services.organizer.change(slug, {"sales_open_at": opens}, actor="test")
    number = _CROWD + 1

    async def is_told() -> bool:
        found = await services.waiting_room.locate(slug, number)
        if found.status != "waiting" or found.ahead is None:
            return f"/book/{slug}" in person.page.url
        hero = person.page.locator(".hero")
        shown = await hero.inner_text() if await hero.is_visible() else ""
        return shown.replace(",", "") == str(found.ahead + 1)

    await ask_until(person.page, is_told, about="the drawn position")
    assert any("/positions/" in one.url for one in requests.public) or requests.personal


async def test_a_visitor_saves_a_receipt_of_the_number(
    new_person: NewPerson, new_sale: NewSale, new_buyer: NewBuyer
) -> None:
    slug = await new_sale(concurrent_buyers=1)
    assert (await new_buyer(slug).join())["state"] == "admitted"
    person = await new_person()
    await person.page.goto(f"/queue/{slug}")
    async with person.page.expect_download() as download:
        await person.page.get_by_role("link", name="Save a receipt of your number").click()
    file = await download.value
    assert file.suggested_filename == f"{slug}-2.receipt.txt"
    assert '"number":2' in (await file.path()).read_text()
