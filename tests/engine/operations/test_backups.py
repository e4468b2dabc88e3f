"""A backup is whole, and comes back into an empty database only."""

from __future__ import annotations

import asyncio
import os
import secrets
import stat
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg
import pytest
from psycopg import sql

from surge_app.container import Container, running
from surge_app.errors import ConfigurationError
from surge_app.launcher import backups
from surge_app.launcher.embedded_servers import postgres_program
from surge_app.launcher.system_account import server_account
from surge_app.settings import Settings
from tests.engine.conftest import NewSale
from tests.engine.gateway import InProcessGateway

pytestmark = pytest.mark.nightly

_ROOT = Path(__file__).parents[3]
_ROWS = """
SELECT (SELECT count(*) FROM units), (SELECT count(*) FROM bookings),
    (SELECT count(*) FROM ledger_entries), (SELECT version_num FROM alembic_version)
"""


def _older_servers() -> list[Path]:
    """Return the programs of each older Postgres on this machine: the package brings one."""
    package = postgres_program("postgres").parents[2]
    debian = sorted(Path("/usr/lib/postgresql").glob("1[5-7]/bin"))
    return [package / "pginstall" / "bin", *debian]


@pytest.fixture(
    params=_older_servers(), ids=lambda path: f"{path.parents[1].name}-{path.parent.name}"
)
def older(request: pytest.FixtureRequest, backing: Settings) -> Generator[Settings]:
    """An empty database of an older server."""
    programs: Path = request.param
    account = server_account(backing.data_dir / "postgres")
    account.let_read(programs.parent)
    with TemporaryDirectory(prefix="surge-older-") as name:
        folder = Path(name)
        account.make_folder(folder)

        def call(program: str, *words: str) -> None:
            subprocess.run(
                [programs / program, *words],
                cwd=folder,
                check=True,
                stdout=subprocess.DEVNULL,
                **account.popen_arguments(),
            )

        data = ("--pgdata", str(folder / "data"))
        call(
            "initdb", *data, "--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C"
        )
        options = f"-c listen_addresses='' -k {folder}"
        call("pg_ctl", *data, "--wait", f"--log={folder}/log", f"--options={options}", "start")
        try:
            url = f"postgresql://postgres@/postgres?host={folder}&port=5432"
            yield backing.model_copy(update={"database_url": url})
        finally:
            call("pg_ctl", *data, "--wait", "--mode=immediate", "stop")


@pytest.fixture
def empty(backing: Settings) -> Generator[Settings]:
    """An empty database beside the other, on the same server."""
    name = sql.Identifier(f"empty_{secrets.token_hex(4)}")
    url = backing.database_url or ""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(name))
        yield backing.model_copy(
            update={"database_url": url.replace("/surge?", f"/{name._obj[0]}?")}
        )
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(name))


def _rows(settings: Settings) -> tuple[object, ...] | None:
    with psycopg.connect(settings.database_url or "") as connection:
        return connection.execute(_ROWS).fetchone()


def _names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


async def test_what_was_saved_comes_back_and_keeps_every_promise(
    backing: Settings,
    empty: Settings,
    services: Container,
    gateway: InProcessGateway,
    new_sale: NewSale,
    tmp_path: Path,
) -> None:
    sale = await new_sale(5)
    await sale.hold()
    file = tmp_path / "surge.dump"
    backups.save(backing, file)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert _names(tmp_path) == ["surge.dump"]
    backups.load(empty, file)
    assert _rows(empty) == _rows(backing)
    async with running(empty, process="restored", gateway=gateway) as restored:
        event = await restored.catalog.event(sale.slug)
        assert [(tier.available, tier.held) for tier in event.tiers] == [(4, 1)]
        assert all(finding.holds for finding in await restored.audit.run(slug=sale.slug))
    with pytest.raises(ConfigurationError, match=r"^The database is not empty\."):
        backups.load(empty, file)


async def test_what_was_saved_comes_back_on_an_older_server(
    backing: Settings, older: Settings, new_sale: NewSale, tmp_path: Path
) -> None:
    await (await new_sale(5)).hold()
    file = tmp_path / "surge.dump"
    backups.save(backing, file)
    backups.load(older, file)
    assert _rows(older) == _rows(backing)
    again = tmp_path / "again.dump"
    backups.save(older, again)
    assert again.stat().st_size > 0


async def test_the_runbook_of_a_restore_works_on_an_older_server(
    backing: Settings, older: Settings, new_sale: NewSale, tmp_path: Path
) -> None:
    await (await new_sale(5)).hold()
    runbook = _runbook(older.database_url or "", tmp_path / "surge.dump")
    done = await asyncio.to_thread(_follow, runbook, backing)
    assert done.returncode == 0, done.stdout + done.stderr
    assert _rows(older) == _rows(backing)
    # Each of the four commands says which database it used.
    named = [line for line in done.stderr.splitlines() if line.startswith("Database: ")]
    assert len(named) == 4
    assert "surge at " in named[0]
    assert all(line.startswith("Database: postgres at ") for line in named[1:])
    # The database is not empty any more, so nothing after `restore` runs.
    again = await asyncio.to_thread(_follow, runbook, backing)
    assert again.returncode == 2
    assert again.stderr.splitlines()[-1].startswith("The database is not empty.")


def _follow(runbook: str, settings: Settings) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", "-euc", runbook],
        cwd=_ROOT,
        env={
            **os.environ,
            "DATABASE_URL": settings.database_url or "",
            "REDIS_URL": settings.redis_url or "",
            "SURGE_DATA_DIR": str(settings.data_dir),
            "SURGE_SECRET_KEY": ",".join(settings.secret_key),
        },
        capture_output=True,
        text=True,
        check=False,
    )


def _runbook(empty: str, file: Path) -> str:
    """Return the commands of the guide, with an address and a file that exist."""
    guide = (_ROOT / "docs" / "guides" / "deploy.md").read_text("utf-8")
    commands = guide.partition("## Backup and restore")[2].split("```sh\n")[1].partition("```")[0]
    named = {
        "postgresql://…/empty": f"'{empty}'",
        "surge.dump": str(file),
        ".venv/bin/python": sys.executable,
    }
    for name, value in named.items():
        assert name in commands
        commands = commands.replace(name, value)
    return commands


def test_half_a_file_changes_nothing(backing: Settings, empty: Settings, tmp_path: Path) -> None:
    file = tmp_path / "surge.dump"
    backups.save(backing, file)
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    with pytest.raises(ConfigurationError, match=r"^pg_restore failed"):
        backups.load(empty, file)
    with psycopg.connect(empty.database_url or "") as connection:
        tables = connection.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'")
        assert tables.fetchone() == (0,)


def test_a_backup_that_cannot_be_written_is_one_sentence(backing: Settings, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"^The backup cannot be written to .*\.$"):
        backups.save(backing, tmp_path / "nowhere" / "surge.dump")
