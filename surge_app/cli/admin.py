"""Commands for admin accounts."""

from __future__ import annotations

from typing import Annotated

import typer

from surge_app.cli.common import ACTOR, JsonFlag, on_services, print_rows, with_services
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
        raise ConfigurationError("An organizer's password has at least 8 characters.")
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
@on_services
async def admin_remove(
    services: Container, name: Annotated[str, typer.Argument(help="As listed.")]
) -> None:
    """Remove an account and end its sessions."""
    await services.admin_access.remove_account(name, actor=ACTOR)


@admin_app.command("list")
@on_services
async def admin_list(services: Container, *, as_json: JsonFlag = False) -> None:
    """List the accounts. The user of SURGE_ADMIN_USER is always an organizer."""
    print_rows(
        await services.admin_access.accounts(),
        ("Name", "Role", "Since"),
        lambda one: (one.name, one.role, f"{one.created_at:%Y-%m-%d}"),
        as_json=as_json,
    )
