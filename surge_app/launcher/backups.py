"""A copy of the database in one file, made while Surge runs, and the way back."""

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
    """Write everything in Postgres, as of this moment, to a file only its owner can read.

    Args:
        settings: With `database_url` filled in.
        target: Appears when it is whole, in the place of an older one.

    Raises:
        ConfigurationError: If it cannot be written.
    """
    scratch = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        scratch.touch(mode=0o600)
        _run(settings, "pg_dump", "--format=custom", *_OWNERLESS, f"--file={scratch}")
        # A file that lists its content has its end.
        _run(settings, "pg_restore", "--list", str(scratch), connects=False)
        scratch.replace(target)
    except OSError as error:
        msg = f"The backup cannot be written to {target} ({error.strerror})."
        raise ConfigurationError(msg) from error
    finally:
        scratch.unlink(missing_ok=True)


def load(settings: Settings, source: Path) -> None:
    """Bring a backup into an empty database, whole or not at all.

    Args:
        settings: With `database_url` filled in.
        source: As `save` wrote it.

    Raises:
        ConfigurationError: If the file is none, or the database is not empty.
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
        # An argument can be read by everybody on the machine.
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
