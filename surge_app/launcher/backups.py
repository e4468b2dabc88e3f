"""Back up the database to one file while Surge runs, and restore it."""

from __future__ import annotations

import os
import subprocess
from contextlib import suppress
from tempfile import TemporaryFile
from typing import IO, TYPE_CHECKING, NoReturn

import psycopg
from psycopg import conninfo

from surge_app.errors import ConfigurationError
from surge_app.launcher.embedded_servers import postgres_program

if TYPE_CHECKING:
    from pathlib import Path

    from surge_app.settings import Settings

_OWNERLESS = ("--no-owner", "--no-privileges")
# Written by Postgres 17 and newer, which older servers refuse. Nothing depends on it.
_NEW_SETTING = b"SET transaction_timeout = 0;\n"


def save(settings: Settings, target: Path) -> int:
    """Write a consistent dump of Postgres to a file that only its owner can read.

    Args:
        settings: With `database_url` filled in.
        target: Replaced atomically once the dump is complete.

    Returns:
        The number of events in the database.

    Raises:
        ConfigurationError: If the dump fails, or the database has no tables of Surge.
    """
    events = _count_events(settings)
    scratch = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        scratch.touch(mode=0o600)
        words, environment = _connection(settings)
        options = ("--format=custom", *_OWNERLESS, f"--file={scratch}")
        _run("pg_dump", *words, *options, environment=environment)
        # A truncated dump cannot list its contents.
        _run("pg_restore", "--list", str(scratch))
        scratch.replace(target)
    except OSError as error:
        msg = f"The backup cannot be written to {target} ({error.strerror})."
        raise ConfigurationError(msg) from error
    finally:
        scratch.unlink(missing_ok=True)
    return events


def _count_events(settings: Settings) -> int:
    try:
        with psycopg.connect(settings.direct_url or "", connect_timeout=5) as connection:
            found = connection.execute("SELECT count(*) FROM events").fetchone()
    except psycopg.errors.UndefinedTable as error:
        msg = "This database has no tables of Surge. No backup was written. Is it the right one?"
        raise ConfigurationError(msg) from error
    return int(found[0]) if found else 0


def load(settings: Settings, source: Path) -> None:
    """Restore a backup into an empty database in one transaction.

    Args:
        settings: With `database_url` filled in.
        source: As `save` wrote it.

    Raises:
        ConfigurationError: If the file is no backup or the database is not empty.
    """
    with psycopg.connect(settings.direct_url or "", connect_timeout=5) as connection:
        found = connection.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'")
        if found.fetchone() != (0,):
            msg = (
                "The database is not empty. Restore into a new one: another DATABASE_URL, or "
                "another SURGE_DATA_DIR."
            )
            raise ConfigurationError(msg)
    with TemporaryFile() as problems:
        _restore(settings, source, problems)


def _restore(settings: Settings, source: Path, problems: IO[bytes]) -> None:
    words, environment = _connection(settings)
    script = subprocess.Popen(
        [postgres_program("pg_restore"), *_OWNERLESS, "--file=-", source],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=problems,
    )
    restoring = subprocess.Popen(
        [
            *(postgres_program("psql"), "--no-psqlrc", "--quiet", "--single-transaction"),
            *("--set=ON_ERROR_STOP=1", *words),
        ],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=problems,
    )
    assert script.stdout is not None  # noqa: S101  both are pipes
    assert restoring.stdin is not None  # noqa: S101
    # psql stops reading when a statement fails.
    with suppress(BrokenPipeError):
        for line in script.stdout:
            if line != _NEW_SETTING:
                restoring.stdin.write(line)
        restoring.stdin.flush()
    script.stdout.close()
    is_whole = script.wait() == 0
    if not is_whole:
        # The end of its input would make psql commit half of the backup.
        restoring.kill()
    with suppress(BrokenPipeError):
        restoring.stdin.close()
    if restoring.wait() or not is_whole:
        problems.seek(0)
        _refuse("pg_restore", problems.read().decode(errors="replace"))


def _connection(settings: Settings) -> tuple[list[str], dict[str, str]]:
    """Return the arguments and the environment with which a program reaches the database."""
    parts = conninfo.conninfo_to_dict(settings.direct_url or "")
    # Every user of the machine can read command-line arguments.
    password = parts.pop("password", None)
    secret = {"PGPASSWORD": str(password)} if password else {}
    return [f"--dbname={conninfo.make_conninfo('', **parts)}"], {**os.environ, **secret}


def _run(program: str, *words: str, environment: dict[str, str] | None = None) -> None:
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
        _refuse(program, done.stderr)


def _refuse(program: str, output: str) -> NoReturn:
    reason = " ".join(output.split()).rstrip(".")
    raise ConfigurationError(f"{program} failed ({reason}). Nothing was changed.")
