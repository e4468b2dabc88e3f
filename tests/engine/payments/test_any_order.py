"""Whatever happens in whatever order, alone or at once: no promise is ever broken."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable
from contextlib import suppress
from datetime import timedelta
from typing import Any

from hypothesis import HealthCheck, Phase, note, settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from surge_app.errors import SurgeError
from surge_app.settings import Settings
from tests.engine.gateway import Fault
from tests.engine.state_machine import World

# A long search, for example: LIVES=500 make test ARGS=tests/engine/payments/test_any_order.py
_EXAMPLES = int(os.environ.get("LIVES", "4"))
_STEPS = 20
# Numbers, not names: what is drawn must not depend on what happened before.
_ACTION = st.tuples(st.integers(0, 999), st.integers(0, 9), st.integers(0, 9))
_STATE = """
SELECT i.id, i.visitor_id, i.status, i.expires_at, i.attempted_at,
    i.expires_at - hold_clock() AS remaining
FROM intents i JOIN events e ON e.id = i.event_id WHERE e.slug = :slug
"""
_UNDECIDED = """
SELECT p.id FROM payments p JOIN intents i ON i.id = p.intent_id JOIN events e ON e.id = i.event_id
WHERE e.slug = :slug AND p.status = 'captured' AND p.disposition IS NULL
"""
_TICKETS = """
SELECT count(*) AS valid FROM tickets k JOIN bookings b ON b.id = k.booking_id
JOIN events e ON e.id = b.event_id WHERE e.slug = :slug AND k.status = 'valid'
"""
_ENDS = """
SELECT p.id, p.disposition, b.status AS booking, count(r.id) AS refunds,
       coalesce(sum(r.amount_paise) FILTER (WHERE r.status = 'processed'), 0) AS paid_back
FROM payments p JOIN intents i ON i.id = p.intent_id JOIN events e ON e.id = i.event_id
LEFT JOIN bookings b ON b.intent_id = i.id AND p.disposition = 'applied'
LEFT JOIN refunds r ON r.payment_id = p.id
WHERE e.slug = :slug GROUP BY p.id, p.disposition, b.status
"""


class Lives(RuleBasedStateMachine):
    """Random lives of a sale. Every step is checked, and so is the end of each life."""

    def __init__(self, runner: asyncio.Runner, surroundings: Settings) -> None:
        super().__init__()
        self._runner = runner
        self.world = World(surroundings)
        self._before: dict[str, dict[str, Any]] = {}
        self._run(self.world.open())

    @rule(action=_ACTION)
    def one(self, action: tuple[int, int, int]) -> None:
        self._step(action)

    @rule(actions=st.lists(_ACTION, min_size=2, max_size=4))
    def at_once(self, actions: list[tuple[int, int, int]]) -> None:
        self._step(*actions)

    @rule(action=_ACTION, fault=st.sampled_from([fault for fault in Fault if fault != "none"]))
    def with_a_fault(self, action: tuple[int, int, int], fault: Fault) -> None:
        with self.world.gateway.failing(fault):
            self._step(action)

    @rule(action=_ACTION)
    def after_a_restart(self, action: tuple[int, int, int]) -> None:
        self._run(self.world.restart())
        self._step(action)

    def teardown(self) -> None:
        try:
            self._run(self._end())
        finally:
            self._run(self.world.close())

    def _run(self, work: Awaitable[None]) -> None:
        self._runner.run(work)  # pyright: ignore[reportArgumentType]

    def _step(self, *actions: tuple[int, int, int]) -> None:
        self.world.is_alone = len(actions) == 1
        self._run(self._act(actions))

    async def _act(self, actions: tuple[tuple[int, int, int], ...]) -> None:
        possible = self.world.possible()
        chosen = [(possible[which % len(possible)], one, two) for which, one, two in actions]
        note(f"{chosen}")
        async with asyncio.TaskGroup() as together:
            for name, one, two in chosen:
                together.create_task(_lived(getattr(self.world, name)(one, two)))
        await self._check()

    async def _check(self) -> None:
        sale, world = self.world.sale, self.world
        broken = [
            finding
            for finding in await sale.violations()
            if not (finding.code == "holds_end_in_time" and world.is_behind)
        ]
        assert broken == []
        counts = await sale.counts()
        assert counts["available"] + counts["held"] + counts["sold"] == world.capacity
        tickets = (await sale.query(_TICKETS, slug=sale.slug))[0]["valid"]
        assert counts["sold"] == tickets + world.kept_back
        assert await sale.query(_UNDECIDED, slug=sale.slug) == []
        self._check_intents(await sale.query(_STATE, slug=sale.slug))
        for intent_id in await world.grow_older():
            self._before[intent_id]["remaining"] -= timedelta(seconds=60)

    def _check_intents(self, intents: list[dict[str, Any]]) -> None:
        live = [row["visitor_id"] for row in intents if row["status"] in {"held", "paying"}]
        assert len(live) == len(set(live))
        for row in intents:
            before = self._before.get(row["id"])
            # Two moves may give time, once each: a payment begins, and it is first attempted.
            moved = ("status", "attempted_at")
            if before is not None and all(before[name] == row[name] for name in moved):
                grown = (row["remaining"] - before["remaining"]).total_seconds()
                assert grown < 1, (before, row)
        self._before = {row["id"]: row for row in intents}

    async def _end(self) -> None:
        """Let everything come to rest without another webhook, and count the money."""
        world, sale = self.world, self.world.sale
        for order_id in world.books.orders:
            await sale.services.payments.settle_order(order_id)
        for _ in range(3):
            await sale.settle_down()
        world.is_behind = False
        await self._check()
        ends = {row["id"]: row for row in await sale.query(_ENDS, slug=sale.slug)}
        for book in world.books.orders.values():
            for payment in book.payments.values():
                refunds = [
                    item for item in book.refunds.values() if item["payment_id"] == payment["id"]
                ]
                _check_end(payment, refunds, ends.get(payment["id"]))


def _check_end(
    payment: dict[str, Any], refunds: list[dict[str, Any]], end: dict[str, Any] | None
) -> None:
    """Money the gateway keeps is a confirmed booking; money it returned is refunds of ours."""
    was_captured = payment["captured"]
    if not was_captured:
        assert refunds == []
        assert end is None or end["disposition"] is None, (payment, end)
        return
    assert end is not None, payment
    assert end["refunds"] == len(refunds), (payment, refunds, end)
    assert end["paid_back"] == payment["amount_refunded"], (payment, refunds, end)
    if payment["status"] == "captured":
        assert (end["disposition"], end["booking"]) == ("applied", "confirmed"), (payment, end)
    elif end["disposition"] == "refund":
        assert len(refunds) == 1, (payment, refunds)
    else:
        assert (end["disposition"], end["booking"]) == ("applied", "refunded"), (payment, end)


async def _lived(action: Awaitable[None]) -> None:
    with suppress(SurgeError):
        await action


def test_no_interleaving_breaks_a_promise(backing: Settings) -> None:
    with asyncio.Runner() as runner:
        run_state_machine_as_test(
            lambda: Lives(runner, backing),
            settings=settings(
                max_examples=_EXAMPLES,
                stateful_step_count=_STEPS,
                deadline=None,
                derandomize=not {"LIVES", "SEARCH"} & os.environ.keys(),
                database=None,
                # To shrink would take minutes; the steps of a failure are told as they were.
                phases=[Phase.generate],
                suppress_health_check=list(HealthCheck),
            ),
        )
