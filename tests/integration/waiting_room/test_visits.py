"""The funnel of a sale starts with the browsers that opened its page."""

from __future__ import annotations

import asyncio

import httpx

from surge_app.container import Container
from surge_app.kv.visits import VisitStore
from surge_app.services.waiting_room.visits import Visits
from surge_app.state.admin.sale.sale_history import funnel
from tests.conftest import NewBuyer, NewSale, Surge, eventually


async def test_a_browser_that_opens_the_page_is_counted_without_cookie_or_id(
    surge: Surge, services: Container, new_sale: NewSale
) -> None:
    slug = await new_sale()
    path = f"/api/events/{slug}/visits"
    async with httpx.AsyncClient(base_url=surge.url, timeout=30) as http:
        answers = [await http.post(path) for _ in range(3)]
        assert [one.status_code for one in answers] == [204] * 3
        assert not any(one.cookies for one in answers)
        refused = await http.post(path, content=b"a body")
        assert (refused.status_code, refused.headers["connection"]) == (422, "close")
        assert (await http.get(path)).status_code == 405
        assert (await http.post("/api/events/nothing-here/visits")).status_code == 404

    async def is_counted() -> bool:
        return await services.waiting_room.visits.count(slug) == 3

    async def is_sampled() -> bool:
        await services.dashboard.sample()
        return (await services.sales_reports.read(slug)).visits == 3

    await eventually(is_counted, about="three visits")
    await eventually(is_sampled, about="a sample with three visits")


async def test_the_visits_of_all_workers_add_up_and_outlast_them(
    services: Container, new_sale: NewSale
) -> None:
    slug = await new_sale()
    workers = [Visits(VisitStore(services.redis)) for _ in range(2)]
    for number in range(30):
        workers[number % 2].add(slug, f"198.51.{number}.7")
    await asyncio.gather(*(worker.close() for worker in workers))
    restarted = Visits(VisitStore(services.redis))
    restarted.add(slug, "203.0.113.7")
    await restarted.close()
    assert await restarted.count(slug) == 31


async def test_a_worker_counts_on_after_each_flush(services: Container, new_sale: NewSale) -> None:
    slug = await new_sale()
    visits = Visits(VisitStore(services.redis))
    for number in range(1, 4):
        visits.add(slug, "203.0.113.7")

        async def is_added(number: int = number) -> bool:
            return await visits.count(slug) == number

        await eventually(is_added, about=f"visit {number}")
    await visits.close()
    assert await visits.count(slug) == 3


async def test_one_network_adds_a_bounded_number_of_visits(
    services: Container, new_sale: NewSale
) -> None:
    slug = await new_sale()
    visits = Visits(VisitStore(services.redis))
    for number in range(200):
        visits.add(slug, f"198.51.100.{number}")
    visits.add(slug, "203.0.113.7")
    await asyncio.gather(visits.close(), visits.close())
    assert await visits.count(slug) == 51


async def test_networks_beyond_the_bound_are_not_counted(
    services: Container, new_sale: NewSale
) -> None:
    slug = await new_sale()
    visits = Visits(VisitStore(services.redis))
    for number in range(20_100):
        visits.add(slug, f"2001:db8:{number:x}::1")
    await visits.close()
    assert await visits.count(slug) == 20_000


async def test_no_step_of_the_funnel_is_above_its_first(
    services: Container, new_sale: NewSale, new_buyer: NewBuyer
) -> None:
    slug = await new_sale()
    await new_buyer(slug).buy()
    await new_buyer(slug).join()

    async def numbers() -> list[tuple[str, float]]:
        stats = await services.dashboard.stats(slug)
        report = await services.sales_reports.read(slug)
        return [(step.number, step.percent) for step in funnel(stats, report)]

    async def without_visits() -> bool:
        return await numbers() == [("2", 100), ("2", 100), ("2", 100), ("1", 50), ("1", 50)]

    async def with_visits() -> bool:
        return await numbers() == [("4", 100), ("2", 50), ("2", 50), ("1", 25), ("1", 25)]

    await eventually(without_visits, about="two buyers whose browsers block the count")
    for _ in range(4):
        services.waiting_room.visits.add(slug, "203.0.113.7")
    await eventually(with_visits, about="four visitors, of whom two joined")
