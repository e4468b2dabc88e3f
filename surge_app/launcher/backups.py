"""Back up the database to one file while Surge runs, and restore it."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

import psycopg
from psycopg import conninfo

from surge_app.errors import ConfigurationError
from surge_app.launcher.embedded_servers import postgres_program

if TYPE_CHECKING:
    from pathlib import Path

    from surge_app.settings import Settings

_OWNERLESS = ("--no-owner", "--no-privileges")


def save(settings: Settings, target: Path) -> None:
    """Write a consistent dump of Postgres to a file that only its owner can read.

    Args:
        settings: With `database_url` filled in.
        target: Replaced atomically once the dump is complete.

    Raises:
        ConfigurationError: If the dump fails.
    """
    scratch = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        scratch.touch(mode=0o600)
        _run(settings, "pg_dump", "--format=custom", *_OWNERLESS, f"--file={scratch}")
        # A truncated dump cannot list its contents.
        _run(settings, "pg_restore", "--list", str(scratch), connects=False)
        scratch.replace(target)
    except OSError as error:
        msg = f"The backup cannot be written to {target} ({error.strerror})."
        raise ConfigurationError(msg) from error
    finally:
        scratch.unlink(missing_ok=True)


def load(settings: Settings, source: Path) -> None:
    """Restore a backup into an empty database in one transaction.

    Args:
        settings: With `database_url` filled in.
        source: As `save` wrote it.

    Raises:
        ConfigurationError: If the file is no backup or the database is not empty.
    """
    if not source.is_file():
        msg = f"There is no file {source}."
        raise ConfigurationError(msg)
    with psycopg.connect(settings.direct_url or "", connect_timeout=5) as connection:
        found = connection.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'")
        if found.fetchone() != (0,):
            msg = (
                "The database is not empty. Restore into a new one: another DATABASE_URL, or "
                "another SURGE_DATA_DIR."
            )
            raise ConfigurationError(msg)
    words = ("--single-transaction", "--exit-on-error", *_OWNERLESS)
    _run(settings, "pg_restore", *words, str(source))


def _run(settings: Settings, program: str, *words: str, connects: bool = True) -> None:
    environment = dict(os.environ)
    if connects:
        parts = conninfo.conninfo_to_dict(settings.direct_url or "")
        # Every user of the machine can read command-line arguments.
        if password := parts.pop("password", None):
            environment["PGPASSWORD"] = str(password)
        words = (f"--dbname={conninfo.make_conninfo('', **parts)}", *words)
    done = subprocess.run(
        [str(postgres_program(program)), *words],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode:
        reason = " ".join(done.stderr.split()).rstrip(".")
        msg = f"{program} failed ({reason})."
        raise ConfigurationError(msg)
