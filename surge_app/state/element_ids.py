"""Where the focus goes in the checkout, and what is said on the way back from paying."""

from __future__ import annotations

from typing import Final

TICKETS: Final = "tickets"
HOLD: Final = "hold"
WHO: Final = "who-comes"
PAY: Final = "pay"
ENDED: Final = "ended"

OUTCOMES: Final = {
    "dismissed": "You closed the payment. Nothing was paid, and your tickets are still held.",
    "failed": "The payment did not go through and nothing was paid. Your tickets are still held.",
    "error": "The payment could not be opened. Your tickets are still held; please try again.",
    "late": "The payment closed because the time is nearly over. Nothing was paid.",
}
