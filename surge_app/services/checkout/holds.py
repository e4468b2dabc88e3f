"""Starting holds: many callers share one look at the line and one transaction.

A hold is whole or not at all, and a refusal is honest: nobody is told "sold out" while a ticket
could still be had.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from dataclasses import replace

from surge_app.clock import new_id, utc_now
from surge_app.db.checkout import holds as queries
from surge_app.db.engine import Database
from surge_app.db.group_commit import Batcher
from surge_app.errors import (
    AllHeld,
    InvalidRequest,
    NotAdmitted,
    NotEnoughLeft,
    NotOnSale,
    PersonLimit,
    QuantityNotAllowed,
    SoldOut,
    SurgeError,
)
from surge_app.formatting import pluralize
from surge_app.services.checkout.views import IntentLineView, IntentView, OrderLine
from surge_app.services.events.views import Offer, TierOffer
from surge_app.services.waiting_room.service import WaitingRoom

_MOST_TOGETHER = 200
_FLIGHTS = 2
_TRIES = 6


class Holds:
    """Starts holds for visitors whose turn it is."""

    def __init__(self, database: Database, waiting_room: WaitingRoom) -> None:
        self._database = database
        self._waiting_room = waiting_room
        # Only where to look first; a tier whose number is lost or wrong is searched whole.
        self._reached: dict[str, int] = {}
        self._claims: Batcher[queries.HoldRequest, queries.HoldAnswer] = Batcher(
            self._carry_out, most=_MOST_TOGETHER, flights=_FLIGHTS
        )

    async def start(
        self, event: Offer, visitor_id: str, wish: Sequence[OrderLine]
    ) -> IntentView | None:
        """Hold tickets at the prices of `event`, which are frozen by this.

        Args:
            event: At most a second old.
            visitor_id: Who holds.
            wish: Normalized and checked, see `check_wish`.

        Returns:
            The new intent, or None if the visitor has a live one for this event.

        Raises:
            NotAdmitted: If it is not the visitor's turn.
            SoldOut: If a tier can never serve the wish.
            AllHeld: If it could, once others let go.
            NotEnoughLeft: If fewer are free; see `shortage`.
            LineUnavailable: If the line does not answer.
        """
        if not await self._waiting_room.has_pass(event.slug, visitor_id):
            raise NotAdmitted
        for attempt in range(_TRIES):
            ask = self._ask(event, visitor_id, wish)
            answer = await self._claims.submit(ask)
            if isinstance(answer, queries.HoldGranted):
                return _view(event, ask, answer)
            if isinstance(answer, queries.HoldExists):
                return None
            if not answer.is_contended:
                raise shortage(answer.tier_id, free=answer.free, is_held=answer.is_held)
            # Others claim or let go of these very units; in a moment it is known which.
            await asyncio.sleep(random.uniform(0.5, 1) * 0.01 * 2**attempt)  # noqa: S311  jitter
        raise AllHeld

    def _ask(self, event: Offer, visitor_id: str, wish: Sequence[OrderLine]) -> queries.HoldRequest:
        prices = {tier.id: tier.price_paise for tier in event.tiers}
        subtotal = subtotal_paise(event, wish)
        return queries.HoldRequest(
            id=new_id(),
            event_id=event.id,
            visitor_id=visitor_id,
            subtotal_paise=subtotal,
            fee_paise=fee_paise(event, subtotal),
            currency=event.currency,
            hold_seconds=event.hold_seconds,
            lines=tuple(
                queries.HoldRequestLine(
                    new_id(),
                    line.tier_id,
                    line.quantity,
                    prices[line.tier_id],
                    start=self._reached.get(line.tier_id, -1),
                )
                for line in wish
            ),
        )

    def _remember(self, ask: queries.HoldRequest, reached: Sequence[int]) -> None:
        for line, number in zip(ask.lines, reached, strict=True):
            self._reached[line.tier_id] = number

    async def _carry_out(self, asks: Sequence[queries.HoldRequest]) -> Sequence[queries.HoldAnswer]:
        async with self._database.statement() as connection:
            answers = await queries.hold(connection, asks)
        for ask, answer in zip(asks, answers, strict=True):
            if isinstance(answer, queries.HoldGranted):
                self._remember(ask, answer.reached)
        return answers


def shortage(tier_id: str, *, free: int, is_held: bool) -> SurgeError:
    """Return the refusal of a wish that is larger than what is free.

    Args:
        tier_id: The tier that is short; told in `details`.
        free: How many of it could be had; told as `details["left"]`.
        is_held: Whether more may come back from holds of others.
    """
    if free > 0:
        msg = f"Only {pluralize(free, 'ticket is', 'tickets are')} left in this category."
        return NotEnoughLeft(msg, left=free, tier_id=tier_id)
    return AllHeld(tier_id=tier_id) if is_held else SoldOut(tier_id=tier_id)


def normalized(lines: Sequence[OrderLine]) -> list[OrderLine]:
    """Add up lines of the same tier and put them in the order in which tiers are claimed.

    Raises:
        InvalidRequest: If nothing is wanted.
    """
    wanted: dict[str, int] = {}
    for line in lines:
        wanted[line.tier_id] = wanted.get(line.tier_id, 0) + line.quantity
    wish = [
        OrderLine(tier_id, quantity) for tier_id, quantity in sorted(wanted.items()) if quantity > 0
    ]
    if not wish or any(line.quantity < 0 for line in lines):
        msg = "Choose at least one ticket."
        raise InvalidRequest(msg)
    return wish


def check_on_sale(event: Offer) -> None:
    """Refuse to sell after the end of a sale; raises NotOnSale.

    Whether it is sold out is for the claim to say, and whether it is open for the line, which
    gives no pass before.
    """
    if event.is_cancelled or utc_now() >= event.closes_at:
        raise NotOnSale(status="cancelled" if event.is_cancelled else "ended")


def check_wish(event: Offer, wish: Sequence[OrderLine]) -> None:
    """Check a normalized wish against the limits and windows of its tiers.

    Raises:
        InvalidRequest: If a tier is not known.
        NotOnSale: If a tier is not on sale now.
        QuantityNotAllowed: If a tier wants more or fewer in one booking.
        PersonLimit: If it is more than one person may buy.
    """
    tiers = {tier.id: tier for tier in event.tiers}
    for line in wish:
        tier = tiers.get(line.tier_id)
        if tier is None:
            msg = "There is no such ticket category."
            raise InvalidRequest(msg)
        _check_tier(tier, line.quantity)
    if sum(line.quantity for line in wish) > event.max_per_person:
        msg = f"One person may buy at most {event.max_per_person} tickets."
        raise PersonLimit(msg, max_per_person=event.max_per_person)


def as_held(event: Offer, held: Sequence[IntentLineView], wish: Sequence[OrderLine]) -> Offer:
    """Return an offer as it stands for someone who holds tickets and wants others instead.

    The price of a tier they hold stays the one they were shown, and what they hold of it they
    may keep after its window has ended.
    """
    lines = {line.tier_id: line for line in held}
    wanted = {line.tier_id: line.quantity for line in wish}

    def known(tier: TierOffer) -> TierOffer:
        line = lines.get(tier.id)
        if line is None:
            return tier
        tier = replace(tier, price_paise=line.unit_price_paise)
        if wanted.get(tier.id, 0) > line.quantity:
            return tier
        return replace(tier, sales_open_at=None, sales_close_at=None)

    return replace(event, tiers=tuple(known(tier) for tier in event.tiers))


def _check_tier(tier: TierOffer, quantity: int) -> None:
    now = utc_now()
    if tier.sales_open_at is not None and now < tier.sales_open_at:
        msg = f"{tier.name} is not on sale yet."
        raise NotOnSale(msg, status="scheduled", tier_id=tier.id)
    if tier.sales_close_at is not None and now >= tier.sales_close_at:
        msg = f"{tier.name} is no longer on sale."
        raise NotOnSale(msg, status="ended", tier_id=tier.id)
    if quantity < tier.min_per_booking:
        msg = f"{tier.name} is sold from {tier.min_per_booking} tickets on."
        raise QuantityNotAllowed(msg, tier_id=tier.id, least=tier.min_per_booking)
    if tier.max_per_booking is not None and quantity > tier.max_per_booking:
        msg = f"One booking may hold at most {tier.max_per_booking} of {tier.name}."
        raise QuantityNotAllowed(msg, tier_id=tier.id, most=tier.max_per_booking)


def subtotal_paise(event: Offer, wish: Sequence[OrderLine]) -> int:
    """Return what the tickets of a wish cost now, without the fee."""
    prices = {tier.id: tier.price_paise for tier in event.tiers}
    return sum(prices[line.tier_id] * line.quantity for line in wish)


def fee_paise(event: Offer, subtotal: int) -> int:
    """Return the convenience fee of a booking: one for each paid booking, none for a free one."""
    return event.fee_paise if subtotal else 0


def _view(event: Offer, ask: queries.HoldRequest, held: queries.HoldGranted) -> IntentView:
    names = {tier.id: tier.name for tier in event.tiers}
    return IntentView(
        id=ask.id,
        event_slug=event.slug,
        status="held",
        lines=tuple(
            IntentLineView(line.tier_id, names[line.tier_id], line.quantity, line.unit_price_paise)
            for line in ask.lines
        ),
        subtotal_paise=ask.subtotal_paise,
        fee_paise=ask.fee_paise,
        total_paise=ask.subtotal_paise + ask.fee_paise,
        currency=ask.currency,
        expires_at=held.expires_at,
        remaining_seconds=ask.hold_seconds,
        booking_ref=None,
        name="",
        email="",
        phone="",
    )
