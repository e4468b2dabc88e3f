"""Money that buys: every captured rupee of a live hold is a booking, which is its buyer's alone."""

from __future__ import annotations

from surge_app.container import Container
from surge_app.services.events.new_event import NewTier
from tests.conftest import NewBuyer, NewSale, Surge, eventually
from tests.integration.mail_catcher import channels_told


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
    stats = await services.dashboard.stats(slug)
    assert (stats.sold, stats.revenue_paise, stats.fees_paise) == (2, 102_500, 2_500)

    async def are_told() -> bool:
        return await channels_told(buyer, ref) == ["email", "sms"]

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
        return await channels_told(buyer, ref) == ["email", "sms"]

    await eventually(are_told, about="the confirmation")
    stats = await services.dashboard.stats(slug)
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
