"""Views of the queue."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from pydantic import ConfigDict


@dataclass(frozen=True, slots=True)
class QueueOrder:
    """The rule by which numbers become positions, and what proves a drawn one.

    Attributes:
        rule: fifo (order of arrival) or random (those who came before the opening are drawn).
        commitment: SHA-256 of the seed in hex, published before the opening; random only.
        seed: Revealed by the opening.
        early: How many numbers were drawn; known from the opening on.
    """

    rule: str = "fifo"
    commitment: str | None = None
    seed: str | None = None
    early: int | None = None

    def to_json(self) -> dict[str, object]:
        """Return the members; `asdict` copies each value, which takes ten times as long."""
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, slots=True)
class QueueCounts:
    """A queue in numbers; the counts of what happened are since its beginning.

    Attributes:
        waiting: Are called when they get to the head.
        absent: Were passed over for silence and may still come back.
        called: Whose turn it is, and who have not come yet.
        inside: Passes in use.
        admitted: Were ever called or let in.
        served: Went with tickets.
        left: Went without.
        visits: Browsers that opened the pages of the event.
        no_shows: Did not come when it was their turn.
        last_eta_low_seconds: Lower end of the estimate for the last in the queue; None if the
            queue is empty or its rate unknown.
        last_eta_high_seconds: Upper end.
        is_recovering: No one is admitted until every visitor had time to come back.
    """

    waiting: int = 0
    absent: int = 0
    called: int = 0
    inside: int = 0
    admitted: int = 0
    served: int = 0
    left: int = 0
    no_shows: int = 0
    visits: int = 0
    admitted_last_minute: int = 0
    last_eta_low_seconds: int | None = None
    last_eta_high_seconds: int | None = None
    is_recovering: bool = False

    # Every field is in every answer of the API.
    __pydantic_config__ = ConfigDict(json_schema_serialization_defaults_required=True)


@dataclass(frozen=True, slots=True)
class QueueStatus:
    """The answer to a poll; the fields of `GET /api/queue/{slug}`.

    Attributes:
        state: not_joined, waiting, admitted, paused, sold_out, scheduled or ended.
        position: 1 is next; None unless waiting.
        ahead: How many go first.
        number: The visitor's number, issued once.
        eta_low_seconds: Lower end of the estimate, None while the pace is unknown.
        eta_high_seconds: Upper end.
        odds: The chance that a ticket is left at this visitor's turn; None where one surely is, and
            unless waiting.
        pass_expires_at: When the right to shop ends unless it is used; admitted only.
        waiting: How many wait in all.
        note: Why nothing moves, or the estimate grew: a stable code, None if there is nothing to
            explain. `note_text` says it in a sentence.
        opens_in_ms: Until the opening, by the server's clock; scheduled only.
        order: The rule by which visitors are called.
        personal_below: With as many ahead, the public snapshot suffices; None if it never does.
        by_tier: Free units of each ticket type, in the order of the event.
    """

    state: str
    position: int | None
    ahead: int | None
    number: int | None
    eta_low_seconds: int | None
    eta_high_seconds: int | None
    retry_after_ms: int
    available: int
    held: int
    message: str
    pass_expires_at: datetime | None
    waiting: int = 0
    odds: float | None = None
    note: str | None = None
    note_text: str | None = None
    opens_in_ms: int | None = None
    order: QueueOrder = QueueOrder()
    personal_below: int | None = None
    by_tier: Sequence[int] = ()

    def to_json(self) -> dict[str, object]:
        """Return the JSON members of the answer."""
        low, high = self.eta_low_seconds, self.eta_high_seconds
        ends = self.pass_expires_at
        return {
            "state": self.state,
            "position": self.position,
            "ahead": self.ahead,
            "number": self.number,
            "eta_seconds": None if low is None or high is None else {"low": low, "high": high},
            "odds": self.odds,
            "retry_after_ms": self.retry_after_ms,
            "available": self.available,
            "by_tier": list(self.by_tier),
            "held": self.held,
            "message": self.message,
            "pass_expires_at": None if ends is None else ends.isoformat(),
            "waiting": self.waiting,
            "note": self.note,
            "note_text": self.note_text,
            "opens_in_ms": self.opens_in_ms,
            "order": self.order.to_json(),
            "personal_below": self.personal_below,
        }


@dataclass(frozen=True, slots=True)
class QueueBlocks:
    """Visitors who wait, counted by blocks of positions.

    Attributes:
        size: Places in a block.
        first: The index of the block with the head of the queue; block `n` begins at position
            `n * size`.
        ahead: How many wait before each block from the first on, and last all who wait.
    """

    size: int
    first: int
    ahead: list[int]


@dataclass(frozen=True, slots=True)
class PublicQueueView:
    """A queue as anyone may see it; the document of `GET /api/queue/{slug}/public`.

    Attributes:
        at_ms: When it was so, in milliseconds since 1970 by the queue's clock.
        state: waiting, paused, sold_out, scheduled or ended.
        start: Changes when the queue had to be opened again.
        issued: The highest number.
        head: The first position that waits.
        admitted_per_minute: As measured.
        max_per_minute: The organizer's limit.
        opens_at_ms: When the sale opens; scheduled only.
        personal_below: Visitors with fewer ahead have to poll personally; None if all have to.
        retry_after_ms: How often a page should ask.
        by_tier: Free units of each ticket type, in the order of the event.
        eta_seconds: Visitors ahead, with the lower and upper end of the estimate for them.
        odds: Visitors ahead, with the chance that a ticket is left; before the first one surely is.
    """

    event: str
    at_ms: int
    state: str
    start: int
    issued: int
    waiting: int
    head: int
    admitted_per_minute: float
    max_per_minute: int | None
    available: int
    by_tier: list[int]
    held: int
    message: str
    note: str | None
    note_text: str | None
    opens_at_ms: int | None
    order: QueueOrder
    personal_below: int | None
    retry_after_ms: int
    eta_seconds: list[tuple[int, int, int]]
    odds: list[tuple[int, float]]
    blocks: QueueBlocks


@dataclass(frozen=True, slots=True)
class QueueBlock:
    """The positions of one block.

    Attributes:
        bits: Base64 of a bit for each position, the first of a byte highest; set if it waits.
    """

    event: str
    at_ms: int
    start: int
    size: int
    block: int
    bits: str


@dataclass(frozen=True, slots=True)
class QueuePositions:
    """The drawn positions of the numbers from `page * size + 1` on."""

    event: str
    page: int
    size: int
    positions: list[int]
