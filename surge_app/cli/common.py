"""Shared parts of commands: access to the services, and JSON output."""

from __future__ import annotations

import asyncio
import functools
import inspect
import json
from collections.abc import Awaitable, Callable, Generator, Iterable
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any, Concatenate, ParamSpec, TypeVar, cast

import typer
from psycopg.errors import UndefinedColumn, UndefinedTable
from rich.console import Console
from rich.table import Table
from sqlalchemy.exc import ProgrammingError

from surge_app.container import Container, running
from surge_app.errors import ConfigurationError
from surge_app.launcher.connectivity import check_reachable, database_title
from surge_app.launcher.embedded_servers import backing_services
from surge_app.launcher.stored_secrets import development_secrets
from surge_app.settings import Settings, load_settings

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

_Result = TypeVar("_Result")
_Row = TypeVar("_Row", bound="DataclassInstance")
_Options = ParamSpec("_Options")

ACTOR = "command line"
"""The actor in the audit log."""

JsonFlag = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]


def with_services(
    work: Callable[[Container], Awaitable[_Result]],
    *,
    process: str = "cli",
    loop_factory: Callable[[], asyncio.AbstractEventLoop] | None = None,
) -> _Result:
    """Run `work` with the services of this install and return its result."""
    with existing_servers() as settings:
        check_reachable(settings)
        with asyncio.Runner(loop_factory=loop_factory) as runner:
            return runner.run(_run(settings, work, process))


def on_services(
    work: Callable[Concatenate[Container, _Options], Awaitable[None]],
) -> Callable[_Options, None]:
    """Turn work that takes the services of this install first into a command."""

    @functools.wraps(work)
    def command(*arguments: _Options.args, **options: _Options.kwargs) -> None:
        with_services(lambda services: work(services, *arguments, **options))

    signature = inspect.signature(work, eval_str=True)
    _services, *asked = signature.parameters.values()
    cast("Any", command).__signature__ = signature.replace(parameters=asked)
    return command


@contextmanager
def existing_servers(*, needs_redis: bool = True) -> Generator[Settings]:
    """Provide the servers of an install that exists, and name its database.

    Args:
        needs_redis: Whether an embedded Redis starts beside a configured Postgres.

    Raises:
        ConfigurationError: If there is none; a command must not create and then bless an empty one.
    """
    settings = load_settings()
    if settings.database_url is None and not (settings.data_dir / "postgres").is_dir():
        msg = (
            f"There is no Surge in {settings.data_dir}. Nothing was done. "
            "Set DATABASE_URL or SURGE_DATA_DIR, or run `migrate` to create one."
        )
        raise ConfigurationError(msg)
    with servers(settings, needs_redis=needs_redis) as ready:
        yield ready


@contextmanager
def servers(settings: Settings, *, needs_redis: bool = True) -> Generator[Settings]:
    """Provide the servers of these settings; name the database, also where the work fails."""
    try:
        if settings.database_url and not needs_redis:
            yield settings
        else:
            with backing_services(development_secrets(settings)) as ready:
                yield ready
    finally:
        if title := database_title(settings):
            typer.echo(f"Database: {title}", err=True)


def print_json(value: object) -> None:
    """Print a value as JSON."""
    typer.echo(json.dumps(value, default=str, ensure_ascii=False))


def print_rows(
    rows: Iterable[_Row],
    columns: tuple[str, ...],
    cells: Callable[[_Row], tuple[str, ...]],
    *,
    as_json: bool,
) -> None:
    """Print rows as a table, or all their fields as JSON."""
    if as_json:
        print_json([asdict(row) for row in rows])
        return
    table = Table(*columns)
    for row in rows:
        table.add_row(*cells(row))
    Console().print(table)


async def _run(
    settings: Settings, work: Callable[[Container], Awaitable[_Result]], process: str
) -> _Result:
    async with running(settings, process=process) as services:
        try:
            return await work(services)
        except ProgrammingError as error:
            if not isinstance(error.orig, UndefinedTable | UndefinedColumn):
                raise
            msg = "The tables of this database are missing or older than this Surge; run `migrate`."
            raise ConfigurationError(msg) from error
