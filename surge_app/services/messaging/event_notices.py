"""Notices to every ticket holder: an event has changed or is cancelled.

A notice is one row, written in the transaction of its cause. A job expands it into the outbox in
batches, each in a transaction of its own, and resumes after a crash.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from surge_app.db.checkout import intents as intent_queries
from surge_app.db.engine import Database
from surge_app.db.events import catalog as catalog_queries
from surge_app.db.messaging import event_notices as queries, outbox
from surge_app.errors import EditConflict, InvalidRequest
from surge_app.languages import DEFAULT, gettext as _, use
from surge_app.models import AuditEntry, Event, EventNotice, EventPhase, MessageKind
from surge_app.observability.log import get_logger
from surge_app.services.events.changes import change_lines, changes_of, stored_changes
from surge_app.services.messaging.composer import Composer
from surge_app.services.messaging.outbox_rows import notice_messages

_log = get_logger(__name__)

_BATCH = 500
_MAX_WORDS = 1000


@dataclass(frozen=True, slots=True)
class NoticeReach:
    """The bookings a notice is for; a booking may have both an email address and a number.

    Attributes:
        without_contact: No message can be sent.
        undelivered: The last message to each of its addresses did not arrive.
        unreached: References of both kinds, at most 20.
    """

    bookings: int
    emails: int
    texts: int
    without_contact: int
    undelivered: int
    unreached: list[str]


@dataclass(frozen=True, slots=True)
class NoticePreview:
    """A notice before it is sent, as an example booking would get it.

    Attributes:
        kind: event_changed or event_cancelled.
        version: Of the event as it was read; sending another version is refused.
        changes: What ticket holders have not been told of; empty for a cancellation.
    """

    kind: str
    version: int
    changes: tuple[str, ...]
    subject: str
    text: str
    sms: str
    reach: NoticeReach


@dataclass(frozen=True, slots=True)
class SentNotice:
    """A notice that was given; the three counts are of its messages.

    Attributes:
        is_written: Whether every booking has its messages.
        failed: Given up, or not delivered.
    """

    id: str
    kind: str
    at: datetime
    actor: str
    words: str
    changes: str
    bookings: int
    is_written: bool
    waiting: int
    sent: int
    failed: int


class EventNotices:
    """Previews notices, gives them, and expands them into the outbox."""

    def __init__(self, database: Database, composer: Composer) -> None:
        self._database = database
        self._composer = composer

    async def preview(self, slug: str, kind: MessageKind, *, words: str = "") -> NoticePreview:
        """Return what a notice would say and how many it would reach.

        Raises:
            InvalidRequest: If the organizer's words are too long.
            NotFound: If there is no such event.
        """
        async with self._database.transaction() as session:
            event = await catalog_queries.require_event(session, slug)
            version = await queries.revision(session, slug)
            changed: list[dict[str, Any]] = []
            until = await intent_queries.database_now(session)
            if kind == MessageKind.EVENT_CHANGED:
                changed = await _untold(session, event)
                until = max((one.at for one in changes_of(changed, "UTC")), default=until)
            reach = await queries.reach(session, event.id, until)
        notice = EventNotice(
            event_id=event.id, kind=kind, words=_checked(words), changed=changed, actor=""
        )
        subject, text, sms = await self._composer.preview(slug, notice)
        return NoticePreview(
            kind=kind.value,
            version=version,
            changes=tuple(change_lines(changed, None, event.time_zone)),
            subject=subject,
            text=text,
            sms=sms,
            reach=NoticeReach(**reach),
        )

    async def announce_changes(self, slug: str, *, words: str, version: int, actor: str) -> str:
        """Tell every ticket holder what has changed since the last notice; returns its id.

        Raises:
            EditConflict: If the event was changed or announced since the preview.
            InvalidRequest: If there is nothing to announce, or the words are too long.
            NotFound: If there is no such event.
        """
        async with self._database.transaction() as session:
            event = await catalog_queries.require_event(session, slug, for_update=True)
            await require_version(session, slug, version)
            changed = await _untold(session, event)
            if event.phase != EventPhase.PUBLISHED or not changed:
                msg = _("Nothing was sent. Ticket holders already know the event as it is now.")
                raise InvalidRequest(msg)
            notice = EventNotice(
                event_id=event.id,
                kind=MessageKind.EVENT_CHANGED,
                words=_checked(words),
                changed=changed,
                booked_until=max(one.at for one in changes_of(changed, "UTC")),
                actor=actor,
            )
            with use(DEFAULT.tag):
                # For the log, and for the release before, which sends these lines.
                notice.changes = "\n".join(change_lines(changed, None, event.time_zone))
            _give(session, slug, notice)
        return notice.id

    async def sent(self, slug: str) -> tuple[SentNotice, ...]:
        """Return the newest notices of an event; raises NotFound."""
        async with self._database.transaction() as session:
            event = await catalog_queries.require_event(session, slug)
            rows = await queries.listed(session, event.id)
        return tuple(_sent(dict(row), event.time_zone) for row in rows)

    async def spread(self) -> int:
        """Write the messages of open notices; returns for how many bookings."""
        total = 0
        while True:
            async with self._database.transaction() as session:
                notice = await queries.take_open(session)
                if notice is None:
                    return total
                reached = await queries.next_bookings(session, notice, limit=_BATCH)
                kind = MessageKind(notice.kind)
                await outbox.add(
                    session,
                    [
                        row
                        for intent, booking in reached
                        for row in notice_messages(intent, booking, kind, notice.id)
                    ],
                )
                notice.bookings += len(reached)
                if reached:
                    notice.reached = reached[-1][1].id
                if len(reached) < _BATCH:
                    notice.done_at = await intent_queries.database_now(session)
                    _log.info("notice_spread", notice=notice.id, bookings=notice.bookings)
            total += len(reached)


def add_cancellation(session: AsyncSession, event: Event, *, words: str, actor: str) -> None:
    """Give the notice that an event is cancelled, in the transaction that cancels it.

    Raises:
        InvalidRequest: If the words are too long.
    """
    kind = MessageKind.EVENT_CANCELLED
    notice = EventNotice(event_id=event.id, kind=kind, words=_checked(words), actor=actor)
    _give(session, event.slug, notice)


async def require_version(session: AsyncSession, slug: str, version: int | None) -> None:
    """Refuse an action on an event that was changed since it was shown; None accepts any version.

    Args:
        session: Holds the lock of the event.
        version: Of the preview.
    """
    if version is not None and version != await queries.revision(session, slug):
        msg = _(
            "The event was changed a moment ago. Nothing was sent. Check the new text, then send "
            "it again."
        )
        raise EditConflict(msg)


async def _untold(session: AsyncSession, event: Event) -> list[dict[str, Any]]:
    since = await queries.known_since(session, event.id)
    if since is None:
        return []
    return stored_changes(event, await queries.edits(session, event.slug, since=since))


def _sent(row: dict[str, Any], time_zone: str) -> SentNotice:
    lines = change_lines(row.pop("changed"), row["changes"], time_zone)
    row["changes"] = "\n".join(lines)
    return SentNotice(**row)


def _give(session: AsyncSession, slug: str, notice: EventNotice) -> None:
    session.add(notice)
    after = {"words": notice.words, "changes": notice.changes or ""}
    session.add(AuditEntry(actor=notice.actor, action=notice.kind, subject=slug, after=after))


def _checked(words: str) -> str:
    text = " ".join(words.split())
    if len(text) > _MAX_WORDS:
        msg = _("Nothing was sent. Enter at most {most} characters.", most=_MAX_WORDS)
        raise InvalidRequest(msg)
    return text
