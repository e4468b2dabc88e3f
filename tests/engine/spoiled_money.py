"""What somebody at a database prompt can spoil of the money of a sale, one row at a time."""

from __future__ import annotations

from tests.engine.spoiled import BOOKED, BOOKING, COPY, LINE, LIVES, OF_SINGLE, Spoiled

_PAYMENT = ("payments", "id = %(single_payment)s")
_LATE = ("payments", "id = %(late_payment)s")
_LATE_REFUND = ("refunds", "payment_id = %(late_payment)s")
_PART_REFUND = ("refunds", "payment_id = %(part_payment)s")
_ASKED_REFUND = ("refunds", "payment_id = %(going_payment)s")


def _entry(name: str, kind: str) -> tuple[str, str]:
    return ("ledger_entries", f"payment_id = %({name}_payment)s AND kind = '{kind}'")


_OF_PAYMENT = {"payment": "single_payment"}
_OF_LATE = {"payment": "late_payment"}
_OF_REFUND = {"refund": "row"}
_OF_ENTRY = {"entry": "row"}

_MONEY = [
    Spoiled(
        "captured money has no end",
        "money_has_one_end",
        _PAYMENT,
        "disposition = NULL",
        _OF_PAYMENT,
    ),
    Spoiled(
        "money goes back that was never taken",
        "money_has_one_end",
        _LATE,
        "status = 'failed', disposition = NULL",
        _OF_LATE,
    ),
    Spoiled("applied money has no booking", "money_has_one_end", BOOKING, None, _OF_PAYMENT),
    Spoiled(
        "late money is called applied",
        "money_has_one_end",
        _LATE,
        "disposition = 'applied'",
        _OF_LATE,
    ),
    Spoiled(
        "money of a booking is to go back and does not",
        "money_has_one_end",
        _PAYMENT,
        "disposition = 'refund'",
        _OF_PAYMENT,
    ),
    Spoiled("late money loses its refund", "money_has_one_end", _LATE_REFUND, None, _OF_LATE),
    Spoiled(
        "late money goes back twice",
        "money_has_one_end",
        _LATE_REFUND,
        {"seq": 9, "idempotency_key": COPY, "gateway_id": None},
        _OF_LATE,
    ),
    Spoiled(
        "late money goes back in part",
        "money_has_one_end",
        _LATE_REFUND,
        "amount_paise = amount_paise - 1",
        _OF_LATE,
    ),
    Spoiled(
        "money that never came is to go back",
        None,
        ("payments", "id = %(paying_payment)s"),
        "disposition = 'refund'",
        refused_by="ck_payments_only_captured_money_is_disposed",
    ),
    Spoiled("a booking loses its payment", "bookings_are_paid", _PAYMENT, None, OF_SINGLE),
    Spoiled(
        "a booking was paid a rupee short",
        "bookings_are_paid",
        _PAYMENT,
        "amount_paise = amount_paise - 100",
        OF_SINGLE,
    ),
    Spoiled(
        "a booking was paid in dollars",
        "bookings_are_paid",
        _PAYMENT,
        "currency = 'USD'",
        OF_SINGLE,
    ),
    Spoiled(
        "a booking was paid through another order",
        "bookings_are_paid",
        _PAYMENT,
        "order_id = 'order_of_another'",
        OF_SINGLE,
    ),
    Spoiled(
        "a booking's intent forgets its order",
        "bookings_are_paid",
        BOOKED,
        "order_id = NULL",
        OF_SINGLE,
    ),
    Spoiled(
        "the payment of a booking is to go back",
        "bookings_are_paid",
        _PAYMENT,
        "disposition = 'refund'",
        OF_SINGLE,
    ),
    Spoiled(
        "a free booking was paid",
        "bookings_are_paid",
        ("payments", "id = %(paying_payment)s"),
        "intent_id = %(free)s, status = 'captured', disposition = 'applied', amount_paise = 0",
        {"booking": "free_ref"},
    ),
    Spoiled(
        "a booking was paid twice",
        "bookings_are_paid",
        ("payments", "id = %(twice_second)s"),
        "disposition = 'applied'",
        {"booking": "twice_ref"},
        refused_by="uq_payments_one_applied",
    ),
    Spoiled(
        "a booking's fee is another than its intent's",
        "prices_agree",
        BOOKED,
        "fee_paise = fee_paise + 1, total_paise = total_paise + 1",
        OF_SINGLE,
    ),
    Spoiled(
        "a part of the price is called fee",
        "prices_agree",
        BOOKING,
        "fee_paise = fee_paise + 1, subtotal_paise = subtotal_paise - 1",
        OF_SINGLE,
    ),
    Spoiled(
        "a price changes after the booking",
        "prices_agree",
        LINE,
        "unit_price_paise = unit_price_paise + 1",
        OF_SINGLE,
    ),
    Spoiled(
        "a price changes after the hold",
        "prices_agree",
        ("intent_lines", "intent_id = %(held)s"),
        "unit_price_paise = unit_price_paise + 1",
        LIVES,
    ),
    Spoiled("an intent loses its line", "prices_agree", LINE, None, OF_SINGLE),
    Spoiled(
        "the sale is not in the ledger", "prices_agree", _entry("single", "sale"), None, OF_SINGLE
    ),
    Spoiled(
        "the fee is not in the ledger",
        "prices_agree",
        _entry("single", "sale_fee"),
        None,
        OF_SINGLE,
    ),
    Spoiled(
        "the ledger says another fee",
        "prices_agree",
        _entry("single", "sale_fee"),
        "amount_paise = amount_paise + 1",
        OF_SINGLE,
    ),
    Spoiled(
        "a booking's total is not the sum of its parts",
        "prices_agree",
        BOOKING,
        "total_paise = total_paise + 1",
        OF_SINGLE,
        refused_by="ck_bookings_total_is_the_sum",
    ),
]
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
        _PAYMENT,
        "status = 'refunded'",
        _OF_PAYMENT,
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
        _OF_PAYMENT,
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
        _entry("going", "refund_owed"),
        None,
        {"refund": "going_refund"},
    ),
    Spoiled(
        "what was paid out is not in the ledger",
        "refunds_are_in_the_ledger",
        _entry("late", "refunded"),
        None,
        {"refund": "late_refund"},
    ),
    Spoiled(
        "late money is owed twice",
        "refunds_are_in_the_ledger",
        _entry("late", "refunded"),
        {"kind": "refund_owed"},
        {"refund": "late_refund"},
    ),
    Spoiled(
        "a refund is owed twice",
        "refunds_are_in_the_ledger",
        _entry("going", "refund_owed"),
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
        _entry("single", "sale"),
        "credit = 'fee_revenue'",
        _OF_ENTRY,
    ),
    Spoiled(
        "a sale is called money in vain",
        "entries_fit_their_kind",
        _entry("single", "sale_fee"),
        "kind = 'received'",
        _OF_ENTRY,
    ),
    Spoiled(
        "something is owed without a refund",
        "entries_fit_their_kind",
        _entry("going", "refund_owed"),
        {"refund_id": None},
        {"entry": COPY},
    ),
    Spoiled(
        "a sale names a refund",
        "entries_fit_their_kind",
        _entry("part", "sale"),
        "refund_id = %(part_refund)s",
        _OF_ENTRY,
    ),
    Spoiled(
        "a sale names the refund of another payment",
        "entries_fit_their_kind",
        _entry("part", "sale"),
        "refund_id = %(late_refund)s",
        _OF_ENTRY,
    ),
    Spoiled(
        "an entry names the refund of another payment",
        "entries_fit_their_kind",
        _entry("going", "refund_owed"),
        "refund_id = %(late_refund)s",
        _OF_ENTRY,
    ),
    Spoiled(
        "an entry names another booking",
        "entries_fit_their_kind",
        _entry("single", "sale"),
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
        _entry("late", "received"),
        None,
        _OF_LATE,
    ),
    Spoiled(
        "the ledger received more than was paid",
        "ledger_closes",
        _entry("single", "sale"),
        "amount_paise = amount_paise + 1",
        _OF_PAYMENT,
    ),
    Spoiled(
        "a payment was more than the ledger received",
        "ledger_closes",
        _PAYMENT,
        "amount_paise = amount_paise + 1",
        _OF_PAYMENT,
    ),
    Spoiled(
        "the ledger received what was never captured",
        "ledger_closes",
        _entry("late", "received"),
        "payment_id = %(paying_payment)s",
        {"payment": "paying_payment"},
    ),
    Spoiled(
        "the ledger gave back more than it kept",
        "ledger_closes",
        _entry("going", "refund_fee_owed"),
        "amount_paise = amount_paise + 1",
        {"payment": "going_payment"},
    ),
    Spoiled(
        "one payment pays for two bookings",
        "ledger_closes",
        _entry("single", "sale_fee"),
        "booking_id = %(free_booking)s",
        _OF_PAYMENT,
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
        _entry("late", "refunded"),
        None,
        _OF_LATE,
    ),
    Spoiled(
        "a payment has two sales",
        None,
        _entry("single", "sale"),
        {},
        refused_by="uq_ledger_entries_once_per_payment",
    ),
]
SPOILED_MONEY = [*_MONEY, *_REFUNDS, *_LEDGER]
