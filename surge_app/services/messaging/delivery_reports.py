"""Process the delivery reports of providers."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from surge_app.db.engine import Database
from surge_app.db.messaging import messages as queries, outbox
from surge_app.errors import BadSignature, NotFound
from surge_app.models import (
    Channel,
    DeliveryEvent,
    DeliveryStatus,
    MessageStatus,
    OutboxMessage,
)
from surge_app.observability.log import get_logger
from surge_app.services.vendors.ports import (
    DeliveryReport,
    MailReports,
    ProviderRejected,
    SmsReports,
)

_log = get_logger(__name__)

# Reports come in any order; a later stage is never taken back by an earlier one.
_STAGES: dict[str | None, int] = {
    None: 0,
    DeliveryStatus.DEFERRED: 1,
    DeliveryStatus.DELIVERED: 2,
    DeliveryStatus.FAILED: 3,
    DeliveryStatus.BOUNCED: 3,
}


class Deliveries:
    """Takes in the providers' reports: verified, once each, forward only."""

    def __init__(
        self, database: Database, mail_reports: MailReports | None, sms_reports: SmsReports
    ) -> None:
        self._database = database
        self._mail_reports = mail_reports
        self._sms_reports = sms_reports

    async def receive_mail_events(
        self, body: bytes, *, signature: str | None, timestamp: str | None
    ) -> int:
        """Record a batch of events about mails; returns how many were new.

        Raises:
            BadSignature: If the provider did not sign it lately, or it cannot be read.
            NotFound: If no key is configured: an unverified report is worth nothing.
        """
        if self._mail_reports is None:
            raise NotFound
        try:
            reports = self._mail_reports.read(body, signature=signature, timestamp=timestamp)
        except ProviderRejected as error:
            raise _refused(Channel.EMAIL, error) from error
        return await self._record(Channel.EMAIL, reports)

    async def receive_sms_status(self, body: bytes, *, query: str, signature: str | None) -> int:
        """Record a status of an SMS; returns how many were new.

        Raises:
            BadSignature: If the provider did not sign it, or it cannot be read.
        """
        try:
            reports = self._sms_reports.read(body, query=query, signature=signature)
        except ProviderRejected as error:
            raise _refused(Channel.SMS, error) from error
        return await self._record(Channel.SMS, reports)

    async def _record(self, channel: Channel, reports: Sequence[DeliveryReport]) -> int:
        new = 0
        async with self._database.transaction() as session:
            # In one order, so that two batches never wait for each other's rows.
            for report in sorted(reports, key=lambda one: (one.message_id or "", one.provider_id)):
                message = await _message_of(session, channel, report)
                if message is None:
                    _log.info("delivery_unmatched", channel=channel, provider_id=report.provider_id)
                elif await _take_in(session, message, report):
                    new += 1
        return new


async def _message_of(
    session: AsyncSession, channel: Channel, report: DeliveryReport
) -> OutboxMessage | None:
    message_id = report.message_id
    if message_id is None:
        found = await queries.by_provider_id(session, channel, report.provider_id)
        message_id = found.id if found else ""
    message = await queries.by_id(session, message_id, for_update=True)
    return message if message is not None and message.channel == channel else None


async def _take_in(session: AsyncSession, message: OutboxMessage, report: DeliveryReport) -> bool:
    event = DeliveryEvent(
        channel=message.channel,
        key=report.key,
        message_id=message.id,
        word=report.word,
        detail=report.detail or None,
        at=report.at,
    )
    if not await queries.store_event(session, event):
        return False
    waits = message.status in {MessageStatus.PENDING, MessageStatus.DEAD}
    if waits and message.unknowns:
        # It was unknown whether the provider had accepted it; the report proves it.
        await outbox.mark_sent(session, message.id, report.provider_id)
    if _STAGES[report.status] > _STAGES[message.delivery]:
        status = DeliveryStatus(report.status or "")
        await queries.note_delivery(session, message.id, status, detail=report.detail, at=report.at)
        level = _log.warning if _STAGES[status] == _STAGES[DeliveryStatus.BOUNCED] else _log.info
        level("message_delivery", message=message.id, status=status, detail=report.detail)
    return True


def _refused(channel: Channel, error: ProviderRejected) -> BadSignature:
    _log.warning("delivery_report_refused", channel=channel, error=str(error))
    return BadSignature("That message was not signed by the provider.")
