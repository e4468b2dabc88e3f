"""What is stored about a person can be told, and taken out without touching the books."""

from __future__ import annotations

import json
import secrets

import psycopg
import pytest

from surge_app.errors import InvalidRequest, NotFound
from surge_app.services.vendors.ports import GatewayPayment, GatewayPaymentStatus
from tests.engine.conftest import NewSale
from tests.engine.sale_helper import Sale

_TABLES = ("intents", "bookings", "tickets", "message_outbox", "delivery_events", "audit_log")


async def _bought(sale: Sale) -> tuple[str, str]:
    """Let someone buy and be told; returns their email and the reference."""
    person = secrets.token_hex(4)
    intent, visitor = await sale.hold()
    checkout = await sale.start_payment(intent.id, visitor, person=person)
    assert checkout.order_id is not None
    told = GatewayPayment(
        id=f"pay_{secrets.token_hex(7)}",
        order_id=checkout.order_id,
        amount_paise=checkout.amount_paise,
        currency="INR",
        status=GatewayPaymentStatus.CAPTURED,
    )
    outcome = await sale.services.settlement.settle(told)
    body = json.dumps({"payment": told.id, "email": f"asha-{person}@example.com"})
    await sale.execute(
        "INSERT INTO webhook_inbox (id, provider, event_id, body_sha256, body, attempts, "
        "processed_at, next_attempt_at) VALUES (:id, 'razorpay', :id, "
        "sha256(convert_to(:id, 'UTF8')), convert_to(:body, 'UTF8'), 1, now(), now())",
        id=secrets.token_hex(8),
        body=body,
    )
    await sale.execute(
        "UPDATE message_outbox SET status = 'sent', sent_at = now() WHERE intent_id = :id",
        id=intent.id,
    )
    await sale.execute(
        "INSERT INTO delivery_events (id, channel, key, message_id, word, detail, at) "
        "SELECT id, channel, id, id, 'bounce', recipient || ' is unknown', now() "
        "FROM message_outbox WHERE intent_id = :id",
        id=intent.id,
    )
    assert outcome.booking_ref is not None
    return f"asha-{person}@example.com", outcome.booking_ref


async def _over(sale: Sale, days: int = 1) -> None:
    await sale.execute(
        "UPDATE events SET starts_at = now() - make_interval(days => :days), "
        "sales_close_at = NULL WHERE slug = :slug",
        days=days,
        slug=sale.slug,
    )


async def _traces(sale: Sale, email: str) -> list[str]:
    """Return the tables that still hold an address anywhere in a row."""
    found: list[str] = []
    for table in (
        "intents",
        "bookings",
        "tickets",
        "message_outbox",
        "delivery_events",
        "audit_log",
    ):
        rows = await sale.query(
            f"SELECT count(*) AS n FROM {table} x WHERE x::text LIKE :like", like=f"%{email}%"
        )
        found += [table] * (rows[0]["n"] > 0)
    rows = await sale.query(
        "SELECT count(*) AS n FROM webhook_inbox "
        "WHERE position(convert_to(:email, 'UTF8') IN body) > 0",
        email=email,
    )
    return found + ["webhook_inbox"] * (rows[0]["n"] > 0)


async def test_everything_about_a_person_is_told_but_no_code_that_opens_the_door(
    new_sale: NewSale,
) -> None:
    sale = await new_sale(3)
    email, ref = await _bought(sale)
    await _bought(sale)
    told = await sale.services.privacy.export(email=email.upper(), phone=None)
    assert [booking["ref"] for booking in told["bookings"]] == [ref]
    assert {name: len(rows) for name, rows in told.items()} == {
        "intents": 1,
        "bookings": 1,
        "tickets": 1,
        "payments": 1,
        "refunds": 0,
        "messages": 2,
        "corrections": 0,
    }
    assert "code" not in told["tickets"][0]


async def test_an_erased_person_leaves_no_trace_and_the_books_still_balance(
    new_sale: NewSale,
) -> None:
    sale = await new_sale(3)
    email, ref = await _bought(sale)
    other, _ = await _bought(sale)
    phone = (await sale.services.privacy.export(email=email, phone=None))["intents"][0]["phone"]
    await sale.execute(
        "INSERT INTO audit_log (id, actor, action, subject, before, after) VALUES "
        "(:id, 'test', 'booking.correct', :ref, jsonb_build_object('email', CAST(:email AS text)), "
        "'{}')",
        id=secrets.token_hex(8),
        ref=ref,
        email=email,
    )
    network = f"2001:db8:{secrets.token_hex(2)}::/48"
    await sale.execute(
        "UPDATE intents SET network = :network WHERE email = :email", network=network, email=email
    )
    assert await _traces(sale, network) == ["intents"]
    assert len(await _traces(sale, email)) == 6
    await _over(sale)
    assert await sale.services.privacy.erase(email=email, phone=phone, actor="test") == 1
    assert await _traces(sale, email) == []
    assert await _traces(sale, phone) == []
    assert await _traces(sale, network) == []
    assert await sale.violations() == []
    assert len(await _traces(sale, other)) == 5
    with pytest.raises(NotFound):
        await sale.services.privacy.export(email=email, phone=None)
    with pytest.raises(psycopg.Error, match="audit_log"):
        await _change_the_log(sale)


