"""Queries behind the list of participants and behind everything known of one booking."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import RowMapping, text
from sqlalchemy.ext.asyncio import AsyncSession

from surge_app.db.bookings.text_search import TextQuery, condition

_PAGE = text(
    f"""
    SELECT b.id, b.ref, b.name, b.email, b.phone, b.status, b.channel, b.total_paise,
        b.created_at,
        k.tickets, k.valid, k.inside
    FROM bookings b
    CROSS JOIN LATERAL (
        SELECT count(*) AS tickets, count(*) FILTER (WHERE t.status = 'valid') AS valid,
            count(t.checked_in_at) FILTER (WHERE t.status = 'valid') AS inside,
            string_agg(t.attendee_name, ' ') AS attendees
        FROM tickets t WHERE t.booking_id = b.id
    ) k
    WHERE b.event_id = :event_id
        AND (CAST(:before AS text) IS NULL OR b.id < :before)
        AND (CAST(:status AS text) IS NULL OR b.status = :status)
        AND (CAST(:channel AS text) IS NULL OR b.channel = :channel)
        AND (CAST(:exact AS text) = '' OR {condition("b.name", "b.email", "k.attendees")})
        AND (CAST(:presence AS text) IS NULL
            OR (:presence = 'inside' AND k.inside > 0)
            OR (:presence = 'outside' AND k.inside < k.valid))
    ORDER BY b.id DESC LIMIT :most
    """  # noqa: S608  constants of ours
)
_TIMELINE = text(
    """
    SELECT at, what, detail, state FROM (
        SELECT i.created_at AS at, 'held' AS what, '' AS detail, '' AS state
        FROM intents i WHERE i.id = :intent_id
        UNION ALL
        SELECT i.paying_at, 'payment_started', coalesce(i.order_id, ''), ''
        FROM intents i WHERE i.id = :intent_id AND i.paying_at IS NOT NULL
        UNION ALL
        SELECT coalesce(p.settled_at, p.created_at), 'payment',
            p.id || ' ' || p.amount_paise, coalesce(p.disposition, p.status)
        FROM payments p WHERE p.intent_id = :intent_id
        UNION ALL
        SELECT b.created_at, 'booked', b.ref, '' FROM bookings b WHERE b.id = :booking_id
        UNION ALL
        SELECT coalesce(m.sent_at, m.created_at), 'message',
            m.channel || ' ' || m.kind || ' ' || m.recipient, m.status
        FROM message_outbox m WHERE m.intent_id = :intent_id
        UNION ALL
        SELECT coalesce(r.processed_at, r.created_at), 'refund', r.amount_paise::text, r.status
        FROM refunds r JOIN payments p ON p.id = r.payment_id WHERE p.intent_id = :intent_id
        UNION ALL
        SELECT t.checked_in_at, 'checked_in', t.seq::text, t.checked_in_gate
        FROM tickets t WHERE t.booking_id = :booking_id AND t.checked_in_at IS NOT NULL
        UNION ALL
        SELECT a.at, 'action', a.action, a.actor FROM audit_log a WHERE a.subject = :ref
    ) AS known ORDER BY at, what LIMIT 500
    """
)
_CORRECT = (
    text(
        """
        UPDATE bookings SET
            link_version = coalesce(link_version, 0)
                + CAST(email <> :email OR phone <> :phone AS int),
            name = :name, email = :email, phone = :phone
        WHERE ref = :ref
        """
    ),
    text(
        """
        UPDATE intents
        SET name = :name, email = nullif(:email, ''), phone = nullif(:phone, '')
        WHERE id = (SELECT intent_id FROM bookings WHERE ref = :ref)
        """
    ),
    text(
        """
        UPDATE message_outbox SET recipient = coalesce(
            nullif(CASE channel WHEN 'email' THEN :email ELSE :phone END, ''), recipient)
        WHERE booking_id = (SELECT id FROM bookings WHERE ref = :ref)
        """
    ),
)


@dataclass(frozen=True, slots=True)
class Filter:
    """What is looked for; empty or None leaves it open.

    Attributes:
        presence: inside (some ticket came in) or outside (some valid one did not).
        channel: online, box_office or complimentary.
    """

    query: str = ""
    status: str | None = None
    presence: str | None = None
    channel: str | None = None


async def page(
    session: AsyncSession, event_id: str, wanted: Filter, *, before: str | None, most: int
) -> Sequence[RowMapping]:
    """Return bookings that match, the newest first, after the one whose id is `before`."""
    values = {
        **TextQuery.parse(wanted.query).values(),
        "event_id": event_id,
        "status": wanted.status,
        "presence": wanted.presence,
        "channel": wanted.channel,
        "before": before,
        "most": most,
    }
    return (await session.execute(_PAGE, values)).mappings().all()


async def timeline(
    session: AsyncSession, *, booking_id: str, intent_id: str, ref: str
) -> Sequence[RowMapping]:
    """Return all that happened to a booking, the oldest first."""
    values = {"booking_id": booking_id, "intent_id": intent_id, "ref": ref}
    return (await session.execute(_TIMELINE, values)).mappings().all()


async def correct(session: AsyncSession, ref: str, *, name: str, email: str, phone: str) -> None:
    """Write the contact of a booking, where its next messages go as well."""
    values = {"name": name, "email": email, "phone": phone, "ref": ref}
    for statement in _CORRECT:
        used = {key: value for key, value in values.items() if f":{key}" in statement.text}
        await session.execute(statement, used)
