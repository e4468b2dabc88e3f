"""News of money: forged, repeated and at once; all of it together makes one booking."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import secrets

from surge_app.container import Container
from surge_app.services.vendors.sandbox_credentials import sandbox_keys
from tests.conftest import Customer, NewBuyer, NewSale, Surge, eventually
from tests.integration.mail_catcher import channels_told


def _signed(surge: Surge, body: bytes) -> str:
    secret = sandbox_keys(surge.settings).razorpay_webhook_secrets[0]
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def _captured(order: dict[str, object], payment_id: str, amount_paise: object = None) -> bytes:
    entity = {
        "id": payment_id,
        "entity": "payment",
        "order_id": order["order_id"],
        "amount": order["amount_paise"] if amount_paise is None else amount_paise,
        "currency": "INR",
        "status": "captured",
        "method": "upi",
        "notes": [],
    }
    event = {
        "entity": "event",
        "event": "payment.captured",
        "contains": ["payment"],
        "payload": {"payment": {"entity": entity}},
        "created_at": 1795350012,
    }
    return json.dumps(event).encode()


async def test_a_forged_webhook_changes_nothing(
    new_sale: NewSale, new_buyer: NewBuyer, services: Container
) -> None:
    slug = await new_sale()
    buyer = new_buyer(slug)
    intent, order = await buyer.order()
    body = _captured(order, f"pay_{secrets.token_hex(7)}")
    for signature in ("", "0" * 64, "ü", None):
        headers = {} if signature is None else {"x-razorpay-signature": signature.encode()}
        answer = await buyer.http.post(
            "/api/webhooks/razorpay", content=body, headers={**headers, "x-razorpay-event-id": "e"}
        )
        assert (answer.status_code, answer.json()["code"]) == (400, "bad_signature")
    assert (await buyer.http.get(f"/api/intents/{intent['id']}")).json()["status"] == "paying"
    assert (await services.dashboard.stats(slug)).bookings == 0


async def test_the_same_webhook_ten_times_makes_one_booking_one_mail_and_one_sms(
    new_sale: NewSale, new_buyer: NewBuyer, surge: Surge, services: Container
) -> None:
    slug = await new_sale()
    buyer = new_buyer(slug)
    intent, order = await buyer.order()
    body = _captured(order, f"pay_{secrets.token_hex(7)}")
    headers = {
        "x-razorpay-signature": _signed(surge, body),
        "x-razorpay-event-id": secrets.token_hex(7),
    }
    answers = await asyncio.gather(
        *(
            buyer.http.post("/api/webhooks/razorpay", content=body, headers=headers)
            for _ in range(10)
        )
    )
    assert {answer.status_code for answer in answers} == {200}

    async def is_confirmed() -> bool:
        answer = await buyer.http.get(f"/api/intents/{intent['id']}")
        return answer.json()["status"] == "confirmed"

    await eventually(is_confirmed, about="the booking")
    ref = (await buyer.http.get(f"/api/intents/{intent['id']}")).json()["booking_ref"]

    async def are_told() -> bool:
        return len(await channels_told(buyer, ref)) >= 2

    await eventually(are_told, about="the confirmation")
    assert await channels_told(buyer, ref) == ["email", "sms"]
    assert (await services.dashboard.stats(slug)).bookings == 1


async def test_a_replay_under_fresh_event_ids_books_once(
    new_sale: NewSale, new_buyer: NewBuyer, surge: Surge, services: Container
) -> None:
    slug = await new_sale()
    buyer = new_buyer(slug)
    _, order = await buyer.order()
    body = _captured(order, f"pay_{secrets.token_hex(7)}")
    signature = _signed(surge, body)
    for _ in range(5):
        headers = {"x-razorpay-signature": signature, "x-razorpay-event-id": secrets.token_hex(7)}
        answer = await buyer.http.post("/api/webhooks/razorpay", content=body, headers=headers)
        assert answer.status_code == 200

    async def is_booked() -> bool:
        return (await services.dashboard.stats(slug)).bookings == 1

    await eventually(is_booked, about="the booking")
    assert all(finding.holds for finding in await services.audit.run(slug=slug))


async def test_callback_and_webhook_at_once_book_once(
    new_sale: NewSale, new_buyer: NewBuyer, services: Container
) -> None:
    slug = await new_sale(units=12, concurrent_buyers=50)
    buyers = [new_buyer(slug) for _ in range(6)]
    orders = [(await buyer.order())[1] for buyer in buyers]

    async def pay(buyer: Customer, order: dict[str, object]) -> None:
        fields = await buyer.attempt(str(order["order_id"]), webhook="before_callback")
        answers = await asyncio.gather(*(buyer.callback(fields) for _ in range(4)))
        assert len({answer.json()["booking_ref"] for answer in answers}) == 1

    await asyncio.gather(*(pay(b, o) for b, o in zip(buyers, orders, strict=True)))
    stats = await services.dashboard.stats(slug)
    assert (stats.bookings, stats.sold) == (6, 6)
    assert all(finding.holds for finding in await services.audit.run(slug=slug))


async def test_a_forged_callback_is_refused(new_sale: NewSale, new_buyer: NewBuyer) -> None:
    slug = await new_sale()
    buyer = new_buyer(slug)
    _, order = await buyer.order()
    fields = await buyer.attempt(str(order["order_id"]), webhook="none")
    for change in (
        {"razorpay_signature": "0" * 64},
        {"razorpay_payment_id": "pay_0000000000000A"},
        {"razorpay_order_id": "order_0000000000000A"},
        {"razorpay_signature": ""},
    ):
        answer = await buyer.callback({**fields, **change})
        assert (answer.status_code, answer.json()["code"]) == (400, "bad_signature")
