"""One mailbox is one person, however its address is spelled: in every place that compares."""

from __future__ import annotations

import secrets

import pytest

from surge_app.errors import NotFound
from tests.engine.conftest import NewSale
from tests.engine.gateway import InProcessGateway
from tests.engine.sale_helper import Sale


async def _buy(sale: Sale, gateway: InProcessGateway, email: str) -> str:
    """Let someone buy a ticket with an address; returns the reference."""
    intent, visitor = await sale.hold()
    phone = f"+9197{secrets.randbelow(10**8):08d}"
    checkout = await sale.services.payments.start(
        intent.id, visitor, name="Asha Rao", email=email, phone=phone
    )
    assert checkout.order_id is not None
    await sale.call_back(await gateway.attempt(checkout.order_id, "captured"))
    outcome = await sale.services.settlement.outcome_of_order(checkout.order_id)
    assert outcome.booking_ref is not None
    return outcome.booking_ref


def _network() -> str:
    return f"2001:db8:{secrets.randbelow(65536):x}:{secrets.randbelow(65536):x}::1"


async def test_a_booking_is_found_by_any_spelling_of_its_address_and_by_no_other(
    new_sale: NewSale, gateway: InProcessGateway
) -> None:
    sale, token = await new_sale(3), f"a{secrets.token_hex(4)}"
    ref = await _buy(sale, gateway, f"{token[:3]}.{token[3:]}+tickets@gmail.com")
    for contact in (f"{token}@gmail.com", f"{token.upper()}+x@GoogleMail.com"):
        found = await sale.services.finder.find(ref, contact, client_address=_network())
        assert found.ref == ref
    for contact in (f"{token}x@gmail.com", f"{token}@example.com"):
        with pytest.raises(NotFound):
            await sale.services.finder.find(ref, contact, client_address=_network())


async def test_dots_make_two_mailboxes_where_the_provider_keeps_them(
    new_sale: NewSale, gateway: InProcessGateway
) -> None:
    sale, token = await new_sale(3), f"a{secrets.token_hex(4)}"
    ref = await _buy(sale, gateway, f"{token}@example.com")
    with pytest.raises(NotFound):
        await sale.services.finder.find(
            ref, f"{token[:3]}.{token[3:]}@example.com", client_address=_network()
        )


async def test_all_that_one_person_began_is_told_by_any_spelling(
    new_sale: NewSale, gateway: InProcessGateway
) -> None:
    sale, token = await new_sale(3), f"a{secrets.token_hex(4)}"
    refs = [
        await _buy(sale, gateway, email)
        for email in (f"{token}@gmail.com", f"{token[:2]}.{token[2:]}@googlemail.com")
    ]
    exported = await sale.services.privacy.export(email=f"{token.upper()}+a@gmail.com", phone=None)
    assert sorted(booking["ref"] for booking in exported["bookings"]) == sorted(refs)
