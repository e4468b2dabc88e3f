"""Every Redis key Surge writes.

The hash tag `{slug}` keeps all keys of one event on one node of a Redis Cluster, so one script
may touch them together.
"""

from __future__ import annotations

_PREFIX = "surge"

QUEUE_PARTS = (
    "rules",
    "stock",
    "counters",
    "numbers",
    "waiting",
    "absent",
    "seen",
    "called",
    "passes",
    "inside",
    "recent",
    "order",
    "served",
    "grace",
    "networks",
    "log",
    "moves",
    "moved",
)


def queue(slug: str) -> list[str]:
    """Return the keys of one event's queue, in the order the prelude `queue.lua` names them."""
    return [part(slug, name) for name in QUEUE_PARTS]


def part(slug: str, name: str) -> str:
    """Return one key of an event's queue; `name` is one of `QUEUE_PARTS`, or `visits`."""
    return f"{_PREFIX}:{{{slug}}}:{name}"


def limit(group: str, scope: str, subject: str) -> str:
    """The state of one rate limit; limits of one group may be counted together."""
    return f"{_PREFIX}:{{{group}}}:limit:{scope}:{subject}"


def pressure(slug: str) -> str:
    """Hash of how many try to join an event at this moment; see `check_join.lua`."""
    return f"{_PREFIX}:{{{slug}}}:pressure"


def proved(slug: str, visitor_id: str) -> str:
    """Set while a visitor has proved work for an event and got no place for it yet."""
    return f"{_PREFIX}:{{{slug}}}:proved:{visitor_id}"


def visits(slug: str) -> str:
    """Number of browsers that opened the pages of an event."""
    return part(slug, "visits")


def spent(slug: str, window: int) -> str:
    """Set of the solved challenges that were used, of those that expire in the same minutes."""
    return f"{_PREFIX}:{{{slug}}}:spent:{window}"


def move_code(slug: str, digest: str) -> str:
    """The visitor whose place a code moves; see `offer_move.lua`."""
    return f"{_PREFIX}:{{{slug}}}:move:{digest}"


def write_probe() -> str:
    """Written to see whether Redis takes writes."""
    return f"{_PREFIX}:probe"


def job_status() -> str:
    """Hash of what the jobs tell about themselves, a JSON document for each."""
    return f"{_PREFIX}:notes"
