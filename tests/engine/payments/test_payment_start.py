"""The start of a payment: one order for a hold, one charge for a person, none for what is free."""

from __future__ import annotations

import asyncio
import secrets

import pytest

from surge_app.clock import new_id
from surge_app.errors import (
    BuyerLimit,
    GatewayUnavailable,
    IntentExpired,
    NotFound,
    NotOnSale,
    PaymentBeingChecked,
    PaymentStarted,
    RateLimited,
)
from surge_app.kv.rate_limits import Limit
from surge_app.services.events.new_event import NewTier
from surge_app.services.payments import gateway_queries
from tests.engine.conftest import NewSale
from tests.engine.gateway import Fault, InProcessGateway
from tests.engine.sale_helper import Sale

_FREE = (NewTier("Free", 0, 10), NewTier("Paid", 50_000, 10))


def _someone() -> str:
    return secrets.token_hex(4)


async def _expired_order(sale: Sale, person: str, visitor: str | None = None) -> tuple[str, str]:
    """Let a payment window end without an attempt; returns intent and order."""
    intent, visitor = await sale.hold(visitor=visitor)
    checkout = await sale.start_payment(intent.id, visitor, person=person)
    await sale.let_time_pass(intent.id)
    await sale.services.intents.expire(intent.id)
    assert checkout.order_id is not None
    return intent.id, checkout.order_id


async def test_many_starts_at_once_get_an_order_each_and_a_repeat_the_same(
    new_sale: NewSale,
) -> None:
    sale = await new_sale(30)
    held = [await sale.hold() for _ in range(10)]
    people = [_someone() for _ in held]
    for _ in range(2):
        checkouts = await asyncio.gather(
            *(
                sale.start_payment(intent.id, visitor, person=person)
                for (intent, visitor), person in zip(held, people, strict=True)
                for _ in range(3)
            )
        )
        assert len({checkout.order_id for checkout in checkouts}) == 10
        assert {checkout.amount_paise for checkout in checkouts} == {52_500}
    rows = await sale.query(
        "SELECT count(*) FILTER (WHERE status = 'paying' AND order_id IS NOT NULL "
        "AND next_check_at > paying_at) AS good, count(*) AS everything FROM intents "
        "WHERE id = ANY(:ids)",
        ids=[intent.id for intent, _ in held],
    )
    assert rows == [{"good": 10, "everything": 10}]


async def test_no_repeat_makes_the_window_longer(new_sale: NewSale) -> None:
    sale = await new_sale(5)
    intent, visitor = await sale.hold()
    person = _someone()
    await sale.start_payment(intent.id, visitor, person=person)
    first = await sale.services.intents.get(intent.id, visitor)
    await sale.start_payment(intent.id, visitor, person=person)
    assert (await sale.services.intents.get(intent.id, visitor)).expires_at == first.expires_at


async def test_one_person_in_many_browsers_gets_tickets_within_the_limit_and_the_rest_refunded(
    new_sale: NewSale, gateway: InProcessGateway
) -> None:
    sale = await new_sale(20, max_per_person=2)
    person = _someone()
    held = [await sale.hold() for _ in range(6)]
    starts = await asyncio.gather(
        *(sale.start_payment(intent.id, visitor, person=person) for intent, visitor in held)
    )
    callbacks = [await gateway.attempt(start.order_id or "", "captured") for start in starts]
    outcomes = await asyncio.gather(*(sale.call_back(callback) for callback in callbacks))
    assert sorted(outcomes) == ["confirmed"] * 2 + ["refunding"] * 4
    await sale.settle_down()
    assert await sale.violations() == []


async def test_nobody_learns_from_an_address_what_its_owner_bought_nor_keeps_them_from_buying(
    new_sale: NewSale, gateway: InProcessGateway
) -> None:
    sale = await new_sale(20, max_per_person=2)
    owner = _someone()
    stranger_intent, stranger = await sale.hold(sale.line(2))
    assert (await sale.start_payment(stranger_intent.id, stranger, person=owner)).order_id
    intent, visitor = await sale.hold(sale.line(2))
    start = await sale.start_payment(intent.id, visitor, person=owner)
    assert await sale.call_back(await gateway.attempt(start.order_id or "", "captured")) == (
        "confirmed"
    )
    other_intent, other = await sale.hold(sale.line(2))
    assert (await sale.start_payment(other_intent.id, other, person=owner)).order_id


