"""What somebody at a database prompt can spoil of refunds and the ledger, one row at a time."""

from __future__ import annotations

from tests.engine.corruptions import BOOKING, COPY, Spoiled
from tests.engine.corruptions_money import OF_LATE, OF_PAYMENT, PAYMENT, entry

_PART_REFUND = ("refunds", "payment_id = %(part_payment)s")
_ASKED_REFUND = ("refunds", "payment_id = %(going_payment)s")
_OF_REFUND = {"refund": "row"}
_OF_ENTRY = {"entry": "row"}

_REFUNDS = [
    Spoiled(
        "more goes back than was paid",
        "refunds_add_up",
        _PART_REFUND,
        "amount_paise = amount_paise * 10",
        {"payment": "part_payment"},
    ),
    Spoiled(
        "a payment that was kept is called refunded",
        "refunds_add_up",
        PAYMENT,
        "status = 'refunded'",
        OF_PAYMENT,
    ),
    Spoiled(
        "a payment that went back is called captured",
        "refunds_add_up",
        ("payments", "id = %(whole_payment)s"),
        "status = 'captured'",
        {"payment": "whole_payment"},
    ),
    Spoiled(
        "a refund of a whole booking is deleted",
        "refunds_add_up",
        _ASKED_REFUND,
        None,
        {"payment": "going_payment"},
    ),
    Spoiled(
        "a booking is on its way back and its money is not",
        "refunds_add_up",
        BOOKING,
        "status = 'refunding'",
        OF_PAYMENT,
    ),
    Spoiled(
        "a booking is called refunded before its money is back",
        "refunds_add_up",
        ("bookings", "id = %(going_booking)s"),
        "status = 'refunded'",
        {"payment": "going_payment"},
    ),
    Spoiled(
        "a booking whose money is back still waits for it",
        "refunds_add_up",
        ("bookings", "id = %(whole_booking)s"),
        "status = 'refunding'",
        {"payment": "whole_payment"},
    ),
    Spoiled(
        "a refund that was paid out is called sent",
        "refunds_are_in_the_ledger",
        _PART_REFUND,
        "status = 'sent'",
        _OF_REFUND,
    ),
    Spoiled(
        "a refund that was asked for is called processed",
        "refunds_are_in_the_ledger",
        _ASKED_REFUND,
        "status = 'processed'",
        _OF_REFUND,
    ),
    Spoiled(
        "a refund is another than the ledger owes",
        "refunds_are_in_the_ledger",
        _PART_REFUND,
        "amount_paise = amount_paise - 1",
        _OF_REFUND,
    ),
    Spoiled(
        "what was owed is not in the ledger",
        "refunds_are_in_the_ledger",
        entry("going", "refund_owed"),
        None,
        {"refund": "going_refund"},
    ),
    Spoiled(
        "what was paid out is not in the ledger",
        "refunds_are_in_the_ledger",
        entry("late", "refunded"),
        None,
        {"refund": "late_refund"},
    ),
    Spoiled(
        "late money is owed twice",
        "refunds_are_in_the_ledger",
        entry("late", "refunded"),
        {"kind": "refund_owed"},
        {"refund": "late_refund"},
    ),
    Spoiled(
        "a refund is owed twice",
        "refunds_are_in_the_ledger",
        entry("going", "refund_owed"),
        {},
        {"refund": "going_refund"},
        refused_by="uq_ledger_entries_once_per_refund",
    ),
    Spoiled(
        "a refund the ledger speaks of is deleted",
        None,
        _PART_REFUND,
        None,
        refused_by="fk_ledger_entries_refund_id_refunds",
    ),
]


_LEDGER = [
    Spoiled(
        "the price of a ticket is called a fee",
        "entries_fit_their_kind",
        entry("single", "sale"),
        "credit = 'fee_revenue'",
        _OF_ENTRY,
    ),
    Spoiled(
        "a sale is called money in vain",
        "entries_fit_their_kind",
        entry("single", "sale_fee"),
        "kind = 'received'",
        _OF_ENTRY,
    ),
    Spoiled(
        "something is owed without a refund",
        "entries_fit_their_kind",
        entry("going", "refund_owed"),
        {"refund_id": None},
        {"entry": COPY},
    ),
    Spoiled(
        "a sale names a refund",
        "entries_fit_their_kind",
        entry("part", "sale"),
        "refund_id = %(part_refund)s",
        _OF_ENTRY,
    ),
    Spoiled(
        "a sale names the refund of another payment",
        "entries_fit_their_kind",
        entry("part", "sale"),
        "refund_id = %(late_refund)s",
        _OF_ENTRY,
    ),
    Spoiled(
        "an entry names the refund of another payment",
        "entries_fit_their_kind",
        entry("going", "refund_owed"),
        "refund_id = %(late_refund)s",
        _OF_ENTRY,
    ),
    Spoiled(
        "an entry names another booking",
        "entries_fit_their_kind",
        entry("single", "sale"),
        "booking_id = %(free_booking)s",
        _OF_ENTRY,
    ),
    Spoiled(
        "money in vain names a booking",
        "entries_fit_their_kind",
        ("ledger_entries", "payment_id = %(twice_second)s AND kind = 'received'"),
        "booking_id = %(twice_booking)s",
        _OF_ENTRY,
    ),
    Spoiled(
        "what came is not in the ledger",
        "ledger_closes",
        entry("late", "received"),
        None,
        OF_LATE,
    ),
    Spoiled(
        "the ledger received more than was paid",
        "ledger_closes",
        entry("single", "sale"),
        "amount_paise = amount_paise + 1",
        OF_PAYMENT,
    ),
    Spoiled(
        "a payment was more than the ledger received",
        "ledger_closes",
        PAYMENT,
        "amount_paise = amount_paise + 1",
        OF_PAYMENT,
    ),
    Spoiled(
        "the ledger received what was never captured",
        "ledger_closes",
        entry("late", "received"),
        "payment_id = %(paying_payment)s",
        {"payment": "paying_payment"},
    ),
    Spoiled(
        "the ledger gave back more than it kept",
        "ledger_closes",
        entry("going", "refund_fee_owed"),
        "amount_paise = amount_paise + 1",
        {"payment": "going_payment"},
    ),
    Spoiled(
        "one payment pays for two bookings",
        "ledger_closes",
        entry("single", "sale_fee"),
        "booking_id = %(free_booking)s",
        OF_PAYMENT,
    ),
    Spoiled(
        "money in vain is kept as price",
        "ledger_closes",
        ("ledger_entries", "payment_id = %(twice_second)s AND kind = 'received'"),
        "credit = 'ticket_revenue'",
        {"payment": "twice_second"},
    ),
    Spoiled(
        "a refunded payment is still owed",
        "ledger_closes",
        entry("late", "refunded"),
        None,
        OF_LATE,
    ),
    Spoiled(
        "a payment has two sales",
        None,
        entry("single", "sale"),
        {},
        refused_by="uq_ledger_entries_once_per_payment",
    ),
]
SPOILED_LEDGER = [*_REFUNDS, *_LEDGER]
