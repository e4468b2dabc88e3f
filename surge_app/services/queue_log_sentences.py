"""The sentences about the log of a queue, by the codes of `log_verification`.

`verify-queue` prints them in English. The page that checks a log gets them in its language.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from surge_app.languages import N_

PROBLEMS: Final = MappingProxyType(
    {
        "signature": N_("The signature is wrong: the line was changed or is not of this queue."),
        "sequence": N_("A line is missing or was moved: this is number {number}."),
        "chain": N_("It does not follow the line before, which was changed, removed or moved."),
        "event": N_("This line is of another event."),
        "older": N_("It is older than the line before."),
        "unreadable": N_("The step {step} cannot be read."),
        "range": N_("The step {step} is out of range."),
        "fingerprint": N_("The fingerprint of the draw was changed."),
        "seed": N_("The seed of the draw does not fit the fingerprint from before the opening."),
        "issued": N_("Number {number} does not follow {last}."),
        "called_absent": N_("Position {position} was called, but did not wait."),
        "called_early": N_("Position {position} was called before {first}, who waited."),
        "skipped_absent": N_("Position {position} was skipped, but did not wait."),
        "skipped_early": N_("Position {position} was skipped before {first}, who waited."),
        "returned_present": N_("Position {position} returned, but was not away."),
        "receipt_missing": N_("The receipt has number {number}, which the log leaves out."),
        "receipt_late": N_("Number {number} appears minutes after the receipt for it."),
        "left_absent": N_("Position {position} left, but did not wait."),
    }
)
EVENTS: Final = MappingProxyType(
    {
        "issued": N_("Number {number} was issued, with {ahead} ahead"),
        "drawn": N_("The draw gave it position {position}"),
        "c": N_("Called"),
        "s": N_("Skipped for silence"),
        "r": N_("Returned"),
        "l": N_("Left, or done"),
    }
)
