"""The rules of whole and partial refunds, without a database.

A ticket is worth the price that was frozen for it; the convenience fee goes back with the last
ticket; nothing goes back twice.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from surge_app.clock import utc_now
from surge_app.errors import AlreadyRefunded, InvalidRequest
from surge_app.formatting import rupees
from surge_app.languages import gettext as _
from surge_app.models import Payment, PaymentSource, Refund, RefundReason
from surge_app.services.payments.ledger import Balance

# Razorpay refuses to give back less.
MIN_REFUND_PAISE = 100
_GATEWAY_KEY = "gateway-"
_RENEWED = re.compile(r"(.+)-r([0-9]+)")


@dataclass(frozen=True, slots=True)
class RefundPlan:
    """One refund of a booking.

    Attributes:
        seqs: The tickets that become void.
        tickets_paise: What goes back of the price of tickets.
        fee_paise: What goes back of the convenience fee.
        reason: Tells whole, some tickets, or an amount as goodwill.
    """

    seqs: tuple[int, ...]
    tickets_paise: int
    fee_paise: int
    reason: RefundReason

    @property
    def amount_paise(self) -> int:
        """The total refund; 0 if only tickets become void."""
        return self.tickets_paise + self.fee_paise


def plan_refund(
    balance: Balance,
    prices: Mapping[int, int],
    *,
    tickets: Sequence[int] | None = None,
    amount_paise: int | None = None,
) -> RefundPlan:
    """Decide what a refund gives back.

    Args:
        balance: Of the booking; what is owed already is not in it.
        prices: Paise by the number of each ticket that is still valid.
        tickets: Take back these; None takes all that are valid, unless there is an amount.
        amount_paise: Give back this much as goodwill; no ticket becomes void.

    Raises:
        AlreadyRefunded: If nothing is left to give back.
        InvalidRequest: If the tickets are not the booking's, or the amount cannot be paid.
    """
    if amount_paise is not None:
        if tickets is not None:
            raise InvalidRequest(_("Name the tickets or an amount, not both."))
        return _goodwill(balance, amount_paise)
    chosen = sorted(prices if tickets is None else set(tickets))
    strangers = [str(seq) for seq in chosen if seq not in prices]
    if strangers or not chosen:
        names = ", ".join(strangers) or _("none")
        msg = _("These are not valid tickets of this booking: {names}.", names=names)
        raise InvalidRequest(msg)
    if len(chosen) == len(prices):
        return RefundPlan(
            tuple(chosen), balance.tickets_paise, balance.fee_paise, RefundReason.WHOLE
        )
    wanted = min(sum(prices[seq] for seq in chosen), balance.tickets_paise)
    amount = 0 if wanted < MIN_REFUND_PAISE else wanted
    if balance.retained_paise - amount < MIN_REFUND_PAISE:
        # The rest could never be refunded alone.
        amount = balance.retained_paise
    return _plan(balance, tuple(chosen), amount, RefundReason.TICKETS)


def _goodwill(balance: Balance, amount_paise: int) -> RefundPlan:
    if balance.retained_paise == 0:
        raise AlreadyRefunded
    left = balance.retained_paise - amount_paise
    if amount_paise < MIN_REFUND_PAISE or left < 0 or 0 < left < MIN_REFUND_PAISE:
        least = rupees(MIN_REFUND_PAISE)
        msg = _(
            "Enter an amount from {least} to {most}. What is left of the booking must be nothing "
            "or at least {least}.",
            least=least,
            most=rupees(balance.retained_paise),
        )
        raise InvalidRequest(msg, left_paise=balance.retained_paise)
    return _plan(balance, (), amount_paise, RefundReason.GOODWILL)


def _plan(
    balance: Balance, seqs: tuple[int, ...], amount_paise: int, reason: RefundReason
) -> RefundPlan:
    from_tickets = min(amount_paise, balance.tickets_paise)
    return RefundPlan(seqs, from_tickets, amount_paise - from_tickets, reason)


def part_of(balance: Balance, seqs: tuple[int, ...], amount_paise: int) -> RefundPlan:
    """Plan an amount that is decided already: with these tickets, or as goodwill."""
    return _plan(balance, seqs, amount_paise, RefundReason.WHOLE if seqs else RefundReason.GOODWILL)


def refund_row(payment: Payment, *, amount_paise: int, reason: str, seq: int = 1) -> Refund:
    """Return a refund, with the exact body every attempt will send; it is due at once.

    A refund of the box office is not sent to the gateway; it waits to be handed over.
    """
    by_hand = payment.source == PaymentSource.BOX_OFFICE
    refund = Refund(
        payment_id=payment.id,
        seq=seq,
        amount_paise=amount_paise,
        reason=reason,
        idempotency_key="",
        body="",
        by_hand=by_hand,
        next_attempt_at=None if by_hand else utc_now() - timedelta(seconds=1),
    )
    _key(refund, f"rf-{payment.id}-{seq}")
    return refund


def next_idempotency_key(refund: Refund) -> None:
    """Give a refund that failed at the gateway a new key: the old one would fail for ever."""
    root, number = _parts(refund.idempotency_key)
    _key(refund, f"{root}-r{number + 1}")
    refund.gateway_id = None


def adopt_key(refund: Refund, gateway_id: str) -> None:
    """Name a refund that was made in the gateway's dashboard; it is sent to no one again."""
    refund.idempotency_key, refund.body = f"{_GATEWAY_KEY}{gateway_id}", ""
    refund.gateway_id = gateway_id
    # Not 0: the gateway is asked how it stands, and never for another.
    refund.attempts = 1


def is_receipt_of(refund: Refund, receipt: str | None) -> bool:
    """Return whether a receipt at the gateway names a refund, by its current or an earlier key."""
    return receipt is not None and _parts(receipt)[0] == _parts(refund.idempotency_key)[0]


def _parts(key: str) -> tuple[str, int]:
    """Return what all keys of a refund share, and which of them this is."""
    found = _RENEWED.fullmatch(key)
    return (found[1], int(found[2])) if found else (key, 1)


def _key(refund: Refund, key: str) -> None:
    refund.idempotency_key = key
    refund.body = json.dumps(
        {
            "amount": refund.amount_paise,
            "speed": "normal",
            "receipt": key,
            "notes": {"reason": refund.reason},
        },
        separators=(",", ":"),
    )
