"""The audit log in words: actions, fields and what changed; and conflicts between editors."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, cast

from surge_app.clock import utc_now
from surge_app.errors import EditConflict, SurgeError
from surge_app.formatting import format_number, pluralize, rupees, when

ACTIONS: Mapping[str, str] = {
    "admin.add": "Account added",
    "admin.remove": "Account removed",
    "admin.sign_in": "Signed in",
    "admin.sign_out": "Signed out",
    "booking.correct": "Contact updated",
    "booking.correct_attendees": "Names on tickets changed",
    "booking.correct_contact": "Contact updated by the buyer",
    "booking.give": "Complimentary tickets issued",
    "booking.refund": "Refund",
    "booking.resend": "Tickets resent",
    "booking.sell": "Sold at the box office",
    "booking.unpaid": "Missing payment noted",
    "check_in.undo": "Check-in undone",
    "cover.remove": "Picture removed",
    "cover.save": "Picture changed",
    "event.cancel": "Event cancelled",
    "event.change": "Event changed",
    "event.create": "Event created",
    "event.delete": "Draft deleted",
    "event.publish": "Event published",
    "event.unpublish": "Event unpublished",
    "event_cancelled": "Buyers emailed about the cancellation",
    "event_changed": "Buyers emailed about a change",
    "intent.revive": "Tickets held again",
    "message.retry": "Message sent again",
    "payment.close": "Unmatched payment closed",
    "payment.dispute": "Dispute noted",
    "payment.settle": "Payment checked again",
    "privacy.erase": "Personal data erased",
    "privacy.erase_old": "Old contacts erased",
    "queue.pause": "Queue paused",
    "queue.resume": "Queue resumed",
    "queue.revoke": "Removed from the sale",
    "rehearsal.start": "Rehearsal started",
    "rehearsal.stop": "Rehearsal stopped",
    "refund.hand_over": "Refund handed back",
    "refund.noted": "Refund of the Razorpay dashboard noted",
    "refund.retry": "Refund tried again",
    "stock.add": "Tickets added",
    "stock.withdraw": "Tickets withdrawn",
    "text.save": "Page text changed",
    "tier.add": "Ticket type added",
    "tier.change": "Ticket type changed",
    "tier.close": "Sale of a ticket type ended",
    "webhook.replay": "Payment notification processed again",
}
_FIELDS: Mapping[str, str] = {
    "admissions_per_minute": "Let in per minute at most",
    "amount_paise": "Amount",
    "ask_attendee_names": "Names on tickets",
    "capacity": "Number of tickets",
    "challenge": "Bot check",
    "concurrent_buyers": "Buyers inside at once",
    "expires_at": "Held until",
    "fee_paise": "Fee",
    "handed_over": "Money handed back",
    "hold_seconds": "Hold time in seconds",
    "intent_id": "Hold",
    "is_paused": "Paused",
    "max_per_booking": "Maximum per booking",
    "max_per_person": "Tickets per person",
    "min_per_booking": "Minimum per booking",
    "number": "Queue number",
    "passes": "Buyers removed",
    "phone": "Mobile number",
    "price_paise": "Price",
    "queue_message": "Message to the queue",
    "queue_order": "Queue order",
    "restock": "Tickets back on sale",
    "sales_close_at": "Sale ends",
    "sales_open_at": "Sale opens",
    "slow_payment_percent": "Kept for slow payments, in percent",
    "starts_at": "Starts",
    "total_paise": "Total",
    "units": "Tickets",
}
_VALUES: Mapping[str, str] = {
    "all": "everyone inside",
    "always": "always",
    "auto": "when busy",
    "fifo": "first come, first served",
    "off": "off",
    "random": "a draw",
    "asked_by_organizer": "the whole booking",
    "tickets_cancelled": "some tickets",
}
# They name what is shown beside, or mean nothing to a person.
_SILENT = {"tier_id", "key", "digest"}
# Named with every change of a tier, whether or not it is what changed.
_NAMES = {"name"}
_LONGEST = 160
_MOMENTS = ("_at",)


def label(action: str) -> str:
    """Return an action in words."""
    return ACTIONS.get(action, action.replace(".", " ").replace("_", " ").capitalize())


def changes(before: Mapping[str, Any], after: Mapping[str, Any], zone: str) -> list[str]:
    """Return the differences, a line for each field; times are of the zone."""
    lines: list[str] = []
    for field in [*after, *(name for name in before if name not in after)]:
        if field in _SILENT:
            continue
        name = _label(field)
        old = _shown(field, before[field], zone) if field in before else ""
        new = _shown(field, after[field], zone) if field in after else ""
        if field not in after:
            lines.append(f"{name} was {old}")
        elif field not in before or (field in _NAMES and old == new):
            lines.append(f"{name}: {new}")
        elif old != new:
            lines.append(f"{name}: {old} → {new}")
    return lines


def explain(error: SurgeError) -> str:
    """Return an error in words; a conflict names who changed what, and when."""
    details = error.details
    if not isinstance(error, EditConflict) or "field" not in details:
        return error.text
    field = str(details["field"])
    before, now = (_shown(field, details[name], "Asia/Kolkata") for name in ("before", "now"))
    actor = details["actor"] or "Someone else"
    return (
        f"Nothing was saved. {actor} changed {_label(field).lower()} from {before} to {now}"
        f"{_ago(str(details['at']))}. Check the new value, then save again."
    )


def _ago(at: str) -> str:
    if not at:
        return ""
    minutes = round((utc_now() - datetime.fromisoformat(at)).total_seconds() / 60)
    if minutes < 60:  # noqa: PLR2004  an hour
        return f" {pluralize(max(1, minutes), 'minute', 'minutes')} ago"
    return f" {pluralize(round(minutes / 60), 'hour', 'hours')} ago"


def _label(field: str) -> str:
    return _FIELDS.get(field, field.replace("_", " ").capitalize())


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
