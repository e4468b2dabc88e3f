"""Judge estimates by the waits that followed, and how fast the last tickets were sold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from surge_app.formatting import format_number
from surge_app.languages import gettext as _
from surge_app.rehearsal.recorder import STAGES, Sample, Wait

GOAL = 0.9
# Fewer are chance.
_MIN_WAITS = 40
# A visitor learns of the turn with the next poll.
_POLL_SECONDS = 2.0
_LAST_SHARE = 0.1


@dataclass(frozen=True, slots=True)
class StageCalibration:
    """The estimates of one stage of the waits, and how many of the waits ended inside them."""

    stage: str
    estimates: int
    inside: int

    @property
    def is_good(self) -> bool:
        """Return whether enough waits kept to it, or too few were told to say."""
        return self.estimates < _MIN_WAITS or self.inside >= GOAL * self.estimates


@dataclass(frozen=True, slots=True)
class LastTickets:
    """The sale of the last tenth of the tickets.

    Attributes:
        seconds: How long it took.
        free_seconds: How long each of them was free, on average: neither held nor sold.
    """

    seconds: float
    free_seconds: float


def calibrate(waits: Sequence[Wait]) -> tuple[StageCalibration, ...]:
    """Compare what visitors were told with what came; a missed poll proves nothing."""
    judged = [wait for wait in waits if wait.behaved and wait.admitted is not None]
    return tuple(_stage(stage, judged) for stage in STAGES)


def _stage(stage: str, waits: Sequence[Wait]) -> StageCalibration:
    estimates = [(wait, wait.estimates[stage]) for wait in waits if stage in wait.estimates]
    inside = sum(
        one.low - _POLL_SECONDS <= (wait.admitted or 0) - one.at <= one.high + _POLL_SECONDS
        for wait, one in estimates
    )
    return StageCalibration(stage, len(estimates), inside)


def calibration_text(stages: Sequence[StageCalibration]) -> str:
    """Return the shares in a line."""
    return ", ".join(
        _(
            "{stage}: {percent} % of {count}",
            stage=_(one.stage),
            percent=round(one.inside / one.estimates * 100),
            count=format_number(one.estimates),
        )
        for one in stages
        if one.estimates
    )


def last_tickets_sold(samples: Sequence[Sample]) -> LastTickets | None:
    """Return how the last tenth of the tickets was sold; None unless all were."""
    units = max((one.free + one.held + one.sold for one in samples), default=0)
    last = [one for one in samples if one.sold >= units * (1 - _LAST_SHARE)]
    ended = next((index for index, one in enumerate(last) if one.sold >= units > 0), None)
    if ended is None:
        return None
    last = last[: ended + 1]
    free = sum(one.free * (then.seconds - one.seconds) for one, then in pairwise(last))
    seconds = last[-1].seconds - last[0].seconds
    return LastTickets(round(seconds, 1), round(free / (units * _LAST_SHARE), 1))
