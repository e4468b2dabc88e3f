"""Actions of the log in words: what was done, to what, and what is different since."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, cast

from surge_app.formatting import format_number, rupees, when

ACTIONS: Mapping[str, str] = {
    "admin.add": "Added an account",
    "admin.remove": "Removed an account",
    "admin.sign_in": "Signed in",
    "admin.sign_out": "Signed out",
    "booking.correct": "Corrected the contact",
    "booking.correct_attendees": "Changed names on tickets",
    "booking.correct_contact": "Corrected an address",
    "booking.give": "Gave tickets away",
    "booking.refund": "Refunded",
    "booking.resend": "Sent the confirmation again",
    "booking.sell": "Sold for cash",
    "booking.unpaid": "Noted that a payment is missing",
    "cover.remove": "Removed the cover picture",
    "cover.save": "Changed the cover picture",
    "event.cancel": "Cancelled the event",
    "event.change": "Changed the event",
    "event.create": "Created the event",
    "event.publish": "Published the event",
    "event_cancelled": "Told everybody that the event is cancelled",
    "event_changed": "Told everybody what changed",
    "intent.revive": "Revived a hold",
    "message.retry": "Sent a message again",
    "payment.close": "Closed a payment of no order",
    "payment.settle": "Settled a payment again",
    "privacy.erase": "Erased a person",
    "privacy.erase_old": "Erased contacts of long ago",
    "queue.pause": "Paused the queue",
    "queue.resume": "Resumed the queue",
    "queue.revoke": "Ended passes",
    "rehearsal.start": "Started a rehearsal",
    "rehearsal.stop": "Stopped a rehearsal",
    "refund.hand_over": "Handed cash back",
    "refund.retry": "Tried a refund again",
    "stock.add": "Added places",
    "stock.withdraw": "Withdrew places",
    "tier.add": "Added a ticket category",
    "tier.change": "Changed a ticket category",
    "tier.close": "Ended the sale of a category",
    "webhook.replay": "Processed a webhook again",
}
_FIELDS: Mapping[str, str] = {
    "admissions_per_minute": "Let in per minute",
    "amount_paise": "Amount",
    "ask_attendee_names": "Names on tickets",
    "capacity": "Places",
    "challenge": "Proof of work",
    "concurrent_buyers": "Buyers at the same time",
    "expires_at": "Held until",
    "fee_paise": "Fee",
    "handed_over": "Handed over",
    "hold_seconds": "Seconds of a hold",
    "intent_id": "Hold",
    "is_paused": "Paused",
    "max_per_booking": "Most in a booking",
    "max_per_person": "Most for a person",
    "min_per_booking": "Least in a booking",
    "number": "Number in line",
    "passes": "Passes ended",
    "phone": "Mobile number",
    "price_paise": "Price",
    "queue_message": "Message to those waiting",
    "queue_order": "Order of the line",
    "restock": "Places on sale again",
    "sales_close_at": "Sale ends",
    "sales_open_at": "Sale opens",
    "starts_at": "Starts",
    "total_paise": "Total",
    "units": "Places",
}
_VALUES: Mapping[str, str] = {
    "all": "everybody inside",
    "asked_by_organizer": "the whole booking",
    "tickets_cancelled": "some tickets",
}
# They name what is shown beside, or mean nothing to a person.
_SILENT = {"tier_id", "key", "digest"}
_LONGEST = 160
_MOMENTS = ("_at",)


def did(action: str) -> str:
    """Return an action in words."""
    return ACTIONS.get(action, action.replace(".", " ").replace("_", " ").capitalize())


def changes(before: Mapping[str, Any], after: Mapping[str, Any], zone: str) -> list[str]:
    """Return what is different since, a line for each field; times are of the zone."""
    lines: list[str] = []
    for field in [*after, *(name for name in before if name not in after)]:
        if field in _SILENT:
            continue
        label = _FIELDS.get(field, field.replace("_", " ").capitalize())
        old = _shown(field, before[field], zone) if field in before else ""
        new = _shown(field, after[field], zone) if field in after else ""
        if field not in before or (field in after and before[field] == after[field]):
            lines.append(f"{label}: {new}")
        elif field not in after:
            lines.append(f"{label} was {old}")
        else:
            lines.append(f"{label}: {old} → {new}")
    return lines


def _shown(field: str, value: object, zone: str) -> str:
    if value is None or value in ("", [], {}):
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return rupees(value) if field.endswith("_paise") else format_number(value)
    if isinstance(value, str) and field.endswith(_MOMENTS):
        return _moment(value, zone)
    if isinstance(value, list):
        return ", ".join(str(one) for one in cast("list[object]", value))
    text = _VALUES.get(str(value), str(value))
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def _moment(value: str, zone: str) -> str:
    try:
        return when(datetime.fromisoformat(value), zone or "UTC")
    except ValueError:
        return value
