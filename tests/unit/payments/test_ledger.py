"""Money under any sequence of refunds: the sums that must hold, whatever an organizer asks."""

from __future__ import annotations

from hypothesis import given, strategies as st

from surge_app.errors import SurgeError
from surge_app.models import Booking, Payment
from surge_app.services.payments import ledger
from surge_app.services.payments.refund_policy import (
    MIN_REFUND_PAISE,
    is_receipt_of,
    next_idempotency_key,
    plan_refund,
    refund_row,
)

PRICES = st.lists(
    st.one_of(st.just(0), st.integers(MIN_REFUND_PAISE, 10**7)), min_size=1, max_size=8
).filter(any)
FEES = st.one_of(st.just(0), st.just(2_500), st.integers(1, 10_000))
WISHES = st.lists(
    st.one_of(
        st.lists(st.integers(1, 8), max_size=4).map(lambda seqs: {"tickets": seqs}),
        st.integers(1, 10**8).map(lambda paise: {"amount_paise": paise}),
        st.floats(0, 1).map(lambda share: {"share": share}),
        st.just({}),
    ),
    max_size=12,
)


@given(PRICES, FEES, WISHES, st.data())
def test_no_sequence_of_refunds_returns_more_than_was_paid_and_the_ledger_balances(
    prices: list[int], fee_paise: int, wishes: list[dict[str, object]], data: st.DataObject
) -> None:
    payment, booking = _paid(sum(prices), fee_paise)
    entries = ledger.sale(payment, booking)
    valid = dict(enumerate(prices, start=1))
    returned = paid_out = 0
    for seq, wish in enumerate(wishes, start=1):
        kept = ledger.balance(entries)
        if not valid:
            break
        try:
            plan = plan_refund(kept, valid, **_asked(wish, kept))  # pyright: ignore[reportArgumentType]
        except SurgeError:
            assert ledger.balance(entries) == kept
            continue
        assert plan.amount_paise == 0 or plan.amount_paise >= MIN_REFUND_PAISE
        assert set(plan.seqs) <= set(valid)
        returned += plan.amount_paise
        for voided in plan.seqs:
            del valid[voided]
        if plan.amount_paise:
            refund = refund_row(
                payment, amount_paise=plan.amount_paise, reason=plan.reason, seq=seq
            )
            entries += ledger.refund_due(
                refund, booking, tickets_paise=plan.tickets_paise, fee_paise=plan.fee_paise
            )
            if data.draw(st.booleans()):
                entries.append(ledger.refund_paid(refund, booking.id))
                paid_out += plan.amount_paise
        after = ledger.balance(entries)
        assert after.is_closed
        assert after.owed_paise == returned - paid_out
        assert after.retained_paise == payment.amount_paise - returned
        assert after.retained_paise == 0 or after.retained_paise >= MIN_REFUND_PAISE
        assert returned <= payment.amount_paise
    # The whole booking gives back the whole payment.
    assert valid or returned == payment.amount_paise
    assert all(entry.refund_id for entry in entries[len(ledger.sale(payment, booking)) :])


@given(st.integers(2, 6), st.integers(MIN_REFUND_PAISE, 10**6))
def test_the_fee_stays_until_the_last_ticket_goes(tickets: int, price_paise: int) -> None:
    payment, booking = _paid(tickets * price_paise, 2_500)
    entries = ledger.sale(payment, booking)
    valid = dict.fromkeys(range(1, tickets + 1), price_paise)
    for seq in range(1, tickets + 1):
        plan = plan_refund(ledger.balance(entries), valid, tickets=[seq])
        assert plan.fee_paise == (2_500 if seq == tickets else 0)
        refund = refund_row(payment, amount_paise=plan.amount_paise, reason=plan.reason, seq=seq)
        entries += ledger.refund_due(
            refund, booking, tickets_paise=plan.tickets_paise, fee_paise=plan.fee_paise
        )
        del valid[seq]


def test_what_costs_nothing_has_no_entries() -> None:
    payment, booking = _paid(0, 0)
    assert ledger.sale(payment, booking) == []
    assert ledger.balance([]) == ledger.Balance()


def test_a_key_is_renewed_and_every_earlier_one_is_still_known() -> None:
    payment, _ = _paid(10_000, 0)
    refund = refund_row(payment, amount_paise=10_000, reason="test", seq=12)
    keys = [refund.idempotency_key]
    for _ in range(11):
        next_idempotency_key(refund)
        keys.append(refund.idempotency_key)
    assert keys[0] == "rf-pay_1-12"
    assert keys[1::10] == ["rf-pay_1-12-r2", "rf-pay_1-12-r12"]
    assert all(is_receipt_of(refund, key) for key in keys)
    assert not any(is_receipt_of(refund, key) for key in (None, "rf-pay_1-1", "rf-pay_1-1-r2"))


def _paid(subtotal_paise: int, fee_paise: int) -> tuple[Payment, Booking]:
    total = subtotal_paise + fee_paise
    booking = Booking(
        id="booking", subtotal_paise=subtotal_paise, fee_paise=fee_paise, total_paise=total
    )
    return Payment(id="pay_1", amount_paise=total), booking


def _asked(wish: dict[str, object], kept: ledger.Balance) -> dict[str, object]:
    share = wish.get("share")
    if isinstance(share, float):
        return {"amount_paise": int(kept.retained_paise * share)}
    return wish
