"""Every Redis key Surge writes.

The hash tag `{slug}` keeps all keys of one event on one node of a Redis Cluster, so one script
may touch them together.
"""

from __future__ import annotations

_PREFIX = "surge"

LINE_PARTS = (
    "rules",
    "stock",
    "counters",
    "numbers",
    "line",
    "absent",
    "seen",
    "passes",
    "recent",
)


def line(slug: str) -> list[str]:
    """Return the keys of one event's line, in the order the prelude `line.lua` names them."""
    return [f"{_PREFIX}:{{{slug}}}:{part}" for part in LINE_PARTS]


def rules(slug: str) -> str:
    """Hash of the rules of sale the line follows, copied from Postgres."""
    return line(slug)[0]


def stock(slug: str) -> str:
    """Hash of counts of units, copied from Postgres about once a second."""
    return line(slug)[1]


def limit(scope: str, subject: str) -> str:
    """The state of one rate limit."""
    return f"{_PREFIX}:limit:{scope}:{{{subject}}}"
