"""`rehearse`: a sale with virtual attendees, its verdict and its report."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
import uvloop
from rich.console import Console

from surge_app.cli.common import ACTOR, JsonFlag, print_json, with_services
from surge_app.container import Container
from surge_app.errors import ConfigurationError
from surge_app.languages import DEFAULT, use
from surge_app.rehearsal import Plan, Report, rehearse as play
from surge_app.rehearsal.console_run import run_started
from surge_app.rehearsal.event_setup import Stage, run
from surge_app.rehearsal.plan import BAD_DAYS, MAX_SECONDS, MAX_VISITORS, USUAL_DAYS
from surge_app.rehearsal.reporting.html_report import page_of
from surge_app.rehearsal.reporting.terminal import progress, show_result
from surge_app.rehearsal.virtual_browser import is_here
from surge_app.services.events.facts import ChallengeMode, QueueOrder
from surge_app.settings import load_settings

_CHECK_FAILED = 1
_MAX_UNITS = 20_000
_FOR_GOOD = "What this rehearsal sells of {} stays sold, and is in its sums."
_DAYS = ", ".join(BAD_DAYS)


def _share(text: str) -> Any:
    return typer.Option(min=0, max=1, help=text)


def _seconds(text: str) -> Any:
    return typer.Option(min=0, max=MAX_SECONDS, help=text)


def rehearse(  # noqa: PLR0913  one option for each setting of a rehearsal
    visitors: Annotated[int, typer.Option(min=1, max=MAX_VISITORS)] = 300,
    units: Annotated[
        int, typer.Option(min=1, max=_MAX_UNITS, help="Places of the event made for it.")
    ] = 100,
    *,
    event: Annotated[
        str | None, typer.Option(help="Play on this event instead; what is sold stays sold.")
    ] = None,
    abandon: Annotated[float, _share("Part that leaves without buying.")] = 0.3,
    sockets: Annotated[float, _share("Part of those let in that opens the live checkout.")] = 0.1,
    two_tabs: Annotated[float, _share("Part with two tabs.")] = 0.05,
    come_back: Annotated[float, _share("Part that goes away for a while.")] = 0.05,
    bad_day: Annotated[
        list[str] | None,
        typer.Option(help=f"NAME=PERCENT of the payments, or `none`. Names: {_DAYS}."),
    ] = None,
    waiting: Annotated[bool, typer.Option(help="No visitor buys: all wait and poll.")] = False,
    seed: Annotated[int, typer.Option(help="The same seed plays the same people.")] = 1,
    arrive_seconds: Annotated[float, _seconds("How long the burst lasts.")] = 10.0,
    think_seconds: Annotated[float, _seconds("For each decision, on average.")] = 1.0,
    patience_seconds: Annotated[float, _seconds("In the queue, at most.")] = 600.0,
    max_seconds: Annotated[float, _seconds("Then the rehearsal ends.")] = 600.0,
    concurrent_buyers: Annotated[int, typer.Option(min=1, help="Of the event made.")] = 100,
    hold_seconds: Annotated[int, typer.Option(min=5, max=3600, help="Of the event made.")] = 20,
    challenge: Annotated[
        ChallengeMode,
        typer.Option(help="Of the event made: off, auto or always; they cost this machine."),
    ] = "off",
    queue_order: Annotated[
        QueueOrder, typer.Option(help="Of the event made: fifo or random.")
    ] = "fifo",
    url: Annotated[str | None, typer.Option(help="Where Surge runs; this machine.")] = None,
    elsewhere: Annotated[
        bool, typer.Option(help="The address may be another machine; needs --event.")
    ] = False,
    goals: Annotated[bool, typer.Option(help="Whether speed counts as a promise.")] = True,
    report: Annotated[
        Path | None, typer.Option(help="Folder for report.html and report.json.")
    ] = None,
    as_json: JsonFlag = False,
    started: Annotated[
        str | None, typer.Option(hidden=True, help="Of the rehearsal that the admin area started.")
    ] = None,
    language: Annotated[
        str, typer.Option(hidden=True, help="Of the report, for the organizer who started it.")
    ] = DEFAULT.tag,
) -> None:
    """Rehearse a sale with virtual attendees, in the sandbox only.

    Without --event it makes an event of its own, which no list and no sum shows, and closes it in
    the end. Exit code 1 if a check failed.
    """
    if started is not None:
        with use(language):
            _run_requested(started)
        return
    settings = load_settings()
    plan = Plan(
        event=event or "",
        visitors=visitors,
        seed=seed,
        arrive_seconds=arrive_seconds,
        think_seconds=think_seconds,
        abandon=abandon,
        sockets=sockets,
        two_tabs=two_tabs,
        come_back=come_back,
        bad_days=_bad_days(bad_day),
        only_wait=waiting,
        patience_seconds=patience_seconds,
        most_seconds=max_seconds,
    )
    stage = Stage(
        units, concurrent_buyers, hold_seconds, challenge=challenge, queue_order=queue_order
    )
    where = url or settings.local_url
    done = _elsewhere(where, plan) if elsewhere else _here(where, plan, stage)
    done = done if goals else done.without_speed()
    folder = report or settings.data_dir / "rehearsals" / done.plan.event
    _write(folder, done)
    if as_json:
        print_json(done.document())
    else:
        show_result(Console(), done, folder / "report.html")
    if not done.is_good:
        raise typer.Exit(_CHECK_FAILED)


def _here(where: str, plan: Plan, stage: Stage) -> Report:
    if not is_here(where):
        msg = "A rehearsal sends its visitors to this machine only; --elsewhere says otherwise."
        raise ConfigurationError(msg)
    if plan.event:
        typer.echo(_FOR_GOOD.format(plan.event), err=True)

    async def work(services: Container) -> Report:
        with progress() as show:
            return await run(services, where, plan, stage, actor=ACTOR, on_sample=show)

    return with_services(work, loop_factory=uvloop.new_event_loop)


def _run_requested(rehearsal_id: str) -> None:
    async def work(services: Container) -> bool:
        return await run_started(services, rehearsal_id)

    if not with_services(work, loop_factory=uvloop.new_event_loop):
        raise typer.Exit(_CHECK_FAILED)


def _elsewhere(where: str, plan: Plan) -> Report:
    if not plan.event:
        raise ConfigurationError("On another machine a rehearsal needs --event, made there for it.")
    typer.echo(_FOR_GOOD.format(plan.event), err=True)
    typer.echo("The books are there: run `audit` on that machine afterwards.", err=True)

    async def work() -> Report:
        with progress() as show:
            return await play(where, plan, on_sample=show, is_elsewhere_meant=True)

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(work())


def _write(folder: Path, done: Report) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(done.document(), indent=1, ensure_ascii=False)
    (folder / "report.json").write_text(text, "utf-8")
    (folder / "report.html").write_text(page_of(done.document()), "utf-8")


def _bad_days(given: list[str] | None) -> Mapping[str, float]:
    if given is None:
        return USUAL_DAYS
    if given == ["none"]:
        return {}
    found: dict[str, float] = {}
    for text in given:
        name, _, percent = text.partition("=")
        if name not in BAD_DAYS or not percent.isdecimal():
            msg = f"--bad-day takes NAME=PERCENT with a name of {_DAYS}; this was {text!r}."
            raise ConfigurationError(msg)
        found[name] = float(percent)
    return found
