"""Lines of events that exist in Redis alone, so that no job touches them."""

from __future__ import annotations

from surge_app.kv.queue import QueueLimits, QueueStock, QueueStore

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
