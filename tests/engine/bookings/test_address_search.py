"""A search by a whole email address finds every spelling of it."""

from __future__ import annotations

from surge_app.db.bookings import check_in, participants
from surge_app.db.bookings.participants import Filter
from surge_app.services.events.new_event import NewTier
from tests.engine.conftest import NewSale
from tests.engine.sale_helper import Sale

_FREE = (NewTier("Free", 0, 20),)
_SPELLINGS = ("Asha.Rao+2@gmail.com", "asharao@gmail.com", "a.s.h.a.r.a.o@googlemail.com")


async def _book(sale: Sale, email: str, number: int) -> str:
    intent, visitor = await sale.hold()
    checkout = await sale.services.payments.start(
        intent.id, visitor, name="Buyer", email=email, phone=f"+9198123456{number:02d}"
    )
    return checkout.booking_ref or ""


async def _sale_of_spellings(new_sale: NewSale) -> tuple[Sale, str, set[str]]:
    sale = await new_sale(tiers=_FREE)
    refs = {await _book(sale, email, number) for number, email in enumerate(_SPELLINGS)}
    await _book(sale, "ravi@gmail.com", 8)
    changed = await _book(sale, "before@gmail.com", 9)
    await sale.services.notifications.resend(changed, actor="test", email="ASHA.rao@gmail.com")
    (event,) = await sale.query("SELECT id FROM events WHERE slug = :slug", slug=sale.slug)
    return sale, event["id"], {*refs, changed}


async def test_an_address_is_found_by_every_spelling_for_organizers_and_at_the_entrance(
    new_sale: NewSale,
) -> None:
    sale, event_id, refs = await _sale_of_spellings(new_sale)
    async with sale.services.database.transaction() as session:
        for typed in (*_SPELLINGS, " ASHARAO@Gmail.com "):
            wanted = Filter(query=typed)
            found = await participants.page(session, event_id, wanted, before=None, most=50)
            assert {row.ref for row in found} == refs, typed
            tickets = await check_in.search(session, event_id, typed, most=50)
            assert {row.ref for row in tickets} == refs, typed
        before = Filter(query="before@gmail.com")
        assert not await participants.page(session, event_id, before, before=None, most=50)
