"""Money as text, and the sums every price must keep."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given, strategies as st

from surge_app.formatting import rupees, rupees_ascii
from surge_app.models import Account, Booking, LedgerEntry, Payment
from surge_app.services.payments import ledger
from surge_app.services.payments.refund_policy import refund_row
from surge_app.state import view_models
from tests.state import samples

AMOUNTS = st.integers(min_value=-(10**13), max_value=10**13)
PRICES = st.integers(min_value=100, max_value=10**8)
FEES = st.integers(min_value=0, max_value=100_000)
_TEXT = re.compile(r"(-?)₹(\d{1,3}|\d{1,2}(?:,\d{2})*,\d{3})(?:\.(\d{2}))?")


def _parse(text: str) -> int:
    found = _TEXT.fullmatch(text)
    assert found, f"{text!r} is not grouped the Indian way"
    sign, whole, part = found.groups()
    paise = int(whole.replace(",", "")) * 100 + int(part or 0)
    return -paise if sign else paise


@pytest.mark.parametrize(
    ("paise", "text"),
    [
        (0, "₹0"),
        (5, "₹0.05"),
        (100, "₹1"),
        (2_550, "₹25.50"),
        (99_999, "₹999.99"),
        (100_000, "₹1,000"),
        (20_610_000, "₹2,06,100"),
        (12_345_678_901, "₹12,34,56,789.01"),
        (-2_500, "-₹25"),
        (-1, "-₹0.01"),
    ],
)
def test_rupees_are_grouped_the_indian_way(paise: int, text: str) -> None:
    assert rupees(paise) == text


@given(AMOUNTS)
def test_an_amount_survives_being_written_and_read(paise: int) -> None:
    assert _parse(rupees(paise)) == paise


@given(AMOUNTS)
def test_whole_rupees_carry_no_paise(paise: int) -> None:
    assert ("." in rupees(paise)) == (paise % 100 != 0)


@given(AMOUNTS)
def test_the_amount_of_an_sms_is_ascii_and_otherwise_the_same(paise: int) -> None:
    text = rupees_ascii(paise)
    assert text.isascii()
    assert text.replace("Rs ", "₹") == rupees(paise)


@given(st.lists(st.tuples(PRICES, st.integers(1, 100)), min_size=1, max_size=5), FEES)
def test_every_total_shown_is_its_rows_and_the_fee_once(
    wanted: list[tuple[int, int]], fee_paise: int
) -> None:
    tiers = [samples.tier(f"t{i}", f"T{i}", price, free=100) for i, (price, _) in enumerate(wanted)]
    event = replace(samples.event(*tiers), fee_paise=fee_paise)
    chosen = {f"t{i}": many for i, (_, many) in enumerate(wanted)}
    card = view_models.price_of_selection(event, chosen)
    rows = [_parse(row.amount) for row in card.rows]
    assert _parse(card.total) == sum(rows)
    assert sum(rows) == sum(price * many for price, many in wanted) + fee_paise
    assert len(rows) == len(wanted) + (fee_paise > 0)


@given(PRICES, FEES)
def test_a_ledger_takes_in_what_was_paid_and_gives_back_the_same(
    subtotal_paise: int, fee_paise: int
) -> None:
    total = subtotal_paise + fee_paise
    payment = Payment(id="pay", amount_paise=total)
    booking = Booking(
        id="booking", subtotal_paise=subtotal_paise, fee_paise=fee_paise, total_paise=total
    )
    sold = _balances(ledger.sale(payment, booking))
    assert sold[Account.GATEWAY] == total
    assert sold[Account.TICKETS] == -subtotal_paise
    assert sold[Account.FEES] == -fee_paise
    refund = refund_row(payment, amount_paise=total, reason="test")
    undone = [
        *ledger.refund_due(refund, booking, tickets_paise=subtotal_paise, fee_paise=fee_paise),
        ledger.refund_paid(refund, booking.id),
    ]
    after = _balances([*ledger.sale(payment, booking), *undone])
    assert set(after.values()) == {0}


@given(PRICES)
def test_money_received_in_vain_is_owed_until_it_is_paid_back(amount_paise: int) -> None:
    payment = Payment(id="pay", amount_paise=amount_paise)
    received = ledger.received_unfulfilled(payment)
    assert _balances([received])[Account.OWED] == -amount_paise
    refund = refund_row(payment, amount_paise=amount_paise, reason="test")
    after = _balances([received, ledger.refund_paid(refund, None)])
    assert set(after.values()) == {0}


def _balances(entries: list[LedgerEntry]) -> dict[str, int]:
    found: dict[str, int] = dict.fromkeys(Account, 0)
    for entry in entries:
        assert entry.amount_paise > 0
        found[entry.debit] += entry.amount_paise
        found[entry.credit] -= entry.amount_paise
    return found
