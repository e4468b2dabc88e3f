"""Element ids for the focus in the checkout, and query values after a payment."""

from __future__ import annotations

from typing import Final

TICKETS: Final = "tickets"
HOLD: Final = "hold"
CONTACT: Final = "who-comes"
PAY: Final = "pay"
ENDED: Final = "ended"

OUTCOMES: Final = {
    "dismissed": "You closed the payment. You haven't been charged, and we still hold your "
    "tickets.",
    "failed": "The payment didn't go through. You haven't been charged, and we still hold your "
    "tickets.",
    "error": "The payment couldn't be opened. We still hold your tickets; please try again.",
    "late": "The payment closed because your time was nearly over. You haven't been charged.",
}
