"""Everything that happens between choosing and a ticket: each moment has a state of its own.

Each is looked at when it is reached (`look`): axe, a small phone, standing still, a picture.
Times are not waited for: the deadline is moved in the database, the clock in the browser. The
languages take turns, and texts are those of the catalogue.
"""

from __future__ import annotations

import re

import httpx
from playwright.async_api import Page, Route, expect

from surge_app.container import Container
from surge_app.errors import GatewayUnavailable
from surge_app.formatting import BANKS_TAKE
from surge_app.services.events.new_event import NewTier
from surge_app.state.element_ids import OUTCOMES
from tests.browser.checkout import Attendee, end_holds, let_in, order_of
from tests.browser.conftest import NewPerson, fill_contact
from tests.browser.page_checks import look, picture
from tests.browser.words import Words, in_turn
from tests.conftest import NewBuyer, NewSale, Surge, eventually

_TIERS = (NewTier("General, standing", 100_000, 20), NewTier("Balcony, seated", 225_000, 8))
_NAME = "Monsoon Beats, Goa"
_FAULT = {"service": "razorpay", "seconds": 600}
_CANCELLED = "This booking is cancelled. Its tickets are no longer valid."
_NONE_FREE = "No tickets are free right now. If any are released, they appear here."
_REFUNDING = "We're refunding your payment"
# A page that WhatsApp opens on an iPhone.
_INSIDE_AN_APP = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 "
    "(KHTML, like Gecko) Mobile/15E148"
)


def _attendee(words: Words, number: int) -> re.Pattern[str]:
    """Return the label of the field for an attendee's name."""
    return words.like("Ticket {number} of {total}, {tier}", number=number, total=3)


async def _focus_is_on(page: Page, name: str) -> None:
    await expect(page.locator(f"#{name}")).to_be_focused()


