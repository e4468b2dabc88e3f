"""What somebody at a database prompt can spoil of what was sold or given away at the counter."""

from __future__ import annotations

from tests.engine.corruptions import OF_SINGLE, Spoiled

_BOOKING = ("bookings", "id = %(cash_booking)s")
_INTENT = ("intents", "id = %(cash)s")
_PAYMENT = ("payments", "id = %(cash_payment)s")
_OWED = ("refunds", "payment_id = %(owed_payment)s")
_HANDED = ("refunds", "payment_id = %(handed_payment)s")
_PART_REFUND = ("refunds", "payment_id = %(part_payment)s")
_SALE = ("ledger_entries", "payment_id = %(cash_payment)s AND kind = 'sale'")
_PAID_OUT = ("ledger_entries", "payment_id = %(handed_payment)s AND kind = 'refunded'")
_ONLINE_SALE = ("ledger_entries", "payment_id = %(single_payment)s AND kind = 'sale'")
_MAIL = ("message_outbox", "intent_id = %(cash)s AND channel = 'email'")

_OF_CASH = {"booking": "cash_ref"}
_ENTRY = {"entry": "row"}
_REFUND = {"refund": "row"}

SPOILED_CASH = [
    Spoiled(
        "cash is called money of the gateway",
        "cash_is_of_the_counter",
        _PAYMENT,
        "source = 'gateway'",
        _OF_CASH,
    ),
    Spoiled(
        "money of the gateway is called cash",
        "cash_is_of_the_counter",
        ("payments", "id = %(single_payment)s"),
        "source = 'cash'",
        OF_SINGLE,
    ),
    Spoiled(
        "a sale at the counter is called online",
        "cash_is_of_the_counter",
        _BOOKING,
        "channel = 'online'",
        _OF_CASH,
    ),
    Spoiled(
        "what was given away is called online",
        "cash_is_of_the_counter",
        ("bookings", "id = %(given_booking)s"),
        "channel = 'online'",
        {"booking": "given_ref"},
    ),
    Spoiled(
        "a sale at the counter gets an order",
        "cash_is_of_the_counter",
        _INTENT,
        "order_id = 'order_of_nobody'",
        _OF_CASH,
    ),
    Spoiled(
        "a sale at the counter loses its key",
        "cash_is_of_the_counter",
        _INTENT,
        "request_key = NULL",
        _OF_CASH,
    ),
    Spoiled(
        "a sale at the counter carries a fee",
        "cash_is_of_the_counter",
        _BOOKING,
        "fee_paise = 100, subtotal_paise = subtotal_paise - 100",
        _OF_CASH,
        refused_by="ck_bookings_fee_is_for_online",
    ),
    Spoiled(
        "what was given away costs something",
        "cash_is_of_the_counter",
        _BOOKING,
        "channel = 'complimentary'",
        _OF_CASH,
        refused_by="ck_bookings_complimentary_is_free",
    ),
    Spoiled(
        "cash is money in vain",
        "money_has_one_end",
        _PAYMENT,
        "disposition = 'refund'",
        {"payment": "cash_payment"},
        refused_by="ck_payments_cash_is_applied",
    ),
    Spoiled("one press sells twice", None, _INTENT, {}, refused_by="uq_intents_request_key"),
    Spoiled(
        "cash loses the name it has for an order",
        "bookings_are_paid",
        _PAYMENT,
        "order_id = 'order_of_another'",
        _OF_CASH,
    ),
    Spoiled(
        "cash goes back through the gateway",
        "cash_goes_back_by_hand",
        _OWED,
        "by_hand = false",
        _REFUND,
    ),
    Spoiled(
        "money of the gateway goes back by hand",
        "cash_goes_back_by_hand",
        _PART_REFUND,
        "by_hand = true",
        _REFUND,
        refused_by="ck_refunds_by_hand_asks_no_gateway",
    ),
    Spoiled(
        "the gateway is to be asked for cash",
        "cash_goes_back_by_hand",
        _OWED,
        "next_attempt_at = now()",
        _REFUND,
        refused_by="ck_refunds_by_hand_asks_no_gateway",
    ),
    Spoiled(
        "cash that waits is called handed back",
        "refunds_are_in_the_ledger",
        _OWED,
        "status = 'processed'",
        _REFUND,
    ),
    Spoiled(
        "cash that was handed back still waits",
        "refunds_are_in_the_ledger",
        _HANDED,
        "status = 'requested'",
        _REFUND,
    ),
    Spoiled(
        "cash is booked as the gateway's",
        "entries_fit_their_kind",
        _SALE,
        "debit = 'gateway_receivable'",
        _ENTRY,
    ),
    Spoiled(
        "cash is paid out by the gateway",
        "entries_fit_their_kind",
        _PAID_OUT,
        "credit = 'gateway_receivable'",
        _ENTRY,
    ),
    Spoiled(
        "an online sale is booked as cash",
        "entries_fit_their_kind",
        _ONLINE_SALE,
        "debit = 'cash_on_hand'",
        _ENTRY,
    ),
    Spoiled(
        "a sale at the counter is not in the ledger",
        "ledger_closes",
        _SALE,
        None,
        {"payment": "cash_payment"},
    ),
    Spoiled(
        "a buyer at the counter is not told",
        "one_confirmation_each",
        _MAIL,
        None,
        _OF_CASH,
    ),
]
