"""The command line of operators: usable while the app runs, and when it does not.

Every mistake is one sentence on standard error and exit code 2; a failed check is exit code 1.
"""

from __future__ import annotations

import asyncio
import logging
import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import asdict
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from surge_app.cli.admin import admin_app
from surge_app.cli.common import (
    ACTOR,
    JsonFlag,
    existing_servers,
    on_services,
    print_json,
    print_rows,
    servers,
    with_services,
)
from surge_app.cli.demo_events import demo_events
from surge_app.cli.event_options import with_event_options
from surge_app.cli.operations import backup, privacy_app, restore
from surge_app.cli.rehearse import rehearse
from surge_app.cli.verify_queue import verify_queue
from surge_app.container import Container
from surge_app.errors import ConfigurationError, SlugTaken, SurgeError
from surge_app.formatting import rupees
from surge_app.jobs import jobs_running
from surge_app.launcher import launch
from surge_app.launcher.connectivity import check_reachable
from surge_app.launcher.processes import storage_problem
from surge_app.models import MessageKind
from surge_app.observability.log import configure_logging
from surge_app.services.events.new_event import NewEvent
from surge_app.services.messaging.sms_templates import check_texts
from surge_app.services.operations.preflight import examine
from surge_app.settings import PROJECT, load_settings

_BAD_CONFIGURATION = 2
_CHECK_FAILED = 1

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
event_app = typer.Typer(no_args_is_help=True, help="Create and list events.")
webhook_app = typer.Typer(no_args_is_help=True, help="Stored webhooks.")
app.add_typer(event_app, name="event")
app.add_typer(admin_app, name="admin")
app.add_typer(webhook_app, name="webhook")
refund_app = typer.Typer(no_args_is_help=True, help="Refunds that wait for an operator.")
app.add_typer(refund_app, name="refund")
app.add_typer(privacy_app, name="privacy")
app.command("backup")(backup)
app.command("restore")(restore)
app.command("rehearse")(rehearse)
app.command("verify-queue")(verify_queue)


def main() -> None:
    """Run the command line; a mistake is a sentence, never a traceback."""
    # Without this, lines of the log would go to standard output, among the answers.
    configure_logging(json=False, level=logging.WARNING)
    try:
        app()
    except ConfigurationError as error:
        sys.stderr.write(f"{error}\n")
        raise SystemExit(_BAD_CONFIGURATION) from None
    except OSError as error:
        if (problem := storage_problem(error)) is None:
            raise
        sys.stderr.write(f"{problem}\n")
        raise SystemExit(_BAD_CONFIGURATION) from None
    except SurgeError as error:
        sys.stderr.write(f"{error.text} ({error.code})\n")
        raise SystemExit(_BAD_CONFIGURATION) from None


@app.command()
def run() -> None:
    """Serve everything on one port, in production mode; what `make run` calls."""
    settings = load_settings()
    configure_logging(json=settings.is_production)
    check_texts(settings)
    raise typer.Exit(launch.run(settings))


@app.command()
def dev() -> None:
    """Serve with hot reload on two ports; what `make dev` calls."""
    raise typer.Exit(launch.dev(load_settings()))


@app.command("build-pages")
def build_pages() -> None:
    """Build the pages for these settings and serve nothing; for an image of a container."""
    raise typer.Exit(launch.build(load_settings()))


@app.command()
def jobs() -> None:
    """Run the jobs in a process of their own, beside web workers with SURGE_JOBS=off."""
    configure_logging(json=load_settings().is_production)

    async def work(services: Container) -> None:
        stop = asyncio.Event()
        for name in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(name, stop.set)
        async with jobs_running(services):
            await stop.wait()

    with_services(work, process="jobs")


@app.command()
def migrate() -> None:
    """Bring the database to the newest revision."""
    with servers(load_settings(), needs_redis=False) as settings:
        check_reachable(settings)
        command = [sys.executable, "-m", "alembic", "upgrade", "head"]
        code = subprocess.run(command, cwd=PROJECT, check=False).returncode
    raise typer.Exit(code)


@app.command()
@on_services
async def audit(
    services: Container,
    *,
    as_json: JsonFlag = False,
    event: Annotated[str | None, typer.Option(help="Look at one event only.")] = None,
) -> None:
    """Check every invariant against the data; exit code 0 only if all hold."""
    if event is not None:
        # An event that does not exist violates no invariant.
        await services.dashboard.stats(event)
    elif not await services.dashboard.overview():
        msg = "This database holds no event, so there is nothing to check. Is it the right one?"
        raise ConfigurationError(msg)
    results = await services.audit.run(slug=event)
    holds = all(result.holds for result in results)
    if as_json:
        listed = [{**asdict(result), "holds": result.holds} for result in results]
        print_json({"ok": holds, "checks": listed})
    else:
        table = Table("Invariant", "Holds", title="Audit")
        for result in results:
            outcome = "yes" if result.holds else f"NO: {list(result.offending)}"
            table.add_row(result.promise, outcome)
        Console().print(table)
    if not holds:
        raise typer.Exit(_CHECK_FAILED)


