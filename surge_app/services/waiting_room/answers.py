"""Answers to visitors, from the state of the queue."""

from __future__ import annotations

import json
import random
import time
from datetime import UTC, datetime

from surge_app.errors import NotFound, QueueUnavailable
from surge_app.kv.queue import QueueState, RawQueueStatus
from surge_app.languages import N_
from surge_app.services.waiting_room.estimates import Pace, PaceMeter, eta_seconds, odds
from surge_app.services.waiting_room.lottery import RANDOM
from surge_app.services.waiting_room.views import QueueOrder, QueueStatus

_MIN_POLL_MS = 1_000
_MAX_POLL_MS = 15_000
_MS_PER_POSITION = 50
# Thousands of places further back, twice as seldom: still twice within the time after which the
# queue skips a silent visitor.
_FAR_MS, _FAR_MS_PER_POSITION = 15_000, 3
# A turn is noticed at the next poll, so a fast queue is polled while the turn is still ahead.
_POLLS_PER_WAIT = 2
_FIRST_ROOMFUL_SECONDS, _MAX_FIRST_PACE = 4, 100.0
_IDLE_MS = {"not_joined": 5_000, "sold_out": 15_000, "ended": 60_000}
_JITTER = 0.2
# Visitors who wait for the opening poll soon after it, the head first: at most 2,500 a second.
_OPENING_SPREAD_MS = 2_000
_OPENING_MS_PER_POSITION = 0.4
_MINUTE_SECONDS = 60
_SHORTEST_MEASURE_SECONDS = 10
_NOTICEABLY_SLOWER = 0.7
_HALF_LIFE_SECONDS = 300
_IN_QUEUE = {"waiting", "paused"}
COOKIE_REQUIRED = "cookie_required"
MOVED = "moved"
NOTES = {
    MOVED: N_("Your place is on your other device now. You can close this page."),
    COOKIE_REQUIRED: N_(
        "You have not joined yet. Send the cookie of this answer with the next call, so that your "
        "place can be kept."
    ),
    "recovering": N_(
        "The queue was interrupted. Everyone returns to their place first, then it continues."
    ),
    "all_held": N_(
        "All remaining tickets are in other people's checkouts. Any that are released go to the "
        "queue, in order."
    ),
    "full": N_(
        "Everyone who has been let in is still choosing. The next turn goes to the head of the "
        "queue."
    ),
    "slower": N_("The queue has slowed down, so your wait is now longer."),
    "recalled": N_(
        "You missed your turn while you were away. You are back in your place and will be let in "
        "next."
    ),
    "place_lost": N_(
        "You missed your turn more than 10 minutes ago, so your place is gone. You can join the "
        "queue again at the end."
    ),
}


class AdmissionRate:
    """Measures the rate of admission, and whether it has dropped."""

    def __init__(self) -> None:
        self._fastest = 0.0
        self._at = time.monotonic()
        self._meter = PaceMeter()

    def pace(self, queue: QueueState) -> Pace:
        """Note a state of the queue, and return how it moves."""
        return self._meter.measure(queue)

    def per_second(self, queue: QueueState) -> float:
        """Return the measured admissions per second; 0 while there are none."""
        if not queue.admitted_last_minute or queue.first_admission_ms is None:
            return 0.0
        seconds = (queue.now_ms - queue.first_admission_ms) / 1000
        measured = min(max(seconds, _SHORTEST_MEASURE_SECONDS), _MINUTE_SECONDS)
        rate = queue.admitted_last_minute / measured
        limit = queue.max_per_minute
        return rate if limit is None else min(rate, limit / _MINUTE_SECONDS)

    def note(self, queue: QueueState) -> str | None:
        """Return why nothing moves or the wait has grown, None if there is nothing to explain."""
        rate, now = self.per_second(queue), time.monotonic()
        faded = self._fastest * 0.5 ** ((now - self._at) / _HALF_LIFE_SECONDS)
        self._fastest, self._at = max(rate, faded), now
        is_full = rate == 0 and queue.inside + queue.called >= queue.limit
        reasons = (
            ("recovering", queue.is_recovering),
            ("all_held", queue.available == 0 and bool(queue.held)),
            ("full", is_full and not queue.is_paused),
            ("slower", rate < _NOTICEABLY_SLOWER * self._fastest and not queue.is_paused),
        )
        return next((note for note, applies in reasons if applies), None)