async def test_the_limit_counts_every_spelling_of_one_address(
    new_sale: NewSale, gateway: InProcessGateway
) -> None:
    sale = await new_sale(10, max_per_person=1)
    outcomes: list[str] = []
    spellings = ("asha.rao@gmail.com", "Asha.Rao+2@gmail.com", "ashaRao@googlemail.com")
    for number, email in enumerate(spellings):
        intent, visitor = await sale.hold()
        start = await sale.services.payments.start(
            intent.id, visitor, name="Asha", email=email, phone=f"+91981234560{number}"
        )
        outcomes.append(
            await sale.call_back(await gateway.attempt(start.order_id or "", "captured"))
        )
    assert outcomes == ["confirmed", "refunding", "refunding"]
    emails = await sale.query(
        "SELECT email FROM intents i JOIN events e ON e.id = i.event_id WHERE e.slug = :slug",
        slug=sale.slug,
    )
    assert {row["email"] for row in emails} == set(spellings)


async def test_a_payment_without_an_attempt_keeps_the_deadline_of_its_hold(
    new_sale: NewSale, gateway: InProcessGateway
) -> None:
    sale = await new_sale(5)
    intent, visitor = await sale.hold()
    start = await sale.start_payment(intent.id, visitor)
    assert (await sale.services.intents.get(intent.id, visitor)).expires_at == intent.expires_at
    await gateway.attempt(start.order_id or "", "failed")
    await sale.services.payments.check(intent.id, visitor)
    paid = await sale.services.intents.get(intent.id, visitor)
    assert 660 <= paid.remaining_seconds <= 720
    await gateway.attempt(start.order_id or "", "failed")
    await sale.services.payments.settle_order(start.order_id or "")
    assert (await sale.services.intents.get(intent.id, visitor)).expires_at == paid.expires_at


async def test_a_payment_that_begins_in_the_last_second_has_three_minutes_once(
    new_sale: NewSale,
) -> None:
    sale = await new_sale(5)
    intent, visitor = await sale.hold()
    await sale.execute(
        "UPDATE intents SET expires_at = hold_clock() + interval '5 seconds' WHERE id = :id",
        id=intent.id,
    )
    person = _someone()
    for _ in range(2):
        await sale.start_payment(intent.id, visitor, person=person)
        left = (await sale.services.intents.get(intent.id, visitor)).remaining_seconds
        assert 120 <= left <= 180
    with pytest.raises(PaymentStarted):
        await sale.services.intents.change(intent.id, visitor, [sale.line(2)])


async def test_names_are_kept_for_the_tickets_of_the_intent_alone(new_sale: NewSale) -> None:
    sale = await new_sale(5, ask_attendee_names=True)
    intent, visitor = await sale.hold()
    tier = sale.tier_ids[0]
    names = {tier: ["Ravi", "Ghost"], **{f"tier-{number}": ["Ghost"] * 9 for number in range(19)}}
    await sale.services.payments.start(
        intent.id, visitor, name="A", email="a@example.com", phone="9812345678", attendees=names
    )
    rows = await sale.query("SELECT attendee_names FROM intents WHERE id = :id", id=intent.id)
    assert rows == [{"attendee_names": {tier: ["Ravi"]}}]


