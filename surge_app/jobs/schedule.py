"""The table of jobs. Each is idempotent and takes rows with SKIP LOCKED."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from surge_app.container import Container


@dataclass(frozen=True, slots=True)
class Job:
    """A job and its interval."""

    name: str
    every_seconds: float
    run: Callable[[], Awaitable[object]]


def jobs_of(services: Container) -> list[Job]:
    """Return all jobs."""
    reconciliation = services.reconciliation
    return [
        Job("publish-line", 1, services.waiting_room.publish),
        Job("expire-holds", 1, reconciliation.expire_holds),
        Job("ask-before-expiry", 2, reconciliation.settle_before_expiry),
        Job("probe-gateway", 2, services.outages.probe),
        Job("process-inbox", 5, services.payments.process_pending_webhooks),
        Job("spread-notices", 2, services.event_notices.spread),
        Job("push-refunds", 2, services.refunds.submit_pending),
        Job("find-missed-payments", 15, reconciliation.find_missed_payments),
        Job("refund-cancelled", 5, services.lifecycle.refund_cancelled_event),
        Job("sample-sales", 10, services.dashboard.sample),
        Job("find-orphans", 900, reconciliation.find_orphans),
        Job("check-promises", 300, services.telemetry.check_invariants),
    ]