def to_status(raw: RawQueueStatus, rate: AdmissionRate) -> QueueStatus:
    """Return the answer for a visitor.

    Raises:
        NotFound: If no such event is known to the queue.
        QueueUnavailable: If the queue has to be opened again first.
    """
    check_known(raw.queue)
    queue = raw.queue
    ahead = raw.ahead if raw.state in _IN_QUEUE else None
    pace = rate.pace(queue)
    eta = eta_seconds(queue, ahead, pace) if raw.state == "waiting" else None
    ends = raw.pass_ends_ms if raw.state == "admitted" else None
    note = raw.note or (rate.note(queue) if raw.state == "waiting" else None)
    return QueueStatus(
        state=raw.state,
        position=None if ahead is None else ahead + 1,
        ahead=ahead,
        number=raw.number,
        eta_low_seconds=eta[0] if eta else None,
        eta_high_seconds=eta[1] if eta else None,
        odds=odds(queue, ahead),
        retry_after_ms=retry_after_ms(
            raw.state, raw.ahead or 0, opens_in_ms(queue), polling_pace(queue, pace)
        ),
        available=queue.available or 0,
        by_tier=stock_by_tier(queue),
        held=queue.held or 0,
        message=queue.message,
        pass_expires_at=None if ends is None else datetime.fromtimestamp(ends / 1000, UTC),
        waiting=queue.waiting,
        note=note,
        note_text=NOTES[note] if note else None,
        opens_in_ms=opens_in_ms(queue),
        order=queue_order(queue),
        personal_below=queue.personal_below,
    )


def template(queue: QueueState, note: str | None) -> str:
    """Return the JSON of an answer with seven holes, to be filled with the `%` operator.

    They are state, position, ahead, number, eta_seconds, odds and retry_after_ms, as JSON.
    """
    raw = RawQueueStatus("waiting", 0, None, None, note or "", queue)
    document = to_status(raw, AdmissionRate()).to_json() | {
        "note": note,
        "note_text": NOTES[note] if note else None,
    }
    holes = ("state", "position", "ahead", "number", "eta_seconds", "odds", "retry_after_ms")
    rest = {name: value for name, value in document.items() if name not in holes}
    filled = json.dumps(rest, separators=(",", ":")).replace("%", "%%")
    return "{" + ",".join(f'"{name}":%s' for name in holes) + "," + filled[1:]


def stock_by_tier(queue: QueueState) -> list[int]:
    """Return the free units of each tier in their order; none while they are not known."""
    return [int(count) for count in queue.by_tier.split(",") if count]


def check_known(queue: QueueState) -> None:
    """Refuse to answer where nothing is known; raises like `to_status`."""
    if queue.sale == "unknown":
        raise NotFound
    if queue.sale == "unready":
        raise QueueUnavailable


def retry_after_ms(
    state: str, ahead: int, opens_in: int | None, turns_per_second: float = 0.0
) -> int:
    """Return when to ask again: soon at the head, seldom far behind, at the opening before it.

    Args:
        state: Of the visitor.
        ahead: How many wait before the visitor.
        opens_in: Milliseconds until the sale opens; None if it is open.
        turns_per_second: See `polling_pace`.
    """
    if state == "scheduled" and opens_in is not None and opens_in < _MAX_POLL_MS:
        jitter = random.uniform(0, _OPENING_SPREAD_MS)  # noqa: S311  spreads polls, keeps no secret
        after = min(_MAX_POLL_MS, int(ahead * _OPENING_MS_PER_POSITION + jitter))
        return max(_MIN_POLL_MS, opens_in + after)
    idle = _MAX_POLL_MS if state == "scheduled" else _IDLE_MS.get(state)
    near = min(_MAX_POLL_MS, _MIN_POLL_MS + ahead * _MS_PER_POSITION)
    steady = idle or near + min(_FAR_MS, ahead * _FAR_MS_PER_POSITION)
    if not idle and turns_per_second > 0:
        until_turn = ahead / turns_per_second * 1_000
        steady = min(steady, _MIN_POLL_MS + until_turn / _POLLS_PER_WAIT)
    return int(steady * random.uniform(1, 1 + _JITTER))  # noqa: S311  spreads polls, keeps no secret


def polling_pace(queue: QueueState, pace: Pace) -> float:
    """Return the turns a second for which visitors poll; 0 if none is expected.

    While none were measured, a fast pace is assumed if there is a ticket to come for. Called
    visitors who poll late would be what slows the queue down, and its first pace would be that of
    their pauses.
    """
    can_move = not queue.is_paused and queue.available != 0
    first = min(queue.limit / _FIRST_ROOMFUL_SECONDS, _MAX_FIRST_PACE) if can_move else 0.0
    rule = queue.max_per_minute
    turns = pace.per_second or first
    return turns if rule is None else min(turns, rule / _MINUTE_SECONDS)


def opens_in_ms(queue: QueueState) -> int | None:
    """Return the time to the opening, 0 until the order is drawn; None once there are positions."""
    if queue.sale == "open" and not queue.is_drawn:
        return 0
    if queue.sale != "scheduled" or queue.opens_at_ms is None:
        return None
    return max(0, queue.opens_at_ms - queue.now_ms)


def queue_order(queue: QueueState) -> QueueOrder:
    """Return the rule of the order; the seed only once it is revealed."""
    if queue.queue_order != RANDOM:
        return QueueOrder()
    is_revealed = bool(queue.seed)
    return QueueOrder(
        rule=RANDOM,
        commitment=queue.commitment,
        seed=queue.seed or None,
        early=queue.early if is_revealed else None,
    )
