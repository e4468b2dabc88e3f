"""What people are told: again, at another address, or all together; and what is shown of it."""

from __future__ import annotations

import pytest

from surge_app.clock import new_id
from surge_app.errors import AlreadyRefunded, InvalidContact, NotFound, RateLimited
from surge_app.kv.rate_limits import Limit
from surge_app.services.messaging import notifications as module
from surge_app.services.messaging.notifications import ATTENDEE
from tests.engine.conftest import NewSale
from tests.engine.mail_helper import Post
from tests.engine.sale_helper import Sale


async def _book(sale: Sale) -> str:
    intent, visitor = await sale.hold()
    order = await sale.start_payment(intent.id, visitor)
    paid = await sale.gateway.attempt(order.order_id or "", "captured")
    assert await sale.call_back(paid) == "confirmed"
    rows = await sale.query("SELECT ref FROM bookings WHERE intent_id = :id", id=intent.id)
    return rows[0]["ref"]


async def test_a_corrected_address_gets_the_tickets_and_the_old_one_is_told(
    new_sale: NewSale,
) -> None:
    sale = await new_sale(5)
    ref = await _book(sale)
    post = await Post.of(sale)
    await post.empty()
    old = post.mails[0].to
    told = sale.services.notifications
    assert await told.resend(ref, actor=ATTENDEE, email=" asha@Example.ORG ") == 2
    await post.empty()
    farewell, again = sorted(post.mails[1:], key=lambda mail: bool(mail.attachments))
    assert (again.to, farewell.to) == ("asha@example.org", old)
    assert "a…@example.org" in farewell.text
    assert {file.content_id for file in again.attachments} >= {"ticket1"}
    assert (await sale.services.tickets.view(ref)).email == "asha@example.org"
    (audited,) = await sale.query(
        "SELECT actor, before, after FROM audit_log WHERE subject = :ref", ref=ref
    )
    assert audited == {
        "actor": ATTENDEE,
        "before": {"email": old},
        "after": {"email": "asha@example.org"},
    }
    assert [(one.channel, one.state) for one in await told.of_booking(ref)] == [
        ("email", "sent"),
        ("sms", "sent"),
    ]
    assert await sale.violations() == []


async def test_an_address_that_is_none_changes_nothing(new_sale: NewSale) -> None:
    sale = await new_sale(5)
    ref = await _book(sale)
    with pytest.raises(InvalidContact):
        await sale.services.notifications.resend(ref, actor=ATTENDEE, phone="12345")
    post = await Post.of(sale)
    assert await post.rows("confirmation_again") == []


async def test_the_holder_may_ask_five_times_a_day_and_the_organizer_whenever(
    new_sale: NewSale,
) -> None:
    sale = await new_sale(5)
    ref = await _book(sale)
    told = sale.services.notifications
    for _ in range(5):
        await told.resend(ref, actor=ATTENDEE)
    with pytest.raises(RateLimited) as caught:
        await told.resend(ref, actor=ATTENDEE)
    assert 86_000 < caught.value.retry_after_seconds <= 86_400
    await told.resend(ref, actor="organizer")


async def test_a_network_asks_for_many_bookings_only_at_a_pace(
    new_sale: NewSale, monkeypatch: pytest.MonkeyPatch
) -> None:
    sale = await new_sale(5)
    refs = [await _book(sale) for _ in range(3)]
    monkeypatch.setattr(module, "_BY_NETWORK", Limit(new_id(), per_minute=1, burst=2))
    told = sale.services.notifications
    for number, ref in enumerate(refs[:2]):
        await told.resend(ref, actor=ATTENDEE, client_address=f"203.0.113.{number}")
    with pytest.raises(RateLimited):
        await told.resend(refs[2], actor=ATTENDEE, client_address="203.0.113.9")
    await told.resend(refs[2], actor=ATTENDEE, client_address="198.51.100.9")
    await told.resend(refs[2], actor="organizer")


async def test_an_sms_goes_to_the_countries_of_the_setting_and_of_the_event(
    new_sale: NewSale,
) -> None:
    for zone, is_sent in (("Asia/Kolkata", False), ("Europe/London", True)):
        sale = await new_sale(5, time_zone=zone)
        intent, visitor = await sale.hold()
        order = await sale.services.payments.start(
            intent.id, visitor, name="Asha", email="a@example.com", phone="+44 7400 123456"
        )
        await sale.call_back(await sale.gateway.attempt(order.order_id or "", "captured"))
        post = await Post.of(sale)
        await post.empty()
        assert (len(post.mails), len(post.texts)) == (1, int(is_sent))
        sms = (await post.rows())[1]
        assert sms["status"] == ("sent" if is_sent else "dead")
        assert ("SURGE_SMS_COUNTRIES" in (sms["last_error"] or "")) is not is_sent
        assert await sale.violations() == []


async def test_a_corrected_contact_changes_no_message_that_was_sent(new_sale: NewSale) -> None:
    sale = await new_sale(5)
    ref = await _book(sale)
    post = await Post.of(sale)
    await post.empty()
    people, old = sale.services.participants, post.mails[0].to
    await sale.execute(
        "UPDATE message_outbox SET delivery = 'bounced', delivery_detail = 'no such mailbox'"
        " WHERE channel = 'email' AND booking_id = (SELECT id FROM bookings WHERE ref = :ref)",
        ref=ref,
    )
    seen = await people.detail(ref)
    await people.correct(
        ref, version=seen.version, name="Asha", email="b@example.com", phone=seen.phone, actor="t"
    )
    told = [one for one in (await people.detail(ref)).timeline if one.what == "message"]
    assert (f"email confirmation {old}", "bounced") in [(one.detail, one.state) for one in told]
    (stats,) = [one for one in await sale.services.dashboard.overview() if one.slug == sale.slug]
    assert stats.messages_dead == 1
    (item,) = [
        one for one in await sale.services.action_items.list(most=10_000) if one.subject == ref
    ]
    assert item.detail == f"email to {old}: no such mailbox"
    await sale.services.action_items.resolve(item.kind, item.id, actor="t")
    await post.empty()
    assert [mail.to for mail in post.mails] == [old, "b@example.com"]
    told = [one for one in (await people.detail(ref)).timeline if one.what == "message"]
    assert (f"email confirmation {old}", "bounced") in [(one.detail, one.state) for one in told]
    assert not [
        one for one in await sale.services.action_items.list(most=10_000) if one.subject == ref
    ]
    assert await sale.violations() == []


async def test_tickets_that_are_refunded_are_not_sent_again(new_sale: NewSale) -> None:
    sale = await new_sale(5)
    ref = await _book(sale)
    await sale.services.refunds.refund(ref, actor="test", restock=True)
    with pytest.raises(AlreadyRefunded):
        await sale.services.notifications.resend(ref, actor=ATTENDEE)
    with pytest.raises(NotFound):
        await sale.services.notifications.resend("SRG-ZZZZZZZZ", actor=ATTENDEE)
