"""Element ids for the focus in the checkout, and query values after a payment."""

from __future__ import annotations

from typing import Final

from surge_app.languages import N_

TICKETS: Final = "tickets"
HOLD: Final = "hold"
CONTACT: Final = "who-comes"
CLOCK: Final = "clock"
PAY: Final = "pay"
ENDED: Final = "ended"

OUTCOMES: Final = {
    "dismissed": N_(
        "You closed the payment. You haven't been charged, and we still hold your tickets."
    ),
    "failed": N_(
        "The payment didn't go through. You haven't been charged, and we still hold your tickets."
    ),
    "error": N_("The payment couldn't be opened. We still hold your tickets; please try again."),
    "late": N_("The payment closed because your time was nearly over. You haven't been charged."),
}
