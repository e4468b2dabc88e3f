"""The audit log in words: actions, fields and what changed; and conflicts between editors."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, cast

from surge_app.clock import utc_now
from surge_app.errors import EditConflict, SurgeError
from surge_app.formatting import format_number, rupees, when
from surge_app.languages import N_, gettext as _, ngettext
from surge_app.services.events.facts import ALL_FACTS

ACTIONS: Mapping[str, str] = {
    "admin.add": N_("Account added"),
    "admin.remove": N_("Account removed"),
    "admin.sign_in": N_("Signed in"),
    "admin.sign_out": N_("Signed out"),
    "booking.correct": N_("Contact updated"),
    "booking.correct_attendees": N_("Names on tickets changed"),
    "booking.correct_contact": N_("Contact updated by the buyer"),
    "booking.give": N_("Complimentary tickets issued"),
    "booking.refund": N_("Refund"),
    "booking.resend": N_("Tickets resent"),
    "booking.sell": N_("Sold at the box office"),
    "booking.unpaid": N_("Missing payment noted"),
    "check_in.undo": N_("Check-in undone"),
    "cover.remove": N_("Picture removed"),
    "cover.save": N_("Picture changed"),
    "event.cancel": N_("Event cancelled"),
    "event.change": N_("Event changed"),
    "event.create": N_("Event created"),
    "event.delete": N_("Draft deleted"),
    "event.publish": N_("Event published"),
    "event.unpublish": N_("Event unpublished"),
    "event_cancelled": N_("Buyers emailed about the cancellation"),
    "event_changed": N_("Buyers emailed about a change"),
    "intent.revive": N_("Tickets held again"),
    "message.retry": N_("Message sent again"),
    "payment.close": N_("Unmatched payment closed"),
    "payment.dispute": N_("Dispute noted"),
    "payment.settle": N_("Payment checked again"),
    "privacy.erase": N_("Personal data erased"),
    "privacy.erase_old": N_("Old contacts erased"),
    "queue.pause": N_("Queue paused"),
    "queue.resume": N_("Queue resumed"),
    "queue.revoke": N_("Removed from the sale"),
    "rehearsal.start": N_("Rehearsal started"),
    "rehearsal.stop": N_("Rehearsal stopped"),
    "refund.hand_over": N_("Refund handed back"),
    "refund.noted": N_("Refund of the Razorpay dashboard noted"),
    "refund.retry": N_("Refund tried again"),
    "stock.add": N_("Tickets added"),
    "stock.withdraw": N_("Tickets withdrawn"),
    "text.save": N_("Page text changed"),
    "tier.add": N_("Ticket type added"),
    "tier.change": N_("Ticket type changed"),
    "tier.close": N_("Sale of a ticket type ended"),
    "webhook.replay": N_("Payment notification processed again"),
}
_FIELDS: Mapping[str, str] = {
    "admissions_per_minute": N_("Let in per minute at most"),
    "amount_paise": N_("Amount"),
    "ask_attendee_names": N_("Names on tickets"),
    "capacity": N_("Number of tickets"),
    "challenge": N_("Bot check"),
    "concurrent_buyers": N_("Buyers inside at once"),
    "expires_at": N_("Held until"),
    "fee_paise": N_("Fee"),
    "handed_over": N_("Money handed back"),
    "hold_seconds": N_("Hold time in seconds"),
    "intent_id": N_("Hold"),
    "is_paused": N_("Paused"),
    "max_per_booking": N_("Maximum per booking"),
    "max_per_person": N_("Tickets per person"),
    "min_per_booking": N_("Minimum per booking"),
    "number": N_("Queue number"),
    "passes": N_("Buyers removed"),
    "phone": N_("Mobile number"),
    "price_paise": N_("Price"),
    "queue_message": N_("Message to the queue"),
    "queue_order": N_("Queue order"),
    "restock": N_("Tickets back on sale"),
    "sales_close_at": N_("Sale ends"),
    "sales_open_at": N_("Sale opens"),
    "slow_payment_percent": N_("Kept for slow payments, in percent"),
    "starts_at": N_("Starts"),
    "total_paise": N_("Total"),
    "units": N_("Tickets"),
}
_VALUES: Mapping[str, str] = {
    "all": N_("everyone inside"),
    "always": N_("always"),
    "auto": N_("when busy"),
    "fifo": N_("first come, first served"),
    "off": N_("off"),
    "random": N_("a draw"),
    "asked_by_organizer": N_("the whole booking"),
    "tickets_cancelled": N_("some tickets"),
}
# They name what is shown beside, or mean nothing to a person.
_SILENT = {"tier_id", "key", "digest"}
# Named with every change of a tier, whether or not it is what changed.
_NAMES = {"name"}
_LONGEST = 160
_MOMENTS = ("_at",)


def label(action: str) -> str:
    """Return an action in words."""
    return _(ACTIONS.get(action, action.replace(".", " ").replace("_", " ").capitalize()))


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
            lines.append(_("{name} was {old}", name=name, old=old))
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
    changed = _(
        "{actor} changed {name} from {before} to {now}{ago}.",
        actor=details["actor"] or _("Someone else"),
        name=_label(field).lower(),
        before=before,
        now=now,
        ago=_ago(str(details["at"])),
    )
    saved, advice = _("Nothing was saved."), _("Check the new value, then save again.")
    return f"{saved} {changed} {advice}"


def _ago(at: str) -> str:
    if not at:
        return ""
    minutes = round((utc_now() - datetime.fromisoformat(at)).total_seconds() / 60)
    if minutes < 60:  # noqa: PLR2004  an hour
        return ngettext(" {count} minute ago", " {count} minutes ago", max(1, minutes))
    return ngettext(" {count} hour ago", " {count} hours ago", round(minutes / 60))


def _label(field: str) -> str:
    fact = ALL_FACTS.get(field)
    return _(
        _FIELDS.get(field) or (fact.fact.label if fact else field.replace("_", " ").capitalize())
    )


def _shown(field: str, value: object, zone: str) -> str:
    if value is None or value in ("", [], {}):
        return _("none")
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, int):
        return rupees(value) if field.endswith("_paise") else format_number(value)
    if isinstance(value, str) and field.endswith(_MOMENTS):
        return _moment(value, zone)
    if isinstance(value, list):
        return ", ".join(str(one) for one in cast("list[object]", value))
    text = _(_VALUES[str(value)]) if value in _VALUES else str(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def _moment(value: str, zone: str) -> str:
    try:
        return when(datetime.fromisoformat(value), zone or "UTC")
    except ValueError:
        return value
