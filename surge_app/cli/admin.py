"""Commands for admin accounts."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from surge_app.cli.common import ACTOR, JsonFlag, print_json, with_services
from surge_app.container import Container
from surge_app.errors import ConfigurationError
from surge_app.models import Role
from surge_app.services.access.admin_auth import hash_password

admin_app = typer.Typer(no_args_is_help=True, help="Accounts of the admin area.")


@admin_app.command("hash-password")
def admin_hash_password() -> None:
    """Ask for a password and print its argon2id hash, for SURGE_ADMIN_PASSWORD_HASH."""
    password = typer.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
    if len(password) < 8:  # noqa: PLR2004  as the setting asks
        msg = "An organizer's password has at least 8 characters."
        raise ConfigurationError(msg)
    typer.echo(hash_password(password))


@admin_app.command("add")
def admin_add(
    name: Annotated[str, typer.Argument(help="Small letters, digits and . _ @ -")],
    role: Annotated[Role, typer.Option(help="organizer: everything; door: check-in only.")],
) -> None:
    """Ask for a password and create an admin account."""
    password = typer.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)

    async def work(services: Container) -> None:
        await services.admin_access.add_account(name, role=role, password=password, actor=ACTOR)

    with_services(work)


@admin_app.command("remove")
def admin_remove(name: Annotated[str, typer.Argument(help="As listed.")]) -> None:
    """Remove an account and end its sessions."""

    async def work(services: Container) -> None:
        await services.admin_access.remove_account(name, actor=ACTOR)

    with_services(work)


@admin_app.command("list")
def admin_list(*, as_json: JsonFlag = False) -> None:
    """List the accounts. The user of SURGE_ADMIN_USER is always an organizer."""

    async def work(services: Container) -> None:
        accounts = await services.admin_access.accounts()
        if as_json:
            print_json([asdict(account) for account in accounts])
            return
        table = Table("Name", "Role", "Since")
        for account in accounts:
            table.add_row(account.name, account.role, f"{account.created_at:%Y-%m-%d}")
        Console().print(table)

    with_services(work)