@in_turn(0)
async def test_one_hold_lives_through_reloads_the_way_back_two_tabs_and_a_closed_one(  # noqa: PLR0915  one long way
    new_person: NewPerson,
    new_sale: NewSale,
    services: Container,
    surge: Surge,
    words: Words,
) -> None:
    slug = await new_sale(name=_NAME, tiers=_TIERS, ask_attendee_names=True)
    person = await new_person()
    asha, page = Attendee(person, slug, words), person.page
    await asha.enter()
    await asha.choose(2, "General")
    await asha.choose(1, "Balcony")
    await expect(page.locator("main").get_by_text("₹4,275").first).to_be_visible()
    await look(page, "book-choose")
    await page.reload()
    await expect(page.locator("main").get_by_text("₹4,275").first).to_be_visible()
    await asha.hold()
    await _focus_is_on(page, "who-comes")
    await fill_contact(page, tag=asha.tag, words=words)
    await page.get_by_label(_attendee(words, 3)).press_sequentially("Ravi Iyer")
    # What is half typed is not lost either: no field told the server yet.
    await page.reload()
    await asha.is_held()
    await expect(page.get_by_label(words("Mobile"))).to_have_value(re.compile("^98"))
    await expect(page.get_by_label(_attendee(words, 3))).to_have_value("Ravi Iyer")
    await page.go_back()
    await page.wait_for_url(f"**/events/{slug}*")
    await page.go_forward()
    await asha.is_held()
    await expect(page.get_by_label(words("Full name"))).to_have_value("Asha Rao")

    await asha.named("Pay {amount}", amount="₹4,275").click()
    await expect(
        page.get_by_text(_attendee(words, 1)).locator("..").locator(".complaint")
    ).to_be_visible()
    for number, name in ((1, "Asha Rao"), (2, "Meera Nair")):
        await page.get_by_label(_attendee(words, number)).fill(name)
    await look(page, "book")
    await asha.named("Pay {amount}", amount="₹4,275").click()
    await expect(asha.window).to_be_visible()
    await picture(page, "pay")
    await page.reload()
    await asha.is_held()
    await asha.named("Pay {amount}", amount="₹4,275").click()
    await asha.window.get_by_role("button", name="Close").click()
    await expect(page.get_by_text(words(OUTCOMES["dismissed"]))).to_be_visible()
    await _focus_is_on(page, "pay")
    await look(page, "book-dismissed")

    tab = Attendee(person, slug, words)
    tab.page = await person.context.new_page()
    await tab.page.goto(f"/book/{slug}")
    await tab.is_held()
    await expect(tab.page.get_by_label(words("Email"))).to_have_value(f"{asha.tag}@example.com")
    # A browser may leave a tab that is behind another one unpainted.
    await page.bring_to_front()
    await asha.named("Pay {amount}", amount="₹4,275").click()
    await asha.window.get_by_role("button", name="Fail this payment").click()
    await asha.window.get_by_role("button", name="Close").click()
    await expect(page.get_by_text(words(OUTCOMES["failed"]))).to_be_visible()
    await look(page, "book-failed")
    await tab.page.bring_to_front()
    await tab.named("Pay {amount}", amount="₹4,275").dblclick()
    await expect(tab.window).to_have_count(1)
    ref = await tab.pay()
    # The first tab cannot pay a second time: it is led to what was bought.
    await page.bring_to_front()
    await asha.named("Pay {amount}", amount="₹4,275").click()
    assert await asha.is_booked() == ref
    await look(page, "booking")
    await page.reload()
    await expect(page.get_by_text("Ravi Iyer").first).to_be_visible()

    for one in person.context.pages:
        await one.close()
    page = asha.page = await person.context.new_page()
    await page.goto(f"/book/{slug}")
    await page.wait_for_url(f"**/bookings/{ref}")
    await expect(page.get_by_text("Ravi Iyer").first).to_be_visible()
    stats = await services.dashboard.stats(slug)
    assert (stats.sold, stats.bookings, stats.held) == (3, 1, 0)
    assert person.errors == []

    await services.organizer.change(slug, {"venue": "The old mill"}, actor="test")
    await page.reload()
    await expect(page.get_by_text(words("This event has changed."))).to_be_visible()
    changed = "{fact}: {now} (was: {before})"
    await expect(asha.said(changed, fact=words("Venue"), now="The old mill")).to_be_visible()
    await look(page, "booking-changed")
    async with httpx.AsyncClient(base_url=surge.url, auth=surge.organizer, timeout=30) as http:
        (await http.post(f"/api/admin/bookings/{ref}/refund", json={})).raise_for_status()
    await page.reload()
    await expect(asha.said(_CANCELLED).first).to_be_visible()
    await expect(page.get_by_text(re.compile(f"^₹.* {words(BANKS_TAKE)}"))).to_be_visible()
    await look(page, "booking-refunded")


@in_turn(1)
async def test_seats_that_go_while_the_form_is_filled_are_told_as_they_are(
    new_person: NewPerson,
    new_sale: NewSale,
    new_buyer: NewBuyer,
    services: Container,
    words: Words,
) -> None:
    slug = await new_sale(name=_NAME, units=2)
    person = await new_person(desktop=True, dark=True)
    asha, page, rival = Attendee(person, slug, words), person.page, new_buyer(slug)
    await page.clock.install()
    await asha.enter()
    await asha.hold()
    await page.get_by_label(words("Full name")).fill("Asha Rao")
    await end_holds(services, slug, in_seconds=50)
    await asha.pass_a_beat()
    await expect(page.get_by_text(re.compile(rf"0:\d\d {words('left')}"))).to_be_visible()
    await look(page, "book-warning")

    await end_holds(services, slug)
    await asha.pass_a_beat()
    await expect(page.get_by_role("heading", name=words("Your time ran out"))).to_be_visible()
    await _focus_is_on(page, "ended")
    await look(page, "book-expired")

    async def are_free() -> bool:
        return (await services.dashboard.stats(slug)).available == 2

    await eventually(are_free, about="the end of the hold")
    await let_in(rival)
    _, order = await rival.order(quantity=2)
    await asha.wait_for(asha.said(_NONE_FREE))
    await expect(page.get_by_role("link", name=words("See other events"))).to_be_visible()
    await look(page, "book-expired-held")
    await end_holds(services, slug)
    await eventually(are_free, about="the end of the other hold")
    again = asha.named("Hold {tickets} again", tickets=words.tickets(1))
    await asha.wait_for(again)
    await again.click()
    await asha.is_held()
    await expect(page.get_by_label(words("Full name"))).to_have_value("Asha Rao")

    await asha.named("Cancel and release tickets").click()
    await asha.named("Release tickets").click()
    await _focus_is_on(page, "tickets")
    await rival.callback(await rival.attempt(str(order["order_id"])))
    await asha.wait_for(page.get_by_text(words("All tickets are sold.")))
    await expect(page.get_by_role("link", name=words("See other events"))).to_be_visible()
    await look(page, "book-sold-out")
    assert person.errors == []


