"""Actions on a selection of bookings: previewed, done once each, and honest about the rest."""

from __future__ import annotations

from typing import Any

from sqlalchemy import text

from surge_app.container import Container
from surge_app.state.admin.bookings.participants import ParticipantsState
from tests.conftest import NewBuyer, NewSale
from tests.state.harness import at, call

_REFUNDS = text(
    "SELECT b.ref, r.amount_paise FROM refunds r JOIN payments p ON p.id = r.payment_id"
    " JOIN bookings b ON b.intent_id = p.intent_id JOIN events e ON e.id = b.event_id"
    " WHERE e.slug = :slug"
)
_RESENT = text(
    "SELECT count(*) FROM message_outbox m JOIN bookings b ON b.id = m.booking_id"
    " WHERE b.ref = ANY(:refs) AND m.kind = 'confirmation_again'"
)


async def _reviewed(slug: str, cookie: str, action: str, *refs: str) -> Any:
    state = at(ParticipantsState(), f"/admin/events/{slug}/participants", cookie)
    await call(ParticipantsState.load, state)
    ticked = {f"booking-{ref}": "yes" for ref in refs}
    await call(ParticipantsState.review, state, {"action": action, "restock": "yes", **ticked})
    return state


async def test_a_selection_is_refunded_once_each_whoever_confirms_how_often(
    services: Container, new_sale: NewSale, new_buyer: NewBuyer, cookie: str
) -> None:
    slug, other = await new_sale(units=20), await new_sale()
    refs = [await new_buyer(slug).buy(quantity=quantity) for quantity in (1, 2, 3)]
    foreign = await new_buyer(other).buy()
    await services.refunds.refund(refs[0], restock=True, actor="before")
    first, second = [await _reviewed(slug, cookie, "refund", *refs, foreign) for _ in range(2)]
    # One is refunded, one is of another event.
    assert first.question == (
        "Refund ₹2,550 to the buyers of 2 bookings and cancel 5 tickets? "
        "2 of the ticked are left out."
    )
    key = {"form_key": first.form_key}
    await call(ParticipantsState.apply, first, key)
    assert first.done == "Refund started for 2 bookings."
    await call(ParticipantsState.apply, first, key)
    await call(ParticipantsState.apply, second, {"form_key": second.form_key})
    assert second.done.startswith("Refund started for 0 bookings. Not for 2. SRG-")
    async with services.database.transaction() as session:
        made = {
            row.ref: row.amount_paise for row in await session.execute(_REFUNDS, {"slug": slug})
        }
    assert made == {refs[0]: 52_500, refs[1]: 102_500, refs[2]: 152_500}
    assert (await services.dashboard.stats(slug)).available == 20
    await call(ParticipantsState.apply, first, {"form_key": first.form_key})
    assert first.problem == "Nothing was done. Review the selection first."


async def test_tickets_are_resent_to_the_selection_and_an_export_names_it(
    services: Container, new_sale: NewSale, new_buyer: NewBuyer, cookie: str
) -> None:
    slug = await new_sale(units=10)
    refs = [await new_buyer(slug).buy() for _ in range(3)]
    state = await _reviewed(slug, cookie, "resend", *refs[:2])
    assert state.question == "Resend the tickets of 2 bookings?"
    await call(ParticipantsState.apply, state, {"form_key": state.form_key})
    assert state.done == "Tickets resent for 2 bookings."
    async with services.database.transaction() as session:
        assert await session.scalar(_RESENT, {"refs": refs}) == 4
    state = await _reviewed(slug, cookie, "export", *refs[:2])
    assert state.selected == f"refs={refs[0][4:]}.{refs[1][4:]}"
    for form in ({"action": "refund"}, {"action": "odd", f"booking-{refs[0]}": "yes"}):
        await call(ParticipantsState.review, state, form)
        assert state.problem.startswith("Nothing "), form
        assert state.question == ""


async def test_a_reload_shows_the_list_the_address_asks_for(
    new_sale: NewSale, new_buyer: NewBuyer, cookie: str
) -> None:
    slug = await new_sale(units=10)
    ref = await new_buyer(slug).buy()
    path = f"/admin/events/{slug}/participants"
    state: Any = at(ParticipantsState(), path, cookie)
    await call(ParticipantsState.load, state)
    assert (state.address, state.event_name) == ("", "A test sale")
    await call(ParticipantsState.filter, state, "status", "confirmed")
    await call(ParticipantsState.filter, state, "q", " rao asha ")
    assert state.address == "q=rao+asha&status=confirmed"
    again: Any = at(ParticipantsState(), f"{path}?{state.address}", cookie)
    await call(ParticipantsState.load, again)
    assert again.filters == state.filters
    assert [one.ref for one in again.bookings] == [ref]
    await call(ParticipantsState.filter, again, "status", "refunded")
    assert again.bookings == []
