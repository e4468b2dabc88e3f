"""Lines of events that exist in Redis alone, so that no job touches them."""

from __future__ import annotations

from dataclasses import replace

from surge_app.kv.queue import QueueLimits, QueueState, QueueStock, QueueStore

PLENTY = 1_000_000


def rules_of(**rules: object) -> QueueLimits:
    """Return rules: open, unlimited pace, room for one buyer, unless told otherwise."""
    values = {
        "phase": "published",
        "opens_at_ms": None,
        "closes_at_ms": None,
        "paused": False,
        "concurrent_buyers": 1,
        "admissions_per_minute": None,
        "message": "",
        **rules,
    }
    return QueueLimits(**values)  # pyright: ignore[reportArgumentType]


async def open_queue(
    store: QueueStore,
    slug: str,
    *,
    stock: QueueStock | None = None,
    start: int = 0,
    **rules: object,
) -> None:
    """Publish rules, and begin the queue if there is none."""
    await store.sync(slug, rules_of(**rules), stock, ceiling=start + PLENTY)
    await store.open(slug, start=start, ceiling=start + PLENTY, early=None)


_OPEN = QueueState(
    now_ms=0,
    sale="open",
    is_paused=False,
    start=0,
    issued=5_000,
    waiting=300,
    called=0,
    inside=1,
    limit=1,
    available=1,
    held=0,
    message="",
    admitted_last_minute=0,
    first_admission_ms=None,
    max_per_minute=None,
    is_recovering=False,
    opens_at_ms=None,
    queue_order="fifo",
    commitment="",
    seed="",
    early=None,
    is_drawn=True,
    ceiling=10_000,
)


def queue_state(**changes: int | None) -> QueueState:
    """Return an open queue with one free unit, unless told otherwise."""
    return replace(_OPEN, **changes)  # pyright: ignore[reportArgumentType]
