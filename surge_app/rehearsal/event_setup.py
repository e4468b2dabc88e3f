"""Make the event of a rehearsal, close it afterwards, and audit its data.

What is sold there stays in the database, as bookings and ledgers do; the event is marked, so it
is in no list and no sum.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, replace
from datetime import timedelta

from surge_app.clock import new_id, utc_now
from surge_app.container import Container
from surge_app.errors import ConfigurationError
from surge_app.languages import gettext as _
from surge_app.rehearsal.plan import Plan
from surge_app.rehearsal.reporting.result import Check, Report
from surge_app.rehearsal.runner import OnSample, rehearse, require_sandbox
from surge_app.services.events.facts import ChallengeMode, QueueOrder
from surge_app.services.events.new_event import NewEvent, NewTier

_PRICES = (("General", 75_000), ("Balcony", 150_000))
_SHARE_OF_GENERAL = 0.7
_POLL_SECONDS = 1.0
# How long the last messages may take.
_MESSAGES_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class Stage:
    """The event to make. The windows are short, so that released tickets come back soon.

    Attributes:
        units: How many places are for sale.
        concurrent_buyers: How many may shop at a time.
        payment_seconds: At least a minute, the shortest there is.
    """

    units: int
    concurrent_buyers: int = 100
    hold_seconds: int = 20
    payment_seconds: int = 60
    challenge: ChallengeMode = "off"
    queue_order: QueueOrder = "fifo"


async def run(
    services: Container,
    base_url: str,
    plan: Plan,
    stage: Stage,
    *,
    actor: str,
    on_sample: OnSample | None = None,
    stop: asyncio.Event | None = None,
) -> Report:
    """Rehearse beside the services of the same installation, and audit the data afterwards.

    Args:
        services: Of the installation that runs at `base_url`.
        plan: With an empty event, one is made for it and closed in the end.
        stage: The event to make; unused if the plan names one.
    """
    await require_sandbox(base_url)
    if plan.event:
        return await _judged(services, base_url, plan, on_sample, stop)
    slug = await open_stage(services, stage, actor=actor)
    try:
        return await _judged(services, base_url, replace(plan, event=slug), on_sample, stop)
    finally:
        await close_stage(services, slug, actor=actor)


async def _judged(
    services: Container,
    base_url: str,
    plan: Plan,
    on_sample: OnSample | None,
    stop: asyncio.Event | None,
) -> Report:
    report = await rehearse(base_url, plan, on_sample=on_sample, stop=stop)
    if stop is not None and stop.is_set():
        return report
    return report.with_checks(await check_data(services, plan.event))


async def open_stage(services: Container, stage: Stage, *, actor: str) -> str:
    """Make the event and return its slug.

    Raises:
        ConfigurationError: If this installation takes real money or sends real messages.
    """
    settings = services.settings
    played = (settings.uses_sandbox_payments, settings.uses_sandbox_mail, settings.uses_sandbox_sms)
    if not all(played):
        msg = "A rehearsal needs the sandbox for payments, mail and SMS; live keys are configured."
        raise ConfigurationError(msg)
    general = max(1, round(stage.units * _SHARE_OF_GENERAL))
    counts = (general, stage.units - general)
    new = NewEvent(
        slug=f"rehearsal-{new_id().lower()}",
        name=_("Rehearsal"),
        venue=_("Nowhere: this is a rehearsal"),
        description=_("A rehearsal with virtual attendees. Nothing here is for sale."),
        starts_at=utc_now() + timedelta(days=1),
        tiers=tuple(
            NewTier(name, price, count)
            for (name, price), count in zip(_PRICES, counts, strict=True)
            if count
        ),
        concurrent_buyers=stage.concurrent_buyers,
        hold_seconds=stage.hold_seconds,
        payment_seconds=stage.payment_seconds,
        # A payment that is only started keeps a ticket no longer than its hold.
        slow_payment_percent=0,
        challenge=stage.challenge,
        queue_order=stage.queue_order,
        is_rehearsal=True,
    )
    return await services.organizer.create(new, actor=actor)


async def close_stage(services: Container, slug: str, *, actor: str) -> None:
    """Close the sale for good; its queue ends and its figures leave the metrics."""
    await services.organizer.change(slug, {"sales_close_at": utc_now()}, actor=actor)


async def check_data(services: Container, slug: str) -> list[Check]:
    """Check the invariants for an event, once its messages have been sent."""
    until = time.monotonic() + _MESSAGES_SECONDS
    stats = await services.dashboard.stats(slug)
    while stats.messages_pending and time.monotonic() < until:
        await asyncio.sleep(_POLL_SECONDS)
        stats = await services.dashboard.stats(slug)
    results = await services.audit.run(slug=slug)
    messages = Check(
        "messages",
        _("Every message about a booking has been handed over."),
        stats.messages_pending + stats.messages_dead == 0,
        _(
            "{waiting} waiting, {lost} given up",
            waiting=stats.messages_pending,
            lost=stats.messages_dead,
        ),
    )
    return [
        messages,
        *(
            Check(
                f"audit.{result.code}",
                _(result.promise),
                result.holds,
                "" if result.holds else str(list(result.offending))[:500],
            )
            for result in results
        ),
    ]
