"""A backup is whole, and comes back into an empty database only."""

from __future__ import annotations

import secrets
import stat
from collections.abc import Generator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from surge_app.container import Container, running
from surge_app.errors import ConfigurationError
from surge_app.launcher import backups
from surge_app.settings import Settings
from tests.engine.conftest import NewSale
from tests.engine.gateway import InProcessGateway

pytestmark = pytest.mark.nightly

_ROWS = """
SELECT (SELECT count(*) FROM units), (SELECT count(*) FROM bookings),
    (SELECT count(*) FROM ledger_entries), (SELECT version_num FROM alembic_version)
"""


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
    with pytest.raises(ConfigurationError, match=r"^There is no file "):
        backups.load(backing, tmp_path / "none")