@app.command()
def doctor(*, as_json: JsonFlag = False) -> None:
    """Check what a sale needs, and say how to mend what is missing."""
    configure_logging(json=False)
    with existing_servers() as settings:
        checks = asyncio.run(examine(settings))
    print_rows(
        checks,
        ("Check", "Result", "What to do"),
        lambda one: (one.name, "ok" if one.is_ok else "not ok", one.advice),
        as_json=as_json,
    )
    if not all(check.is_ok for check in checks):
        raise typer.Exit(_CHECK_FAILED)


@app.command("seed-demo")
@on_services
async def seed_demo(services: Container) -> None:
    """Create the demo events that are not there yet."""
    for new in demo_events():
        with suppress(SlugTaken):
            await services.organizer.create(new, actor=ACTOR)


@event_app.command("create")
@with_event_options
@on_services
async def event_create(services: Container, new: NewEvent) -> None:
    """Create an event with its tiers and units."""
    typer.echo(await services.organizer.create(new, actor=ACTOR))


@event_app.command("list")
@on_services
async def event_list(services: Container, *, as_json: JsonFlag = False) -> None:
    """List the events with what is sold."""
    print_rows(
        await services.dashboard.overview(),
        ("Slug", "Name", "Status", "Sold", "Held", "Available", "Net sales"),
        lambda one: (
            *(one.slug, one.name, one.status, str(one.sold), str(one.held)),
            *(str(one.available), rupees(one.revenue_paise)),
        ),
        as_json=as_json,
    )


# Without this setting, -5 would be taken for an option.
@event_app.command("stock", context_settings={"ignore_unknown_options": True})
def event_stock(
    slug: Annotated[str, typer.Argument(help="Address of the event.")],
    tier: Annotated[str, typer.Argument(help="Name or id of the tier.")],
    change: Annotated[str, typer.Argument(help="+N adds units, -N withdraws free ones.")],
) -> None:
    """Add units to a tier during its sale, or withdraw free ones; prints the new capacity."""
    sign, number = change[:1], change[1:]
    if sign not in {"+", "-"} or not number.isdecimal():
        msg = f"The change is +N or -N, such as +50 or -20; this was {change!r}."
        raise ConfigurationError(msg)

    async def work(services: Container) -> int:
        act = services.inventory.add_units if sign == "+" else services.inventory.withdraw_units
        return await act(slug, tier, int(number), actor=ACTOR)

    typer.echo(with_services(work))


@event_app.command("announce")
@on_services
async def event_announce(
    services: Container,
    slug: Annotated[str, typer.Argument(help="Address of the event.")],
    *,
    words: Annotated[str, typer.Option(help="Your own words, sent along.")] = "",
    version: Annotated[int | None, typer.Option(help="Send it, as previewed.")] = None,
) -> None:
    """Preview the announcement of a change to ticket holders; with --version, send it."""
    notices = services.event_notices
    if version is not None:
        typer.echo(await notices.announce_changes(slug, words=words, version=version, actor=ACTOR))
        return
    print_json(asdict(await notices.preview(slug, MessageKind.EVENT_CHANGED, words=words)))


@event_app.command("cancel")
@on_services
async def event_cancel(
    services: Container,
    slug: Annotated[str, typer.Argument(help="Address of the event.")],
    *,
    reason: Annotated[str, typer.Option(help="Sent to every buyer.")] = "",
    version: Annotated[int | None, typer.Option(help="Cancel it, as previewed.")] = None,
) -> None:
    """Preview a cancellation with its messages and refunds; with --version, cancel."""
    if version is not None:
        await services.lifecycle.cancel(slug, actor=ACTOR, reason=reason, version=version)
        return
    notice = await services.event_notices.preview(slug, MessageKind.EVENT_CANCELLED, words=reason)
    print_json({**asdict(notice), **asdict(await services.lifecycle.cancellation(slug))})


@webhook_app.command("replay")
@on_services
async def webhook_replay(
    services: Container,
    event_id: Annotated[str, typer.Argument(help="Our id of the stored event.")],
) -> None:
    """Settle a stored webhook again; what was done before is not done twice."""
    await services.payments.process_event(event_id)


@refund_app.command("list")
@on_services
async def refund_list(services: Container, *, as_json: JsonFlag = False) -> None:
    """List the refunds that are not retried automatically."""
    print_rows(
        await services.refunds.stuck(),
        ("Refund", "Booking", "Payment", "Amount", "Status", "Last error"),
        lambda one: (
            *(one.id, one.booking_ref or "", one.payment_id),
            *(rupees(one.amount_paise), one.status, one.last_error or ""),
        ),
        as_json=as_json,
    )


@refund_app.command("retry")
@on_services
async def refund_retry(
    services: Container, refund_id: Annotated[str, typer.Argument(help="As listed.")]
) -> None:
    """Retry a refund from the list."""
    await services.refunds.retry(refund_id, actor=ACTOR)
