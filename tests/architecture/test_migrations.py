"""Migrations go up, describe the models exactly, go down to nothing, and up again."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Generator
from pathlib import Path

import psycopg
import pytest

from surge_app.launcher.embedded_servers import backing_services
from surge_app.settings import Settings, load_settings

ROOT = Path(__file__).parents[2]
_TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1"

Alembic = Callable[..., str]


@pytest.fixture(scope="module")
def empty() -> Generator[Settings]:
    with (
        tempfile.TemporaryDirectory(prefix="surge-test-") as folder,
        backing_services(load_settings(data_dir=Path(folder))) as settings,
    ):
        yield settings


@pytest.fixture
def alembic(empty: Settings) -> Alembic:
    environment = {
        **os.environ,
        "DATABASE_URL": empty.database_url or "",
        "REDIS_URL": empty.redis_url or "",
        "SURGE_DATA_DIR": str(empty.data_dir),
    }

    def run(*words: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "alembic", *words],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    return run


def _tables(settings: Settings) -> list[str]:
    with psycopg.connect(settings.database_url or "") as connection:
        return [row[0] for row in connection.execute(_TABLES).fetchall()]


def test_up_matches_the_models_and_down_leaves_nothing(alembic: Alembic, empty: Settings) -> None:
    alembic("upgrade", "head")
    full = _tables(empty)
    assert {"events", "units", "intents", "bookings", "ledger_entries"} <= set(full)
    assert "No new upgrade operations detected." in alembic("check")
    alembic("downgrade", "base")
    assert _tables(empty) == ["alembic_version"]
    alembic("upgrade", "head")
    assert _tables(empty) == full
    assert "No new upgrade operations detected." in alembic("check")


def test_there_is_one_head(alembic: Alembic) -> None:
    assert alembic("heads").count("(head)") == 1


def test_a_difference_between_models_and_migrations_is_found(
    alembic: Alembic, empty: Settings
) -> None:
    alembic("upgrade", "head")
    with psycopg.connect(empty.database_url or "", autocommit=True) as connection:
        connection.execute("ALTER TABLE events DROP COLUMN venue")
    try:
        with pytest.raises(AssertionError, match="add_column"):
            alembic("check")
    finally:
        alembic("downgrade", "base")
