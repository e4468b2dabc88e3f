"""Money: every captured rupee ends as one booking or one refund."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import secrets

import pytest

from surge_app.container import Container
from surge_app.services.offers import NewTier
from surge_app.services.ports import GatewayRefund, GatewayRefundStatus
from surge_app.services.sandbox_keys import sandbox_keys
from tests.conftest import Buyer, NewBuyer, NewSale, Surge, eventually


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


async def _messages(surge: Surge, buyer: Buyer, ref: str) -> list[str]:
    answer = await buyer.http.get(f"{surge.url}/sandbox/outbox.json")
    return sorted(
        message["channel"] for message in answer.json()["messages"] if message["booking_ref"] == ref
    )


async def test_a_paid_order_is_a_booking_with_tickets_ledger_and_messages(
    new_sale: NewSale, new_buyer: NewBuyer, surge: Surge, services: Container
) -> None:
    slug = await new_sale(units=5)
    buyer = new_buyer(slug)
    ref = await buyer.buy(quantity=2)
    booking = (await buyer.http.get(f"/api/bookings/{ref}")).json()
    assert booking["status"] == "confirmed"
    assert len({ticket["code"] for ticket in booking["tickets"]}) == 2
    assert booking["total_paise"] == 2 * 50_000 + 2_500
    stats = await services.organizer.stats(slug)
    assert (stats.sold, stats.revenue_paise, stats.fees_paise) == (2, 102_500, 2_500)

    async def are_told() -> bool:
        return await _messages(surge, buyer, ref) == ["email", "sms"]

    await eventually(are_told, about="the confirmation")
    assert all(finding.holds for finding in await services.audit.run(slug=slug))


async def test_a_strangers_browser_sees_no_booking(new_sale: NewSale, new_buyer: NewBuyer) -> None:
    slug = await new_sale()
    ref = await new_buyer(slug).buy()
    stranger = new_buyer(slug)
    for path in ("", "/tickets.pdf", "/calendar.ics", "?token=forged"):
        assert (await stranger.http.get(f"/api/bookings/{ref}{path}")).status_code == 404
    assert (await stranger.http.get(f"/bookings/{ref}")).status_code == 404


async def test_the_link_of_a_message_opens_the_booking_once_and_for_all(
    new_sale: NewSale, new_buyer: NewBuyer, services: Container
) -> None:
    slug = await new_sale()
    ref = await new_buyer(slug).buy()
    phone = new_buyer(slug).http
    token = services.identity.booking_token(ref)
    opened = await phone.get(f"/bookings/{ref}?token={token}")
    assert (opened.status_code, opened.headers["location"]) == (303, f"/bookings/{ref}")
    assert (await phone.get(f"/bookings/{ref}")).status_code == 200
    pdf = await phone.get(f"/api/bookings/{ref}/tickets.pdf")
    assert pdf.content.startswith(b"%PDF-")
    calendar = await phone.get(f"/api/bookings/{ref}/calendar.ics")
    assert b"BEGIN:VEVENT" in calendar.content


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
    assert (await services.organizer.stats(slug)).bookings == 0


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
        return len(await _messages(surge, buyer, ref)) >= 2

    await eventually(are_told, about="the confirmation")
    assert await _messages(surge, buyer, ref) == ["email", "sms"]
    assert (await services.organizer.stats(slug)).bookings == 1


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
        return (await services.organizer.stats(slug)).bookings == 1

    await eventually(is_booked, about="the booking")
    assert all(finding.holds for finding in await services.audit.run(slug=slug))


async def test_callback_and_webhook_at_once_book_once(
    new_sale: NewSale, new_buyer: NewBuyer, services: Container
) -> None:
    slug = await new_sale(units=12, concurrent_buyers=50)
    buyers = [new_buyer(slug) for _ in range(6)]
    orders = [(await buyer.order())[1] for buyer in buyers]

    async def pay(buyer: Buyer, order: dict[str, object]) -> None:
        fields = await buyer.attempt(str(order["order_id"]), webhook="before_callback")
        answers = await asyncio.gather(*(buyer.callback(fields) for _ in range(4)))
        assert len({answer.json()["booking_ref"] for answer in answers}) == 1

    await asyncio.gather(*(pay(b, o) for b, o in zip(buyers, orders, strict=True)))
    stats = await services.organizer.stats(slug)
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


async def test_a_redirected_form_leads_to_the_booking(
    new_sale: NewSale, new_buyer: NewBuyer
) -> None:
    slug = await new_sale()
    buyer = new_buyer(slug)
    _, order = await buyer.order()
    fields = await buyer.attempt(str(order["order_id"]), webhook="none")
    in_app_browser = new_buyer(slug).http
    answer = await in_app_browser.post("/api/payments/razorpay/callback", data=fields)
    assert answer.status_code == 303
    followed = await in_app_browser.get(answer.headers["location"], follow_redirects=True)
    assert followed.status_code == 200


async def test_the_order_is_the_same_on_every_repeat_and_its_window_never_grows(
    new_sale: NewSale, new_buyer: NewBuyer
) -> None:
    slug = await new_sale()
    buyer = new_buyer(slug)
    intent, order = await buyer.order()
    before = (await buyer.http.get(f"/api/intents/{intent['id']}")).json()["expires_at"]
    contact = {"email": "again@example.com", "phone": "+919822012345"}
    repeats = await asyncio.gather(
        *(buyer.start_payment(str(intent["id"]), **contact) for _ in range(5))
    )
    assert {answer.json()["order_id"] for answer in repeats} == {order["order_id"]}
    assert (await buyer.http.get(f"/api/intents/{intent['id']}")).json()["expires_at"] == before


async def test_parallel_first_starts_share_one_order(
    new_sale: NewSale, new_buyer: NewBuyer
) -> None:
    slug = await new_sale()
    buyer = new_buyer(slug)
    await buyer.join()
    intent = (await buyer.hold()).json()
    contact = {"email": "tabs@example.com", "phone": "+919822054321"}
    answers = await asyncio.gather(
        *(buyer.start_payment(intent["id"], **contact) for _ in range(8))
    )
    assert len({answer.json()["order_id"] for answer in answers}) == 1


async def test_twenty_clicks_two_tabs_and_the_back_button_make_one_charge(
    new_sale: NewSale, new_buyer: NewBuyer, services: Container
) -> None:
    slug = await new_sale(units=4)
    buyer = new_buyer(slug)
    await buyer.join()
    intent = (await buyer.hold()).json()
    contact = {"email": "clicks@example.com", "phone": "+919822033333"}
    started = await asyncio.gather(
        *(buyer.start_payment(intent["id"], **contact) for _ in range(20))
    )
    orders = {answer.json()["order_id"] for answer in started}
    assert len(orders) == 1
    first_tab, second_tab = buyer, Buyer(buyer.http, slug)
    fields = await first_tab.attempt(orders.pop())
    callbacks = await asyncio.gather(
        *(tab.callback(fields) for tab in (first_tab, second_tab) for _ in range(5))
    )
    refs = {answer.json()["booking_ref"] for answer in callbacks}
    assert len(refs) == 1
    back = await second_tab.start_payment(intent["id"], **contact)
    assert (back.status_code, back.json()["order_id"], back.json()["amount_paise"]) == (
        200,
        None,
        0,
    )
    assert {back.json()["booking_ref"]} == refs
    stats = await services.organizer.stats(slug)
    assert (stats.bookings, stats.sold, stats.revenue_paise) == (1, 1, 52_500)
    assert all(finding.holds for finding in await services.audit.run(slug=slug))


async def test_a_second_order_waits_until_the_first_payment_is_known(
    new_sale: NewSale, new_buyer: NewBuyer, services: Container
) -> None:
    slug = await new_sale(units=4)
    buyer = new_buyer(slug)
    contact = {"email": "hasty@example.com", "phone": "+919822044444"}
    await buyer.join()
    intent = (await buyer.hold()).json()["id"]
    order = (await buyer.start_payment(intent, **contact)).json()["order_id"]
    await buyer.attempt(order, webhook="none")
    await buyer.http.delete(f"/api/intents/{intent}")
    again = (await buyer.hold()).json()["id"]
    refused = await buyer.start_payment(again, **contact)
    assert (refused.status_code, refused.json()["code"]) == (409, "payment_being_checked")
    ref = refused.json()["booking_ref"]
    assert (await services.tickets.view(ref)).status == "confirmed"


async def test_a_free_ticket_is_booked_without_a_payment(
    new_sale: NewSale, new_buyer: NewBuyer, surge: Surge, services: Container
) -> None:
    slug = await new_sale(tiers=(NewTier("Free", 0, 5),))
    buyer = new_buyer(slug)
    await buyer.join()
    intent = (await buyer.hold(quantity=2)).json()
    assert (intent["total_paise"], intent["fee_paise"]) == (0, 0)
    answer = await buyer.start_payment(intent["id"])
    assert (answer.status_code, answer.json()["order_id"]) == (200, None)
    assert answer.json()["amount_paise"] == 0
    ref = answer.json()["booking_ref"]
    booking = (await buyer.http.get(f"/api/bookings/{ref}")).json()
    assert (booking["status"], booking["total_paise"]) == ("confirmed", 0)
    assert [ticket["status"] for ticket in booking["tickets"]] == ["valid", "valid"]
    assert (await buyer.http.get(f"/bookings/{ref}")).status_code == 200
    again = (await buyer.start_payment(intent["id"])).json()
    assert (again["order_id"], again["booking_ref"]) == (None, ref)

    async def are_told() -> bool:
        return await _messages(surge, buyer, ref) == ["email", "sms"]

    await eventually(are_told, about="the confirmation")
    stats = await services.organizer.stats(slug)
    assert (stats.bookings, stats.sold, stats.revenue_paise) == (1, 2, 0)
    audit = surge.command("audit", "--event", slug)
    assert audit.returncode == 0, audit.stdout


async def test_failed_then_captured_is_a_booking(new_sale: NewSale, new_buyer: NewBuyer) -> None:
    slug = await new_sale()
    buyer = new_buyer(slug)
    _, order = await buyer.order()
    await buyer.attempt(str(order["order_id"]), outcome="failed")
    fields = await buyer.attempt(str(order["order_id"]))
    assert (await buyer.callback(fields)).json()["status"] == "confirmed"


async def test_an_authorized_payment_of_a_live_hold_is_captured_and_booked(
    new_sale: NewSale, new_buyer: NewBuyer, services: Container
) -> None:
    slug = await new_sale()
    buyer = new_buyer(slug)
    _, order = await buyer.order()
    fields = await buyer.attempt(str(order["order_id"]), outcome="authorized", webhook="none")
    assert (await buyer.callback(fields)).json()["status"] == "confirmed"
    assert all(finding.holds for finding in await services.audit.run(slug=slug))


async def test_an_authorized_payment_that_comes_late_takes_the_tickets_before_the_money(
    new_sale: NewSale, new_buyer: NewBuyer, services: Container
) -> None:
    slug = await new_sale(units=1)
    buyer = new_buyer(slug)
    intent, order = await buyer.order()
    await buyer.http.delete(f"/api/intents/{intent['id']}")
    fields = await buyer.attempt(str(order["order_id"]), outcome="authorized", webhook="none")
    assert (await buyer.callback(fields)).json()["status"] == "confirmed"
    assert all(finding.holds for finding in await services.audit.run(slug=slug))


async def test_an_authorized_payment_with_nothing_left_is_left_to_return_by_itself(
    new_sale: NewSale, new_buyer: NewBuyer, services: Container
) -> None:
    slug = await new_sale(units=1)
    late = new_buyer(slug)
    intent, order = await late.order()
    await late.http.delete(f"/api/intents/{intent['id']}")
    await late.http.delete(f"/api/queue/{slug}")
    await new_buyer(slug).buy()
    fields = await late.attempt(str(order["order_id"]), outcome="authorized", webhook="none")
    assert (await late.callback(fields)).json() == {"booking_ref": None, "status": "refunding"}
    stats = await services.organizer.stats(slug)
    assert (stats.sold, stats.bookings) == (1, 1)


async def test_money_after_expiry_gets_the_tickets_while_some_are_left(
    new_sale: NewSale, new_buyer: NewBuyer, services: Container
) -> None:
    slug = await new_sale(units=2)
    buyer = new_buyer(slug)
    intent, order = await buyer.order()
    await buyer.http.delete(f"/api/intents/{intent['id']}")
    fields = await buyer.attempt(str(order["order_id"]), webhook="none")
    assert (await buyer.callback(fields)).json()["status"] == "confirmed"
    assert all(finding.holds for finding in await services.audit.run(slug=slug))


async def test_money_after_everything_is_sold_is_refunded_once(
    new_sale: NewSale, new_buyer: NewBuyer, services: Container
) -> None:
    slug = await new_sale(units=1)
    late = new_buyer(slug)
    intent, order = await late.order()
    await late.http.delete(f"/api/intents/{intent['id']}")
    await late.http.delete(f"/api/queue/{slug}")
    await new_buyer(slug).buy()
    fields = await late.attempt(str(order["order_id"]), webhook="duplicate")
    outcome = (await late.callback(fields)).json()
    assert outcome == {"booking_ref": None, "status": "refunding"}
    payment_path = f"/sandbox/razorpay/v1/payments/{fields['razorpay_payment_id']}"
    keys = sandbox_keys(services.settings)
    auth = (keys.razorpay_key_id, keys.razorpay_key_secret)

    async def is_refunded() -> bool:
        payment = (await late.http.get(payment_path, auth=auth)).json()
        return payment["amount_refunded"] == order["amount_paise"]

    await eventually(is_refunded, about="the refund")
    refunds = (await late.http.get(f"{payment_path}/refunds", auth=auth)).json()
    assert refunds["count"] == 1
    assert all(finding.holds for finding in await services.audit.run(slug=slug))


async def test_orders_that_outlive_their_holds_buy_no_more_than_one_person_may(
    new_sale: NewSale, new_buyer: NewBuyer, services: Container
) -> None:
    slug = await new_sale(units=20, max_per_person=2)
    buyer = new_buyer(slug)
    contact = {"email": "collector@example.com", "phone": "+919822077777"}
    orders: list[str] = []
    for _ in range(3):
        await buyer.join()
        intent = (await buyer.hold(quantity=2)).json()["id"]
        orders.append((await buyer.start_payment(intent, **contact)).json()["order_id"])
        await buyer.http.delete(f"/api/intents/{intent}")
    outcomes = [
        (await buyer.callback(await buyer.attempt(order, webhook="none"))).json()["status"]
        for order in orders
    ]
    assert outcomes == ["confirmed", "refunding", "refunding"]
    assert (await services.organizer.stats(slug)).sold == 2
    assert all(finding.holds for finding in await services.audit.run(slug=slug))


async def test_the_order_of_a_changed_hold_has_the_new_total(
    new_sale: NewSale, new_buyer: NewBuyer, services: Container
) -> None:
    slug = await new_sale(units=10)
    buyer = new_buyer(slug)
    await buyer.join()
    intent = (await buyer.hold(quantity=1)).json()
    line = {"tier_id": intent["lines"][0]["tier_id"], "quantity": 3}
    path = f"/api/intents/{intent['id']}"
    contact = {"email": "changer@example.com", "phone": "+919822066666"}
    started, changed = await asyncio.gather(
        buyer.start_payment(intent["id"], **contact),
        buyer.http.put(f"{path}/lines", json={"lines": [line]}),
    )
    total = (await buyer.http.get(path)).json()["total_paise"]
    assert started.json()["amount_paise"] == total
    assert changed.status_code in {200, 409}
    fields = await buyer.attempt(started.json()["order_id"], webhook="none")
    assert (await buyer.callback(fields)).json()["status"] == "confirmed"
    assert all(finding.holds for finding in await services.audit.run(slug=slug))


async def test_a_small_refund_made_in_the_dashboard_closes_none_of_ours(
    new_sale: NewSale, new_buyer: NewBuyer, surge: Surge, services: Container
) -> None:
    slug = await new_sale()
    buyer = new_buyer(slug)
    ref = await buyer.buy()
    payment_id = (await services.tickets.view(ref)).payment_id
    foreign = GatewayRefund(
        f"rfnd_{secrets.token_hex(7)}", payment_id, 100, GatewayRefundStatus.PROCESSED
    )
    await buyer.http.post(f"/api/admin/bookings/{ref}/refund", auth=surge.organizer)
    assert await services.refunds.note(foreign) == "unmatched"

    async def is_refunded() -> bool:
        return (await buyer.http.get(f"/api/bookings/{ref}")).json()["status"] == "refunded"

    await eventually(is_refunded, about="our own refund")
    assert all(finding.holds for finding in await services.audit.run(slug=slug))


@pytest.mark.parametrize("amount_paise", [100, 52_499, 52_501])
async def test_a_wrong_amount_is_refunded_and_the_hold_stays(
    new_sale: NewSale, new_buyer: NewBuyer, services: Container, amount_paise: int
) -> None:
    slug = await new_sale(units=1)
    buyer = new_buyer(slug)
    intent, order = await buyer.order()
    fields = await buyer.attempt(str(order["order_id"]), webhook="none", amount_paise=amount_paise)
    assert (await buyer.callback(fields)).json()["status"] == "refunding"
    assert (await buyer.http.get(f"/api/intents/{intent['id']}")).json()["status"] == "paying"
    stats = await services.organizer.stats(slug)
    assert (stats.held, stats.sold, stats.bookings) == (1, 0, 0)
    assert all(finding.holds for finding in await services.audit.run(slug=slug))


async def test_a_lost_webhook_and_a_closed_tab_still_become_a_booking(
    new_sale: NewSale, new_buyer: NewBuyer, services: Container
) -> None:
    slug = await new_sale()
    buyer = new_buyer(slug)
    intent, order = await buyer.order()
    await buyer.attempt(str(order["order_id"]), webhook="none")
    outcome = await services.payments.settle_order(str(order["order_id"]))
    assert outcome.status == "confirmed"
    assert (await buyer.http.get(f"/api/intents/{intent['id']}")).json()["status"] == "confirmed"


async def test_a_refund_by_the_organizer_voids_the_tickets_and_restocks(
    new_sale: NewSale, new_buyer: NewBuyer, surge: Surge, services: Container
) -> None:
    slug = await new_sale(units=2)
    buyer = new_buyer(slug)
    ref = await buyer.buy(quantity=2)
    path = f"/api/admin/bookings/{ref}/refund"
    answers = await asyncio.gather(*(buyer.http.post(path, auth=surge.organizer) for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [202, 409, 409, 409]

    async def is_refunded() -> bool:
        return (await buyer.http.get(f"/api/bookings/{ref}")).json()["status"] == "refunded"

    await eventually(is_refunded, about="the refund")
    assert (await services.organizer.stats(slug)).available == 2
    assert all(finding.holds for finding in await services.audit.run(slug=slug))
