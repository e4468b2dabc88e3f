"""Check the public log of a queue: its chain, its signatures, the draw and the order of turns."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from surge_app.services.access.signing_keys import is_signed
from surge_app.services.queue_log_sentences import EVENTS, PROBLEMS
from surge_app.services.waiting_room.lottery import positions, shuffle
from surge_app.services.waiting_room.public_log import line_hash

_STEP = re.compile(r"([csrld])([0-9]{1,10})(?:-([0-9]{1,10}))?")
_MAX_POSITIONS = 100_000_000
_MAX_PROBLEMS = 50
# The log is written once a minute, and clocks differ.
_RECEIPT_DELAY_MS = 300_000

Values = Mapping[str, int | str]
"""What stands in the `{places}` of a sentence."""


@dataclass(frozen=True, slots=True)
class LogProblem:
    """Something that is wrong, with the line it was found in, counted from 1.

    Attributes:
        code: One of `queue_log_sentences.PROBLEMS`.
    """

    line: int
    code: str
    values: Values

    @property
    def text(self) -> str:
        """Return it in English."""
        return PROBLEMS[self.code].format_map(self.values)


@dataclass(frozen=True, slots=True)
class LogEvent:
    """Something that happened to the position of a receipt, with the time of its line.

    Attributes:
        code: One of `queue_log_sentences.EVENTS`.
    """

    at_ms: int
    code: str
    values: Values

    @property
    def text(self) -> str:
        """Return it in English."""
        return EVENTS[self.code].format_map(self.values)


@dataclass(slots=True)
class LogReport:
    """The findings about a log."""

    event: str = ""
    lines: int = 0
    issued: int = 0
    called: int = 0
    skipped: int = 0
    returned: int = 0
    left: int = 0
    gaps: int = 0
    is_drawn: bool = False
    problems: list[LogProblem] = field(default_factory=list[LogProblem])
    events: list[LogEvent] = field(default_factory=list[LogEvent])


@dataclass(frozen=True, slots=True)
class Receipt:
    """A number that the queue signed for a visitor."""

    event: str
    number: int
    at_ms: int


def read_receipt(text: str, public_keys: Mapping[str, bytes]) -> Receipt | None:
    """Return a receipt, None if it is not genuine."""
    document, _, signature = text.strip().rpartition(" ")
    if not is_signed(document.encode(), signature, public_keys):
        return None
    content: dict[str, Any] = json.loads(document)
    # A line of the log is signed with the same keys, and is no receipt.
    if not isinstance(content.get("number"), int):
        return None
    return Receipt(str(content["event"]), int(content["number"]), int(content["at_ms"]))


def verify_log(
    lines: Iterable[str], public_keys: Mapping[str, bytes], receipt: Receipt | None = None
) -> LogReport:
    """Return what a log proves, and where it is wrong.

    Args:
        lines: Of the log, without their ends.
        public_keys: The keys of the installation by their ids.
        receipt: Whose position to follow.
    """
    return _Verifier(public_keys, receipt).run(lines)


class _Verifier:
    """Replays a log."""

    def __init__(self, public_keys: Mapping[str, bytes], receipt: Receipt | None) -> None:
        self._keys = public_keys
        self._receipt = receipt
        self._report = LogReport()
        self._waiting = bytearray(1)
        self._absent: set[int] = set()
        self._called: set[int] = set()
        self._head = 1
        self._line = 0
        self._at_ms = self._before_ms = 0
        self._commitment = ""
        self._known_above = 0
        self._own = receipt.number if receipt else 0
        self._is_whole = True

    def run(self, lines: Iterable[str]) -> LogReport:
        report, previous = self._report, None
        for line in lines:
            self._line += 1
            document, _, signature = line.rpartition(" ")
            if is_signed(document.encode(), signature, self._keys):
                content: dict[str, Any] = json.loads(document)
                self._check_chain(content, previous)
                if self._is_whole:
                    self._replay(content)
            else:
                # What it says counts for nothing, so the order is not known from here on.
                self._is_whole = False
                self._fail("signature")
            previous = line
        report.lines = self._line
        self._check_receipt()
        return report

    def _check_receipt(self) -> None:
        """Find a number that was given out, but that the log is silent about."""
        receipt, report = self._receipt, self._report
        if receipt is None or report.gaps or not self._is_whole:
            return
        is_issued = any(event.code == "issued" for event in report.events)
        if not is_issued and self._at_ms > receipt.at_ms + _RECEIPT_DELAY_MS:
            self._fail("receipt_missing", number=receipt.number)

    def _fail(self, code: str, **values: int | str) -> None:
        if len(self._report.problems) < _MAX_PROBLEMS:
            self._report.problems.append(LogProblem(self._line, code, values))

    def _check_chain(self, content: Mapping[str, Any], previous: str | None) -> None:
        if content.get("seq") != self._line:
            self._fail("sequence", number=int(content.get("seq", 0)))
        if content.get("previous", "") != line_hash(previous):
            self._fail("chain")
        if self._line == 1:
            self._report.event = str(content.get("event", ""))
            if self._receipt and self._receipt.event != self._report.event:
                self._receipt = None
        elif content.get("event") != self._report.event:
            self._fail("event")
        at_ms = int(content.get("at_ms", 0))
        if at_ms < self._at_ms and not content.get("gap"):
            self._fail("older")
        self._before_ms, self._at_ms = self._at_ms, at_ms

    def _replay(self, content: Mapping[str, Any]) -> None:
        if content.get("gap"):
            # Numbers from before come back as visitors return.
            self._report.gaps += 1
            self._waiting = bytearray(1)
            self._absent.clear()
            self._called.clear()
            self._head, self._known_above = 1, int(content.get("start", 0))
        draw: dict[str, Any] = content.get("draw") or {}
        self._check_commitment(draw)
        first, last = content.get("issued") or (1, 0)
        if last >= first:
            self._issue(int(first), int(last))
        for found in str(content.get("steps", "")).split():
            word = _STEP.fullmatch(found)
            if word is None:
                self._fail("unreadable", step=found)
                continue
            start, end = int(word[2]), int(word[3] or word[2])
            if not start <= end < _MAX_POSITIONS:
                self._fail("range", step=found)
            elif word[1] == "d":
                self._draw(start, str(draw.get("seed", "")))
            else:
                for position in range(start, end + 1):
                    self._step(word[1], position)

    def _check_commitment(self, draw: Mapping[str, Any]) -> None:
        commitment = str(draw.get("commitment", ""))
        if commitment and self._commitment and commitment != self._commitment:
            self._fail("fingerprint")
        self._commitment = self._commitment or commitment

    def _issue(self, first: int, last: int) -> None:
        if first != max(self._report.issued, self._known_above) + 1 or last >= _MAX_POSITIONS:
            self._fail("issued", number=first, last=self._report.issued)
            return
        self._grow(last)
        self._waiting[first : last + 1] = b"\1" * (last + 1 - first)
        self._report.issued = last
        receipt = self._receipt
        if receipt and first <= receipt.number <= last:
            if self._before_ms > receipt.at_ms + _RECEIPT_DELAY_MS:
                self._fail("receipt_late", number=receipt.number)
            ahead = sum(self._waiting[: receipt.number])
            self._note("issued", number=receipt.number, ahead=ahead)

    def _grow(self, position: int) -> None:
        self._waiting.extend(bytes(max(0, position + 1 - len(self._waiting))))

    def _draw(self, early: int, seed: str) -> None:
        if sha256(seed.encode()).hexdigest() != self._commitment:
            self._fail("seed")
            return
        order = positions(shuffle(seed, early))
        self._grow(early)
        waiting = bytearray(early + 1)
        for number, position in enumerate(order, start=1):
            waiting[position] = self._waiting[number]
        self._waiting[: early + 1] = waiting
        self._absent = {order[n - 1] if n <= early else n for n in self._absent}
        self._head, self._report.is_drawn = 1, True
        if self._receipt and self._receipt.number <= early:
            # From the number: after a gap an order is drawn again.
            self._own = order[self._receipt.number - 1]
            self._note("drawn", position=self._own)

    def _step(self, letter: str, position: int) -> None:
        self._grow(position)
        waits, report = bool(self._waiting[position]), self._report
        # What was there before a gap is not known until it returns.
        is_unknown = position <= self._known_above
        if letter == "c":
            report.called += 1
            self._check_turn(position, waits=waits, about="called")
            self._called.add(position)
        elif letter == "s":
            report.skipped += 1
            if waits:
                self._check_turn(position, waits=waits, about="skipped")
            elif position not in self._called and not is_unknown:
                self._fail("skipped_absent", position=position)
            self._called.discard(position)
            self._absent.add(position)
        elif letter == "r":
            report.returned += 1
            if waits or (position not in self._absent and not is_unknown):
                self._fail("returned_present", position=position)
            self._absent.discard(position)
        else:
            report.left += 1
            if not (waits or position in self._absent or position in self._called or is_unknown):
                self._fail("left_absent", position=position)
            self._absent.discard(position)
            self._called.discard(position)
        self._waiting[position] = letter == "r"
        if letter == "r":
            self._head = min(self._head, position)
        if position == self._own and self._receipt:
            self._note(letter)

    def _check_turn(self, position: int, *, waits: bool, about: str) -> None:
        if not waits:
            self._fail(f"{about}_absent", position=position)
            return
        self._head = self._waiting.find(1, self._head)
        if self._head != position:
            self._fail(f"{about}_early", position=position, first=self._head)

    def _note(self, code: str, **values: int | str) -> None:
        self._report.events.append(LogEvent(self._at_ms, code, values))
