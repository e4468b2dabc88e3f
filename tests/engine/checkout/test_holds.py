"""The claim itself: what one statement does for several asks at once."""

from __future__ import annotations

import pytest

from surge_app.clock import new_id
from surge_app.db.checkout.holds import (
    HoldAnswer,
    HoldExists,
    HoldGranted,
    HoldRequest,
    HoldRequestLine,
    HoldShortfall,
    hold,
)
from surge_app.errors import NotOnSale, QuantityNotAllowed
from surge_app.services.events.new_event import NewTier
from tests.engine.conftest import NewSale
from tests.engine.sale_helper import PRICE_PAISE, Sale


def _request(
    sale: Sale, event_id: str, *selection: tuple[int, int], visitor: str = "", start: int = -1
) -> HoldRequest:
    """Ask for (tier, quantity) pairs."""
    lines = sorted(
        (
            HoldRequestLine(new_id(), sale.tier_ids[tier], quantity, 100, start)
            for tier, quantity in selection
        ),
        key=lambda line: line.tier_id,
    )
    total = sum(100 * quantity for _, quantity in selection)
    return HoldRequest(new_id(), event_id, visitor or new_id(), total, 0, "INR", 300, tuple(lines))


async def _event_id(sale: Sale) -> str:
    return (await sale.services.catalog.offer(sale.slug)).id


async def _hold(sale: Sale, *requests: HoldRequest) -> list[HoldAnswer]:
    return await hold(sale.services.database, requests)


async def test_an_ask_too_large_does_not_stand_in_the_way_of_a_smaller_one(
    new_sale: NewSale,
) -> None:
    sale = await new_sale(3)
    event_id = await _event_id(sale)
    large, small = await _hold(
        sale, _request(sale, event_id, (0, 4)), _request(sale, event_id, (0, 3))
    )
    assert isinstance(large, HoldShortfall)
    assert (large.free, large.is_contended) == (3, False)
    assert isinstance(small, HoldGranted)


async def test_a_tier_that_is_short_leaves_the_others_untouched(new_sale: NewSale) -> None:
    sale = await new_sale(5, 1)
    event_id = await _event_id(sale)
    both, first = await _hold(
        sale, _request(sale, event_id, (0, 5), (1, 2)), _request(sale, event_id, (0, 5))
    )
    assert isinstance(both, HoldShortfall)
    assert both.tier_id == sale.tier_ids[1]
    assert isinstance(first, HoldGranted)


async def test_one_visitor_twice_in_one_statement_holds_once(new_sale: NewSale) -> None:
    sale = await new_sale(5)
    event_id = await _event_id(sale)
    requests = [_request(sale, event_id, (0, 1), visitor="twice") for _ in range(2)]
    first, second, other = await _hold(sale, *requests, _request(sale, event_id, (0, 4)))
    assert isinstance(first, HoldGranted)
    assert isinstance(second, HoldExists)
    assert isinstance(other, HoldGranted)


async def test_a_search_that_starts_behind_the_last_free_unit_still_finds_it(
    new_sale: NewSale,
) -> None:
    sale = await new_sale(5)
    event_id = await _event_id(sale)
    (found,) = await _hold(sale, _request(sale, event_id, (0, 2), start=4))
    assert isinstance(found, HoldGranted)
    assert found.next_unit_hint == (2,)
    (rest,) = await _hold(sale, _request(sale, event_id, (0, 3), start=found.next_unit_hint[0]))
    assert isinstance(rest, HoldGranted)
    (none,) = await _hold(sale, _request(sale, event_id, (0, 1), start=99))
    assert none == HoldShortfall(sale.tier_ids[0], free=0, is_contended=False, is_held=True)


async def test_units_locked_this_instant_are_not_called_sold_out(new_sale: NewSale) -> None:
    sale = await new_sale(2)
    event_id = await _event_id(sale)
    async with sale.services.database.engine.connect() as other:
        await other.exec_driver_sql("SELECT 1 FROM units FOR UPDATE")
        (answer,) = await _hold(sale, _request(sale, event_id, (0, 1)))
    assert answer == HoldShortfall(sale.tier_ids[0], free=1, is_contended=True, is_held=False)


async def test_a_tier_is_sold_within_its_own_limits(new_sale: NewSale) -> None:
    tiers = (NewTier("Pairs", 100, 10, min_per_booking=2, max_per_booking=4),)
    sale = await new_sale(10, tiers=tiers)
    for quantity in (1, 5):
        with pytest.raises(QuantityNotAllowed):
            await sale.hold(sale.line(quantity))
    intent, _ = await sale.hold(sale.line(4))
    assert intent.lines[0].quantity == 4


async def test_whoever_changes_a_hold_keeps_the_price_they_were_shown(new_sale: NewSale) -> None:
    sale = await new_sale(10, 10)
    intent, visitor = await sale.hold(sale.line(2))
    await sale.execute(
        "UPDATE tiers SET price_paise = price_paise * 2, "
        "sales_close_at = now() - interval '1 minute' WHERE id = :id",
        id=sale.tier_ids[0],
    )
    sale.services.catalog.invalidate()
    selection = [sale.line(1), sale.line(1, tier=1)]
    changed = await sale.services.intents.change(intent.id, visitor, selection)
    assert {line.unit_price_paise for line in changed.lines} == {PRICE_PAISE, PRICE_PAISE * 2}
    assert changed.fee_paise == intent.fee_paise
    with pytest.raises(NotOnSale):
        await sale.services.intents.change(intent.id, visitor, [sale.line(3)])
