"""Messages leave after the booking, survive every bad day, and arrive once."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from sqlalchemy import text

from surge_app.db.messaging import outbox
from surge_app.jobs import jobs_running, leader_election, schedule
from surge_app.models import OutboxMessage
from surge_app.services.messaging import dispatcher
from surge_app.services.messaging.notifications import MessagePending
from surge_app.services.vendors.ports import (
    ProviderError,
    ProviderOutcomeUnknown,
    ProviderRejected,
    ProviderUnavailable,
)
from tests.conftest import eventually
from tests.engine.conftest import NewSale
from tests.engine.mail_helper import Post, TakenAllTheSame
from tests.engine.sale_helper import Sale

UNKNOWN = ProviderOutcomeUnknown("no answer")


async def _book(sale: Sale, quantity: int = 1) -> str:
    intent, visitor = await sale.hold(sale.line(quantity))
    order = await sale.start_payment(intent.id, visitor)
    paid = await sale.gateway.attempt(order.order_id or "", "captured")
    assert await sale.call_back(paid) == "confirmed"
    rows = await sale.query("SELECT ref FROM bookings WHERE intent_id = :id", id=intent.id)
    return rows[0]["ref"]


async def _claim(post: Post, channel: str) -> Sequence[OutboxMessage]:
    taken, _ = await outbox.claim(
        post.sale.services.database,
        channel=channel,
        limit=9,
        lease=dispatcher._LEASE,
        overdue=timedelta(0),
    )
    return taken


@pytest.fixture
async def post(new_sale: NewSale) -> Post:
    """A sale with one booking whose messages wait."""
    sale = await new_sale(10)
    await _book(sale)
    return await Post.of(sale)


async def test_a_booking_is_told_once_on_each_channel(post: Post) -> None:
    await asyncio.gather(*(post.dispatcher.dispatch() for _ in range(4)))
    await post.empty()
    assert (len(post.mails), len(post.texts)) == (1, 1)
    assert [row["provider_id"] for row in await post.rows()] == ["mail-1", "sms-1"]


async def test_messages_that_are_due_together_are_written_from_the_same_statements(
    new_sale: NewSale, monkeypatch: pytest.MonkeyPatch
) -> None:
    sale = await new_sale(6)
    refs = [await _book(sale) for _ in range(6)]
    post = await Post.of(sale)
    statements: list[str] = []

    execute: Any = psycopg.AsyncCursor.execute

    async def note(cursor: Any, statement: str, *more: Any, **options: Any) -> object:
        statements.append(statement.strip())
        return await execute(cursor, statement, *more, **options)

    monkeypatch.setattr(psycopg.AsyncCursor, "execute", note)
    await post.dispatcher.dispatch()
    assert 1 <= len([one for one in statements if "FROM bookings b JOIN tickets" in one]) <= 2
    assert len([one for one in statements if one.startswith("SELECT")]) <= 12
    assert sorted(ref for ref in refs for mail in post.mails if ref in mail.text) == sorted(refs)
    assert [len(mail.attachments) for mail in post.mails] == [3] * 6


@pytest.mark.parametrize("faults", [1, 5])
async def test_what_the_provider_surely_did_not_take_is_sent_again_and_once(
    post: Post, faults: int
) -> None:
    post.mail_faults = [ProviderUnavailable("down")] * faults
    post.sms_faults = [ProviderUnavailable("down")] * faults
    await post.empty()
    assert (len(post.mails), len(post.texts)) == (1, 1)
    assert [row["attempts"] for row in await post.rows()] == [faults + 1] * 2


async def test_a_mail_that_may_have_gone_out_is_sent_again(post: Post) -> None:
    post.mail_faults = [UNKNOWN]
    await post.empty()
    assert len(post.mails) == 2
    assert post.mails[0].message_id == post.mails[1].message_id


@pytest.mark.parametrize("fault", [UNKNOWN, TakenAllTheSame("502")])
async def test_an_sms_that_may_have_gone_out_is_looked_up_and_not_repeated(
    post: Post, fault: ProviderError
) -> None:
    post.sms_faults = [fault]
    await post.empty()
    assert len(post.texts) == 1
    assert (await post.rows())[1]["provider_id"] == "sms-1"


async def test_an_sms_the_provider_does_not_show_is_repeated_once_and_then_given_up(
    post: Post,
) -> None:
    post.shows_texts = False
    post.sms_faults = [UNKNOWN] * 9
    await post.empty()
    assert len(post.texts) == 2
    assert (await post.rows())[1]["status"] == "dead"


@pytest.mark.parametrize("actor", ["organizer", "attendee"])
async def test_a_correction_redirects_what_is_unsent_and_leaves_what_was_sent(
    post: Post, actor: str
) -> None:
    # The mail leaves, and the SMS does not yet.
    post.sms_faults = [ProviderUnavailable("down")]
    await post.dispatcher.dispatch()
    mail, sms = await post.rows()
    assert (mail["status"], sms["status"]) == ("sent", "pending")
    services = post.sale.services
    ref = (await post.sale.query("SELECT ref FROM bookings WHERE id = :id", id=sms["booking_id"]))[
        0
    ]["ref"]
    right = {"email": f"right-{ref.lower()}@example.com", "phone": "+919812345670"}
    if actor == "organizer":
        await services.participants.correct(ref, version=0, name="Asha Rao", actor="asha", **right)
    else:
        await services.notifications.resend(ref, actor="asha", **right)
    await post.empty()
    sent, moved = await post.rows()
    assert (sent["recipient"], sent["sent_at"]) == (mail["recipient"], mail["sent_at"])
    assert (moved["recipient"], moved["status"]) == ("+919812345670", "sent")
    # The old number only gets the warning.
    old = [one.message_id for one in post.texts if one.to == sms["recipient"]]
    assert old == [
        row["id"] for row in await post.rows("contact_changed") if row["channel"] == "sms"
    ]


async def test_what_may_have_been_sent_keeps_its_recipient(post: Post) -> None:
    post.shows_texts = False
    post.sms_faults = [UNKNOWN]
    await post.dispatcher.dispatch()
    _, sms = await post.rows()
    (row,) = await post.sale.query("SELECT ref FROM bookings WHERE id = :id", id=sms["booking_id"])
    await post.sale.services.participants.correct(
        row["ref"], version=0, name="Asha", email="r@example.com", phone="98123 45671", actor="asha"
    )
    assert (await post.rows())[1]["recipient"] == sms["recipient"]


async def test_an_sms_whose_sender_died_counts_as_one_that_may_have_gone_out(post: Post) -> None:
    await _claim(post, "sms")
    row = (await post.rows())[1]
    assert (row["status"], row["unknowns"]) == ("sending", 0)
    await post.let_pauses_pass()
    await post.dispatcher.dispatch()
    row = (await post.rows())[1]
    assert (row["status"], row["unknowns"], len(post.texts)) == ("sent", 1, 1)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (ProviderRejected("wrong address"), "wrong address"),
        (ValueError("a bug"), "It could not be written; the log tells why."),
    ],
)
async def test_what_is_refused_is_dead_at_once_and_can_be_revived(
    post: Post, error: Exception, words: str
) -> None:
    post.mail_faults = [error]  # type: ignore[list-item]
    await post.empty()
    page = await post.sale.services.notifications.listed(status="dead", slug=post.sale.slug)
    (shown,) = page.messages
    assert (shown.channel, shown.state, shown.attempts) == ("email", "failed", 1)
    assert words in (shown.last_error or "")
    assert "ValueError" not in (shown.last_error or "")
    await post.sale.services.notifications.retry(shown.id, actor="test")
    await post.empty()
    assert len(post.mails) == 1
    with pytest.raises(MessagePending):
        await post.sale.services.notifications.retry(shown.id, actor="test")


async def test_the_providers_wish_when_to_come_back_is_kept(post: Post) -> None:
    post.mail_faults = [ProviderUnavailable("slow down", retry_after_seconds=40)]
    await post.dispatcher.dispatch()
    mail, sms = await post.rows()
    # Its own first pause would be a few seconds.
    assert 15 < mail["pause"] <= 41
    assert sms["status"] == "sent"


async def test_a_late_failure_does_not_touch_what_another_process_took_over(post: Post) -> None:
    database = post.sale.services.database
    (taken,) = await _claim(post, "email")
    await post.let_pauses_pass()
    await post.dispatcher.dispatch()
    async with database.transaction() as session:
        await outbox.mark_dead(session, taken, "too late")
    assert (await post.rows())[0]["status"] == "sent"


async def test_a_message_is_announced_by_the_transaction_that_writes_it(
    post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    sale = post.sale
    await post.empty()
    monkeypatch.setattr(dispatcher, "_FALLBACK_SECONDS", 3600.0)
    for pause in ("_LOOK_SECONDS", "_IDLE_LOOK_SECONDS"):
        monkeypatch.setattr(leader_election, pause, 3600.0)
    monkeypatch.setattr(schedule, "jobs_of", lambda _services: [])
    services = sale.services
    running = type(services)(
        **{name: getattr(services, name) for name in services.__slots__}
        | {"dispatcher": post.dispatcher}
    )
    async with jobs_running(running):
        # The jobs lead at once or after a heartbeat; then only the announcement can wake them.
        await eventually(lambda: _is_led(sale), about="leading")
        before = len(post.mails)
        await _book(sale)

        async def have_left() -> bool:
            return len(post.mails) > before and len(post.texts) > before

        await eventually(have_left, about="sending")


async def test_a_helper_leaves_to_the_first_process_what_is_not_overdue(
    post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dispatcher, "_FALLBACK_SECONDS", 0.05)
    # Nothing becomes overdue by the time the test takes.
    monkeypatch.setattr(dispatcher, "_OVERDUE", timedelta(hours=1))
    (old, *_) = await post.rows()
    await _book(post.sale)
    await post.sale.execute(
        "UPDATE message_outbox SET next_attempt_at = now() - interval '2 hours' WHERE id = :id",
        id=old["id"],
    )

    async def have_left(count: int) -> bool:
        return len(post.mails) == count

    helping = asyncio.create_task(post.dispatcher.run())
    try:
        await eventually(lambda: have_left(1), about="helping")
        assert [row["status"] for row in await post.rows()].count("pending") == 3
        post.dispatcher.run_primary()
        await eventually(lambda: have_left(2), about="going first")
    finally:
        helping.cancel()
        with suppress(asyncio.CancelledError):
            await helping
        await post.dispatcher.finish()


async def _is_led(sale: Sale) -> bool:
    async with sale.services.database.transaction() as session:
        found = await session.scalar(
            text("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted")
        )
    return bool(found)


@pytest.mark.parametrize(
    "errors",
    [
        [ProviderUnavailable("down")] * 3,
        [UNKNOWN] * 2,
        [ProviderUnavailable("429", retry_after_seconds=1)],
        [ProviderRejected("no")],
    ],
)
async def test_a_booking_is_whole_whatever_happens_to_its_messages(
    new_sale: NewSale, errors: list[ProviderError]
) -> None:
    sale = await new_sale(2)
    ref = await _book(sale, 2)
    post = await Post.of(sale)
    post.mail_faults, post.sms_faults = list(errors), list(errors)
    await post.empty()
    booking = await sale.services.tickets.view(ref)
    assert (booking.status, len(booking.tickets)) == ("confirmed", 2)
    assert await sale.violations() == []
