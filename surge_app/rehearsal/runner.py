"""Playing a sale against a running Surge, over HTTP alone."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from surge_app.errors import ConfigurationError
from surge_app.languages import gettext as _
from surge_app.rehearsal.payment import has_ended
from surge_app.rehearsal.plan import Plan, VisitorProfile, profiles
from surge_app.rehearsal.recorder import Notes, Sample
from surge_app.rehearsal.reporting.result import Report, report_of
from surge_app.rehearsal.virtual_browser import Crowd, crowd, is_here
from surge_app.rehearsal.visitor import Visitor
from surge_app.services.concurrency import in_background

OnSample = Callable[[Sample], None]
_EVERY_SECONDS = 1.0
_GOING_HOME_SECONDS = 5.0


async def rehearse(
    base_url: str,
    plan: Plan,
    *,
    on_sample: OnSample | None = None,
    stop: asyncio.Event | None = None,
    is_elsewhere_meant: bool = False,
) -> Report:
    """Play a sale and judge it.

    The event must be there, see `stage.open_stage`, and everything it sells is sold for good. While
    Surge is away the visitors do as pages do: they ask again, and keep their cookies.

    Args:
        base_url: Where Surge runs, such as `http://127.0.0.1:3000`.
        on_sample: Called once a second with where things stand; it must return at once.
        stop: Once it is set all visitors stop, and the sale so far is judged.
        is_elsewhere_meant: Whether another machine than this one may be asked.

    Returns:
        The report; the audit is added by a caller that may read the
        database, see `stage.look_at_books`.

    Raises:
        ConfigurationError: If the address is not this machine, or Surge does not answer there,
            is no sandbox, or does not know the event.
    """
    if not is_elsewhere_meant and not is_here(base_url):
        msg = "A rehearsal sends its visitors to this machine only, unless told otherwise."
        raise ConfigurationError(msg)
    await require_sandbox(base_url)
    notes = Notes()
    async with crowd(base_url, notes, visitors=plan.visitors) as visitors:
        await _require_event(visitors, plan.event)
        notes.steps.clear()
        notes.started = time.monotonic()
        async with in_background(_sample(visitors, plan, on_sample)):
            stop = stop or asyncio.Event()
            await _play(visitors, plan, stop)
            played = notes.clock()
            await _settle(visitors, plan, stop)
        last = await visitors.browser(0).insist("watch", "GET", f"/api/events/{plan.event}")
    return report_of(plan, notes, last.body, played_seconds=played)


async def _play(visitors: Crowd, plan: Plan, stop: asyncio.Event) -> None:
    notes = visitors.notes
    tasks = [
        asyncio.create_task(_attend(visitors, plan, profile), name=str(profile.index))
        for profile in profiles(plan)
    ]
    stopping = asyncio.create_task(stop.wait())
    # One future for all: to wait for twenty thousand tasks anew each second would keep this
    # process busy, and what it measures would be itself.
    all_visitors = asyncio.gather(*tasks, return_exceptions=True)
    await asyncio.wait(
        {all_visitors, stopping}, timeout=plan.most_seconds, return_when=asyncio.FIRST_COMPLETED
    )
    stopping.cancel()
    left = [task for task in tasks if not task.done()]
    notes.outcomes["sent home"] += len(left)
    for task in left:
        task.cancel()
    if left:
        await asyncio.wait(left, timeout=_GOING_HOME_SECONDS)
    for task in tasks:
        if task.done() and not task.cancelled() and (error := task.exception()):
            notes.record_fault(
                _("visitor {number} failed: {error}", number=task.get_name(), error=repr(error))
            )


async def _attend(visitors: Crowd, plan: Plan, profile: VisitorProfile) -> None:
    outcome = await Visitor(visitors, plan, profile).attend()
    visitors.notes.outcomes[outcome] += 1


async def _settle(visitors: Crowd, plan: Plan, stop: asyncio.Event) -> None:
    """Wait until nothing is held and every payment has become a booking or went back."""
    notes = visitors.notes
    until = time.monotonic() + plan.settle_seconds
    late = any(payment for payment in notes.payments) and notes.bad_days["delayed"]
    not_before = time.monotonic() + (plan.late_seconds if late else 0)
    while time.monotonic() < until and not stop.is_set():
        open_payments = [
            payment
            for payment in notes.payments
            if not payment.booking_ref and not payment.refunded
        ]
        for payment in open_payments:
            await has_ended(visitors.payers[payment.order_id], payment)
        held = notes.samples[-1].held if notes.samples else 0
        if not open_payments and not held and time.monotonic() >= not_before:
            return
        await asyncio.sleep(_EVERY_SECONDS)


async def _sample(visitors: Crowd, plan: Plan, on_sample: OnSample | None) -> None:
    notes, browser = visitors.notes, visitors.browser(0)
    while True:
        asleep = time.monotonic()
        await asyncio.sleep(_EVERY_SECONDS)
        lag = time.monotonic() - asleep - _EVERY_SECONDS
        event, queue = await asyncio.gather(
            browser.call("watch", "GET", f"/api/events/{plan.event}"),
            browser.call("watch", "GET", f"/api/queue/{plan.event}"),
        )
        tiers = event.body.get("tiers", [])
        sample = Sample(
            seconds=round(notes.clock(), 1),
            arrived=notes.arrived,
            waiting=notes.waiting,
            inside=notes.inside,
            queue=int(queue.body.get("waiting", 0)),
            free=sum(tier["available"] for tier in tiers),
            held=sum(tier["held"] for tier in tiers),
            sold=sum(tier["sold"] for tier in tiers),
            booked=len(notes.booked_at),
            requests=notes.requests(),
            errors=notes.server_errors() + notes.lost(),
            lag_ms=round(lag * 1000, 1),
        )
        if event.is_good and queue.is_good:
            notes.samples.append(sample)
        if on_sample is not None:
            on_sample(sample)


async def require_sandbox(base_url: str) -> None:
    """Ask a running Surge whether payments, mail and SMS are all played there.

    Raises:
        ConfigurationError: If it does not answer, or one of them is live.
    """
    async with crowd(base_url, Notes(), visitors=1) as asking:
        answer = await asking.browser(0).call("watch", "GET", "/sandbox/vendors")
    if answer.status == 0:
        raise ConfigurationError(f"Surge does not answer at {base_url}; start it with `make run`.")
    live = [name for name in ("payments", "mail", "sms") if answer.body.get(name) != "sandbox"]
    if live:
        msg = (
            f"Not the sandbox at {base_url}: {', '.join(live)}. A rehearsal never touches real "
            "money and sends no real message."
        )
        raise ConfigurationError(msg)


async def _require_event(visitors: Crowd, slug: str) -> None:
    answer = await visitors.browser(0).call("watch", "GET", f"/api/events/{slug}")
    if not answer.is_good:
        raise ConfigurationError(f"There is no event {slug!r} at {visitors.base_url}.")
