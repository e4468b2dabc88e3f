"""The board of a sale: figures that add up, also after refunds, and a course that stays."""

from __future__ import annotations

from datetime import timedelta

import httpx
from sqlalchemy import text

from surge_app.clock import utc_now
from surge_app.container import Container
from tests.conftest import NewBuyer, NewSale, Surge


async def _board(surge: Surge, slug: str) -> dict[str, object]:
    async with httpx.AsyncClient(base_url=surge.url, auth=surge.organizer, timeout=30) as http:
        answer = await http.get(f"/api/admin/events/{slug}/board")
        answer.raise_for_status()
        return answer.json()


async def test_the_board_adds_up_and_what_went_back_is_taken_off(
    surge: Surge, services: Container, new_sale: NewSale, new_buyer: NewBuyer
) -> None:
    slug = await new_sale(units=10)
    first = await new_buyer(slug).buy(quantity=2)
    await new_buyer(slug).buy()
    holder = new_buyer(slug)
    await holder.join()
    await holder.hold(quantity=3)
    seen = await _board(surge, slug)
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
        services.dashboard.forget(slug)
        known = await services.dashboard.view(slug)
        assert (known.bookings, known.revenue_paise, known.bookings_last_minute) == (2, 155_000, 0)
    await services.refunds.refund(first, actor="test", restock=True)
    third = await new_buyer(slug).buy()
    await services.refunds.refund(third, actor="test", restock=True, amount_paise=10_000)
    services.dashboard.forget(slug)
    after = await services.dashboard.view(slug)
    assert (after.bookings, after.revenue_paise, after.fees_paise) == (2, 95_000, 5_000)
    assert (after.sold, after.available) == (2, 5)


async def test_samples_draw_the_course_and_are_deleted_in_the_end(
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
    services.dashboard.forget(slug)
    await services.dashboard.sample()
    seen = await _board(surge, slug)
    course = seen["course"]
    assert isinstance(course, list)
    assert course[0]["sold"] == 0
    assert course[-1]["sold"] == 1
    # The jobs of the running Surge sample as well, so the rise may lie between any two.
    assert max(point["sold_per_minute"] for point in course) > 0
    assert (course[-1]["waiting"], course[-1]["inside"]) == (1, 1)
    line = seen["line"]
    assert isinstance(line, dict)
    assert line["admitted_last_minute"] == line["admitted"] == 2
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
        left = await session.scalar(
            text("SELECT count(*) FROM board_samples WHERE at <= :at"), {"at": long_ago}
        )
    assert left == 0


async def test_a_board_of_nothing_is_not_found(surge: Surge) -> None:
    async with httpx.AsyncClient(base_url=surge.url, auth=surge.organizer, timeout=30) as http:
        answer = await http.get("/api/admin/events/nothing/board")
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
