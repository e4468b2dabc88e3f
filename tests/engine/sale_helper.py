"""One sale to drive the services with: an event, people with passes, time that can be over."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, cast

from sqlalchemy import text

from surge_app.clock import new_id, utc_now
from surge_app.container import Container
from surge_app.kv import keys
from surge_app.models import BoxOfficeMethod
from surge_app.services.checkout.views import IntentView, OrderLine
from surge_app.services.events.catalog import NewEvent, NewTier
from surge_app.services.operations.invariants import Violation
from surge_app.services.payments.box_office import CounterBooking, CounterSale
from surge_app.services.payments.views import CheckoutView
from tests.engine.gateway import Callback, InProcessGateway, Webhook

PRICE_PAISE = 50_000
_PASS_SECONDS = 3600


@dataclass(slots=True)
class Sale:
    """An event of its own, driven through the services of a process.

    Attributes:
        services: Whose services are used; a restart puts others here.
    """

    services: Container
    gateway: InProcessGateway
    slug: str
    tier_ids: tuple[str, ...]

    def line(self, quantity: int = 1, tier: int = 0) -> OrderLine:
        """Return a wish for one tier."""
        return OrderLine(self.tier_ids[tier], quantity)

    async def hold(self, *lines: OrderLine, visitor: str | None = None) -> tuple[IntentView, str]:
        """Let someone with a pass hold tickets, one by default; returns intent and visitor."""
        visitor = visitor or new_id()
        await self.admit(visitor)
        selection: Sequence[OrderLine] = lines or (self.line(),)
        intent, _ = await self.services.intents.start(self.slug, visitor, selection)
        return intent, visitor

    async def start_payment(
        self, intent_id: str, visitor: str, *, person: str | None = None
    ) -> CheckoutView:
        """Ask for the order of a hold; `person` names who pays, someone new by default."""
        token = person or secrets.token_hex(4)
        return await self.services.payments.start(
            intent_id,
            visitor,
            name="Asha Rao",
            email=f"asha-{token}@example.com",
            phone=f"+9198{int(token, 16) % 10**8:08d}",
        )

    async def counter(
        self,
        *selection: tuple[int, int],
        cash_paise: int | None = PRICE_PAISE,
        key: str | None = None,
        method: BoxOfficeMethod = BoxOfficeMethod.CASH,
        **contact: str,
    ) -> CounterBooking:
        """Sell over the counter, as (quantity, tier), or give away if there is no cash."""
        lines = [self.line(quantity, tier) for quantity, tier in selection or ((1, 0),)]
        return await self.services.box_office.sell(
            self.slug,
            CounterSale(lines=lines, cash_paise=cash_paise, method=method, **contact),
            key=key or new_id(),
            actor="test",
        )

    async def admit(self, *visitors: str) -> None:
        """Give visitors a pass, whoever else is in the line."""
        passes = dict.fromkeys(visitors, utc_now().timestamp() * 1000 + _PASS_SECONDS * 1000)
        await self.services.redis.zadd(keys.part(self.slug, "passes"), cast("Any", passes))

    async def deliver(self, webhook: Webhook) -> None:
        """Hand a webhook in and process it at once, as the endpoint does."""
        stored = await self.services.payments.receive_webhook(
            webhook.body, signature=webhook.signature, event_id=webhook.event_id
        )
        if stored is not None:
            await self.services.payments.process_received(stored)

    async def call_back(self, callback: Callback) -> str:
        """Hand in what the checkout gave to the page; returns the outcome's status."""
        outcome = await self.services.payments.settle_callback(
            order_id=callback.order_id,
            payment_id=callback.payment_id,
            signature=callback.signature,
        )
        return outcome.status

    async def let_time_pass(self, intent_id: str, seconds: float = 1.0) -> None:
        """Put the deadline of a live hold into the past."""
        await self.execute(
            "UPDATE intents SET expires_at = "
            "least(expires_at, hold_clock() - make_interval(secs => :seconds)) "
            "WHERE id = :id AND status IN ('held', 'paying')",
            id=intent_id,
            seconds=seconds,
        )

    async def settle_down(self) -> None:
        """Run the jobs until they have nothing more to do."""
        reconciliation = self.services.reconciliation
        for _ in range(2):
            await self.services.outages.probe()
        await reconciliation.settle_before_expiry()
        await reconciliation.expire_holds()
        await self.execute("UPDATE webhook_inbox SET next_attempt_at = now()")
        await self.services.payments.process_pending_webhooks()
        await self.execute(
            "UPDATE refunds SET next_attempt_at = now() WHERE next_attempt_at IS NOT NULL"
        )
        # One run sends a batch; what it could not send is not due again at once.
        while await self.services.refunds.submit_pending():
            pass

    async def violations(self) -> list[Violation]:
        """Return what the audit finds wrong with this sale."""
        found = await self.services.audit.run(slug=self.slug)
        return [finding for finding in found if not finding.holds]

    async def counts(self) -> dict[str, int]:
        """Return how many units of the event are in each status."""
        rows = await self.query(
            "SELECT u.status, count(*) AS units FROM units u WHERE u.tier_id = ANY(:tiers) "
            "GROUP BY u.status",
            tiers=list(self.tier_ids),
        )
        counted = {row["status"]: row["units"] for row in rows}
        return {word: counted.get(word, 0) for word in ("available", "held", "sold", "withdrawn")}

    async def query(self, statement: str, **values: object) -> list[dict[str, Any]]:
        """Return the rows of a query."""
        async with self.services.database.transaction() as session:
            rows = (await session.execute(text(statement), values)).mappings().all()
        return [dict(row) for row in rows]

    async def execute(self, statement: str, **values: object) -> None:
        """Change the world behind the services' back."""
        async with self.services.database.transaction() as session:
            await session.execute(text(statement), values)


async def open_sale(
    services: Container, gateway: InProcessGateway, *units: int, **settings: Any
) -> Sale:
    """Create an event on sale.

    Args:
        services: Of the process that sells.
        gateway: The one those services use.
        units: How many each tier has; 10 in one tier if nothing is said.
        settings: Whatever else `NewEvent` takes.
    """
    tiers = tuple(
        NewTier(f"Tier {number}", PRICE_PAISE * number, count)
        for number, count in enumerate(units or (10,), start=1)
    )
    values = {
        "slug": f"sale-{secrets.token_hex(6)}",
        "name": "A sale to prove",
        "venue": "The hall",
        "starts_at": utc_now() + timedelta(days=30),
        "tiers": tiers,
        **settings,
    }
    slug = await services.catalog.create(NewEvent(**values), actor="test")
    event = await services.catalog.event(slug)
    return Sale(services, gateway, slug, tuple(tier.id for tier in event.tiers))
