"""Estimate waits and chances from what a queue was seen to do: functions, and a meter."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace

from surge_app.kv.queue import QueueState

_MINUTE_SECONDS = 60
_SAMPLE_MS, _MAX_SAMPLES = 1_000, 300
# The shortest stretch with so many turns is measured, or all there is: long enough to be no chance,
# short enough to notice a change.
_ENOUGH_TURNS, _SHORTEST_SECONDS = 60, 10
_MIN_TURNS, _SURE_TURNS = 8, 30
# Nine of ten waits are to end inside the range.
_DEVIATIONS = 1.75
_DRIFT, _YOUNG_DRIFT, _FAR_DRIFT, _STEADY_DRIFT = 0.15, 0.36, 0.06, 0.04
# Beyond this share of the free tickets, a wait depends on what others release.
_SAFE_SHARE = 0.8
_REPLY_SECONDS = 2.0
# Before anything was measured: seven of ten buy, two tickets each.
_FINISHED, _SERVED, _HOLDERS, _HELD = 6, 4.2, 4, 8
_STILL_LEAVING = 1.2
_SPREAD_OF_QUANTITY = 0.3
# Where almost everyone gets a ticket, odds would only worry.
_AS_GOOD_AS_SURE = 0.9


@dataclass(frozen=True, slots=True)
class Pace:
    """The pace of a queue.

    Attributes:
        per_second: Turns that become free.
        turns: How many it was measured from; 0 if they are enough for no doubt.
        leaving: Share of the waiting visitors that leaves each second.
        known_seconds: How long the queue has been watched.
    """

    per_second: float = 0.0
    turns: int = 0
    leaving: float = 0.0
    known_seconds: float = math.inf


@dataclass(frozen=True, slots=True)
class _Sample:
    at: float
    admitted: int
    occupied: int
    joined: int
    waiting: int


class PaceMeter:
    """Measures the pace of one queue from its states, in the order in which they are seen."""

    def __init__(self) -> None:
        self._samples: deque[_Sample] = deque(maxlen=_MAX_SAMPLES)
        self._latest = Pace()
        self._blocked_seconds = self._seen_at = 0.0

    def measure(self, queue: QueueState) -> Pace:
        """Note a state and return the pace, which is measured anew once a second."""
        seconds = queue.now_ms / 1000
        if _is_blocked(queue) and self._samples:
            # What the rule per minute holds back is no part of the pace of those who go.
            self._blocked_seconds += max(0.0, seconds - self._seen_at)
        self._seen_at = seconds
        now = _Sample(
            seconds - self._blocked_seconds,
            queue.admitted,
            queue.inside + queue.called,
            queue.joined,
            queue.waiting,
        )
        latest = self._samples[-1] if self._samples else None
        if latest and not _follows(latest, now):
            self._samples.clear()
            latest = None
        if latest and now.at - latest.at < _SAMPLE_MS / 1000 and not queue.is_paused:
            return self._latest
        self._latest = self._since(now) or _first_pace(queue)
        if queue.is_paused:
            # A pause is no part of the pace that follows it.
            self._samples.clear()
        else:
            self._samples.append(now)
        return self._latest

    def _since(self, now: _Sample) -> Pace | None:
        # Right after an opening everyone chooses and no one goes: half a roomful has to.
        least = max(_MIN_TURNS, min(_ENOUGH_TURNS, now.occupied // 2))
        found = None
        for early in reversed(self._samples):
            if now.at - early.at >= _SHORTEST_SECONDS:
                pace = _pace(early, now)
                if pace.turns >= least:
                    found = pace
                if pace.turns >= max(least, _SURE_TURNS):
                    break
        return found and replace(found, known_seconds=now.at - self._samples[0].at)


def _is_blocked(queue: QueueState) -> bool:
    """Return whether there is room for visitors whom the rule per minute does not let in yet."""
    rule = queue.max_per_minute
    has_room = queue.inside + queue.called < queue.limit
    return rule is not None and has_room and queue.admitted_last_minute >= rule


def _follows(early: _Sample, now: _Sample) -> bool:
    """Return whether both are states of one queue; two answers of Redis may cross."""
    is_late = now.at < early.at
    return now.at > early.at - _SHORTEST_SECONDS and (is_late or now.admitted >= early.admitted)


def _pace(early: _Sample, now: _Sample) -> Pace:
    seconds = now.at - early.at
    # Filling an empty room is no pace: it happens once.
    turns = now.admitted - early.admitted - max(0, now.occupied - early.occupied)
    gone = (now.joined - early.joined) - (now.waiting - early.waiting)
    left = max(0, gone - (now.admitted - early.admitted))
    waiting = max(1, (now.waiting + early.waiting) / 2)
    return Pace(max(0, turns) / seconds, max(0, turns), left / waiting / seconds)


def _first_pace(queue: QueueState) -> Pace:
    """Return the pace as far as the last minute tells it."""
    turns = queue.admitted_last_minute
    if not turns or queue.first_admission_ms is None:
        return Pace()
    if queue.admitted <= turns:
        turns -= queue.inside + queue.called
    seconds = min((queue.now_ms - queue.first_admission_ms) / 1000, _MINUTE_SECONDS)
    least = max(_MIN_TURNS, (queue.inside + queue.called) // 2)
    if turns < least or seconds < _SHORTEST_SECONDS:
        return Pace()
    return Pace(turns / seconds, turns, known_seconds=seconds)


def eta_seconds(queue: QueueState, ahead: int | None, pace: Pace) -> tuple[int, int] | None:
    """Return the range of the wait, None if it cannot be known.

    Without a measured pace there is no estimate, unless the rule per minute decides. Where the
    visitors ahead may take the free tickets, the wait depends on what others release.
    """
    if ahead is None or queue.available == 0 or _is_short(queue, ahead):
        return None
    room = queue.limit - queue.inside - queue.called
    turns = max(1, ahead + 1 - max(0, room))
    per_minute = queue.max_per_minute
    if per_minute is not None and (room > 0 or pace.per_second * _MINUTE_SECONDS >= per_minute):
        return _paced_wait(queue, ahead + 1, per_minute, pace.leaving)
    if room > ahead:
        return 0, int(_REPLY_SECONDS) + 1
    if pace.per_second <= 0:
        return None
    seconds = _until(turns, pace.per_second, pace.leaving)
    # How long visitors stay is known better after each roomful of them.
    roomfuls = max(0, queue.admitted - queue.inside - queue.called) / max(1, queue.limit)
    if queue.admitted <= queue.admitted_last_minute:
        # Where visitors only pass through, the rush of an opening outlasts many roomfuls.
        roomfuls = 0
    drift = _DRIFT + _YOUNG_DRIFT / (1 + roomfuls)
    # Nor does what was seen for a moment say much of a long time.
    drift += _FAR_DRIFT * math.log1p(seconds / pace.known_seconds)
    doubt = _DEVIATIONS * math.sqrt(0.5 / turns + 0.5 / max(1, pace.turns) + drift**2)
    return int(seconds * math.exp(-doubt)), int(seconds * math.exp(doubt) + _REPLY_SECONDS) + 1


def _paced_wait(queue: QueueState, turns: int, per_minute: int, leaving: float) -> tuple[int, int]:
    """Return the range under a rule per minute, which lets visitors in by bursts."""
    seconds = _until(turns, per_minute / _MINUTE_SECONDS, leaving)
    doubt = _DEVIATIONS * math.sqrt(_STEADY_DRIFT**2 + (0.5 / turns) ** 2)
    free_now = per_minute - queue.admitted_last_minute
    low = 0 if turns <= free_now else max(0.0, seconds * math.exp(-doubt) - _MINUTE_SECONDS)
    high = 0 if turns <= free_now else math.ceil(turns / per_minute) * _MINUTE_SECONDS
    return int(low), int(max(high, seconds * math.exp(doubt)) + _REPLY_SECONDS) + 1


def _until(turns: int, per_second: float, leaving: float) -> float:
    """Return when a visitor is called while others ahead leave at a steady share."""
    if leaving * turns < per_second / 100:
        return turns / per_second
    return math.log1p(leaving * turns / per_second) / leaving


@dataclass(frozen=True, slots=True)
class _Demand:
    """The demand of admitted visitors: how many buy, and how many tickets each holds."""

    buys: float
    tickets: float
    stays: float
    observed: int

    @classmethod
    def of(cls, queue: QueueState) -> _Demand:
        finished = max(0, queue.admitted - queue.inside - queue.called)
        served = min(queue.served, finished)
        held, holders = queue.held or 0, queue.holders
        left = max(0, queue.joined - queue.waiting - queue.admitted)
        return cls(
            observed=finished,
            buys=(served + _SERVED) / (finished + _FINISHED),
            tickets=(held + _HELD) / (holders + _HOLDERS),
            # Until their turn, a few more of those ahead will leave than have.
            stays=(1 - left / max(1, queue.joined)) ** _STILL_LEAVING,
        )


def _is_short(queue: QueueState, ahead: int) -> bool:
    if queue.available is None:
        return False
    demand = _Demand.of(queue)
    undecided = max(0, queue.inside + queue.called - queue.holders)
    wanted = (ahead * demand.stays + undecided) * demand.buys * demand.tickets
    return wanted > queue.available * _SAFE_SHARE


def odds(queue: QueueState, ahead: int | None) -> float | None:
    """Return the chance that a ticket is left at a visitor's turn; None where it is no question."""
    return None if ahead is None else odds_of(queue)(ahead)


