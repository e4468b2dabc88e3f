"""Payments without an attempt keep a share of the event beyond their holds, and no more."""

from __future__ import annotations

import asyncio
from zlib import crc32

import pytest

from tests.engine.conftest import NewSale
from tests.engine.sale_helper import Sale

_BEYOND = (
    "SELECT coalesce(sum(l.quantity), 0) AS tickets FROM intents i "
    "JOIN intent_lines l ON l.intent_id = i.id "
    "WHERE i.id = ANY(:ids) AND i.expires_at > hold_clock() + interval '100 seconds'"
)


async def _hold(
    sale: Sale, *, quantity: int = 1, seconds_left: int | None = None
) -> tuple[str, str]:
    intent, visitor = await sale.hold(sale.line(quantity=quantity))
    if seconds_left is not None:
        await sale.execute(
            "UPDATE intents SET expires_at = hold_clock() + make_interval(secs => :seconds) "
            "WHERE id = :id",
            id=intent.id,
            seconds=seconds_left,
        )
    return intent.id, visitor


async def _start(sale: Sale, *held: tuple[str, str]) -> None:
    people = [f"{crc32(visitor.encode()):08x}" for _, visitor in held]
    await asyncio.gather(
        *(
            sale.start_payment(intent, visitor, person=person)
            for (intent, visitor), person in zip(held, people, strict=True)
        )
    )


async def _kept_longer(sale: Sale, *held: tuple[str, str]) -> int:
    (row,) = await sale.query(_BEYOND, ids=[intent for intent, _ in held])
    return int(row["tickets"])


async def test_twenty_visitors_who_start_eighty_late_payments_keep_a_fifth_of_the_event(
    new_sale: NewSale,
) -> None:
    sale = await new_sale(80)
    held = [await _hold(sale, quantity=4, seconds_left=60) for _ in range(20)]
    for _ in range(4):
        await _start(sale, *held)
    assert await _kept_longer(sale, *held) == 16
    rows = await sale.query(
        "SELECT DISTINCT status FROM intents WHERE id = ANY(:ids)",
        ids=[intent for intent, _ in held],
    )
    assert rows == [{"status": "paying"}]


@pytest.mark.parametrize(("percent", "tickets"), [(0, 0), (25, 2), (100, 8)])
async def test_the_organizer_sets_the_share(new_sale: NewSale, percent: int, tickets: int) -> None:
    sale = await new_sale(8, slow_payment_percent=percent)
    held = [await _hold(sale, seconds_left=60) for _ in range(8)]
    await _start(sale, *held)
    assert await _kept_longer(sale, *held) == tickets


async def test_a_payment_that_starts_in_time_uses_up_nothing_of_the_share(
    new_sale: NewSale,
) -> None:
    sale = await new_sale(10, slow_payment_percent=10)
    early = [await _hold(sale) for _ in range(9)]
    await _start(sale, *early)
    late = await _hold(sale, seconds_left=60)
    await _start(sale, late)
    assert await _kept_longer(sale, late) == 1


async def test_an_attempt_and_the_end_of_a_hold_give_their_part_of_the_share_back(
    new_sale: NewSale,
) -> None:
    sale = await new_sale(10, slow_payment_percent=20)
    first, second, third, fourth = [await _hold(sale, seconds_left=60) for _ in range(4)]
    await _start(sale, first, second)
    await _start(sale, third)
    assert await _kept_longer(sale, first, second, third) == 2
    await sale.execute("UPDATE intents SET attempted_at = now() WHERE id = :id", id=first[0])
    await sale.services.intents.release(*second)
    late = await _hold(sale, seconds_left=60)
    await _start(sale, fourth, late)
    assert await _kept_longer(sale, fourth, late) == 2
