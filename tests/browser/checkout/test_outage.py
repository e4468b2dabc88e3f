"""What an attendee sees while the payment gateway is out."""

from __future__ import annotations

import re
from datetime import timedelta

from playwright.async_api import expect
from sqlalchemy import text

from surge_app.container import Container
from surge_app.db.payments import gateway_outages
from tests.browser.checkout import Attendee
from tests.browser.conftest import NewPerson, fill_contact
from tests.browser.page_checks import look
from tests.browser.words import Words, in_turn
from tests.conftest import NewSale

_PAUSED = (
    "Payments are paused on the bank's side. Your tickets are safe and the clock is stopped. This "
    "page updates automatically."
)


@in_turn(1)
async def test_the_clock_stops_and_the_page_goes_on_by_itself(
    new_person: NewPerson, new_sale: NewSale, services: Container, words: Words
) -> None:
    slug = await new_sale(units=5)
    person = await new_person()
    page, request = person.page, person.context.request
    patient = Attendee(person, slug, words)
    fault = {"service": "razorpay", "seconds": 600}
    await patient.enter()
    await patient.hold()
    await fill_contact(page, tag="patient", words=words)

    notice = patient.said(_PAUSED)
    pay = patient.named("Pay {amount}", amount="₹525")
    try:
        await request.post("/sandbox/faults", data={**fault, "mode": "down"})
        async with services.database.transaction() as session:
            minutes = timedelta(minutes=10)
            await gateway_outages.begin(
                session, failing_for=timedelta(0), budget=minutes, per=minutes
            )
        await pay.click()
        await expect(notice.first).to_be_visible()
        stopped = re.compile(rf"^{words('Clock stopped')} [345]:\d\d$")
        await expect(page.get_by_role("timer")).to_have_text(stopped)
        await expect(pay).to_be_disabled()
        await look(page, "book-clock-stopped")

        await request.post("/sandbox/faults", data={**fault, "mode": "ok"})
        await expect(notice).to_have_count(0)
    finally:
        # An outage is everybody's.
        await request.post("/sandbox/faults", data={**fault, "mode": "ok"})
        async with services.database.transaction() as session:
            await session.execute(text("DELETE FROM gateway_outages"))
    await expect(page.get_by_label(words("Email"))).to_have_value("patient@example.com")
    await pay.click()
    await expect(page.get_by_role("dialog")).to_be_visible()
    assert person.errors == []
