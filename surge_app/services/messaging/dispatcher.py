"""Send messages from the outbox to the providers, each channel on its own.

A booking never waits for a message and never fails because of one. One provider that hangs holds
up its own channel only.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import ClassVar

from sqlalchemy.exc import SQLAlchemyError

from surge_app.clock import utc_now
from surge_app.db.engine import Database
from surge_app.db.group_commit import Batcher
from surge_app.db.messaging import outbox
from surge_app.errors import Busy
from surge_app.languages import A_
from surge_app.models import Channel, OutboxMessage
from surge_app.observability import tracing
from surge_app.observability.log import get_logger
from surge_app.services.messaging.composer import Composer
from surge_app.services.messaging.retry_policy import MAX_UNKNOWN_SMS, next_attempt
from surge_app.services.vendors.ports import (
    MailSender,
    ProviderError,
    ProviderOutcomeUnknown,
    ProviderRejected,
    ProviderUnavailable,
    SmsSender,
)

_log = get_logger(__name__)

_MAX_CONCURRENT = 16
_LEASE = timedelta(seconds=90)
# Announcements and the jobs wake a channel; this is for what neither of them notices.
_FALLBACK_SECONDS = 30.0
_GATHER_SECONDS = 0.2
_REFILL_SECONDS = 0.05
_SHORTEST_PAUSE_SECONDS = 0.05
# Messages that are overdue by so much are more than the primary can send alone.
_OVERDUE = timedelta(seconds=5)
_PREFETCH = timedelta(0)
_LONGEST_HOLD_SECONDS = 60.0
# Organizers read these; what exactly went wrong is in the log, under the message's id.
_BUSY = A_("The database was busy.")
_BROKEN = A_("It could not be written; the log tells why.")

Send = Callable[[OutboxMessage], Awaitable[str]]


class Dispatcher:
    """Sends all messages. One process is the primary; any number of helpers join it.

    A helper takes only what has been due for a while, so that the visitors it serves have its
    processor to themselves as long as messages leave in time.

    Attributes:
        hears: The NOTIFY channel that announces new messages.
    """

    hears: ClassVar[str] = outbox.WAKE

    def __init__(
        self, database: Database, composer: Composer, mail: MailSender, sms: SmsSender
    ) -> None:
        self._composer = composer
        self._mail = mail
        self._sms = sms
        self._lanes = (
            _Lane(database, Channel.EMAIL, self._send_mail),
            _Lane(database, Channel.SMS, self._send_sms),
        )

    async def dispatch(self) -> int:
        """Try each due message once; return how many there were."""
        return sum(await asyncio.gather(*(lane.once() for lane in self._lanes)))

    async def run(self) -> None:
        """Run as helper or primary until cancelled; running deliveries continue."""
        await asyncio.gather(*(lane.run() for lane in self._lanes))

    def run_primary(self) -> None:
        """Send messages as soon as they are due."""
        for lane in self._lanes:
            lane.is_primary = True
        self.notify()

    def run_helper(self) -> None:
        """Send overdue messages only, as at the start."""
        for lane in self._lanes:
            lane.is_primary = False

    def notify(self) -> None:
        """Check for new messages now, if this process is the primary."""
        for lane in self._lanes:
            lane.notify()

    def help(self) -> None:
        """Check for overdue messages now, primary or not."""
        for lane in self._lanes:
            lane.wake()

    async def finish(self) -> None:
        """Wait for the deliveries that are running."""
        await asyncio.gather(*(lane.finish() for lane in self._lanes))

    async def _send_mail(self, message: OutboxMessage) -> str:
        return await self._mail.send(await self._composer.mail(message))

    async def _send_sms(self, message: OutboxMessage) -> str:
        sms = await self._composer.sms(message)
        if message.attempts > 1:
            # Also after an answer: a gateway in between says 502 of what the provider has taken.
            found = await self._sms.find(sms, since=message.first_tried_at or utc_now())
            if found is not None:
                return found
        if message.unknowns >= MAX_UNKNOWN_SMS:
            msg = A_("It may have been sent twice already, and the provider shows no trace of it.")
            raise ProviderRejected(msg)
        return await self._sms.send(sms)


class _Lane:
    """One channel: so many messages at a time, refilled as soon as one is done."""

    def __init__(self, database: Database, channel: Channel, send: Send) -> None:
        self._database = database
        self._channel = channel
        self._send = send
        self.is_primary = False
        self._may_have_more = False
        self._running: set[asyncio.Task[None]] = set()
        self._notified = asyncio.Event()
        self._closed_until = 0.0
        self._marks: Batcher[tuple[str, str], None] = Batcher(self._mark_sent, max_concurrent=1)

    def notify(self) -> None:
        if self.is_primary:
            self.wake()

    def wake(self) -> None:
        self._notified.set()

    async def once(self) -> int:
        due, _ = await self._claim(_MAX_CONCURRENT, overdue=_PREFETCH)
        await asyncio.gather(*(self._deliver(message) for message in due))
        return len(due)

    async def run(self) -> None:
        while True:
            self._notified.clear()
            try:
                pause = await self._fill()
            except Exception:  # noqa: BLE001  see below
                # A database that restarts must not end the dispatcher; the rows are still there.
                _log.exception("dispatch_failed", channel=self._channel)
                pause = _FALLBACK_SECONDS
            with suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._notified.wait()
                # Messages of bookings that are made in the same moment are claimed together.
                await asyncio.sleep(_REFILL_SECONDS if self._may_have_more else _GATHER_SECONDS)

    async def finish(self) -> None:
        if self._running:
            await asyncio.wait(self._running)

    async def _fill(self) -> float:
        """Start due messages up to the limit; return the seconds until the next check."""
        closed = self._closed_until - time.monotonic()
        free = _MAX_CONCURRENT - len(self._running)
        if closed > 0 or free <= 0:
            return closed if closed > 0 else _FALLBACK_SECONDS
        overdue = _PREFETCH if self.is_primary else _OVERDUE
        taken, due = await self._claim(free, overdue=overdue)
        self._may_have_more = len(taken) == free
        for message in taken:
            # The loop keeps only weak references to tasks.
            task = asyncio.create_task(self._deliver(message))
            self._running.add(task)
            task.add_done_callback(self._done)
        if self._may_have_more and len(self._running) < _MAX_CONCURRENT:
            # Some were done while these were taken.
            return 0.0
        if due is None or self._may_have_more or not self.is_primary:
            return _FALLBACK_SECONDS
        return min(_FALLBACK_SECONDS, max(_SHORTEST_PAUSE_SECONDS, due))

    def _done(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        if self._may_have_more:
            self._notified.set()

    async def _claim(
        self, limit: int, *, overdue: timedelta
    ) -> tuple[Sequence[OutboxMessage], float | None]:
        return await outbox.claim(
            self._database, channel=self._channel, limit=limit, lease=_LEASE, overdue=overdue
        )

    async def _deliver(self, message: OutboxMessage) -> None:
        try:
            with tracing.span(
                f"send {self._channel}",
                kind="consumer",
                continues=message.trace,
                message=message.id,
            ):
                await self._try(message)
        except Exception:  # noqa: BLE001  see below
            # Its lease ends, and then it is taken again.
            _log.exception("message_stranded", message=message.id)

    async def _try(self, message: OutboxMessage) -> None:
        try:
            provider_id = await self._send(message)
        except ProviderError as error:
            await self._note_failure(message, error)
        except (SQLAlchemyError, Busy) as error:
            # Raised while it was being written: nothing has left the house.
            _log.warning("message_unwritten", message=message.id, error=repr(error))
            await self._note_failure(message, ProviderUnavailable(_BUSY))
        except Exception:  # noqa: BLE001  see below
            # A message that cannot be written is a bug: keep it, show it, let the others go on.
            _log.exception("message_broken", message=message.id)
            await self._note_failure(message, ProviderRejected(_BROKEN))
        else:
            await self._marks.submit((message.id, provider_id))
            _log.info(
                "message_sent",
                message=message.id,
                channel=message.channel,
                intent=message.intent_id,
            )

    async def _mark_sent(self, sent: Sequence[tuple[str, str]]) -> Sequence[None]:
        await outbox.mark_sent(self._database, sent)
        return [None] * len(sent)

    async def _note_failure(self, message: OutboxMessage, error: ProviderError) -> None:
        step = next_attempt(message, error, utc_now())
        if isinstance(error, ProviderUnavailable) and error.retry_after_seconds:
            # The provider's retry time is meant for all of its messages.
            delay = min(error.retry_after_seconds, _LONGEST_HOLD_SECONDS)
            self._closed_until = max(self._closed_until, time.monotonic() + delay)
        async with self._database.transaction() as session:
            if step.pause is None:
                await outbox.mark_dead(session, message, str(error))
                _log.error("message_dead", message=message.id, error=str(error))
                return
            await outbox.reschedule(
                session, message, delay=step.pause, error=str(error), is_unknown=step.is_unknown
            )
        # It may be due again before anything else is.
        self.notify()
        is_unknown = isinstance(error, ProviderOutcomeUnknown)
        _log.warning(
            "message_postponed", message=message.id, error=str(error), is_unknown=is_unknown
        )
