"""What somebody at a database prompt can spoil in a sale, one row at a time.

Names in `%()s` are those of `test_audit.Healthy`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

# What a copied row is called, and whatever of it must be unlike its original.
COPY = "copied-by-hand"


@dataclass(frozen=True, slots=True)
class Spoiled:
    """One row spoiled by hand.

    Attributes:
        sentence: What was done.
        promise: What the audit must call broken; None if only the database keeps it.
        row: Table and condition; the first such row by its id is spoiled.
        change: Columns to set, values of a copy to insert beside the row, or None to delete it.
        named: What the finding must say: a column, and whose id (or the word itself).
        refused_by: The constraint that lets nobody do this.
    """

    sentence: str
    promise: str | None
    row: tuple[str, str]
    change: str | Mapping[str, object] | None
    named: Mapping[str, str] = field(default_factory=dict[str, str])
    refused_by: str | None = None


_ANY_FREE = "(SELECT min(id) FROM units WHERE tier_id = %({})s AND status = 'available')"
_HELD = ("intents", "id = %(held)s")
_PAYING = ("intents", "id = %(paying)s")
_HELD_UNIT = ("units", "intent_id = %(held)s")
_FREE_UNIT = ("units", "tier_id = %(floor)s AND status = 'available'")
_SOLD_UNIT = ("units", "intent_id = %(single)s")
_TICKET = ("tickets", "booking_id = %(single_booking)s")
_VOID = ("tickets", "booking_id = %(whole_booking)s")
BOOKED = ("intents", "id = %(single)s")
BOOKING = ("bookings", "id = %(single_booking)s")
LINE = ("intent_lines", "intent_id = %(single)s")
_MAIL = ("message_outbox", "intent_id = %(single)s AND channel = 'email'")
_SMS = ("message_outbox", "intent_id = %(single)s AND channel = 'sms'")
LIVES = {"intent": "held"}
_UNIT = {"unit": "row"}
OF_SINGLE = {"booking": "single_ref"}

_STOCK = [
    Spoiled(
        "a hold outlives its deadline",
        "holds_end_in_time",
        _HELD,
        "expires_at = hold_clock() - interval '10 seconds'",
        LIVES,
    ),
    Spoiled(
        "a payment window outlives its deadline and the minute of asking",
        "holds_end_in_time",
        _PAYING,
        "expires_at = hold_clock() - interval '70 seconds'",
        {"intent": "paying"},
    ),
    Spoiled("a unit is deleted", "units_add_up", _FREE_UNIT, None, {"tier": "Floor"}),
    Spoiled("a unit is added", "units_add_up", _FREE_UNIT, {"number": 99}, {"tier": "Floor"}),
    Spoiled(
        "a unit is withdrawn", "units_add_up", _FREE_UNIT, "status = 'withdrawn'", {"tier": "Floor"}
    ),
    Spoiled(
        "a unit changes its tier",
        "units_add_up",
        _FREE_UNIT,
        "tier_id = %(balcony)s",
        {"tier": "Balcony"},
    ),
    Spoiled(
        "a tier is said to be larger",
        "units_add_up",
        ("tiers", "id = %(floor)s"),
        "capacity = capacity + 1",
        {"tier": "Floor"},
    ),
    Spoiled(
        "a visitor has two live intents",
        "one_live_intent_each",
        _HELD,
        {"order_id": None},
        {"intent": "held"},
        refused_by="uq_intents_one_live",
    ),
    Spoiled(
        "a held unit is given to an intent that ended",
        "holds_are_live",
        _HELD_UNIT,
        "intent_id = %(late)s",
        {"intent": "late"},
    ),
    Spoiled(
        "a held unit is given to nobody known",
        "holds_are_live",
        _HELD_UNIT,
        "intent_id = 'nobody'",
        {"intent": "nobody"},
    ),
    Spoiled(
        "a held unit becomes available",
        "holds_are_live",
        _HELD_UNIT,
        "status = 'available', intent_id = NULL",
        LIVES,
    ),
    Spoiled("a held unit counts as sold", "holds_are_live", _HELD_UNIT, "status = 'sold'", LIVES),
    Spoiled(
        "a live intent wants more than it holds",
        "holds_are_live",
        ("intent_lines", "intent_id = %(held)s"),
        "quantity = quantity + 1",
        LIVES,
    ),
    Spoiled(
        "a live intent loses its line",
        "holds_are_live",
        ("intent_lines", "intent_id = %(held)s"),
        None,
        LIVES,
    ),
    Spoiled(
        "an intent ends and keeps its units", "holds_are_live", _HELD, "status = 'released'", LIVES
    ),
]
_TICKETS = [
    Spoiled(
        "a sold unit loses its ticket",
        "sold_units_have_a_ticket",
        _TICKET,
        None,
        {"unit": "single_unit"},
    ),
    Spoiled(
        "a sold unit becomes available",
        "sold_units_have_a_ticket",
        _SOLD_UNIT,
        "status = 'available', intent_id = NULL",
        _UNIT,
    ),
    Spoiled(
        "an available unit counts as sold",
        "sold_units_have_a_ticket",
        _FREE_UNIT,
        "status = 'sold', intent_id = %(single)s",
        _UNIT,
    ),
    Spoiled(
        "a sold unit belongs to another booking's intent",
        "sold_units_have_a_ticket",
        _SOLD_UNIT,
        "intent_id = %(booked)s",
        _UNIT,
    ),
    Spoiled(
        "a ticket is for a unit nobody bought",
        "sold_units_have_a_ticket",
        _TICKET,
        f"unit_id = {_ANY_FREE.format('floor')}",
        OF_SINGLE,
    ),
    Spoiled(
        "a ticket of a restocked unit becomes valid again",
        "sold_units_have_a_ticket",
        _VOID,
        "status = 'valid'",
        {"booking": "whole_ref"},
    ),
    Spoiled(
        "a unit has two valid tickets of one booking",
        "sold_units_have_a_ticket",
        _TICKET,
        {"seq": 99, "code": COPY},
        OF_SINGLE,
        refused_by="uq_tickets_one_valid_per_unit",
    ),
    Spoiled(
        "a unit has two valid tickets",
        "one_valid_ticket_each",
        _TICKET,
        {"seq": 99, "code": COPY, "booking_id": "another"},
        {"unit": "single_unit"},
        refused_by="uq_tickets_one_valid_per_unit",
    ),
    Spoiled(
        "a confirmed intent is called released",
        "confirmed_intents_are_bookings",
        BOOKED,
        "status = 'released'",
        {"intent": "single"},
    ),
    Spoiled(
        "an ended intent is called confirmed",
        "confirmed_intents_are_bookings",
        ("intents", "id = %(late)s"),
        "status = 'confirmed'",
        {"intent": "late"},
    ),
    Spoiled(
        "a booking is deleted",
        "confirmed_intents_are_bookings",
        BOOKING,
        None,
        {"intent": "single"},
    ),
    Spoiled(
        "a booking moves to another event",
        "confirmed_intents_are_bookings",
        BOOKING,
        "event_id = %(other_event)s",
        {"intent": "single"},
    ),
    Spoiled(
        "an intent becomes two bookings",
        None,
        BOOKING,
        {"ref": "SRG-AAAAAAAA"},
        refused_by="uq_bookings_intent_id",
    ),
    Spoiled("a ticket is deleted", "bookings_have_their_tickets", _TICKET, None, OF_SINGLE),
    Spoiled(
        "a booking has a ticket more than it wanted",
        "bookings_have_their_tickets",
        _VOID,
        {"seq": 99, "code": COPY},
        {"booking": "whole_ref"},
    ),
    Spoiled(
        "a ticket moves to another booking",
        "bookings_have_their_tickets",
        _TICKET,
        "booking_id = %(free_booking)s, seq = 99",
        {"booking": "free_ref"},
    ),
    Spoiled(
        "a ticket is for a unit of another tier",
        "bookings_have_their_tickets",
        _TICKET,
        f"unit_id = {_ANY_FREE.format('balcony')}",
        OF_SINGLE,
    ),
    Spoiled(
        "a booking wanted more tickets than it has",
        "bookings_have_their_tickets",
        LINE,
        "quantity = quantity + 1",
        OF_SINGLE,
    ),
    Spoiled(
        "a tier with tickets moves to another event",
        "bookings_have_their_tickets",
        ("tiers", "id = %(free_tier)s"),
        "event_id = %(other_event)s",
        {"booking": "free_ref"},
    ),
    Spoiled(
        "the only ticket of a confirmed booking is void",
        "valid_tickets_fit_the_booking",
        _TICKET,
        "status = 'void'",
        OF_SINGLE,
    ),
    Spoiled(
        "a ticket of a refunded booking opens a door",
        "valid_tickets_fit_the_booking",
        _VOID,
        "status = 'valid'",
        {"booking": "whole_ref"},
    ),
    Spoiled(
        "a booking with valid tickets is called refunded",
        "valid_tickets_fit_the_booking",
        ("bookings", "id = %(free_booking)s"),
        "status = 'refunded'",
        {"booking": "free_ref"},
    ),
    Spoiled(
        "a booking on its way back is called confirmed",
        "valid_tickets_fit_the_booking",
        ("bookings", "id = %(going_booking)s"),
        "status = 'confirmed'",
        {"booking": "going_ref"},
    ),
    Spoiled("a confirmation is deleted", "one_confirmation_each", _MAIL, None, OF_SINGLE),
    Spoiled(
        "a confirmation is sent twice",
        "one_confirmation_each",
        _SMS,
        {"dedupe_key": COPY},
        OF_SINGLE,
    ),
    Spoiled(
        "both confirmations are mails",
        "one_confirmation_each",
        _SMS,
        "channel = 'email'",
        OF_SINGLE,
    ),
    Spoiled(
        "a confirmation is none", "one_confirmation_each", _MAIL, "kind = 'refunded'", OF_SINGLE
    ),
    Spoiled(
        "a confirmation is of another booking",
        "one_confirmation_each",
        _MAIL,
        "booking_id = %(free_booking)s",
        {"booking": "free_ref"},
    ),
    Spoiled(
        "a confirmation is stored twice", None, _MAIL, {}, refused_by="uq_message_outbox_dedupe_key"
    ),
]
SPOILED_TICKETS = [*_STOCK, *_TICKETS]
