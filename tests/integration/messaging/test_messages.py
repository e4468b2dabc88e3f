"""Messages over HTTP: what the holder of a booking and the organizer may ask for."""

from __future__ import annotations

import httpx

from tests.conftest import NewBuyer, NewSale, Surge, eventually


async def test_the_holder_has_the_tickets_sent_to_another_address(
    surge: Surge, new_sale: NewSale, new_buyer: NewBuyer
) -> None:
    slug = await new_sale()
    buyer, stranger = new_buyer(slug), new_buyer(slug)
    ref = await buyer.buy()
    path = f"/api/bookings/{ref}/resend"
    assert (await stranger.http.post(path, json={})).status_code == 404
    wrong = await buyer.http.post(path, json={"email": "asha@"})
    assert (wrong.status_code, wrong.json()["code"]) == (422, "invalid_contact")
    right = await buyer.http.post(path, json={"email": f"{ref.lower()}@example.net"})
    assert (right.status_code, right.json()) == (202, {"messages": 2})

    async def arrived() -> bool:
        async with httpx.AsyncClient(base_url=surge.url) as http:
            messages = (await http.get("/sandbox/outbox.json")).json()["messages"]
        return any(one["to"] == f"{ref.lower()}@example.net" for one in messages)

    await eventually(arrived, about="the mail to the other address")
    shown = (await buyer.http.get(f"/api/bookings/{ref}/messages")).json()
    assert [one["channel"] for one in shown] == ["email", "sms"]
    assert shown[0]["recipient"] == f"{ref.lower()}@example.net"


async def test_a_bounce_is_shown_to_the_organizer_who_may_try_again(
    surge: Surge, new_sale: NewSale, new_buyer: NewBuyer
) -> None:
    slug = await new_sale()
    buyer = new_buyer(slug)
    await buyer.join()
    intent = (await buyer.hold()).json()
    order = await buyer.start_payment(intent["id"], email=f"bounce-{slug}@example.com")
    fields = await buyer.attempt(order.json()["order_id"])
    ref = (await buyer.callback(fields)).json()["booking_ref"]

    async def told() -> bool:
        shown = (await buyer.http.get(f"/api/bookings/{ref}/messages")).json()
        return [one["state"] for one in shown] == ["bounced", "delivered"]

    await eventually(told, about="what the providers tell")
    async with httpx.AsyncClient(base_url=surge.url, auth=surge.organizer) as http:
        trouble = await http.get("/api/admin/messages", params={"event": slug})
        (bounced,) = trouble.json()["messages"]
        assert (bounced["status"], bounced["state"]) == ("sent", "bounced")
        sent = await http.get("/api/admin/messages", params={"status": "sent", "event": slug})
        sms = next(one for one in sent.json()["messages"] if one["channel"] == "sms")
        arrived = await http.post(f"/api/admin/messages/{sms['id']}/retry")
        assert (arrived.status_code, arrived.json()["code"]) == (409, "message_on_its_way")
        assert (await http.post("/api/admin/messages/none/retry")).status_code == 404
        assert (await http.post(f"/api/admin/messages/{bounced['id']}/retry")).status_code == 204
    async with httpx.AsyncClient(base_url=surge.url) as http:
        assert (await http.get("/api/admin/messages")).status_code == 401


async def test_reports_nobody_signed_are_refused(surge: Surge) -> None:
    async with httpx.AsyncClient(base_url=surge.url) as http:
        for vendor in ("sendgrid", "twilio"):
            answer = await http.post(f"/api/webhooks/{vendor}", content=b"[]")
            assert (answer.status_code, answer.json()["code"]) == (400, "bad_signature")
        large = await http.post("/api/webhooks/twilio", content=b"x" * (16 * 1024 + 1))
        assert (large.status_code, large.json()["code"]) == (413, "payload_too_large")


async def test_the_receipt_is_for_the_holder_alone(new_sale: NewSale, new_buyer: NewBuyer) -> None:
    slug = await new_sale()
    buyer = new_buyer(slug)
    ref = await buyer.buy()
    answer = await buyer.http.get(f"/api/bookings/{ref}/receipt.pdf")
    assert answer.content.startswith(b"%PDF-")
    assert (await new_buyer(slug).http.get(f"/api/bookings/{ref}/receipt.pdf")).status_code == 404


async def test_the_keys_of_tickets_are_public(new_buyer: NewBuyer, new_sale: NewSale) -> None:
    slug = await new_sale()
    buyer = new_buyer(slug)
    ref = await buyer.buy()
    answer = await new_buyer(slug).http.get("/api/tickets/keys")
    (ticket,) = (await buyer.http.get(f"/api/bookings/{ref}")).json()["tickets"]
    assert ticket["qr_text"].split(".")[1] == answer.json()["keys"][0]["kid"]