@in_turn(2)
async def test_a_group_that_asks_for_more_than_is_left_is_offered_the_rest(
    new_person: NewPerson,
    new_sale: NewSale,
    new_buyer: NewBuyer,
    words: Words,
) -> None:
    slug = await new_sale(name=_NAME, units=8, max_per_person=5)
    person, rival = await new_person(), new_buyer(slug)
    asha, page = Attendee(person, slug, words), person.page
    await asha.enter()
    await asha.choose(5)
    await rival.join()
    assert (await rival.hold(5)).status_code == 201
    await asha.named("Hold {tickets}", tickets=words.tickets(5)).click()
    left = words("{number} left", number=3)
    offer = words("{counts}: take {number}?", counts=left, number=3)
    await expect(page.get_by_text(offer)).to_be_visible()
    await _focus_is_on(page, "hold")
    await look(page, "book-reduced")
    await asha.named("Take {number}: {total}", number=3, total="₹1,525").click()
    await asha.is_held()
    await asha.open_payment()
    await asha.pay()

    # The same person in another browser may have two more, and no third; that is decided when
    # the money arrives, as strangers must not learn what an address has bought.
    await rival.http.delete(f"/api/queue/{slug}")
    other = Attendee(await new_person(), slug, words)
    other.tag = asha.tag
    await other.enter()
    await other.choose(3)
    await other.hold()
    await other.open_payment()
    await other.window.get_by_role("button", name=re.compile("^Pay")).click()
    await expect(other.said(_REFUNDING)).to_be_visible()
    await look(other.page, "book-limit")
    again = Attendee(await new_person(), slug, words)
    again.tag = asha.tag
    await again.enter()
    await again.choose(2)
    await again.hold()
    await again.open_payment()
    await again.pay()


@in_turn(3)
async def test_time_that_ends_while_paying_is_told_and_late_money_goes_back(
    new_person: NewPerson,
    new_sale: NewSale,
    new_buyer: NewBuyer,
    services: Container,
    words: Words,
) -> None:
    slug = await new_sale(name=_NAME, units=2)
    person, rival = await new_person(), new_buyer(slug)
    asha, page = Attendee(person, slug, words), person.page
    await asha.enter()
    await asha.hold()
    await asha.open_payment()

    async def are_free() -> bool:
        return (await services.dashboard.stats(slug)).available == 2

    await end_holds(services, slug)
    await eventually(are_free, about="the end of the payment's window")
    await let_in(rival)
    await rival.buy(quantity=2)
    await asha.window.get_by_role("button", name=re.compile("^Pay")).click()
    await expect(asha.said(_REFUNDING)).to_be_visible()
    await look(page, "book-refunding")
    assert person.errors == []

    slug = await new_sale(name=_NAME, units=2)
    ravi = Attendee(await new_person(), slug, words)
    await ravi.enter()
    await ravi.hold()
    await ravi.open_payment()
    await end_holds(services, slug)
    await eventually(are_free, about="the end of the payment's window")
    await ravi.window.get_by_role("button", name="Close").click()
    await expect(ravi.page.get_by_role("heading", name=words("Your time ran out"))).to_be_visible()
    await ravi.named("Hold {tickets} again", tickets=words.tickets(1)).click()
    await ravi.is_held()
    await ravi.named("Pay {amount}").click()
    await expect(ravi.window).to_be_visible()
    await ravi.pay()


