"""Process the delivery reports of providers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from functools import partial

from surge_app.clock import new_id
from surge_app.db.engine import Database
from surge_app.db.group_commit import Batcher
from surge_app.db.messaging import messages as queries
from surge_app.db.messaging.messages import RecordedReport
from surge_app.errors import BadSignature, NotFound
from surge_app.models import Channel, DeliveryStatus
from surge_app.observability.log import get_logger
from surge_app.services.vendors.ports import (
    DeliveryReport,
    MailReports,
    ProviderRejected,
    SmsReports,
)

_log = get_logger(__name__)

_GATHER_SECONDS = 0.2
_LOST = {DeliveryStatus.FAILED, DeliveryStatus.BOUNCED}


class Deliveries:
    """Takes in the providers' reports: verified, once each, forward only."""

    def __init__(
        self, database: Database, mail_reports: MailReports | None, sms_reports: SmsReports
    ) -> None:
        self._database = database
        self._mail_reports = mail_reports
        self._sms_reports = sms_reports
        self._batchers: dict[Channel, Batcher[Sequence[DeliveryReport], int]] = {
            channel: Batcher(
                partial(self._record_batch, channel),
                max_concurrent=1,
                gather_seconds=_GATHER_SECONDS,
            )
            for channel in Channel
        }

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
        return await self._batchers[channel].submit(reports)

    async def _record_batch(
        self, channel: Channel, batches: Sequence[Sequence[DeliveryReport]]
    ) -> Sequence[int]:
        """Record what several requests report in one statement; return how many each had new."""
        named = [[(new_id(), report) for report in batch] for batch in batches]
        reports = {report_id: report for batch in named for report_id, report in batch}
        recorded = await queries.record_reports(
            self._database,
            channel,
            [
                {
                    **asdict(report),
                    "id": report_id,
                    "status": report.status and str(report.status),
                    "detail": report.detail or None,
                }
                for report_id, report in reports.items()
            ],
        )
        for one in recorded:
            _log_report(channel, reports[one.id], one)
        new = {one.id for one in recorded if one.is_new}
        return [sum(report_id in new for report_id, _ in batch) for batch in named]


def _log_report(channel: Channel, report: DeliveryReport, recorded: RecordedReport) -> None:
    if recorded.message_id is None:
        _log.info("delivery_unmatched", channel=channel, provider_id=report.provider_id)
    elif recorded.delivery is not None and recorded.delivery == report.status:
        level = _log.warning if report.status in _LOST else _log.info
        level(
            "message_delivery",
            message=recorded.message_id,
            status=report.status,
            detail=report.detail,
        )


def _refused(channel: Channel, error: ProviderRejected) -> BadSignature:
    _log.warning("delivery_report_refused", channel=channel, error=str(error))
    return BadSignature("That message was not signed by the provider.")