async def test_a_visitor_asks_the_gateway_once_in_a_while(
    new_sale: NewSale, gateway: InProcessGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Five seconds pass quickly on a busy machine.
    monkeypatch.setattr(gateway_queries, "_ANSWER_LASTS_SECONDS", 3600.0)
    patient = Limit("gateway-order", per_minute=1, burst=1)
    monkeypatch.setattr(gateway_queries, "_PER_ORDER", patient)
    sale = await new_sale(5)
    intent, visitor = await sale.hold()
    start = await sale.start_payment(intent.id, visitor)
    before = gateway.calls.get("order_payments", 0)
    outcomes = [await sale.services.payments.check(intent.id, visitor) for _ in range(20)]
    assert {outcome.status for outcome in outcomes} == {"unpaid"}
    assert gateway.calls["order_payments"] == before + 1
    await sale.call_back(await gateway.attempt(start.order_id or "", "captured"))
    assert (await sale.services.payments.check(intent.id, visitor)).status == "confirmed"
    assert gateway.calls["order_payments"] == before + 1


async def test_an_unanswered_question_leaves_a_payment_being_checked(
    new_sale: NewSale, gateway: InProcessGateway
) -> None:
    sale = await new_sale(5)
    intent, visitor = await sale.hold()
    await sale.start_payment(intent.id, visitor)
    with gateway.failing(Fault.LOST_REQUEST), pytest.raises(GatewayUnavailable):
        await sale.services.payments.check(intent.id, visitor)
    assert (await sale.services.payments.check(intent.id, visitor)).status == "checking"


async def test_holds_are_limited_for_a_visitor_however_they_are_asked_for(
    new_sale: NewSale,
) -> None:
    sale = await new_sale(5)
    intent, visitor = await sale.hold()
    answers = await asyncio.gather(
        *(sale.services.intents.change(intent.id, visitor, [sale.line(1)]) for _ in range(40)),
        return_exceptions=True,
    )
    assert any(isinstance(answer, RateLimited) for answer in answers)


async def test_tickets_taken_back_leave_room_for_others_within_the_limit(new_sale: NewSale) -> None:
    sale = await new_sale(20, max_per_person=3)
    person = _someone()
    intent, visitor = await sale.hold(sale.line(3))
    order = await sale.start_payment(intent.id, visitor, person=person)
    assert order.order_id is not None
    assert await sale.call_back(await sale.gateway.attempt(order.order_id, "captured")) == (
        "confirmed"
    )
    rows = await sale.query("SELECT ref FROM bookings WHERE intent_id = :id", id=intent.id)
    await sale.admit(visitor)
    held, _ = await sale.hold(sale.line(2), visitor=visitor)
    for seq in (1, 2):
        with pytest.raises(BuyerLimit, match="You already have"):
            await sale.start_payment(held.id, visitor, person=person)
        await sale.services.refunds.refund(
            rows[0]["ref"], actor="test", restock=True, tickets=[seq]
        )
    assert (await sale.start_payment(held.id, visitor, person=person)).order_id


async def test_what_is_over_or_not_ones_own_cannot_be_paid_for(new_sale: NewSale) -> None:
    sale = await new_sale(5)
    intent, visitor = await sale.hold()
    with pytest.raises(NotFound):
        await sale.start_payment(intent.id, new_id())
    await sale.let_time_pass(intent.id)
    with pytest.raises(IntentExpired):
        await sale.start_payment(intent.id, visitor)
    other, visitor = await sale.hold()
    await sale.execute("UPDATE events SET phase = 'cancelled' WHERE slug = :slug", slug=sale.slug)
    with pytest.raises(NotOnSale):
        await sale.start_payment(other.id, visitor)


async def test_a_hold_that_ends_while_the_order_is_made_is_not_paid_for(
    new_sale: NewSale, gateway: InProcessGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    sale = await new_sale(5)
    intent, visitor = await sale.hold()
    create_order = gateway.create_order

    async def slow(**wanted: object) -> object:
        order = await create_order(**wanted)  # pyright: ignore[reportArgumentType]
        await sale.let_time_pass(intent.id)
        return order

    monkeypatch.setattr(gateway, "create_order", slow)
    with pytest.raises(IntentExpired):
        await sale.start_payment(intent.id, visitor)


async def test_after_paying_a_second_start_leads_to_the_booking(
    new_sale: NewSale, gateway: InProcessGateway
) -> None:
    sale = await new_sale(5)
    intent, visitor = await sale.hold()
    checkout = await sale.start_payment(intent.id, visitor)
    assert checkout.order_id is not None
    await sale.call_back(await gateway.attempt(checkout.order_id, "captured"))
    again = await sale.start_payment(intent.id, visitor)
    booked = await sale.services.intents.get(intent.id, visitor)
    assert (again.order_id, again.amount_paise) == (None, 0)
    assert again.booking_ref == booked.booking_ref is not None


async def test_an_earlier_order_that_nobody_tried_to_pay_is_no_obstacle(
    new_sale: NewSale, gateway: InProcessGateway
) -> None:
    sale = await new_sale(5)
    person = _someone()
    visitor = new_id()
    await _expired_order(sale, person, visitor)
    intent, _ = await sale.hold(visitor=visitor)
    before = gateway.calls.get("order_payments", 0)
    checkout = await sale.start_payment(intent.id, visitor, person=person)
    assert checkout.order_id is not None
    assert gateway.calls["order_payments"] == before + 1


async def test_while_an_earlier_payment_is_open_no_second_order_is_given(
    new_sale: NewSale, gateway: InProcessGateway
) -> None:
    sale = await new_sale(5)
    person = _someone()
    visitor = new_id()
    _, order_id = await _expired_order(sale, person, visitor)
    intent, _ = await sale.hold(visitor=visitor)
    await gateway.attempt(order_id, "created")
    orders = gateway.calls["create_order"]
    for _ in range(3):
        with pytest.raises(PaymentBeingChecked) as caught:
            await sale.start_payment(intent.id, visitor, person=person)
        assert "booking_ref" not in caught.value.details
    assert gateway.calls["create_order"] == orders


async def test_an_earlier_payment_that_went_through_is_booked_and_not_charged_again(
    new_sale: NewSale, gateway: InProcessGateway
) -> None:
    sale = await new_sale(5)
    person = _someone()
    visitor = new_id()
    _, order_id = await _expired_order(sale, person, visitor)
    await gateway.attempt(order_id, "captured")
    intent, _ = await sale.hold(visitor=visitor)
    with pytest.raises(PaymentBeingChecked) as caught:
        await sale.start_payment(intent.id, visitor, person=person)
    assert str(caught.value.details["booking_ref"]).startswith("SRG-")
    assert (await sale.counts())["sold"] == 1


async def test_a_stranger_who_types_a_buyers_email_learns_of_no_payment(
    new_sale: NewSale, gateway: InProcessGateway
) -> None:
    sale = await new_sale(5)
    person = _someone()
    _, order_id = await _expired_order(sale, person)
    await gateway.attempt(order_id, "captured")
    intent, stranger = await sale.hold()
    assert (await sale.start_payment(intent.id, stranger, person=person)).order_id


async def test_while_the_gateway_is_away_doubt_is_no_second_order(
    new_sale: NewSale, gateway: InProcessGateway
) -> None:
    sale = await new_sale(5)
    person = _someone()
    visitor = new_id()
    await _expired_order(sale, person, visitor)
    intent, _ = await sale.hold(visitor=visitor)
    with gateway.failing(Fault.LOST_REQUEST), pytest.raises(GatewayUnavailable):
        await sale.start_payment(intent.id, visitor, person=person)


async def test_what_costs_nothing_is_booked_without_a_payment(
    new_sale: NewSale, gateway: InProcessGateway
) -> None:
    sale = await new_sale(tiers=_FREE)
    intent, visitor = await sale.hold(sale.line(2))
    assert intent.total_paise == 0
    orders = gateway.calls.get("create_order", 0)
    checkouts = await asyncio.gather(
        *(sale.start_payment(intent.id, visitor, person="00c0ffee") for _ in range(5))
    )
    assert len({checkout.booking_ref for checkout in checkouts}) == 1
    assert {checkout.order_id for checkout in checkouts} == {None}
    assert gateway.calls.get("create_order", 0) == orders
    assert (await sale.counts())["sold"] == 2
    ref = checkouts[0].booking_ref
    assert ref is not None
    assert len((await sale.services.tickets.view(ref)).tickets) == 2
    rows = await sale.query(
        "SELECT (SELECT count(*) FROM payments WHERE intent_id = :id) AS payments, "
        "(SELECT count(*) FROM message_outbox WHERE intent_id = :id) AS messages, "
        "(SELECT count(*) FROM ledger_entries l JOIN bookings b ON b.id = l.booking_id "
        " WHERE b.intent_id = :id) AS entries",
        id=intent.id,
    )
    assert rows == [{"payments": 0, "messages": 2, "entries": 0}]
    assert await sale.violations() == []


async def test_free_and_paid_tickets_together_are_paid_for(new_sale: NewSale) -> None:
    sale = await new_sale(tiers=_FREE)
    intent, visitor = await sale.hold(sale.line(1), sale.line(1, tier=1))
    checkout = await sale.start_payment(intent.id, visitor)
    assert checkout.order_id is not None
    assert (checkout.amount_paise, checkout.booking_ref) == (52_500, None)