def odds_of(queue: QueueState) -> Callable[[int], float | None]:
    """Return `odds` of one queue, for many positions."""
    if queue.available is None or queue.is_sold_out:
        return lambda _ahead: None
    demand = _Demand.of(queue)
    undecided = max(0, queue.inside + queue.called - queue.holders)
    held, holders = queue.held or 0, max(1, queue.holders)
    each, buys, stays = demand.tickets, demand.buys, demand.stays
    doubt = buys * (1 - buys)
    stock = queue.available + held - 0.5 - held * buys
    per_visitor = buys * each**2 * (1 + _SPREAD_OF_QUANTITY) - (buys * each) ** 2
    of_holders = held**2 / holders * doubt
    # What was measured from few visitors is less sure.
    of_share = doubt / (demand.observed + _FINISHED)
    of_quantity = (buys * each) ** 2 * _SPREAD_OF_QUANTITY / (queue.holders + _HOLDERS)
    of_leaving = stays * (1 - stays) * (buys * each) ** 2

    def chance_at(ahead: int) -> float | None:
        visitors = ahead * stays + undecided
        variance = (
            visitors * per_visitor
            + of_holders
            + (visitors * each + held) ** 2 * of_share
            + visitors**2 * of_quantity
            + ahead * of_leaving
        )
        left = stock - visitors * buys * each
        chance = 0.5 * math.erfc(-left / math.sqrt(2 * max(variance, 0.01)))
        return None if chance > _AS_GOOD_AS_SURE else round(chance, 3)

    return chance_at
