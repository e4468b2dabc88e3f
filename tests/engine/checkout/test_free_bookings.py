"""Free bookings take no more than typing an address, so they prove and forbid nothing."""

from __future__ import annotations

import io
import secrets

import pytest
from pypdf import PdfReader

from surge_app.errors import BuyerLimit
from surge_app.services.events.new_event import NewTier
from tests.engine.conftest import NewSale
from tests.engine.gateway import InProcessGateway
from tests.engine.mail_helper import Post
from tests.engine.sale_helper import Sale

_FREE = (NewTier("Free", 0, 10), NewTier("Paid", 50_000, 10))


def _someone() -> str:
    return secrets.token_hex(4)


async def _book_free(sale: Sale, person: str, visitor: str | None = None) -> str:
    intent, visitor = await sale.hold(sale.line(2), visitor=visitor)
    checkout = await sale.start_payment(intent.id, visitor, person=person)
    assert checkout.booking_ref is not None
    return visitor


async def test_a_free_booking_tells_nobody_whether_an_address_has_booked(
    new_sale: NewSale,
) -> None:
    sale = await new_sale(tiers=_FREE, max_per_person=2)
    owner, person_without = _someone(), _someone()
    browser = await _book_free(sale, owner)
    # A stranger gets the same answer for a known address as for one that has nothing.
    await _book_free(sale, owner)
    await _book_free(sale, person_without)
    intent, _ = await sale.hold(sale.line(2), visitor=browser)
    with pytest.raises(BuyerLimit, match="You already have 2 tickets"):
        await sale.start_payment(intent.id, browser, person=owner)


async def test_free_bookings_in_someones_name_keep_them_from_nothing(
    new_sale: NewSale, gateway: InProcessGateway
) -> None:
    sale = await new_sale(tiers=_FREE, max_per_person=2)
    owner = _someone()
    await _book_free(sale, owner)
    await _book_free(sale, owner)
    intent, visitor = await sale.hold(sale.line(1, tier=1))
    start = await sale.start_payment(intent.id, visitor, person=owner)
    paid = await gateway.attempt(start.order_id or "", "captured")
    assert await sale.call_back(paid) == "confirmed"
    await sale.counter((1, 1), email=f"asha-{owner}@example.com")


async def test_the_mail_of_a_free_booking_tells_its_address_what_it_has_by_now(
    new_sale: NewSale,
) -> None:
    sale = await new_sale(tiers=_FREE, max_per_person=2)
    owner = _someone()
    await _book_free(sale, owner)
    post = await Post.of(sale)
    await post.empty()
    await _book_free(sale, owner)
    await post.empty()
    first, second = (" ".join(mail.text.split()) for mail in post.mails)
    warning = "This address now has 4 tickets"
    assert (warning in first, warning in second) == (False, True)
    assert "The limit is 2 per person" in second


async def test_names_in_messages_carry_no_links(new_sale: NewSale) -> None:
    sale = await new_sale(tiers=_FREE, ask_attendee_names=True)
    intent, visitor = await sale.hold()
    checkout = await sale.services.payments.start(
        intent.id,
        visitor,
        name="Claim at evil.dev",
        email="asha@example.com",
        phone="9812345678",
        attendees={sale.tier_ids[0]: ["приз.рф"]},
    )
    post = await Post.of(sale)
    await post.empty()
    (mail,) = post.mails
    for text in (mail.to_name, mail.text, mail.html):
        assert "evil.dev" not in text
        assert "приз.рф" not in text
    assert (mail.to_name, "приз. рф" in mail.text) == ("Claim at evil. dev", True)
    view = await sale.services.tickets.view(checkout.booking_ref or "")
    assert (view.name, view.tickets[0].attendee_name) == ("Claim at evil.dev", "приз.рф")
    pages = PdfReader(io.BytesIO(await sale.services.tickets.pdf(view.ref))).pages
    assert "приз. рф" in pages[0].extract_text()
