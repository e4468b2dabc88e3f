"""A process of its own that buys: `python -m tests.engine.worker` with one JSON document.

It says `ready` on its standard output, waits for a line, and in the end tells what happened.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import random
import sys
from collections import Counter
from collections.abc import Sequence
from typing import Any

from sqlalchemy.exc import SQLAlchemyError

from surge_app.clock import new_id
from surge_app.container import Container, running
from surge_app.errors import SurgeError
from surge_app.observability.log import configure_logging
from surge_app.sandbox.store import Orders
from surge_app.services.checkout.views import OrderLine
from surge_app.services.vendors.sandbox_credentials import sandbox_keys
from surge_app.settings import Settings, load_settings
from tests.engine.gateway import InProcessGateway
from tests.engine.sale_helper import Sale

_OUTCOMES = ("captured", "captured", "captured", "authorized", "failed")


def settings_of(environment: dict[str, str]) -> Settings:
    """Return the settings a worker is started with."""
    os.environ.update(environment)
    return load_settings()


def shared_gateway(services: Container) -> InProcessGateway:
    """Return a gateway that every process sees alike."""
    return InProcessGateway(sandbox_keys(services.settings), Orders(lambda: services.redis))


async def rush(
    sale: Sale, selections: Sequence[Sequence[tuple[int, int]]], order: dict[str, Any]
) -> Any:
    """Let every wish be asked by a visitor of its own, all at the same moment.

    Args:
        sale: The sale.
        wishes: Pairs of tier and quantity.
        order: `let_go`: which share of the holds is given up; `pay`: which share is paid.

    Returns:
        How many asks ended how, and the wishes that were refused, by their code.
    """
    chance = random.Random(order["seed"])
    visitors = [new_id() for _ in selections]
    await sale.admit(*visitors)
    refused: dict[str, list[Any]] = {}
    ends: Counter[str] = Counter()

    async def one(visitor: str, selection: Sequence[tuple[int, int]]) -> None:
        lines = [OrderLine(sale.tier_ids[tier], quantity) for tier, quantity in selection]
        try:
            intent, _ = await sale.services.intents.start(sale.slug, visitor, lines)
        except SurgeError as error:
            refused.setdefault(error.code, []).append(selection)
            return
        ends["held"] += 1
        if chance.random() < order["let_go"]:
            await _let_go(sale, intent.id, visitor, chance)
            ends["let go"] += 1
        elif chance.random() < order["pay"]:
            await _buy(sale, intent.id, visitor)
            ends["bought"] += 1

    await asyncio.gather(*map(one, visitors, selections))
    return {"ends": ends, "refused": refused}


async def _let_go(sale: Sale, intent_id: str, visitor: str, chance: random.Random) -> None:
    if chance.random() < 0.5:
        await sale.services.intents.release(intent_id, visitor)
    else:
        await sale.let_time_pass(intent_id)
        await sale.services.reconciliation.expire_holds()


async def _buy(sale: Sale, intent_id: str, visitor: str) -> None:
    order = await sale.start_payment(intent_id, visitor, person=f"{random.getrandbits(32):08x}")
    paid = await sale.gateway.attempt(order.order_id, "captured")
    assert await sale.call_back(paid) == "confirmed"


async def trade(sale: Sale) -> None:
    """Hold, release, pay and settle for ever, whatever the servers do."""

    async def one() -> None:
        while True:
            try:
                await _deal(sale)
            except SurgeError:
                await asyncio.sleep(0.01)
            except (SQLAlchemyError, OSError):
                # The database is being killed: that is the point.
                await asyncio.sleep(0.2)

    await asyncio.gather(*(one() for _ in range(16)))


async def _deal(sale: Sale) -> None:
    intent, visitor = await sale.hold(sale.line(random.randint(1, 3), random.randint(0, 1)))
    fate = random.random()
    if fate < 0.2:
        await sale.services.intents.release(intent.id, visitor)
    if fate < 0.4:
        return
    person = f"{random.getrandbits(32):08x}"
    order = await sale.start_payment(intent.id, visitor, person=person)
    paid = await sale.gateway.attempt(order.order_id, random.choice(_OUTCOMES))  # type: ignore[arg-type]
    await asyncio.gather(
        sale.call_back(paid),
        *(sale.deliver(hook) for hook in sale.gateway.webhooks if hook.order_id == order.order_id),
    )
    sale.gateway.webhooks.clear()
    await sale.services.refunds.submit_pending()


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


async def _main(order: dict[str, Any]) -> None:
    settings = settings_of(order["environment"])
    configure_logging(json=True, level=logging.CRITICAL)
    async with running(settings, process=order["name"]) as plain:
        gateway = shared_gateway(plain)
        async with running(settings, process=order["name"], gateway=gateway) as services:
            sale = Sale(services, gateway, order["slug"], tuple(order["tier_ids"]))
            await services.catalog.events()
            _say("ready")
            await asyncio.to_thread(sys.stdin.readline)
            if order["work"] == "trade":
                await trade(sale)
            _say(json.dumps(await rush(sale, order["selections"], order)))


if __name__ == "__main__":
    asyncio.run(_main(json.loads(sys.argv[1])))