@in_turn(4)
async def test_news_of_the_money_comes_in_any_order_or_by_webhook_alone(
    new_person: NewPerson,
    new_sale: NewSale,
    services: Container,
    words: Words,
) -> None:
    slug = await new_sale(name=_NAME, units=9)
    # A browser inside another app: the payment comes back by a form, over the whole page.
    early = Attendee(await new_person(user_agent=_INSIDE_AN_APP), slug, words)
    await early.enter()
    await early.hold()
    await early.next_attempt(webhook="before_callback")
    await early.open_payment()
    async with early.page.expect_request("**/api/payments/razorpay/callback") as came_back:
        await early.pay()
    assert (await came_back.value).is_navigation_request()

    # Paid in a bank's app, and the way back never comes: the open page goes on by itself.
    alone = Attendee(await new_person(), slug, words)
    await alone.page.clock.install()
    await alone.enter()
    await alone.hold()
    await fill_contact(alone.page, tag=alone.tag, words=words)
    order_id = await order_of(alone.page, alone.named("Pay {amount}"))
    await alone.pay_elsewhere(order_id)

    async def is_settled() -> bool:
        return (await services.dashboard.stats(slug)).bookings == 2

    # Else the page would hear of it a beat later.
    await eventually(is_settled, about="the booking by the webhook")
    await alone.pass_a_beat()
    await alone.is_booked()

    # And a page that was closed finds the booking when it is opened again.
    gone = Attendee(await new_person(), slug, words)
    await gone.enter()
    await gone.hold()
    await fill_contact(gone.page, tag=gone.tag, words=words)
    order_id = await order_of(gone.page, gone.named("Pay {amount}"))
    await gone.page.close()
    gone.page = await gone.person.context.new_page()
    await gone.pay_elsewhere(order_id, webhook="duplicate")
    await gone.page.goto(f"/book/{slug}")
    await gone.is_booked()
    assert early.person.errors == alone.person.errors == gone.person.errors == []


@in_turn(5)
async def test_a_payment_that_settles_while_the_page_opens_leads_to_the_booking(
    new_person: NewPerson,
    new_sale: NewSale,
    services: Container,
    words: Words,
) -> None:
    slug = await new_sale(name=_NAME, units=9)
    asha = Attendee(await new_person(), slug, words)
    await asha.enter()
    await asha.hold()
    await fill_contact(asha.page, tag=asha.tag, words=words)
    order_id = await order_of(asha.page, asha.named("Pay {amount}"))
    await asha.page.close()
    asha.page = await asha.person.context.new_page()

    async def is_settled() -> bool:
        return (await services.dashboard.stats(slug)).bookings == 1

    async def settle_before_it_connects(route: Route) -> None:
        document = await route.fetch()
        await asha.pay_elsewhere(order_id)
        await eventually(is_settled, about="the booking by the webhook")
        await route.fulfill(response=document)

    # The pass ends with the purchase, so the live connection of this document is refused.
    await asha.page.route(f"**/book/{slug}", settle_before_it_connects, times=1)
    await asha.page.goto(f"/book/{slug}")
    await asha.is_booked()


@in_turn(6)
async def test_a_gateway_that_is_down_keeps_the_hold_and_is_never_called_unpaid(
    new_person: NewPerson,
    new_sale: NewSale,
    words: Words,
) -> None:
    slug = await new_sale(name=_NAME, units=5)
    person = await new_person()
    asha, page = Attendee(person, slug, words), person.page
    await asha.enter()
    await asha.hold()
    await page.request.post("/sandbox/faults", data={**_FAULT, "mode": "http_502_html"})
    try:
        await fill_contact(page, tag=asha.tag, words=words)
        await asha.named("Pay {amount}").click()
        await expect(page.get_by_text(words(GatewayUnavailable.message))).to_be_visible()
        await _focus_is_on(page, "pay")
        await look(page, "book-gateway-down")
        await page.request.post("/sandbox/faults", data={**_FAULT, "mode": "ok"})
        await asha.open_payment()
        await page.request.post("/sandbox/faults", data={**_FAULT, "mode": "down"})
        await asha.next_attempt(outcome="authorized", webhook="none")
        await asha.window.get_by_role("button", name=re.compile("^Pay")).click()
        await expect(asha.said("Your payment is being checked")).to_be_visible()
        await look(page, "book-checking")
        await page.reload()
        await expect(asha.said("Your payment is being checked")).to_be_visible()
    finally:
        await page.request.post("/sandbox/faults", data={**_FAULT, "mode": "ok"})
    await asha.is_booked()
    assert person.errors == []
