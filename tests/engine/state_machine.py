"""Everything that can happen to a small sale, one action at a time or several at once.

An action that finds nothing to act on does nothing. One that is refused with a `SurgeError` is
part of life; any other error is a defect and leaves the action.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TypeAlias

from surge_app.clock import new_id
from surge_app.container import build_container
from surge_app.errors import AllHeld, IntentExists, IntentExpired, NotEnoughLeft, SoldOut
from surge_app.services.checkout.views import OrderLine
from surge_app.services.vendors.sandbox_credentials import sandbox_keys
from surge_app.settings import Settings
from tests.engine.gateway import InProcessGateway
from tests.engine.payers import Payers
from tests.engine.sale_helper import PRICE_PAISE, open_sale

UNITS = (3, 2)
MAX_PER_PERSON = 4
WISHES = ((1, 0), (2, 0), (0, 1), (1, 1), (3, 0), (2, 2))
_ALWAYS = (
    *("order", "order", "order", "hold", "hold", "start_payment"),
    *("change", "release", "heartbeat", "run_out", "run_out", "expire", "expire"),
    *("sweep", "cancel", "add_unit", "withdraw_unit"),
    *("sell_at_the_counter", "give_away", "press_again", "hand_over"),
)
_WITH_ORDERS = ("poll", "poll")
_UNPAID = ("pay", "pay", "pay", "authorize", "authorize", "fail", "fail", "pay_wrongly")
# The last two visitors are one person, so that they can run into the limit together.
_PERSONS = ("00000001", "00000002", "00000003", "00000003")


Press: TypeAlias = tuple[tuple[int, ...], int | None, str, str]
"""What was wanted of each tier, the cash if any, a phone or none, and the key."""


class World(Payers):
    """A sale of five tickets, four visitors, and a gateway full of bad days.

    Attributes:
        is_alone: Whether one action runs at a time, so that what a refusal says can be checked.
        is_behind: Whether a deadline was moved since the expiry jobs ran last.
        capacity: Units that are or were on sale.
        kept_back: Sold units whose ticket was taken back and that were not put on sale again.
    """

    def __init__(self, settings: Settings) -> None:
        """Keep the settings; `open` starts."""
        super().__init__()
        self._settings = settings
        self.visitors = [new_id() for _ in _PERSONS]
        self.is_alone = True
        self.is_behind = False
        self.kept_back = 0
        self.presses: list[Press] = []
        self.capacity = sum(UNITS)

    async def open(self) -> None:
        """Start the services and the sale."""
        self.gateway = InProcessGateway(sandbox_keys(self._settings))
        services = build_container(self._settings, process="test", gateway=self.gateway)
        self.sale = await open_sale(services, self.gateway, *UNITS, max_per_person=MAX_PER_PERSON)
        self.slug = self.sale.slug
        # An outage is everyone's; the one an earlier world has left behind is not this one's.
        await self.sale.execute("DELETE FROM gateway_outages")

    async def close(self) -> None:
        """Stop the services."""
        await self.sale.services.redis.aclose()
        await self.sale.services.database.close()

    def possible(self) -> list[str]:
        """Return the actions that can do something now, the likelier ones several times."""
        by_status = {
            status: self._payments(status) for status in ("failed", "authorized", "captured")
        }
        found = [
            (_ALWAYS, True),
            (_WITH_ORDERS, bool(self.orders)),
            (_UNPAID, bool(self._unpaid())),
            (("succeed_late",) * 3, bool(by_status["failed"])),
            (
                ("capture_by_itself", "capture_by_itself", "give_back"),
                bool(by_status["authorized"]),
            ),
            (("refund", "refund", "pay_twice"), bool(by_status["captured"])),
            (("deliver",) * 4 + ("lose_webhook",), bool(self.gateway.webhooks)),
            (("deliver_again",), bool(self.delivered)),
            (("call_back",) * 3, bool(self.callbacks)),
        ]
        return [name for names, applies in found if applies for name in names]

    async def restart(self) -> None:
        """Lose everything this process had in memory."""
        await self.close()
        self.sale.services = build_container(self._settings, process="test", gateway=self.gateway)

    async def hold(self, one: int, two: int) -> None:
        """Ask for tickets; asking again for the same is asking for nothing new."""
        selection = self._selection(two)
        try:
            await self.sale.hold(*selection, visitor=self._visitor(one))
        except (SoldOut, AllHeld, NotEnoughLeft) as error:
            if self.is_alone:
                await self._check_refusal(error, selection)
            raise

    async def change(self, one: int, two: int) -> None:
        """Exchange what a visitor holds."""
        if intent_id := await self._latest(one):
            await self.sale.services.intents.change(
                intent_id, self._visitor(one), self._selection(two)
            )

    async def release(self, one: int, _two: int) -> None:
        """Let go."""
        if intent_id := await self._latest(one):
            await self.sale.services.intents.release(intent_id, self._visitor(one))

    async def heartbeat(self, one: int, _two: int) -> None:
        """Ask how much time is left."""
        if intent_id := await self._latest(one):
            await self.sale.services.intents.heartbeat(intent_id, self._visitor(one))

    async def grow_older(self) -> set[str]:
        """Let a minute of every window that is whole pass, so that one pushed out is seen.

        Returns:
            The intents it passed for.
        """
        rows = await self.sale.query(
            "UPDATE intents i SET expires_at = expires_at - interval '60 seconds' FROM events e "
            "WHERE e.id = i.event_id AND e.slug = :slug AND i.expires_at - hold_clock() > "
            "CASE i.status WHEN 'held' THEN interval '270 seconds' "
            "WHEN 'paying' THEN interval '690 seconds' END RETURNING i.id",
            slug=self.slug,
        )
        return {row["id"] for row in rows}

    async def run_out(self, one: int, two: int) -> None:
        """Put a deadline into the past: just so, or by more than a payment is waited for."""
        if intent_id := await self._latest(one):
            self.is_behind = True
            await self.sale.let_time_pass(intent_id, 90 if two % 2 else 1)

    async def expire(self, _one: int, two: int) -> None:
        """Run the jobs of expiry, with or without the question to the gateway before."""
        if two % 2:
            await self.sale.services.reconciliation.settle_before_expiry()
        await self.sale.services.reconciliation.expire_holds()
        self._caught_up()

    async def order(self, one: int, two: int) -> None:
        """Hold and go on to the payment."""
        with suppress(IntentExists):
            await self.hold(one, two)
        await self.start_payment(one, two)

    async def start_payment(self, one: int, _two: int) -> None:
        """Ask for the order; asking again gives the same one."""
        if intent_id := await self._latest(one):
            place = one % len(_PERSONS)
            order = await self.sale.start_payment(
                intent_id, self.visitors[place], person=_PERSONS[place]
            )
            if order.order_id is None:
                assert order.booking_ref is not None
                return
            if self.is_alone:
                again = await self.sale.start_payment(
                    intent_id, self.visitors[place], person=_PERSONS[place]
                )
                assert again.order_id == order.order_id
                assert again.amount_paise == order.amount_paise
            if order.order_id not in self.orders:
                self.orders.append(order.order_id)

    async def poll(self, one: int, _two: int) -> None:
        """Ask the gateway about an order."""
        if order_id := self._order(one):
            await self.sale.services.payments.settle_order(order_id)

    async def sweep(self, _one: int, two: int) -> None:
        """Run the jobs that find what was missed and send what is owed."""
        if two % 2:
            await self.sale.services.reconciliation.find_missed_payments()
        await self.sale.settle_down()
        self._caught_up()

    async def add_unit(self, one: int, _two: int) -> None:
        """Put one more unit of a tier on sale."""
        await self.sale.services.inventory.add_units(self.slug, self._tier(one), 1, actor="test")
        self.capacity += 1

    async def withdraw_unit(self, one: int, _two: int) -> None:
        """Take a free unit of a tier off sale."""
        await self.sale.services.inventory.withdraw_units(
            self.slug, self._tier(one), 1, actor="test"
        )
        self.capacity -= 1

    async def refund(self, one: int, two: int) -> None:
        """Let the organizer take a booking back, or one ticket of it, with or without its units."""
        rows = await self.sale.query(
            "SELECT b.ref, array_agg(k.seq ORDER BY k.seq) AS tickets FROM bookings b "
            "JOIN events e ON e.id = b.event_id "
            "JOIN tickets k ON k.booking_id = b.id AND k.status = 'valid' WHERE e.slug = :slug "
            "GROUP BY b.ref ORDER BY b.ref",
            slug=self.slug,
        )
        if rows:
            row, is_restocked = rows[one % len(rows)], bool(two % 2)
            tickets = row["tickets"][:1] if two % 3 == 0 else None
            done = await self.sale.services.refunds.refund(
                row["ref"], restock=is_restocked, actor="test", tickets=tickets
            )
            if not is_restocked:
                # What it took back, not what was seen before: another refund may have come first.
                self.kept_back += len(done.tickets)

    async def sell_at_the_counter(self, one: int, two: int) -> None:
        """Sell for cash, sometimes to one of those who buy online."""
        selection = WISHES[two % len(WISHES)]
        cash = sum(count * PRICE_PAISE * tier for tier, count in enumerate(selection, start=1))
        token = int(_PERSONS[one % len(_PERSONS)], 16)
        phone = f"+9198{token:08d}" if two % 2 else ""
        self.presses.append((selection, cash, phone, new_id()))
        await self._press(self.presses[-1])

    async def give_away(self, _one: int, two: int) -> None:
        """Give tickets away."""
        self.presses.append((WISHES[two % len(WISHES)], None, "", new_id()))
        await self._press(self.presses[-1])

    async def press_again(self, one: int, _two: int) -> None:
        """Press a button of the counter once more, whatever came of it before."""
        if self.presses:
            await self._press(self.presses[one % len(self.presses)])

    async def hand_over(self, one: int, _two: int) -> None:
        """Hand cash back that waits."""
        rows = await self.sale.query(
            "SELECT r.id FROM refunds r JOIN payments p ON p.id = r.payment_id "
            "JOIN intents i ON i.id = p.intent_id JOIN events e ON e.id = i.event_id "
            "WHERE e.slug = :slug AND r.by_hand AND r.status = 'requested' ORDER BY r.id",
            slug=self.slug,
        )
        if rows:
            await self.sale.services.refunds.hand_over(rows[one % len(rows)]["id"], actor="test")

    async def cancel(self, _one: int, two: int) -> None:
        """Call the whole event off, now and then."""
        if two == 9:
            await self.sale.execute(
                "UPDATE events SET phase = 'cancelled' WHERE slug = :slug", slug=self.slug
            )
            self.sale.services.catalog.invalidate()

    async def _press(self, press: Press) -> None:
        selection, cash_paise, phone, key = press
        pairs = [(count, tier) for tier, count in enumerate(selection) if count]
        await self.sale.counter(*pairs, cash_paise=cash_paise, key=key, phone=phone)

    def _caught_up(self) -> None:
        # A deadline that was moved at the same moment waits for the next run of the job.
        if self.is_alone:
            self.is_behind = False

    async def _check_refusal(
        self, error: SoldOut | AllHeld | NotEnoughLeft, selection: list[OrderLine]
    ) -> None:
        rows = await self.sale.query(
            "SELECT tier_id, count(*) FILTER (WHERE status = 'available') AS free, "
            "count(*) FILTER (WHERE status = 'held') AS held FROM units "
            "WHERE tier_id = ANY(:tiers) GROUP BY tier_id",
            tiers=[line.tier_id for line in selection],
        )
        found = {row["tier_id"]: (row["free"], row["held"]) for row in rows}
        wanted = {line.tier_id: line.quantity for line in selection}
        fits = {
            SoldOut: lambda free, held, _wanted: free + held == 0,
            AllHeld: lambda free, held, _wanted: free == 0 < held,
            NotEnoughLeft: lambda free, _held, wanted: 0 < free < wanted,
        }[type(error)]
        assert any(fits(*found[tier], quantity) for tier, quantity in wanted.items()), (
            error,
            found,
            wanted,
        )

    def _visitor(self, one: int) -> str:
        return self.visitors[one % len(self.visitors)]

    def _tier(self, one: int) -> str:
        return f"Tier {1 + one % len(UNITS)}"

    def _selection(self, two: int) -> list[OrderLine]:
        quantities = WISHES[two % len(WISHES)]
        return [self.sale.line(count, tier) for tier, count in enumerate(quantities) if count]

    async def _latest(self, one: int) -> str | None:
        try:
            view = await self.sale.services.intents.latest(self.slug, self._visitor(one))
        except IntentExpired:
            return None
        return view.id if view else None

    def _order(self, one: int) -> str | None:
        return self.orders[one % len(self.orders)] if self.orders else None
