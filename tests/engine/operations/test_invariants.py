"""The audit: one row of a healthy sale spoiled by hand breaks a promise, and it is named."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, LiteralString, cast

import psycopg
import pytest
import pytest_asyncio
from psycopg.rows import dict_row

from surge_app.container import Container
from surge_app.services.events.new_event import NewTier
from surge_app.services.operations.invariants import load_queries
from surge_app.settings import Settings
from tests.engine.corruptions import COPY, SPOILED_TICKETS, Spoiled
from tests.engine.corruptions_cash import SPOILED_CASH
from tests.engine.corruptions_ledger import SPOILED_LEDGER
from tests.engine.corruptions_money import SPOILED_MONEY
from tests.engine.gateway import InProcessGateway
from tests.engine.sale_helper import Sale, open_sale

_TIERS = (
    NewTier("Floor", 50_000, 20),
    NewTier("Balcony", 100_000, 5),
    NewTier("Last seat", 50_000, 1),
    NewTier("Free", 0, 5),
)
_FLOOR, _BALCONY, _LAST, _FREE = range(4)
_ALL = [*SPOILED_TICKETS, *SPOILED_MONEY, *SPOILED_LEDGER, *SPOILED_CASH]
_QUERIES = {code: query for code, _, query in load_queries()}


@dataclass(slots=True)
class Healthy:
    """A sale in which everything has happened once, and the ids of what happened.

    Attributes:
        ids: Of an intent called x: `x`, and if it was paid `x_payment`, `x_booking`, `x_ref`.
    """

    sale: Sale
    ids: dict[str, str] = field(default_factory=dict[str, str])

    async def hold(self, name: str, *selection: tuple[int, int]) -> str:
        """Hold tickets, as (quantity, tier); returns the visitor."""
        lines = [self.sale.line(quantity, tier) for quantity, tier in selection]
        intent, visitor = await self.sale.hold(*lines)
        self.ids[name] = intent.id
        return visitor

    async def order(self, name: str, *selection: tuple[int, int]) -> str | None:
        """Hold tickets and start their payment; returns the order."""
        visitor = await self.hold(name, *selection)
        return (await self.sale.start_payment(self.ids[name], visitor)).order_id

    async def buy(self, name: str, *selection: tuple[int, int]) -> str:
        """Buy tickets; returns the order."""
        order_id = await self.order(name, *selection)
        if order_id is not None:
            paid = await self.sale.gateway.attempt(order_id, "captured")
            assert await self.sale.call_back(paid) == "confirmed"
            self.ids[f"{name}_payment"] = paid.payment_id
        rows = await self.sale.query(
            "SELECT id, ref FROM bookings WHERE intent_id = :id", id=self.ids[name]
        )
        self.ids |= {f"{name}_booking": rows[0]["id"], f"{name}_ref": rows[0]["ref"]}
        return order_id or ""

    async def at_the_counter(self, name: str, cash_paise: int | None) -> None:
        """Sell a ticket for cash, or give it away."""
        sold = await self.sale.counter(cash_paise=cash_paise, email="b@example.com")
        (row,) = await self.sale.query(
            "SELECT b.id, b.intent_id, p.id AS payment FROM bookings b "
            "LEFT JOIN payments p ON p.intent_id = b.intent_id WHERE b.ref = :ref",
            ref=sold.ref,
        )
        self.ids |= {name: row["intent_id"], f"{name}_booking": row["id"], f"{name}_ref": sold.ref}
        if row["payment"] is not None:
            self.ids[f"{name}_payment"] = row["payment"]

    async def refund(self, name: str, **wanted: Any) -> None:
        """Let the organizer take a booking back; the money is not sent yet."""
        await self.sale.services.refunds.refund(
            self.ids[f"{name}_ref"], actor="test", restock=True, **wanted
        )

    async def pay_late(self) -> None:
        """Pay for the last seat after it has gone to somebody else."""
        order_id = await self.order("late", (1, _LAST))
        assert order_id is not None
        await self.sale.let_time_pass(self.ids["late"], 90)
        await self.sale.services.intents.expire(self.ids["late"])
        await self.hold("robber", (1, _LAST))
        paid = await self.sale.gateway.attempt(order_id, "captured")
        assert await self.sale.call_back(paid) == "refunding"
        self.ids["late_payment"] = paid.payment_id

    async def fail_to_pay(self) -> None:
        """Start a payment whose one attempt fails."""
        order_id = await self.order("paying", (1, _FLOOR))
        assert order_id is not None
        failed = await self.sale.gateway.attempt(order_id, "failed")
        await self.sale.services.payments.settle_order(order_id)
        self.ids["paying_payment"] = failed.payment_id


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def healthy(
    services: Container, gateway: InProcessGateway, backing: Settings
) -> AsyncGenerator[Healthy]:
    """Sell, refund, fail, pay late and pay twice; nothing of it breaks a promise."""
    with _by_hand(backing) as hand:
        hand.execute("UPDATE gateway_outages SET closed_at = now() WHERE closed_at IS NULL")
    sale = await open_sale(services, gateway, tiers=_TIERS, hold_seconds=3600)
    found = Healthy(sale)
    await found.hold("held", (2, _FLOOR))
    await found.fail_to_pay()
    await found.buy("booked", (2, _FLOOR), (1, _BALCONY))
    await found.buy("single", (1, _FLOOR))
    await found.buy("free", (1, _FREE))
    await found.buy("part", (3, _FLOOR))
    await found.refund("part", tickets=[2])
    await found.buy("whole", (2, _BALCONY))
    await found.refund("whole")
    await found.pay_late()
    await services.refunds.submit_pending()
    await found.buy("going", (1, _FLOOR))
    await found.refund("going")
    again = await gateway.pay_again(await found.buy("twice", (1, _FLOOR)))
    assert await sale.call_back(again) in {"confirmed", "refunding"}
    found.ids["twice_second"] = again.payment_id
    await found.at_the_counter("cash", 50_000)
    await found.at_the_counter("given", None)
    await found.at_the_counter("owed", 50_000)
    await found.refund("owed")
    await found.at_the_counter("handed", 50_000)
    await found.refund("handed", handed_over=True)
    other = await open_sale(services, gateway, 1)
    names = ("floor", "balcony", "last", "free_tier")
    found.ids |= dict(zip(names, sale.tier_ids, strict=True))
    rows = await sale.query(
        "SELECT r.id, p.intent_id FROM refunds r JOIN payments p ON p.id = r.payment_id "
        "WHERE p.intent_id = ANY(:ids)",
        ids=[found.ids[name] for name in ("part", "whole", "late", "going")],
    )
    whose = {intent_id: name for name, intent_id in found.ids.items()}
    found.ids |= {f"{whose[row['intent_id']]}_refund": row["id"] for row in rows}
    rows = await sale.query("SELECT event_id FROM tiers WHERE id = :id", id=other.tier_ids[0])
    found.ids["other_event"] = rows[0]["event_id"]
    rows = await sale.query("SELECT id FROM units WHERE intent_id = :id", id=found.ids["single"])
    found.ids["single_unit"] = rows[0]["id"]
    yield found


@contextmanager
def _by_hand(
    settings: Settings, *, triggers: bool = True
) -> Generator[psycopg.Cursor[dict[str, Any]]]:
    """Open one transaction of somebody at a database prompt.

    Args:
        settings: Name the database.
        triggers: Whether foreign keys and triggers are obeyed.
    """
    with (
        psycopg.connect(settings.database_url or "") as connection,
        connection.cursor(row_factory=dict_row) as cursor,
    ):
        if not triggers:
            cursor.execute("SET LOCAL session_replication_role = replica")
        yield cursor


def _sql(statement: str) -> LiteralString:
    """Call a statement of this file a constant."""
    return cast("LiteralString", statement)


def _pick(hand: psycopg.Cursor[dict[str, Any]], spoiled: Spoiled, ids: dict[str, str]) -> Any:
    """Return the row that is to be spoiled, as an object."""
    table, condition = spoiled.row
    query = f"SELECT to_jsonb(t) AS row FROM {table} t WHERE {condition} ORDER BY id LIMIT 1"
    hand.execute(_sql(query), ids)
    found = hand.fetchone()
    assert found is not None
    return found["row"]


def _insert(hand: psycopg.Cursor[dict[str, Any]], table: str, row: Mapping[str, object]) -> None:
    query = f"INSERT INTO {table} SELECT * FROM jsonb_populate_record(NULL::{table}, %(row)s)"
    hand.execute(_sql(query), {"row": json.dumps(row)})


def _spoil(
    hand: psycopg.Cursor[dict[str, Any]], spoiled: Spoiled, row: Any, ids: dict[str, str]
) -> None:
    table = spoiled.row[0]
    if spoiled.change is None:
        hand.execute(_sql(f"DELETE FROM {table} WHERE id = %(id)s"), {"id": row["id"]})
    elif isinstance(spoiled.change, str):
        query = f"UPDATE {table} SET {spoiled.change} WHERE id = %(row)s"
        hand.execute(_sql(query), {**ids, "row": row["id"]})
    else:
        _insert(hand, table, {**row, "id": COPY, **spoiled.change})


def _put_back(hand: psycopg.Cursor[dict[str, Any]], table: str, row: Any) -> None:
    query = f"DELETE FROM {table} WHERE id = ANY(%(ids)s)"
    hand.execute(_sql(query), {"ids": [row["id"], COPY]})
    _insert(hand, table, row)


def _names(rows: list[dict[str, Any]], named: Mapping[str, str], ids: dict[str, str]) -> bool:
    """Whether one of some offending rows says all that is asked for."""
    wanted = {column: ids.get(whose, whose) for column, whose in named.items()}
    return any(all(str(row[key]) == word for key, word in wanted.items()) for row in rows)


def _sentence(spoiled: Spoiled) -> str:
    return spoiled.sentence.replace(" ", "_")


async def test_a_healthy_sale_breaks_no_promise(healthy: Healthy) -> None:
    assert await healthy.sale.violations() == []


@pytest.mark.parametrize("spoiled", [one for one in _ALL if one.refused_by is None], ids=_sentence)
async def test_one_spoiled_row_is_named_until_it_is_put_back(
    healthy: Healthy, backing: Settings, spoiled: Spoiled
) -> None:
    with _by_hand(backing, triggers=False) as hand:
        row = _pick(hand, spoiled, healthy.ids)
        _spoil(hand, spoiled, row, healthy.ids)
    try:
        found = await healthy.sale.violations()
    finally:
        with _by_hand(backing, triggers=False) as hand:
            _put_back(hand, spoiled.row[0], row)
    rows = {finding.code: list(finding.offending) for finding in found}
    assert spoiled.named
    assert _names(
        rows.get(spoiled.promise or "", []), spoiled.named, {**healthy.ids, "row": row["id"]}
    ), rows
    assert await healthy.sale.violations() == []


@pytest.mark.parametrize(
    "spoiled", [one for one in _ALL if one.refused_by is not None], ids=_sentence
)
def test_some_rows_cannot_even_be_spoiled_by_hand(
    healthy: Healthy, backing: Settings, spoiled: Spoiled
) -> None:
    with pytest.raises(psycopg.errors.IntegrityError) as refused, _by_hand(backing) as hand:
        _spoil(hand, spoiled, _pick(hand, spoiled, healthy.ids), healthy.ids)
    assert refused.value.diag.constraint_name == spoiled.refused_by


@pytest.mark.parametrize(
    "spoiled",
    [one for one in _ALL if one.refused_by is not None and one.promise is not None],
    ids=_sentence,
)
def test_were_its_constraint_gone_the_audit_would_still_notice(
    healthy: Healthy, backing: Settings, spoiled: Spoiled
) -> None:
    table = spoiled.row[0]
    query = _QUERIES[spoiled.promise or ""].replace(":slug", "%(slug)s")
    slug = {"slug": healthy.sale.slug}
    with _by_hand(backing) as hand:
        # A table of this session only, without constraints, that stands before the real one.
        hand.execute(_sql(f"CREATE TEMP TABLE {table} ON COMMIT DROP AS SELECT * FROM {table}"))
        row = _pick(hand, spoiled, healthy.ids)
        assert hand.execute(_sql(query), slug).fetchall() == []
        _spoil(hand, spoiled, row, healthy.ids)
        rows = hand.execute(_sql(query), slug).fetchall()
    assert _names(rows, spoiled.named, {**healthy.ids, "row": row["id"]}), rows


def test_every_promise_is_broken_here() -> None:
    assert {one.promise for one in _ALL} - {None} == set(_QUERIES)
