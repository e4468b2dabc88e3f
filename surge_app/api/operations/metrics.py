"""`/metrics` for Prometheus: what processes counted, and what is so at this moment."""

from __future__ import annotations

import hmac
from collections.abc import Iterator
from ipaddress import ip_address

from fastapi import APIRouter, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from surge_app.api.dependencies import Services
from surge_app.errors import NotFound
from surge_app.observability.metrics import exposition
from surge_app.services.operations.telemetry import Figures

router = APIRouter()

_FROM_A_PROXY = ("forwarded", "x-forwarded-for", "x-real-ip", "via")


@router.get("/metrics", include_in_schema=False)
async def metrics(request: Request, services: Services) -> Response:
    """Return every figure; 404 without the right to see them."""
    if not _may_read(request, services.settings.metrics_token):
        raise NotFound
    found = _Now(await services.telemetry.figures())
    return Response(exposition(found), media_type=CONTENT_TYPE_LATEST)


def _may_read(request: Request, token: str | None) -> bool:
    if token is not None:
        shown = request.headers.get("authorization", "").removeprefix("Bearer ")
        return hmac.compare_digest(shown.encode(), token.encode())
    # Behind a proxy on this machine every client would seem local.
    if any(name in request.headers for name in _FROM_A_PROXY):
        return False
    try:
        return request.client is not None and ip_address(request.client.host).is_loopback
    except ValueError:
        return False


class _Now(Collector):
    """Figures in the form of Prometheus. Every metric is there, with or without samples."""

    def __init__(self, figures: Figures) -> None:
        self._figures = figures

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics; called by the registry."""
        found = self._figures
        up = GaugeMetricFamily(
            "surge_up", "Whether a server answers and takes writes.", labels=["server"]
        )
        up.add_metric(["postgres"], found.has_postgres)
        up.add_metric(["redis"], found.has_redis)
        yield up
        if found.has_postgres:
            yield GaugeMetricFamily(
                "surge_gateway_up",
                "Whether payments can be started.",
                value=float(found.is_gateway_up),
            )
            yield GaugeMetricFamily(
                "surge_leaders", "Processes that lead the jobs.", value=found.leaders
            )
        yield from self._sales()
        yield from self._waiting()
        yield from self._jobs()
        yield from self._invariants()

    def _sales(self) -> Iterator[Metric]:
        units = GaugeMetricFamily("surge_units", "Units by status.", labels=["event", "status"])
        bookings = GaugeMetricFamily("surge_bookings", "Confirmed bookings.", labels=["event"])
        revenue = GaugeMetricFamily(
            "surge_revenue_paise", "Money of confirmed bookings.", labels=["event"]
        )
        gauge = GaugeMetricFamily(
            "surge_line", "Visitors by where they are.", labels=["event", "place"]
        )
        passed = GaugeMetricFamily(
            "surge_line_passed",
            "Visitors who went through, since the start.",
            labels=["event", "way"],
        )
        for sale in self._figures.sales:
            slug = sale.units.slug
            units.add_metric([slug, "available"], sale.units.available)
            units.add_metric([slug, "held"], sale.units.held)
            units.add_metric([slug, "sold"], sale.units.sold)
            bookings.add_metric([slug], sale.bookings)
            revenue.add_metric([slug], sale.revenue_paise)
            for family, label, count in (
                (gauge, "waiting", sale.waiting),
                (gauge, "inside", sale.inside),
                (passed, "admitted", sale.admitted),
                (passed, "left", sale.left),
            ):
                if count is not None:
                    family.add_metric([slug, label], count)
        yield from (units, bookings, revenue, gauge, passed)

    def _waiting(self) -> Iterator[Metric]:
        holds = GaugeMetricFamily("surge_holds_live", "Live holds.", labels=["event", "status"])
        overdue = GaugeMetricFamily(
            "surge_holds_overdue_seconds",
            "How far the latest live hold is past its deadline.",
            labels=["event", "status"],
        )
        for hold in self._figures.holds:
            holds.add_metric([hold.slug, hold.status], hold.count)
            overdue.add_metric([hold.slug, hold.status], hold.overdue_seconds)
        messages = GaugeMetricFamily(
            "surge_messages", "Messages not delivered.", labels=["event", "channel", "status"]
        )
        oldest = GaugeMetricFamily(
            "surge_messages_oldest_seconds",
            "Age of the oldest message not delivered.",
            labels=["event", "channel", "status"],
        )
        for one in self._figures.messages:
            messages.add_metric([one.slug, one.channel, one.state], one.count)
            oldest.add_metric([one.slug, one.channel, one.state], one.oldest_seconds)
        backlog = GaugeMetricFamily("surge_backlog", "Work that waits.", labels=["kind"])
        age = GaugeMetricFamily(
            "surge_backlog_oldest_seconds", "Age of the oldest of it.", labels=["kind"]
        )
        for work in self._figures.backlogs:
            backlog.add_metric([work.kind], work.count)
            age.add_metric([work.kind], work.oldest_seconds)
        yield from (holds, overdue, messages, oldest, backlog, age)

    def _jobs(self) -> Iterator[Metric]:
        age = GaugeMetricFamily(
            "surge_job_age_seconds", "Time since a job last ended.", labels=["job"]
        )
        every = GaugeMetricFamily(
            "surge_job_every_seconds", "How often a job is due.", labels=["job"]
        )
        took = GaugeMetricFamily("surge_job_seconds", "How long its last run took.", labels=["job"])
        failed = GaugeMetricFamily(
            "surge_job_failed", "Whether its last run failed.", labels=["job"]
        )
        for job in self._figures.jobs:
            age.add_metric([job.name], job.age_seconds)
            every.add_metric([job.name], job.every_seconds)
            took.add_metric([job.name], job.took_seconds)
            failed.add_metric([job.name], job.has_failed)
        yield from (age, every, took, failed)

    def _invariants(self) -> Iterator[Metric]:
        broken = GaugeMetricFamily(
            "surge_promise_broken_rows",
            "Rows that break a promise, 20 at most, by the last audit of the jobs.",
            labels=["promise"],
        )
        age = GaugeMetricFamily("surge_audit_age_seconds", "Time since that audit.")
        took = GaugeMetricFamily("surge_audit_seconds", "How long it took.")
        found = self._figures.invariants
        if found is not None:
            for code, rows in sorted(found.broken.items()):
                broken.add_metric([code], rows)
            age.add_metric([], found.age_seconds)
            took.add_metric([], found.took_seconds)
        yield from (broken, age, took)
