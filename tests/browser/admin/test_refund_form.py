"""The refund form in a browser: two steps, a double click, and two organizers at once."""

from __future__ import annotations

from playwright.async_api import Page, expect
from sqlalchemy import text

from surge_app.container import Container
from tests.browser.conftest import NewPerson
from tests.conftest import NewBuyer, NewSale, Surge

_REFUNDS = text(
    "SELECT r.amount_paise FROM refunds r JOIN payments p ON p.id = r.payment_id"
    " JOIN bookings b ON b.intent_id = p.intent_id WHERE b.ref = :ref ORDER BY r.created_at"
)


async def _review(page: Page, amount: str) -> None:
    """Choose an amount, and wait until the page asks whether it is to be refunded."""
    await page.get_by_label("Refund", exact=True).select_option("amount")
    await page.get_by_label("Amount (₹)").fill(amount)
    await page.get_by_role("button", name="Review refund").click()
    question = f"Refund ₹{amount} to Asha Rao and keep every ticket valid?"
    await expect(page.get_by_text(question)).to_be_visible()


async def test_a_double_click_refunds_once_and_the_second_organizer_is_told(
    new_person: NewPerson,
    new_sale: NewSale,
    new_buyer: NewBuyer,
    surge: Surge,
    services: Container,
) -> None:
    ref = await new_buyer(await new_sale()).buy(quantity=2)
    user, password = surge.organizer
    credentials = {"username": user, "password": password}
    first, second = [
        (await new_person(desktop=True, http_credentials=credentials)).page for _ in range(2)
    ]
    for page in (first, second):
        await page.goto(f"/admin/bookings/{ref}")
        await expect(page.get_by_role("heading", name="History")).to_be_visible()

    # The amount is there only where an amount is chosen, so Enter cannot refund everything.
    await expect(first.get_by_label("Amount (₹)")).to_have_count(0)
    await _review(first, "60")
    await _review(second, "100")
    await first.get_by_role("button", name="Refund", exact=True).dblclick()
    notice = first.get_by_text("Refund of ₹60 started.")
    await expect(notice).to_be_in_viewport()

    await second.get_by_role("button", name="Refund", exact=True).click()
    await expect(second.get_by_text("Nothing was refunded.")).to_be_in_viewport()
    # What was chosen stands there still.
    await expect(second.get_by_label("Amount (₹)")).to_have_value("100")
    async with services.database.transaction() as session:
        amounts = (await session.scalars(_REFUNDS, {"ref": ref})).all()
    assert list(amounts) == [6_000]
