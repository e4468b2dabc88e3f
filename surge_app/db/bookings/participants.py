"""Queries behind the list of participants and behind everything known of one booking."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import RowMapping, text
from sqlalchemy.ext.asyncio import AsyncSession

from surge_app.db.bookings.text_search import TextQuery, for_organizer

_PAGE = """
    SELECT b.id, b.ref, b.name, b.email, b.phone, b.status, b.channel, b.total_paise,
        b.created_at,
        k.tickets, k.valid, k.inside
    FROM bookings b
    CROSS JOIN LATERAL (
        SELECT count(*) AS tickets, count(*) FILTER (WHERE t.status = 'valid') AS valid,
            count(t.checked_in_at) FILTER (WHERE t.status = 'valid') AS inside
        FROM tickets t WHERE t.booking_id = b.id
    ) k
    WHERE b.event_id = :event_id
        AND (CAST(:before AS text) IS NULL OR b.id < :before)
        AND {wanted}
    ORDER BY b.id DESC LIMIT :most
"""
_VALID = "SELECT FROM tickets t WHERE t.booking_id = b.id AND t.status = 'valid'"
_PRESENCE = {
    "inside": f"EXISTS ({_VALID} AND t.checked_in_at IS NOT NULL)",
    "outside": f"EXISTS ({_VALID} AND t.checked_in_at IS NULL)",
}
# What was given back of a booking is in the ledger.
_SELECTION = text(
    """
    SELECT b.ref, b.version, b.status, b.email <> '' OR b.phone <> '' AS has_contact,
        b.total_paise - coalesce((SELECT sum(g.amount_paise) FROM ledger_entries g
            WHERE g.booking_id = b.id AND g.refund_id IS NOT NULL
                AND g.kind IN ('refund_owed', 'refund_fee_owed')), 0) AS refundable_paise,
        (SELECT count(*) FROM tickets t WHERE t.booking_id = b.id AND t.status = 'valid') AS tickets
    FROM bookings b WHERE b.event_id = :event_id AND b.ref = ANY(CAST(:refs AS text[]))
    ORDER BY b.id DESC
    """
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
            concat_ws(' ', p.id, p.amount_paise, p.method, p.reference),
            concat_ws(' by ', coalesce(p.disposition, p.status), p.taken_by)
        FROM payments p WHERE p.intent_id = :intent_id
        UNION ALL
        SELECT b.created_at, 'booked', b.ref, '' FROM bookings b WHERE b.id = :booking_id
        UNION ALL
        SELECT coalesce(m.sent_at, m.created_at), 'message',
            m.channel || ' ' || m.kind || ' ' || m.recipient,
            CASE WHEN m.status <> 'sent' THEN m.status WHEN m.delivery = 'failed' THEN 'dead'
                ELSE coalesce(m.delivery, m.status) END
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
)


@dataclass(frozen=True, slots=True)
class Filter:
    """A filter; empty or None leaves a field open.

    Attributes:
        presence: inside (some ticket came in) or outside (some valid one did not).
        channel: online, box_office or complimentary.
        refs: Only these bookings; none leaves it open.
    """

    query: str = ""
    status: str | None = None
    presence: str | None = None
    channel: str | None = None
    refs: tuple[str, ...] = ()

    def condition(self) -> tuple[str, dict[str, object]]:
        """Return the SQL that keeps matching bookings `b` of an event, and its parameters."""
        conditions, values = ["true"], dict[str, object]()
        for column in ("status", "channel"):
            if value := getattr(self, column):
                conditions.append(f"b.{column} = :{column}")
                values[column] = value
        if self.presence:
            conditions.append(_PRESENCE[self.presence])
        if self.refs:
            conditions.append("b.ref = ANY(CAST(:refs AS text[]))")
            values["refs"] = list(self.refs)
        if self.query.strip():
            query = TextQuery.parse(self.query)
            conditions.append(f"b.id IN ({for_organizer(query)})")
            values |= query.values()
        return " AND ".join(conditions), values


async def page(
    session: AsyncSession, event_id: str, wanted: Filter, *, before: str | None, most: int
) -> Sequence[RowMapping]:
    """Return bookings that match, the newest first, after the one whose id is `before`."""
    condition, values = wanted.condition()
    values |= {"event_id": event_id, "before": before, "most": most}
    return (await session.execute(text(_PAGE.format(wanted=condition)), values)).mappings().all()


async def selection(
    session: AsyncSession, event_id: str, refs: Sequence[str]
) -> Sequence[RowMapping]:
    """Return what an action needs to know of these bookings of an event."""
    values = {"event_id": event_id, "refs": list(refs)}
    return (await session.execute(_SELECTION, values)).mappings().all()


async def timeline(
    session: AsyncSession, *, booking_id: str, intent_id: str, ref: str
) -> Sequence[RowMapping]:
    """Return all that happened to a booking, the oldest first."""
    values = {"booking_id": booking_id, "intent_id": intent_id, "ref": ref}
    return (await session.execute(_TIMELINE, values)).mappings().all()


async def correct(session: AsyncSession, ref: str, *, name: str, email: str, phone: str) -> None:
    """Write the contact of a booking, and of its intent."""
    values = {"name": name, "email": email, "phone": phone, "ref": ref}
    for statement in _CORRECT:
        used = {key: value for key, value in values.items() if f":{key}" in statement.text}
        await session.execute(statement, used)
