"""Names on tickets: changed by the owner until the door opens, and never after."""

from __future__ import annotations

from datetime import timedelta

import pytest

from surge_app.clock import utc_now
from surge_app.errors import InvalidContact, NamesFixed, NotFound, RateLimited
from surge_app.services.bookings import attendees as module
from surge_app.services.bookings.attendees import open_names
from surge_app.services.bookings.check_in import Scan
from surge_app.services.messaging.notifications import ATTENDEE
from tests.engine.conftest import NewSale
from tests.engine.sale_helper import Sale


async def _book(sale: Sale) -> str:
    """Book two tickets of an event that asks who comes."""
    await sale.execute("UPDATE events SET ask_attendee_names = true WHERE slug = :s", s=sale.slug)
    intent, visitor = await sale.hold(sale.line(2))
    order = await sale.services.payments.start(
        intent.id,
        visitor,
        name="Asha Rao",
        email="asha@example.com",
        phone="+919876543210",
        attendees={sale.tier_ids[0]: ["Asha Rao", "Meera"]},
    )
    await sale.call_back(await sale.gateway.attempt(order.order_id or "", "captured"))
    rows = await sale.query("SELECT ref FROM bookings WHERE intent_id = :id", id=intent.id)
    return rows[0]["ref"]


async def _names(sale: Sale, ref: str) -> list[str]:
    return [one.attendee_name for one in (await sale.services.tickets.view(ref)).tickets]


async def test_the_owner_names_others_and_the_log_tells(new_sale: NewSale) -> None:
    sale = await new_sale(5)
    ref = await _book(sale)
    people = sale.services.attendees
    assert await people.rename(ref, {1: "Asha Rao", 2: " रवि  राव "}, actor=ATTENDEE) == 1
    assert await people.rename(ref, {2: "रवि राव"}, actor=ATTENDEE) == 0
    assert await _names(sale, ref) == ["Asha Rao", "रवि राव"]
    told = await sale.query("SELECT before, after FROM audit_log WHERE subject = :r", r=ref)
    assert told == [{"before": {"2": "Meera"}, "after": {"2": "रवि राव"}}]
    assert b"/Page" in await sale.services.tickets.pdf(ref)
    assert await sale.violations() == []


async def test_a_name_that_is_none_and_a_ticket_of_others_change_nothing(new_sale: NewSale) -> None:
    sale = await new_sale(5)
    ref = await _book(sale)
    with pytest.raises(InvalidContact) as caught:
        await sale.services.attendees.rename(ref, {1: "Ravi", 2: " "}, actor=ATTENDEE)
    assert set(caught.value.fields) == {"attendees.2"}
    for other, names in ((ref, {3: "Ravi"}), ("SRG-AAAAAAAA", {1: "Ravi"})):
        with pytest.raises(NotFound):
            await sale.services.attendees.rename(other, names, actor=ATTENDEE)
    assert await _names(sale, ref) == ["Asha Rao", "Meera"]


async def test_a_used_ticket_keeps_its_name_and_the_others_do_not(new_sale: NewSale) -> None:
    sale = await new_sale(5)
    ref = await _book(sale)
    booking = await sale.services.tickets.view(ref)
    scan = Scan("s1", utc_now(), text=booking.tickets[0].qr_text)
    (result,) = await sale.services.check_in.scan(sale.slug, [scan], gate="North", actor="door")
    assert result.verdict == "admitted"
    with pytest.raises(NamesFixed):
        await sale.services.attendees.rename(ref, {1: "Ravi", 2: "Ravi"}, actor=ATTENDEE)
    assert await _names(sale, ref) == ["Asha Rao", "Meera"]
    assert [one.seq for one in open_names(await sale.services.tickets.view(ref))] == [2]
    assert await sale.services.attendees.rename(ref, {2: "Ravi"}, actor=ATTENDEE) == 1


@pytest.mark.parametrize(
    "change", ["starts_at = now()", "phase = 'cancelled'", "ask_attendee_names = false"]
)
async def test_names_stay_once_the_event_began_or_is_off_or_asks_for_none(
    new_sale: NewSale, change: str
) -> None:
    sale = await new_sale(5)
    ref = await _book(sale)
    await sale.execute(f"UPDATE events SET {change} WHERE slug = :s", s=sale.slug)
    assert open_names(await sale.services.tickets.view(ref)) == []
    with pytest.raises(NamesFixed):
        await sale.services.attendees.rename(ref, {1: "Ravi"}, actor=ATTENDEE)


async def test_names_are_changed_so_often_a_day(
    new_sale: NewSale, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_MAX_CHANGES", 2)
    sale = await new_sale(5)
    ref = await _book(sale)
    for name in ("One", "Two"):
        await sale.services.attendees.rename(ref, {1: name}, actor=ATTENDEE)
    with pytest.raises(RateLimited) as caught:
        await sale.services.attendees.rename(ref, {1: "Three"}, actor=ATTENDEE)
    day = timedelta(hours=24).total_seconds()
    assert day - 60 < (caught.value.retry_after_seconds or 0) <= day
