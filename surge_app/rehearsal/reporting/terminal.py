"""Show a rehearsal on the terminal: its progress, then its result."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.live import Live
from rich.table import Table

from surge_app.rehearsal.recorder import Sample
from surge_app.rehearsal.reporting.result import Report

_TURNS_A_SECOND = 2


@contextmanager
def progress() -> Generator[Callable[[Sample], None]]:
    """Show the newest sample on standard error for a block; a plain file gets nothing."""
    console = Console(stderr=True)
    with Live(console=console, refresh_per_second=_TURNS_A_SECOND, transient=True) as live:
        yield lambda sample: live.update(_now(sample))


def show_result(console: Console, report: Report, page: Path) -> None:
    """Print the checks, the outcomes of visitors, and the path of the full report."""
    checks = Table("Check", "Passed", "Found", title="Result of the rehearsal")
    passed = [one for one in report.checks if one.code.startswith("audit.") and one.holds]
    for check in (one for one in report.checks if one not in passed):
        result = "[green]yes[/]" if check.holds else "[bold red]NO[/]"
        checks.add_row(check.text, result, check.found)
    if passed:
        checks.add_row(f"{len(passed)} invariants of the audit.", "[green]yes[/]", "")
    steps = Table("Step", "Calls", "p50 ms", "p90 ms", "p99 ms", "Slowest", title="Answers")
    for step in report.steps:
        figures = (step.p50_ms, step.p90_ms, step.p99_ms, step.slowest_ms)
        steps.add_row(step.name, f"{step.calls:,}", *(f"{figure:,.0f}" for figure in figures))
    ends = Table("How it ended", "Visitors")
    for outcome, count in report.outcomes.items():
        ends.add_row(outcome.replace("_", " "), f"{count:,}")
    for table in (ends, steps, checks):
        console.print(table)
    if report.last_tenth:
        console.print(report.last_tenth)
    result = "Every check passed." if report.is_good else "NOT every check passed."
    console.print(f"{result} {report.figures['seconds']:.0f} s. Report: {page}")


def _now(sample: Sample) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_row(
        *(
            f"{name} [bold]{value}[/]"
            for name, value in (
                ("s", f"{sample.seconds:.0f}"),
                ("arrived", f"{sample.arrived:,}"),
                ("in queue", f"{sample.queue:,}"),
                ("inside", sample.inside),
                ("held", sample.held),
                ("sold", f"{sample.sold:,}"),
                ("free", f"{sample.free:,}"),
                ("answers", f"{sample.requests:,}"),
                ("errors", sample.errors),
            )
        )
    )
    return table
