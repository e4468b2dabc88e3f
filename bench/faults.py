"""Break a running Surge in every way, and see that nobody loses what was promised.

`python -m bench faults` runs all and writes the table of `docs/explanation/reliability.md`;
`python -m bench.faults redis-killed …` runs some and replaces their rows.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import text

from bench.clients import Client, Customer, Diary, buy_on_and_on, wait_on_and_on
from bench.fault_definitions import FAULTS, Fault, put_right
from bench.stack import Stack, new_slug, one_node, small_disk_node, two_nodes
from surge_app.clock import utc_now
from surge_app.container import Container, running
from surge_app.errors import Busy
from surge_app.rehearsal.plan import Plan
from surge_app.rehearsal.runner import rehearse
from surge_app.sandbox.store import Orders
from surge_app.services.events.new_event import NewEvent, NewTier

_PAGE = Path(__file__).parents[1] / "docs" / "explanation" / "reliability.md"
_MARK = "| fault | stack |"
_BUYERS, _AT_A_TIME, _HOLDERS, _WAITING = 6, 3, 4, 20
_UNITS = 5_000
_WARM_SECONDS, _LIMIT_SECONDS, _SETTLED_SECONDS = 60, 120, 90
_POLL_SECONDS = 0.05
_VISITORS_REHEARSED, _UNITS_REHEARSED, _AMID_SECONDS = 40, 25, 5
# Whether money found its end is asked of the gateway's books, which also know of those who left.
_ASKED_OF_A_REHEARSAL = {"stock", "order"}
_MAX_LISTED = 5_000
_BUSY = 2
_ORDERS = """
SELECT i.order_id, p.id, p.disposition FROM intents i JOIN events e ON e.id = i.event_id
LEFT JOIN payments p ON p.intent_id = i.id WHERE e.slug = :slug AND i.order_id IS NOT NULL
"""


@dataclass(slots=True)
class Outcome:
    """What a fault did.

    Attributes:
        goes_on_seconds: From the fault to the first booking of somebody who came after it.
        errors_seconds: From the fault to the last answer that was none.
    """

    diary: Diary
    goes_on_seconds: float | None = None
    errors_seconds: float = 0
    broken: list[str] = field(default_factory=list[str])

    @property
    def is_good(self) -> bool:
        """Whether every invariant held and the sale went on."""
        return not self.broken and not self.diary.losses and self.goes_on_seconds is not None


def main() -> None:
    """Run what is asked for, or all, and write the table."""
    names = [name for name in sys.argv[1:] if name in FAULTS] or list(FAULTS)
    is_good = True
    for kind, start in (("one", one_node), ("small", small_disk_node), ("two", two_nodes)):
        wanted = [name for name in names if FAULTS[name].stack == kind]
        if not wanted:
            continue
        with start() as stack:
            for name in wanted:
                outcome = asyncio.run(play(stack, FAULTS[name]))
                is_good &= outcome.is_good
                _record(FAULTS[name], outcome)
    if not is_good:
        sys.exit("Something was lost; see above.")


async def play(stack: Stack, fault: Fault) -> Outcome:
    """Let people buy, hold and wait, break something, and take stock."""
    async with running(stack.settings, process="bench") as services:
        diary = Diary()
        client = Client(stack, diary)
        try:
            cast = await _Cast.gathered(services, client)
            outcome = Outcome(diary)
            is_over = asyncio.Event()
            crowd = asyncio.gather(
                *(buy_on_and_on(client, cast.sale, is_over) for _ in range(_BUYERS)),
                wait_on_and_on(cast.waiting, is_over),
            )
            await _until(lambda: bool(diary.booked), _WARM_SECONDS)
            diary.errors.clear()
            diary.failed_at.clear()
            rehearsed = asyncio.create_task(_rehearsed(stack, cast.rehearsed))
            await asyncio.sleep(_AMID_SECONDS)
            struck_at = time.monotonic()
            striking = asyncio.ensure_future(fault.strike(stack, services))
            await _until(lambda: striking.done() and _came_after(diary, struck_at), _LIMIT_SECONDS)
            await striking
            outcome.goes_on_seconds = _first_after(diary, struck_at)
            outcome.broken += await _broken(services, "at once")
            is_over.set()
            await crowd
            outcome.errors_seconds = max(diary.failed_at, default=struck_at) - struck_at
            await put_right(stack)
            outcome.broken += await rehearsed
            await cast.finish_all()
            outcome.broken += await _settled(services, cast.sale, cast.lasting, cast.rehearsed)
        finally:
            await client.close()
    return outcome


@dataclass(slots=True)
class _Cast:
    """Four events: one is sold all the time, one rehearsed; in one some hold, in one some wait."""

    sale: str
    rehearsed: str
    lasting: str
    holders: list[Customer]
    waiting: list[Customer]
    before: list[dict[str, object]]

    @classmethod
    async def gathered(cls, services: Container, client: Client) -> _Cast:
        sale = await _event(services, "sale", units=_UNITS, at_a_time=_AT_A_TIME)
        rehearsed = await _event(
            services, "rehearsed", units=_UNITS_REHEARSED, at_a_time=_AT_A_TIME, hold_seconds=20
        )
        lasting = await _event(services, "kept", units=_HOLDERS, at_a_time=_HOLDERS)
        hall = await _event(services, "hall", units=1, at_a_time=1)
        inside = Customer(client, hall)
        holders = [Customer(client, lasting) for _ in range(_HOLDERS)]
        for customer in (inside, *holders):
            if not (await customer.wait_inside(_WARM_SECONDS) and await customer.hold()):
                sys.exit("Nobody could hold a ticket before anything was broken.")
        waiting = [Customer(client, hall) for _ in range(_WAITING)]
        for customer in waiting:
            await customer.join()
            await customer.poll()
        intents = [await one.read_intent() for one in holders]
        return cls(sale, rehearsed, lasting, holders, waiting, intents)

    async def finish_all(self) -> None:
        """Note who lost a hold, a place or the order of the line."""
        for customer, was in zip(self.holders, self.before, strict=True):
            now = await customer.read_intent()
            if now.get("status") != "held" or str(now["expires_at"]) < str(was["expires_at"]):
                customer.lost(f"a hold: it is {now.get('status')}")
            elif (outcome := await customer.pay()) != "booked":
                customer.lost(f"a hold: paying for it ended as {outcome}")
        for customer in self.waiting:
            if (state := await customer.poll()) != "waiting":
                customer.lost(f"a place: the line says {state}")


async def _event(
    services: Container, name: str, *, units: int, at_a_time: int, hold_seconds: int = 900
) -> str:
    new = NewEvent(
        slug=new_slug(name),
        name="Broken on purpose",
        venue="Here",
        starts_at=utc_now() + timedelta(days=1),
        tiers=(NewTier("General", 50_000, units),),
        concurrent_buyers=at_a_time,
        hold_seconds=hold_seconds,
    )
    slug = await services.catalog.create(new, actor="bench")
    await services.waiting_room.publish()
    return slug


async def _rehearsed(stack: Stack, slug: str) -> list[str]:
    """Play a rehearsal through the fault, bad days of payments included; returns what it found.

    It pays at the stand-in, which the proxy does not show, so two nodes go without.
    """
    if stack.proxy is not None:
        return []
    plan = Plan(
        event=slug,
        visitors=_VISITORS_REHEARSED,
        abandon=0.1,
        arrive_seconds=5,
        most_seconds=_LIMIT_SECONDS,
        settle_seconds=_LIMIT_SECONDS / 4,
    )
    report = await rehearse(stack.url, plan)
    return [
        f"{one.code} (rehearsal: {one.found})"
        for one in report.checks
        if one.code in _ASKED_OF_A_REHEARSAL and not one.holds
    ]


async def _until(is_so: Callable[[], bool], seconds: float) -> None:
    for _ in range(int(seconds / _POLL_SECONDS)):
        if is_so():
            return
        await asyncio.sleep(_POLL_SECONDS)


def _came_after(diary: Diary, moment: float) -> bool:
    return _first_after(diary, moment) is not None


def _first_after(diary: Diary, moment: float) -> float | None:
    seen = [at for begun, at in diary.booked if begun > moment]
    return min(seen) - moment if seen else None


async def _broken(services: Container, when: str) -> list[str]:
    results = await services.audit.run()
    return [f"{one.code} ({when})" for one in results if not one.holds]


async def _settled(services: Container, *slugs: str) -> list[str]:
    """Wait until all money has one end; returns what has none, and every violation."""
    deadline = time.monotonic() + _SETTLED_SECONDS
    open_ends: list[str] = []
    while time.monotonic() < deadline:
        with suppress(Busy):
            open_ends = [one for slug in slugs for one in await _open_ends(services, slug)]
            if not open_ends:
                break
        await asyncio.sleep(0.5)
    return open_ends + await _broken(services, "in the end")


async def _open_ends(services: Container, slug: str) -> list[str]:
    """Return captured payments that Surge knows nothing of, or has not decided about."""
    async with services.database.transaction() as session:
        rows = (await session.execute(text(_ORDERS), {"slug": slug})).all()
    known = {row.id: row.disposition for row in rows}
    ours = {row.order_id for row in rows}
    books = await Orders(lambda: services.redis).listed(receipt=None, skip=0, count=_MAX_LISTED)
    return [
        f"money without an end: {payment['id']}"
        for book in books
        if book.order["id"] in ours
        for payment in book.payments.values()
        if payment["captured"] and known.get(payment["id"]) is None
    ]


def _record(fault: Fault, outcome: Outcome) -> None:
    row = _row(fault, outcome)
    print(row, dict(outcome.diary.errors), dict(outcome.diary.outcomes), flush=True)
    for what in (*outcome.broken, *outcome.diary.losses):
        print(f"  {what}", flush=True)
    if not _PAGE.exists():
        return
    lines = _PAGE.read_text("utf-8").splitlines()
    start = next(at for at, line in enumerate(lines) if line.startswith(_MARK)) + 2
    end = next((at for at in range(start, len(lines)) if not lines[at].startswith("|")), len(lines))
    rows = {line.split(" | ")[0]: line for line in lines[start:end]} | {row.split(" | ")[0]: row}
    order = [f"| {one.title}" for one in FAULTS.values()]
    lines[start:end] = [rows[title] for title in order if title in rows]
    _PAGE.write_text("\n".join(lines) + "\n", "utf-8")


def is_bare(what: str) -> bool:
    """Whether an error is an answer that says nothing of use."""
    return what[:1] == "5" and what.endswith(("without a code", "internal"))


def _load() -> str:
    """Return a remark if others keep this machine busy, because seconds are then not worth much."""
    load = os.getloadavg()[0]
    return f", load {load:.0f}" if load > _BUSY * (os.cpu_count() or 1) else ""


def _row(fault: Fault, outcome: Outcome) -> str:
    errors = outcome.diary.errors
    bare = sum(count for what, count in errors.items() if is_bare(what))
    refused = sum(count for what, count in errors.items() if what[:1] == "5") - bare
    cut = sum(errors.values()) - refused - bare
    went_on = outcome.goes_on_seconds
    cells = [
        fault.title,
        "two nodes" if fault.stack == "two" else "one node",
        fault.right,
        "not in time" if went_on is None else f"{went_on:.1f} s",
        f"{outcome.errors_seconds:.1f} s" if errors else "none",
        f"{refused} / {bare} / {cut}",
        str(len(outcome.diary.losses)),
        ", ".join(outcome.broken) or "clean",
        f"{datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} cores{_load()}",
    ]
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    main()