async def _change_the_log(sale: Sale) -> None:
    async with await psycopg.AsyncConnection.connect(
        sale.services.settings.database_url or ""
    ) as connection:
        await connection.execute("UPDATE audit_log SET actor = 'nobody'")


async def test_whoever_has_something_open_is_not_erased(new_sale: NewSale) -> None:
    sale = await new_sale(3)
    email, _ = await _bought(sale)
    with pytest.raises(InvalidRequest, match="an event that is still to come"):
        await sale.services.privacy.erase(email=email, phone=None, actor="test")
    assert await _traces(sale, email) != []


@pytest.mark.parametrize(
    ("email", "phone", "sentence"),
    [
        (None, None, "Enter an email address or a phone number."),
        ("nobody", None, "Enter an email address like"),
        (None, "12", "Enter a mobile number like"),
    ],
)
async def test_a_person_that_cannot_be_read_is_one_sentence(
    new_sale: NewSale, email: str | None, phone: str | None, sentence: str
) -> None:
    sale = await new_sale(1)
    with pytest.raises(InvalidRequest, match=sentence):
        await sale.services.privacy.export(email=email, phone=phone)


async def test_everybody_of_long_ago_is_erased_and_nobody_else(new_sale: NewSale) -> None:
    old, recent = await new_sale(2), await new_sale(2)
    long_gone, _ = await _bought(old)
    still_here, _ = await _bought(recent)
    await _over(old, days=400)
    await _over(recent, days=3)
    assert await old.services.privacy.erase_expired(days=365, actor="test") >= 1
    assert await _traces(old, long_gone) == []
    assert await _traces(recent, still_here) != []


async def test_a_counter_sale_that_left_a_name_only_is_erased_by_age_too(
    new_sale: NewSale,
) -> None:
    sale = await new_sale(3)
    _, ref = await _bought(sale)
    # As the counter stores a buyer who left no address.
    await sale.execute(
        "UPDATE intents SET email = NULL, phone = NULL WHERE id = "
        "(SELECT intent_id FROM bookings WHERE ref = :ref)",
        ref=ref,
    )
    await _over(sale, days=101)
    assert await sale.services.privacy.erase_expired(days=100, actor="test") >= 1
    (booking,) = await sale.query("SELECT name FROM bookings WHERE ref = :ref", ref=ref)
    assert booking["name"] == "Erased"


async def test_the_network_of_a_hold_without_a_name_is_erased_by_age_too(
    new_sale: NewSale,
) -> None:
    sale = await new_sale(1)
    intent, visitor = await sale.hold()
    await sale.services.intents.release(intent.id, visitor)
    await sale.execute("UPDATE intents SET network = '203.0.113.0/24' WHERE id = :id", id=intent.id)
    await _over(sale, days=101)
    assert await sale.services.privacy.erase_expired(days=100, actor="test") >= 1
    (row,) = await sale.query("SELECT network FROM intents WHERE id = :id", id=intent.id)
    assert row["network"] is None


async def test_a_person_is_found_by_an_address_that_was_corrected_away(new_sale: NewSale) -> None:
    sale = await new_sale(3)
    old, ref = await _bought(sale)
    new = f"new-{secrets.token_hex(4)}@example.com"
    for table, key in (("bookings", "intent_id"), ("intents", "id")):
        await sale.execute(
            f"UPDATE {table} SET email = :new WHERE {key} = "
            "(SELECT intent_id FROM bookings WHERE ref = :ref)",
            new=new,
            ref=ref,
        )
    exported = await sale.services.privacy.export(email=old.upper(), phone=None)
    assert [booking["ref"] for booking in exported["bookings"]] == [ref]
    await _over(sale)
    assert await sale.services.privacy.erase(email=old, phone=None, actor="test") == 1
    with pytest.raises(NotFound):
        await sale.services.privacy.export(email=new, phone=None)
