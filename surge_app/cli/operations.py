"""Commands for data: backups and privacy requests."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from surge_app.cli.common import (
    ACTOR,
    existing_servers,
    on_services,
    print_json,
    servers,
    with_services,
)
from surge_app.container import Container
from surge_app.errors import ConfigurationError
from surge_app.launcher import backups
from surge_app.launcher.connectivity import check_reachable
from surge_app.settings import load_settings

privacy_app = typer.Typer(no_args_is_help=True, help="What a person may ask about their data.")

_Email = Annotated[str | None, typer.Option(help="Of the person.")]
_Phone = Annotated[str | None, typer.Option(help="Of the person; +91 is assumed.")]


def backup(file: Annotated[Path, typer.Argument(help="Replaced if it is there.")]) -> None:
    """Write the whole database to a file while Surge runs."""
    with existing_servers(needs_redis=False) as settings:
        check_reachable(settings)
        events = backups.save(settings, file)
    typer.echo(f"{file}: {events} events, {file.stat().st_size:,} bytes")


def restore(file: Annotated[Path, typer.Argument(help="As `backup` wrote it.")]) -> None:
    """Restore a backup into an empty database. Run `migrate` and `audit` afterwards."""
    # Before servers start, which would make a database for nothing.
    if not file.is_file():
        raise ConfigurationError(f"There is no file {file}. Nothing was changed.")
    with servers(load_settings(), needs_redis=False) as settings:
        check_reachable(settings)
        backups.load(settings, file)
    typer.echo("Restored. Now: migrate, then audit.")


@privacy_app.command("export")
@on_services
async def privacy_export(services: Container, email: _Email = None, phone: _Phone = None) -> None:
    """Print everything stored about a person as JSON."""
    print_json(await services.privacy.export(email=email, phone=phone))


@privacy_app.command("erase")
def privacy_erase(
    email: _Email = None,
    phone: _Phone = None,
    *,
    older_than_days: Annotated[
        int | None, typer.Option(min=1, help="Instead: all contacts of events so long ago.")
    ] = None,
) -> None:
    """Erase a person permanently and print the number of holds and bookings changed."""
    if older_than_days is not None and (email or phone):
        msg = "--older-than-days covers all contacts; leave --email and --phone out."
        raise ConfigurationError(msg)

    async def work(services: Container) -> int:
        if older_than_days is not None:
            return await services.privacy.erase_expired(days=older_than_days, actor=ACTOR)
        return await services.privacy.erase(email=email, phone=phone, actor=ACTOR)

    typer.echo(with_services(work))
