"""1,500 callers in three processes for 100 units: exactly the capacity, and honest refusals."""

from __future__ import annotations

import asyncio
import json
import random
import sys
from collections import Counter
from typing import Any

from tests.conftest import ROOT
from tests.engine.conftest import NewSale
from tests.engine.sale_helper import Sale

_PROCESSES = 3
_CALLERS = 1500
_WHO_COME_AND_GO = 600
_TIERS = (50, 30, 20)
_REFUSALS = {"sold_out", "all_held", "not_enough_left"}
_DEADLOCKS = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"


async def start_worker(sale: Sale, name: str, **order: Any) -> asyncio.subprocess.Process:
    """Start a process that buys at a sale, and wait until it is ready."""
    settings = sale.services.settings
    assert settings.secret_key
    environment = {
        "DATABASE_URL": settings.database_url,
        "REDIS_URL": settings.redis_url,
        "SURGE_SECRET_KEY": settings.secret_key[0],
        "SURGE_DATA_DIR": str(settings.data_dir),
    }
    told = {
        "name": name,
        "environment": environment,
        "slug": sale.slug,
        "tier_ids": sale.tier_ids,
        **order,
    }
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.engine.worker", json.dumps(told)),
        cwd=ROOT,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=2**24,
    )
    assert process.stdout is not None
    assert await process.stdout.readline() == b"ready\n"
    return process


async def _rush(
    sale: Sale, *, callers: int, **order: Any
) -> tuple[Counter[str], dict[str, list[Any]]]:
    """Send everyone at once; returns how asks ended, and what was refused by its code."""
    chance = random.Random(7)
    workers = [
        await start_worker(
            sale,
            f"rush-{number}",
            work="rush",
            seed=number,
            selections=[_selection(chance) for _ in range(callers // _PROCESSES)],
            **order,
        )
        for number in range(_PROCESSES)
    ]
    answers = await asyncio.gather(*(worker.communicate(b"go\n") for worker in workers))
    ends: Counter[str] = Counter()
    refused: dict[str, list[Any]] = {}
    for output, _ in answers:
        answer = json.loads(output)
        ends.update(answer["ends"])
        for code, selections in answer["refused"].items():
            refused.setdefault(code, []).extend(selections)
    return ends, refused


def _selection(chance: random.Random) -> list[tuple[int, int]]:
    """Return one to four tickets of one to three tiers, the tiers in any order."""
    tiers = chance.sample(range(len(_TIERS)), chance.choice((1, 1, 2, 3)))
    return [(tier, chance.randint(1, 4 if len(tiers) == 1 else 2)) for tier in tiers]


async def _by_tier(sale: Sale) -> list[dict[str, int]]:
    rows = await sale.query(
        "SELECT tier_id, status, count(*) AS units FROM units WHERE tier_id = ANY(:tiers) "
        "GROUP BY tier_id, status",
        tiers=list(sale.tier_ids),
    )
    found = {(row["tier_id"], row["status"]): row["units"] for row in rows}
    return [
        {word: found.get((tier, word), 0) for word in ("available", "held", "sold")}
        for tier in sale.tier_ids
    ]


async def test_1500_callers_for_100_units_get_exactly_those_and_honest_refusals(
    new_sale: NewSale,
) -> None:
    sale = await new_sale(*_TIERS, max_per_person=8)
    deadlocks = await sale.query(_DEADLOCKS)
    ends, refused = await _rush(sale, callers=_CALLERS, let_go=0, pay=0.5)
    stock = await _by_tier(sale)
    assert [sum(tier.values()) for tier in stock] == list(_TIERS)
    assert set(refused) <= _REFUSALS
    assert ends["held"] + sum(map(len, refused.values())) == _CALLERS
    assert ends["bought"] > 0
    # Nothing came back in this run, so what is free now was free for everyone who was refused.
    for code, selections in refused.items():
        for selection in selections:
            assert any(stock[tier]["available"] < quantity for tier, quantity in selection), (
                code,
                selection,
            )
    for selection in refused.get("sold_out", []):
        assert any(stock[tier]["available"] + stock[tier]["held"] == 0 for tier, _ in selection), (
            selection
        )
    assert await sale.violations() == []
    assert await sale.query(_DEADLOCKS) == deadlocks


async def test_no_unit_is_lost_while_holds_are_released_and_run_out(new_sale: NewSale) -> None:
    sale = await new_sale(*_TIERS, max_per_person=8)
    deadlocks = await sale.query(_DEADLOCKS)
    ends, refused = await _rush(sale, callers=_WHO_COME_AND_GO, let_go=0.6, pay=0.3)
    assert set(refused) <= _REFUSALS
    assert ends["let go"] > 0
    assert await sale.violations() == []
    # Whatever came back can be had again, to the last unit.
    for tier, left in enumerate(await _by_tier(sale)):
        for _ in range(left["available"]):
            await sale.hold(sale.line(1, tier))
    stock = await _by_tier(sale)
    assert [tier["held"] + tier["sold"] for tier in stock] == list(_TIERS)
    assert await sale.violations() == []
    assert await sale.query(_DEADLOCKS) == deadlocks
