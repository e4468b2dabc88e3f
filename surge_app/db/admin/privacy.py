"""Queries that find, export and erase the personal data of one contact.

Amounts, times and states stay: they are the books of the sale, and name no one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

_FOUND = text(
    """
    SELECT DISTINCT i.id FROM intents i LEFT JOIN bookings b ON b.intent_id = i.id
    -- A corrected address remains in the messages that went to it.
    LEFT JOIN message_outbox m ON m.intent_id = i.id
    WHERE (CAST(:email AS text) IS NOT NULL
           AND email_key(:email) IN
               (email_key(i.email), email_key(b.email), email_key(m.recipient)))
       OR (CAST(:phone AS text) IS NOT NULL AND :phone IN (i.phone, b.phone, m.recipient))
    """
)
_EXPIRED = text(
    """
    SELECT i.id FROM intents i JOIN events e ON e.id = i.event_id
    WHERE e.starts_at < now() - make_interval(days => :days)
      AND (i.name IS NOT NULL OR i.email IS NOT NULL OR i.phone IS NOT NULL
           OR i.network IS NOT NULL)
    """
)
_UNFINISHED = text(
    """
    SELECT
        count(*) FILTER (WHERE i.status IN ('held', 'paying')) AS live_holds,
        count(*) FILTER (WHERE e.starts_at > now() AND EXISTS (
            SELECT FROM bookings b JOIN tickets t ON t.booking_id = b.id
            WHERE b.intent_id = i.id AND t.status = 'valid')) AS coming_tickets,
        count(*) FILTER (WHERE EXISTS (
            SELECT FROM message_outbox m
            WHERE m.intent_id = i.id AND m.status IN ('pending', 'sending'))) AS open_messages,
        count(*) FILTER (WHERE EXISTS (
            SELECT FROM payments p JOIN refunds r ON r.payment_id = p.id
            WHERE p.intent_id = i.id AND r.status <> 'processed')) AS open_refunds
    FROM intents i JOIN events e ON e.id = i.event_id WHERE i.id = ANY (:ids)
    """
)
_EXPORTED = {
    "intents": """
        SELECT i.id, e.slug AS event, i.visitor_id, i.status, i.name, i.email, i.phone,
            i.attendee_names, i.network, i.total_paise, i.created_at, i.ended_at
        FROM intents i JOIN events e ON e.id = i.event_id WHERE i.id = ANY (:ids) ORDER BY i.id
    """,
    "bookings": """
        SELECT ref, status, name, email, phone, subtotal_paise, fee_paise, total_paise, created_at
        FROM bookings WHERE intent_id = ANY (:ids) ORDER BY id
    """,
    "tickets": """
        SELECT b.ref AS booking, t.seq, t.attendee_name, t.status, t.created_at, t.checked_in_at
        FROM tickets t JOIN bookings b ON b.id = t.booking_id
        WHERE b.intent_id = ANY (:ids) ORDER BY t.id
    """,
    "payments": """
        SELECT id, order_id, amount_paise, status, method, disposition, created_at
        FROM payments WHERE intent_id = ANY (:ids) ORDER BY created_at
    """,
    "refunds": """
        SELECT r.payment_id, r.amount_paise, r.reason, r.status, r.created_at, r.processed_at
        FROM refunds r JOIN payments p ON p.id = r.payment_id
        WHERE p.intent_id = ANY (:ids) ORDER BY r.created_at
    """,
    "messages": """
        SELECT channel, kind, recipient, status, created_at, sent_at
        FROM message_outbox WHERE intent_id = ANY (:ids) ORDER BY created_at
    """,
    "corrections": """
        SELECT a.at, a.actor, a.subject AS booking, a.before, a.after
        FROM audit_log a JOIN bookings b ON b.ref = a.subject
        WHERE b.intent_id = ANY (:ids) AND a.action LIKE 'booking.correct%' ORDER BY a.at
    """,
}
# The order matters: what finds a person is erased last. A webhook carries the contact the payer
# gave to the gateway; its hash stays against replays. The log refuses changes: only for this, and
# only inside this transaction, it does not.
_ERASURES = (
    """
    UPDATE tickets t SET attendee_name = '' FROM bookings b
    WHERE b.id = t.booking_id AND b.intent_id = ANY (:ids)
    """,
    """
    UPDATE delivery_events d SET detail = NULL FROM message_outbox m
    WHERE m.id = d.message_id AND m.intent_id = ANY (:ids)
    """,
    """
    UPDATE webhook_inbox w SET body = '' FROM payments p
    WHERE p.intent_id = ANY (:ids) AND w.processed_at IS NOT NULL
        AND position(convert_to(p.id, 'UTF8') IN w.body) > 0
    """,
    "ALTER TABLE audit_log DISABLE TRIGGER audit_log_append_only",
    """
    UPDATE audit_log a SET before = '{}', after = '{}' FROM bookings b
    WHERE b.ref = a.subject AND b.intent_id = ANY (:ids) AND a.action LIKE 'booking.correct%'
    """,
    """
    UPDATE audit_log a SET before = '{}' FROM message_outbox m
    WHERE m.id = a.subject AND m.intent_id = ANY (:ids) AND a.action = 'message.retry'
    """,
    "ALTER TABLE audit_log ENABLE TRIGGER audit_log_append_only",
    """
    UPDATE message_outbox SET recipient = '', last_error = NULL, delivery_detail = NULL
    WHERE intent_id = ANY (:ids)
    """,
    "UPDATE bookings SET name = 'Erased', email = '', phone = '' WHERE intent_id = ANY (:ids)",
    """
    UPDATE intents SET name = NULL, email = NULL, phone = NULL, attendee_names = NULL,
        network = NULL, visitor_id = 'erased-' || id
    WHERE id = ANY (:ids)
    """,
)
_PATIENCE = ("SET LOCAL statement_timeout = '10min'", "SET LOCAL lock_timeout = '5s'")


@dataclass(frozen=True, slots=True)
class Unfinished:
    """The counts of holds and bookings that forbid an erasure."""

    live_holds: int
    coming_tickets: int
    open_messages: int
    open_refunds: int


async def intents_of(
    session: AsyncSession, *, email: str | None, phone: str | None
) -> Sequence[str]:
    """Return the ids of all a person began, by any spelling of the email or by E.164 phone."""
    return (await session.scalars(_FOUND, {"email": email, "phone": phone})).all()


async def expired_intents(session: AsyncSession, *, days: int) -> Sequence[str]:
    """Return the ids of rows with personal data, of events that began so many days ago."""
    return (await session.scalars(_EXPIRED, {"days": days})).all()


async def unfinished(session: AsyncSession, ids: Sequence[str]) -> Unfinished:
    """Count what is not over yet."""
    row = (await session.execute(_UNFINISHED, {"ids": list(ids)})).one()
    return Unfinished(*row)


async def export(session: AsyncSession, ids: Sequence[str]) -> dict[str, list[dict[str, Any]]]:
    """Return all rows about them, by kind."""
    exported: dict[str, list[dict[str, Any]]] = {}
    for kind, query in _EXPORTED.items():
        rows = (await session.execute(text(query), {"ids": list(ids)})).mappings().all()
        exported[kind] = [dict(row) for row in rows]
    return exported


async def erase(session: AsyncSession, ids: Sequence[str]) -> None:
    """Erase names, addresses and numbers in everything that belongs to these intents."""
    for setting in _PATIENCE:
        await session.execute(text(setting))
    for statement in _ERASURES:
        values = {"ids": list(ids)} if ":ids" in statement else {}
        await session.execute(text(statement), values)
