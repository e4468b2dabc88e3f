"""Names of those who come, where the event asks for them."""

from __future__ import annotations

from surge_app.services.events.new_event import NewTier
from tests.conftest import Customer, NewBuyer, NewSale


async def _hold_of_two_tiers(buyer: Customer) -> tuple[str, list[str]]:
    await buyer.join()
    event = (await buyer.http.get(f"/api/events/{buyer.slug}")).json()
    tiers = [tier["id"] for tier in event["tiers"]]
    lines = [{"tier_id": tiers[0], "quantity": 2}, {"tier_id": tiers[1], "quantity": 1}]
    held = await buyer.http.post(f"/api/events/{buyer.slug}/intents", json={"lines": lines})
    held.raise_for_status()
    return held.json()["id"], tiers


async def _pay(
    buyer: Customer, intent_id: str, attendees: dict[str, list[str]]
) -> tuple[int, dict]:
    contact = {"name": "Asha Rao", "email": "asha@example.com", "phone": "98765 43210"}
    answer = await buyer.http.post(
        f"/api/intents/{intent_id}/payment", json={**contact, "attendees": attendees}
    )
    return answer.status_code, answer.json()


async def test_each_ticket_carries_the_name_given_for_its_tier(
    new_sale: NewSale, new_buyer: NewBuyer
) -> None:
    tiers = (NewTier("Stalls", 50_000, 5), NewTier("Balcony", 90_000, 5))
    buyer = new_buyer(await new_sale(tiers=tiers, ask_attendee_names=True))
    intent_id, (stalls, balcony) = await _hold_of_two_tiers(buyer)
    status, problem = await _pay(buyer, intent_id, {stalls: ["Asha Rao"], balcony: [" "]})
    assert status == 422
    assert problem["code"] == "invalid_contact"
    assert set(problem["fields"]) == {f"attendees.{stalls}.1", f"attendees.{balcony}.0"}
    names = {stalls: ["Asha  Rao", "रवि राव"], balcony: ["Meera"]}
    status, order = await _pay(buyer, intent_id, names)
    assert status == 200
    outcome = await buyer.callback(await buyer.attempt(order["order_id"]))
    booking = (await buyer.http.get(f"/api/bookings/{outcome.json()['booking_ref']}")).json()
    told = sorted((ticket["tier_name"], ticket["attendee_name"]) for ticket in booking["tickets"])
    assert told == [("Balcony", "Meera"), ("Stalls", "Asha Rao"), ("Stalls", "रवि राव")]


async def test_names_nobody_asks_for_are_not_kept(new_sale: NewSale, new_buyer: NewBuyer) -> None:
    buyer = new_buyer(await new_sale())
    await buyer.join()
    intent = (await buyer.hold(1)).json()
    tier = intent["lines"][0]["tier_id"]
    _, order = await _pay(buyer, intent["id"], {tier: ["Somebody"]})
    outcome = await buyer.callback(await buyer.attempt(order["order_id"]))
    booking = (await buyer.http.get(f"/api/bookings/{outcome.json()['booking_ref']}")).json()
    assert [ticket["attendee_name"] for ticket in booking["tickets"]] == [""]
