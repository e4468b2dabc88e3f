"""A change of an event and its cancellation tell each ticket holder, once, by mail and SMS."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import text

from surge_app.errors import EditConflict, InvalidRequest
from surge_app.languages import use
from surge_app.models import MessageKind
from surge_app.services.messaging import event_notices as module
from surge_app.services.messaging.event_notices import NoticePreview
from tests.engine.conftest import NewSale
from tests.engine.mail_helper import Post
from tests.engine.sale_helper import Sale

_CHANGED, _CANCELLED = MessageKind.EVENT_CHANGED, MessageKind.EVENT_CANCELLED


async def _book(sale: Sale) -> str:
    intent, visitor = await sale.hold()
    order = await sale.start_payment(intent.id, visitor)
    paid = await sale.gateway.attempt(order.order_id or "", "captured")
    assert await sale.call_back(paid) == "confirmed"
    rows = await sale.query("SELECT ref FROM bookings WHERE intent_id = :id", id=intent.id)
    return rows[0]["ref"]


async def _move(sale: Sale, venue: str = "The old mill") -> None:
    await sale.services.organizer.change(sale.slug, {"venue": venue}, actor="test")


async def _preview(sale: Sale, kind: MessageKind = _CHANGED) -> NoticePreview:
    return await sale.services.event_notices.preview(sale.slug, kind)


async def _announce(sale: Sale, words: str = "") -> None:
    notices, preview = sale.services.event_notices, await _preview(sale)
    await notices.announce_changes(sale.slug, words=words, version=preview.version, actor="test")
    await notices.spread()


async def test_each_holder_learns_of_a_change_once_and_those_who_booked_later_do_not(
    new_sale: NewSale, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_BATCH", 2)
    sale = await new_sale(9)
    refs = [await _book(sale) for _ in range(5)]
    await sale.services.refunds.refund(refs[0], actor="test", restock=True)
    before = await sale.services.catalog.event(sale.slug)
    later = before.starts_at + timedelta(hours=2)
    await sale.services.organizer.change(
        sale.slug, {"starts_at": later, "venue": "The old mill"}, actor="test"
    )
    await _book(sale)
    preview = await _preview(sale)
    assert preview.reach.bookings == preview.reach.emails == preview.reach.texts == 4
    assert preview.changes[1] == f"Venue: The old mill (was: {before.venue})"
    assert "The old mill" in preview.text
    await _announce(sale, "Doors open  at six.")
    await sale.services.event_notices.spread()
    post = await Post.of(sale)
    await post.empty()
    mails = [mail for mail in post.mails if "changed" in mail.subject]
    texts = [sms.text for sms in post.texts if "has changed" in sms.text]
    assert len(mails) == len(texts) == 4
    assert all("The old mill" in mail.text and "Doors open at six." in mail.html for mail in mails)
    assert all(f"(was: {before.venue})" in mail.text for mail in mails)
    assert all("The old mill" in text for text in texts)
    calendar = mails[0].attachments[0]
    assert calendar.media_type == "text/calendar; method=PUBLISH"
    assert b"SEQUENCE:0" not in calendar.content
    (sent,) = await sale.services.event_notices.sent(sale.slug)
    assert (sent.bookings, sent.sent, sent.waiting, sent.failed) == (4, 8, 0, 0)


async def test_each_buyer_reads_of_a_change_in_their_language_whatever_the_organizer_reads(
    new_sale: NewSale,
) -> None:
    sale = await new_sale(5)
    refs = {"en": await _book(sale), "ta": await _book(sale)}
    async with sale.services.database.transaction() as session:
        await session.execute(
            text(
                "UPDATE intents SET language = 'ta' FROM bookings b"
                " WHERE b.intent_id = intents.id AND b.ref = :ref"
            ),
            {"ref": refs["ta"]},
        )
    later = (await sale.services.catalog.event(sale.slug)).starts_at + timedelta(hours=2)
    await sale.services.organizer.change(
        sale.slug, {"starts_at": later, "venue": "The old mill"}, actor="test"
    )
    with use("hi"):
        await _announce(sale)
        (sent,) = await sale.services.event_notices.sent(sale.slug)
    assert "जगह: The old mill" in sent.changes
    post = await Post.of(sale)
    await post.empty()
    told = [mail for mail in post.mails if mail.attachments[0].media_type.endswith("PUBLISH")]
    mails = {tag: next(one for one in told if ref in one.subject) for tag, ref in refs.items()}
    assert "Venue: The old mill (was: " in mails["en"].text
    assert "இடம்: The old mill" in mails["ta"].text
    assert "was:" not in mails["ta"].html
    assert "Starts" not in mails["ta"].html
    (sent,) = await sale.services.event_notices.sent(sale.slug)
    assert "Venue: The old mill (was: " in sent.changes


async def test_a_notice_of_an_older_event_is_refused_and_a_second_press_sends_nothing(
    new_sale: NewSale,
) -> None:
    sale = await new_sale(5)
    await _book(sale)
    await _move(sale)
    seen, notices = await _preview(sale), sale.services.event_notices
    await _move(sale, "The new mill")
    with pytest.raises(EditConflict):
        await notices.announce_changes(sale.slug, words="", version=seen.version, actor="test")
    seen = await _preview(sale)
    await notices.announce_changes(sale.slug, words="", version=seen.version, actor="test")
    with pytest.raises(EditConflict):
        await notices.announce_changes(sale.slug, words="", version=seen.version, actor="test")
    seen = await _preview(sale)
    assert seen.changes == ()
    with pytest.raises(InvalidRequest):
        await notices.announce_changes(sale.slug, words="", version=seen.version, actor="test")
    await notices.spread()
    post = await Post.of(sale)
    assert len(await post.rows("event_changed")) == 2


async def test_bookings_that_no_message_reaches_are_counted_and_named(new_sale: NewSale) -> None:
    sale = await new_sale(9)
    reached, bounced = await _book(sale), await _book(sale)
    silent = (await sale.counter()).ref
    post = await Post.of(sale)
    await post.empty()
    await sale.execute(
        "UPDATE message_outbox SET delivery = 'bounced' WHERE booking_id ="
        " (SELECT id FROM bookings WHERE ref = :ref)",
        ref=bounced,
    )
    await sale.execute(
        "UPDATE message_outbox SET delivery = 'bounced' WHERE channel = 'email' AND booking_id ="
        " (SELECT id FROM bookings WHERE ref = :ref)",
        ref=reached,
    )
    await _move(sale)
    reach = (await _preview(sale)).reach
    assert (reach.bookings, reach.emails, reach.texts) == (3, 2, 2)
    assert (reach.without_contact, reach.undelivered) == (1, 1)
    assert reach.unreached == sorted([silent, bounced])


async def test_a_notice_resumes_where_it_was_when_its_process_died(
    new_sale: NewSale, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_BATCH", 1)
    sale = await new_sale(9)
    for _ in range(3):
        await _book(sale)
    await sale.services.lifecycle.cancel(sale.slug, actor="test")
    add, calls = module.outbox.add, 0

    async def die_once(*arguments: object) -> None:
        nonlocal calls
        calls += 1
        if calls == 2:
            msg = "killed"
            raise RuntimeError(msg)
        await add(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(module.outbox, "add", die_once)
    with pytest.raises(RuntimeError):
        await sale.services.event_notices.spread()
    monkeypatch.setattr(module.outbox, "add", add)
    await sale.services.event_notices.spread()
    post = await Post.of(sale)
    assert len(await post.rows("event_cancelled")) == 6
    (sent,) = await sale.services.event_notices.sent(sale.slug)
    assert (sent.bookings, sent.is_written) == (3, True)


@pytest.mark.parametrize("refunds_first", [False, True])
async def test_a_cancellation_tells_each_holder_that_the_event_is_off_and_what_goes_back(
    new_sale: NewSale, *, refunds_first: bool
) -> None:
    sale = await new_sale(9)
    ref, partly = await _book(sale), await _book(sale)
    await sale.services.refunds.refund(partly, actor="test", restock=False, amount_paise=10_000)
    seen = await _preview(sale, _CANCELLED)
    await sale.services.lifecycle.cancel(
        sale.slug, actor="test", reason="The hall is flooded.", version=seen.version
    )
    steps = [sale.services.event_notices.spread, sale.services.lifecycle.refund_cancelled_event]
    for step in reversed(steps) if refunds_first else steps:
        await step()
    post = await Post.of(sale)
    await post.empty()
    mails = {
        mail.subject.partition(":")[0]: mail for mail in post.mails if "cancelled" in mail.subject
    }
    assert set(mails) == {ref, partly}
    assert "₹525 of booking" in mails[ref].text
    assert "₹425 of booking" in mails[partly].text
    assert "The hall is flooded." in mails[ref].text
    assert "7 working days" in mails[ref].text
    assert b"METHOD:CANCEL" in mails[ref].attachments[0].content
    assert b"STATUS:CANCELLED" in mails[ref].attachments[0].content
    texts = [sms.text for sms in post.texts if "is cancelled" in sms.text]
    assert sorted(text.partition("Rs ")[2][:3] for text in texts) == ["425", "525"]
    # The mail about the refund of a part is the only other one.
    assert len(await post.rows("refunded")) == 2
    view = await sale.services.tickets.view(ref)
    assert view.cancelled_at is not None
    assert view.cancel_reason == "The hall is flooded."
    assert await sale.violations() == []


async def test_a_stale_page_cannot_cancel_an_event(new_sale: NewSale) -> None:
    sale = await new_sale(5)
    seen = await _preview(sale, _CANCELLED)
    await _move(sale)
    with pytest.raises(EditConflict):
        await sale.services.lifecycle.cancel(sale.slug, actor="test", version=seen.version)
    assert (await sale.services.organizer.settings(sale.slug)).phase == "published"


async def test_the_booking_says_what_changed_since_it_was_made(new_sale: NewSale) -> None:
    sale = await new_sale(5)
    await _move(sale, "The first hall")
    ref = await _book(sale)
    assert (await sale.services.tickets.view(ref)).changes == ()
    await _move(sale, "The second hall")
    await _move(sale, "The third hall")
    (change,) = (await sale.services.tickets.view(ref)).changes
    assert change.text == "Venue: The third hall (was: The first hall)"
    await _move(sale, "The first hall")
    assert (await sale.services.tickets.view(ref)).changes == ()
