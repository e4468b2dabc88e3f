"""The table of jobs. Each is idempotent and takes rows with SKIP LOCKED."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from surge_app.container import Container
from surge_app.db.due_work import DueWork


@dataclass(frozen=True, slots=True)
class Job:
    """A job and its interval.

    Attributes:
        name: Shown in logs and metrics.
        every_seconds: The time between two runs, as long as there is something to do.
        run: Does it.
        due: Returns in how many seconds there is something to do; None if nothing waits.
        idle_seconds: The time between two runs while nothing waits; None to rest until then.
    """

    name: str
    every_seconds: float
    run: Callable[[], Awaitable[object]]
    due: Callable[[DueWork], float | None] = lambda _work: 0.0
    idle_seconds: float | None = None


def jobs_of(services: Container) -> list[Job]:
    """Return all jobs."""
    reconciliation, waiting_room = services.reconciliation, services.waiting_room

    def sync_is_due(work: DueWork) -> float | None:
        # It notes the version of the sales, so it is asked in any case.
        seconds = waiting_room.seconds_until_sync(work.sales_version)
        # A hold changes what the queue may give away.
        return 0.0 if "holds" in work.moments else seconds

    def sale_is_active(work: DueWork) -> float | None:
        is_idle = "holds" not in work.moments and waiting_room.is_idle
        return None if is_idle else 0.0

    def log_is_due(_work: DueWork) -> float | None:
        return 0.0 if waiting_room.has_used_queues or services.queue_log.unwritten else None

    async def write_log() -> None:
        await services.queue_log.write(waiting_room.take_used_queues())

    return [
        Job("publish-line", 1, waiting_room.publish_due, sync_is_due),
        Job("expire-holds", 1, reconciliation.expire_holds, _waits("holds")),
        Job("ask-before-expiry", 2, reconciliation.settle_before_expiry, _waits("holds")),
        Job("probe-gateway", 2, services.outages.probe, _waits("outages")),
        Job("process-inbox", 5, services.payments.process_pending_webhooks, _waits("webhooks")),
        Job("spread-notices", 2, services.event_notices.spread, _waits("notices")),
        Job("push-refunds", 2, services.refunds.submit_pending, _waits("refunds")),
        Job("find-missed-payments", 15, reconciliation.find_missed_payments, _waits("orders")),
        Job("refund-cancelled", 5, services.lifecycle.refund_cancelled_event, _waits("cancelled")),
        # Less than a minute, so that the history has no gap.
        Job("sample-sales", 10, services.dashboard.sample, sale_is_active, idle_seconds=50),
        Job("write-queue-log", 60, write_log, log_is_due),
        Job("find-orphans", 900, reconciliation.find_orphans),
        Job("check-promises", 300, services.telemetry.check_invariants),
    ]


def _waits(kind: str) -> Callable[[DueWork], float | None]:
    return lambda work: work.seconds_until(kind)
