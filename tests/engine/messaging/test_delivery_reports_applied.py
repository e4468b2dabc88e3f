"""What providers tell of messages: once each, forward only, and never a reason for a duplicate."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace

import pytest

from surge_app.clock import utc_now
from surge_app.errors import BadSignature, NotFound
from surge_app.models import DeliveryStatus
from surge_app.services.messaging.delivery_reports import Deliveries
from surge_app.services.vendors.ports import (
    DeliveryReport,
    ProviderOutcomeUnknown,
    ProviderRejected,
)
from tests.engine.conftest import NewSale
from tests.engine.mail_helper import Post


@dataclass
class Reports:
    """A provider that tells what a test says, or one that signed nothing."""

    told: list[DeliveryReport] = field(default_factory=list[DeliveryReport])
    is_forged: bool = False

    def read(self, body: bytes, **_more: object) -> list[DeliveryReport]:
        del body
        if self.is_forged:
            msg = "forged"
            raise ProviderRejected(msg)
        return self.told


@pytest.fixture
async def post(new_sale: NewSale) -> Post:
    """A sale with one booking whose messages wait."""
    sale = await new_sale(3)
    intent, visitor = await sale.hold()
    order = await sale.start_payment(intent.id, visitor)
    paid = await sale.gateway.attempt(order.order_id or "", "captured")
    await sale.call_back(paid)
    return await Post.of(sale)


async def _tell(post: Post, *reports: DeliveryReport) -> int:
    deliveries = Deliveries(post.sale.services.database, Reports(list(reports)), Reports())
    return await deliveries.receive_mail_events(b"", signature="", timestamp="")


async def _report(post: Post, word: str, status: DeliveryStatus | None) -> DeliveryReport:
    row = (await post.rows())[0]
    provider_id = row["provider_id"] or "unknown"
    return DeliveryReport(
        f"{row['id']}:{word}", row["id"], provider_id, word, status, "", utc_now()
    )


async def test_a_bounce_is_shown_and_never_taken_back(post: Post) -> None:
    await post.empty()
    delivered = await _report(post, "delivered", DeliveryStatus.DELIVERED)
    bounced = replace(
        await _report(post, "bounce", DeliveryStatus.BOUNCED), detail="no such mailbox"
    )
    assert await _tell(post, bounced, delivered) == 2
    assert await _tell(post, delivered, bounced, bounced) == 0
    told = post.sale.services.notifications
    (message,) = (await told.listed(status="bounced", slug=post.sale.slug)).messages
    assert (message.status, message.state) == ("sent", "bounced")
    assert message.last_error == "no such mailbox"
    await told.retry(message.id, actor="test")
    await post.empty()
    assert len(post.mails) == 2
    assert (await told.listed(status="trouble", slug=post.sale.slug)).messages == ()


async def test_the_order_of_reports_does_not_matter(post: Post) -> None:
    await post.empty()
    await _tell(post, await _report(post, "delivered", DeliveryStatus.DELIVERED))
    await _tell(post, await _report(post, "deferred", DeliveryStatus.DEFERRED))
    assert (await post.rows())[0]["delivery"] == "delivered"


async def test_a_report_ends_the_doubt_about_a_message(post: Post) -> None:
    post.mail_faults = [ProviderOutcomeUnknown("no answer")]
    await post.dispatcher.dispatch()
    assert (await post.rows())[0]["status"] == "pending"
    await _tell(post, await _report(post, "processed", None))
    await post.empty()
    assert (len(post.mails), (await post.rows())[0]["status"]) == (1, "sent")


async def test_a_message_is_found_by_the_providers_id_as_well(post: Post) -> None:
    await post.empty()
    report = await _report(post, "delivered", DeliveryStatus.DELIVERED)
    stranger = replace(report, key="other", message_id="01ZZZZ")
    await post.sale.execute(
        "UPDATE message_outbox SET provider_id = :id WHERE id = :message",
        id=f"of-{post.sale.slug}",
        message=report.message_id,
    )
    named = replace(report, message_id=None, provider_id=f"of-{post.sale.slug}")
    assert await _tell(post, stranger, named) == 1


async def test_forged_reports_and_reports_without_a_key_change_nothing(post: Post) -> None:
    forged = Reports(is_forged=True)
    deliveries = Deliveries(post.sale.services.database, forged, forged)
    with pytest.raises(BadSignature):
        await deliveries.receive_mail_events(b"", signature="", timestamp="")
    with pytest.raises(BadSignature):
        await deliveries.receive_sms_status(b"", query="", signature="")
    with pytest.raises(NotFound):
        await Deliveries(post.sale.services.database, None, forged).receive_mail_events(
            b"", signature="", timestamp=""
        )


async def test_reports_that_come_together_share_a_statement_and_each_request_counts_its_own(
    post: Post,
) -> None:
    await post.empty()
    deferred = await _report(post, "deferred", DeliveryStatus.DEFERRED)
    delivered = await _report(post, "delivered", DeliveryStatus.DELIVERED)
    bounced = replace(await _report(post, "bounce", DeliveryStatus.BOUNCED), detail="mailbox full")
    unknown = replace(deferred, key="other", message_id="no-such-message")
    reports = Reports()
    deliveries = Deliveries(post.sale.services.database, reports, Reports())

    async def tell(*told: DeliveryReport) -> int:
        reports.told = list(told)
        return await deliveries.receive_mail_events(b"", signature="", timestamp="")

    requests = [[bounced, deferred], [delivered, delivered], [unknown]]
    assert await asyncio.gather(*(tell(*told) for told in requests)) == [2, 1, 0]
    row = (await post.rows())[0]
    assert (row["delivery"], row["delivery_detail"]) == ("bounced", "mailbox full")
