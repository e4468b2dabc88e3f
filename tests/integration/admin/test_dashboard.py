"""The figures of a sale add up, also after refunds, and their history stays."""

from __future__ import annotations

from datetime import timedelta

import httpx
from sqlalchemy import text

from surge_app.clock import utc_now
from surge_app.container import Container
from tests.conftest import NewBuyer, NewSale, Surge


async def _stats(surge: Surge, slug: str) -> dict[str, object]:
    async with httpx.AsyncClient(base_url=surge.url, auth=surge.organizer, timeout=30) as http:
        answer = await http.get(f"/api/admin/events/{slug}/stats")
        answer.raise_for_status()
        return answer.json()


async def test_the_figures_add_up_and_refunds_are_subtracted(
    surge: Surge, services: Container, new_sale: NewSale, new_buyer: NewBuyer
) -> None:
    slug = await new_sale(units=10)
    first = await new_buyer(slug).buy(quantity=2)
    await new_buyer(slug).buy()
    holder = new_buyer(slug)
    await holder.join()
    await holder.hold(quantity=3)
    seen = await _stats(surge, slug)
    names = ("capacity", "sold", "held", "available", "bookings", "bookings_last_minute")
    assert [seen[name] for name in names] == [10, 3, 3, 4, 2, 2]
    assert (seen["revenue_paise"], seen["fees_paise"]) == (155_000, 5_000)
    # Once bookings are old they are added up no more, and are still in the sum.
    async with services.database.transaction() as session:
        await session.execute(
            text(
                "UPDATE bookings SET created_at = created_at - interval '1 hour' WHERE event_id ="
                " (SELECT id FROM events WHERE slug = :slug)"
            ),
            {"slug": slug},
        )
    for _ in range(2):
        known = await services.dashboard.stats(slug)
        assert (known.bookings, known.revenue_paise, known.bookings_last_minute) == (2, 155_000, 0)
    await services.refunds.refund(first, actor="test", restock=True)
    third = await new_buyer(slug).buy()
    await services.refunds.refund(third, actor="test", restock=True, amount_paise=10_000)
    after = await services.dashboard.stats(slug)
    assert (after.bookings, after.revenue_paise, after.fees_paise) == (2, 95_000, 5_000)
    assert (after.sold, after.available) == (2, 5)


async def test_samples_become_the_history_and_one_an_hour_stays(
    surge: Surge, services: Container, new_sale: NewSale, new_buyer: NewBuyer
) -> None:
    slug = await new_sale(units=10, concurrent_buyers=1)
    await services.dashboard.sample()
    async with services.database.transaction() as session:
        await session.execute(
            text(
                "UPDATE board_samples SET at = at - interval '90 seconds' WHERE event_id ="
                " (SELECT id FROM events WHERE slug = :slug)"
            ),
            {"slug": slug},
        )
    await new_buyer(slug).buy()
    waiting, inside = new_buyer(slug), new_buyer(slug)
    await inside.join()
    await waiting.join()
    await services.dashboard.sample()
    seen = await _stats(surge, slug)
    history = seen["history"]
    assert isinstance(history, list)
    assert history[0]["sold"] == 0
    assert history[-1]["sold"] == 1
    # The jobs of the running Surge sample as well, so the rise may lie between any two.
    assert max(point["sold_per_minute"] for point in history) > 0
    assert (history[-1]["waiting"], history[-1]["inside"]) == (1, 1)
    queue = seen["queue"]
    assert isinstance(queue, dict)
    assert queue["admitted_last_minute"] == queue["admitted"] == 2
    long_ago = utc_now() - timedelta(days=3)
    async with services.database.transaction() as session:
        await session.execute(
            text(
                "UPDATE board_samples SET at = at - interval '3 days' WHERE event_id ="
                " (SELECT id FROM events WHERE slug = :slug) AND sold = 0"
            ),
            {"slug": slug},
        )
    await services.dashboard.sample()
    async with services.database.transaction() as session:
        query = text(
            "SELECT count(*) AS kept, count(DISTINCT (event_id, date_trunc('hour', at))) AS hours"
            " FROM board_samples WHERE at <= :at"
        )
        left = (await session.execute(query, {"at": long_ago})).one()
    assert left.kept == left.hours > 0


async def test_the_figures_of_an_unknown_event_are_not_found(surge: Surge) -> None:
    async with httpx.AsyncClient(base_url=surge.url, auth=surge.organizer, timeout=30) as http:
        answer = await http.get("/api/admin/events/nothing/stats")
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
