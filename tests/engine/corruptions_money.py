"""What somebody at a database prompt can spoil of the money of a sale, one row at a time."""

from __future__ import annotations

from tests.engine.corruptions import BOOKED, BOOKING, COPY, LINE, LIVES, OF_SINGLE, Spoiled

PAYMENT = ("payments", "id = %(single_payment)s")
LATE = ("payments", "id = %(late_payment)s")
_LATE_REFUND = ("refunds", "payment_id = %(late_payment)s")


def entry(name: str, kind: str) -> tuple[str, str]:
    """Return the row of the ledger of a kind for the payment of an intent."""
    return ("ledger_entries", f"payment_id = %({name}_payment)s AND kind = '{kind}'")


OF_PAYMENT = {"payment": "single_payment"}
OF_LATE = {"payment": "late_payment"}
SPOILED_MONEY = [
    Spoiled(
        "captured money has no end",
        "money_has_one_end",
        PAYMENT,
        "disposition = NULL",
        OF_PAYMENT,
    ),
    Spoiled(
        "money goes back that was never taken",
        "money_has_one_end",
        LATE,
        "status = 'failed', disposition = NULL",
        OF_LATE,
    ),
    Spoiled("applied money has no booking", "money_has_one_end", BOOKING, None, OF_PAYMENT),
    Spoiled(
        "late money is called applied",
        "money_has_one_end",
        LATE,
        "disposition = 'applied'",
        OF_LATE,
    ),
    Spoiled(
        "money of a booking is to go back and does not",
        "money_has_one_end",
        PAYMENT,
        "disposition = 'refund'",
        OF_PAYMENT,
    ),
    Spoiled("late money loses its refund", "money_has_one_end", _LATE_REFUND, None, OF_LATE),
    Spoiled(
        "late money goes back twice",
        "money_has_one_end",
        _LATE_REFUND,
        {"seq": 9, "idempotency_key": COPY, "gateway_id": None},
        OF_LATE,
    ),
    Spoiled(
        "late money goes back in part",
        "money_has_one_end",
        _LATE_REFUND,
        "amount_paise = amount_paise - 1",
        OF_LATE,
    ),
    Spoiled(
        "money that never came is to go back",
        None,
        ("payments", "id = %(paying_payment)s"),
        "disposition = 'refund'",
        refused_by="ck_payments_only_captured_money_is_disposed",
    ),
    Spoiled("a booking loses its payment", "bookings_are_paid", PAYMENT, None, OF_SINGLE),
    Spoiled(
        "a booking was paid a rupee short",
        "bookings_are_paid",
        PAYMENT,
        "amount_paise = amount_paise - 100",
        OF_SINGLE,
    ),
    Spoiled(
        "a booking was paid in dollars",
        "bookings_are_paid",
        PAYMENT,
        "currency = 'USD'",
        OF_SINGLE,
    ),
    Spoiled(
        "a booking was paid through another order",
        "bookings_are_paid",
        PAYMENT,
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
        PAYMENT,
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
        "the sale is not in the ledger", "prices_agree", entry("single", "sale"), None, OF_SINGLE
    ),
    Spoiled(
        "the fee is not in the ledger",
        "prices_agree",
        entry("single", "sale_fee"),
        None,
        OF_SINGLE,
    ),
    Spoiled(
        "the ledger says another fee",
        "prices_agree",
        entry("single", "sale_fee"),
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
