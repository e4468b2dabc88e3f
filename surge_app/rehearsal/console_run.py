"""Run a rehearsal that was started in admin, in a process of its own."""

from __future__ import annotations

import asyncio
import os
import signal
from dataclasses import asdict

from surge_app.container import Container
from surge_app.errors import ConfigurationError, SurgeError
from surge_app.languages import N_, gettext as _
from surge_app.rehearsal.event_setup import Stage, run
from surge_app.rehearsal.plan import USUAL_DAYS, Plan
from surge_app.rehearsal.recorder import Sample
from surge_app.rehearsal.reporting.html_report import page_of
from surge_app.services.concurrency import in_background

_EVERY_SECONDS = 1.0
_MAX_SECONDS = 420.0
_SETTLE_SECONDS = 120.0
_STOPPED = N_("Surge was stopped meanwhile.")


async def run_started(services: Container, rehearsal_id: str) -> bool:
    """Run a requested rehearsal and store its result; return whether every check passed.

    Raises:
        NotFound: If it was not requested, or was withdrawn.
    """
    request = await services.rehearsals.request(rehearsal_id)
    plan = Plan(
        event="",
        visitors=request.visitors,
        abandon=request.abandon_percent / 100,
        bad_days=USUAL_DAYS if request.has_bad_days else {},
        arrive_seconds=min(60.0, max(1.0, request.visitors / 100)),
        most_seconds=_MAX_SECONDS,
        settle_seconds=_SETTLE_SECONDS,
    )
    stop, samples = asyncio.Event(), list[Sample]()
    # So that the event is closed when Surge is stopped meanwhile.
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    async with in_background(_report(services, rehearsal_id, samples, stop)):
        try:
            report = await run(
                services,
                services.settings.local_url,
                plan,
                Stage(request.units),
                actor=f"rehearsal {rehearsal_id}",
                on_sample=samples.append,
                stop=stop,
            )
        except (ConfigurationError, SurgeError) as error:
            await services.rehearsals.mark_failed(
                rehearsal_id, error.text if isinstance(error, SurgeError) else str(error)
            )
            return False
    if stop.is_set():
        await services.rehearsals.mark_failed(rehearsal_id, _STOPPED)
        return False
    summary = {
        "figures": {
            **report.figures,
            "is_only_slow": all(check.is_speed for check in report.broken),
        },
        "broken": [
            _("{check} Found: {found}.", check=check.text, found=check.found)
            for check in report.broken
        ],
    }
    await services.rehearsals.finish(
        rehearsal_id, is_good=report.is_good, report=summary, page=page_of(report.document())
    )
    return report.is_good


async def _report(
    services: Container, rehearsal_id: str, samples: list[Sample], stop: asyncio.Event
) -> None:
    """Store progress once a second; stop if the rehearsal was stopped or its parent is gone."""
    parent = os.getppid()
    while True:
        await asyncio.sleep(_EVERY_SECONDS)
        try:
            goes_on = await services.rehearsals.record_progress(
                rehearsal_id, asdict(samples[-1]) if samples else {}
            )
        except SurgeError:
            goes_on = True
        if not goes_on or os.getppid() != parent:
            stop.set()
