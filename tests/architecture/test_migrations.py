"""Migrations go up, describe the models exactly, go down to nothing, and up again."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import psycopg
import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory
from psycopg import sql

from alembic import command
from surge_app.launcher.embedded_servers import backing_services
from surge_app.settings import Settings, load_settings

ROOT = Path(__file__).parents[2]
# Nothing older runs beside this code: the revisions up to it are of the first release.
_FIRST_RELEASE = "0015"
_COLUMNS = """
SELECT table_name || '.' || column_name, data_type,
    is_nullable = 'YES' OR column_default IS NOT NULL OR is_generated = 'ALWAYS'
        OR is_identity = 'YES'
FROM information_schema.columns WHERE table_schema = 'public'
"""
_FUNCTIONS = """
SELECT p.oid::regprocedure::text, pg_get_function_result(p.oid)
FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
WHERE n.nspname = 'public' AND p.prokind = 'f'
"""
_RULES = """
SELECT c.conrelid::regclass || ' ' || c.conname, pg_get_constraintdef(c.oid)
FROM pg_constraint c WHERE c.contype IN ('c', 'u', 'f', 'x') AND c.conrelid <> 0
    AND c.connamespace = 'public'::regnamespace
UNION ALL
SELECT i.indrelid::regclass || ' ' || i.indexrelid::regclass, pg_get_indexdef(i.indexrelid)
FROM pg_index i JOIN pg_class k ON k.oid = i.indexrelid
WHERE i.indisunique AND k.relnamespace = 'public'::regnamespace
    AND NOT EXISTS (SELECT FROM pg_constraint c WHERE c.conindid = i.indexrelid)
"""
_CHANGES = {
    "ALTER TABLE payments ADD COLUMN x int NOT NULL": "payments.x needs a value",
    "ALTER TABLE intents ALTER COLUMN email SET NOT NULL": "intents.email needs a value",
    "ALTER TABLE events DROP COLUMN currency": "events.currency is gone or of another type",
    "ALTER TABLE tiers ALTER COLUMN name TYPE varchar": "tiers.name is gone or of another type",
    "ALTER FUNCTION email_key(text) RENAME TO email_of": (
        "email_key(text) is gone or answers differently"
    ),
    "ALTER TABLE tiers ADD CONSTRAINT short CHECK (price_paise < 9)": "tiers short forbids more",
    "CREATE UNIQUE INDEX only_venue ON events (venue)": "events only_venue forbids more",
    "ALTER TABLE payments ADD COLUMN x int NOT NULL DEFAULT 0": "",
    "ALTER TABLE payments ADD COLUMN x int CHECK (x > 1)": "",
}
_LITERAL = re.compile(r"'([^']*)'")
_WAITING = """
SELECT FROM pg_locks l JOIN pg_class k ON k.oid = l.relation
WHERE NOT l.granted AND k.relname = 'intents'
"""
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


def test_revisions_are_numbered_in_one_row() -> None:
    scripts = ScriptDirectory.from_config(Config(str(ROOT / "alembic.ini")))
    numbers = [script.revision for script in scripts.walk_revisions()]
    assert numbers == [f"{number:04}" for number in range(len(numbers), 0, -1)]


def test_a_difference_between_models_and_migrations_is_found(
    alembic: Alembic, empty: Settings
) -> None:
    alembic("upgrade", "head")
    with psycopg.connect(empty.database_url or "", autocommit=True) as connection:
        connection.execute("ALTER TABLE events DROP COLUMN currency")
    try:
        with pytest.raises(AssertionError, match="add_column"):
            alembic("check")
    finally:
        alembic("downgrade", "base")


@dataclass(frozen=True)
class _Schema:
    """What code relies on: types, columns that need no value, functions, and rules for rows."""

    types: dict[str, str]
    optional: set[str]
    functions: dict[str, str]
    rules: dict[str, str]

    @property
    def tables(self) -> set[str]:
        return {name.partition(".")[0] for name in self.types}


def _schema(connection: psycopg.Connection) -> _Schema:
    columns = connection.execute(_COLUMNS).fetchall()
    return _Schema(
        types={name: kind for name, kind, _ in columns},
        optional={name for name, _, is_optional in columns if is_optional},
        functions=dict(connection.execute(_FUNCTIONS).fetchall()),
        rules=dict(connection.execute(_RULES).fetchall()),
    )


def _allows_all_of(new: str, old: str | None) -> bool:
    """Whether a rule is as before, or a list of values that became longer."""
    if old is None:
        return False
    if _LITERAL.sub("", new).count("::text") > _LITERAL.sub("", old).count("::text"):
        return set(_LITERAL.findall(new)) > set(_LITERAL.findall(old))
    return new == old


def _breaks(before: _Schema, after: _Schema) -> list[str]:
    """Return what code written for `before` meets in `after` that it cannot work with."""
    found = [
        f"{name} is gone or of another type"
        for name, kind in before.types.items()
        if after.types.get(name) != kind
    ]
    found += [
        f"{name} needs a value"
        for name in after.types.keys() - after.optional
        if name.partition(".")[0] in before.tables
        and (name not in before.types or name in before.optional)
    ]
    found += [
        f"{name} is gone or answers differently"
        for name, result in before.functions.items()
        if after.functions.get(name) != result
    ]
    added = {name.partition(".")[2] for name in after.types.keys() - before.types.keys()}
    found += [
        f"{name} forbids more"
        for name, rule in after.rules.items()
        if name.partition(" ")[0] in before.tables
        and not any(re.search(rf"\b{column}\b", rule) for column in added)
        and not _allows_all_of(rule, before.rules.get(name))
    ]
    return found


def test_the_previous_code_works_on_each_new_schema(
    empty: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", empty.database_url or "")
    monkeypatch.setenv("REDIS_URL", empty.redis_url or "")
    config = Config(str(ROOT / "alembic.ini"))
    command.downgrade(config, "base")
    scripts = ScriptDirectory.from_config(config).walk_revisions(_FIRST_RELEASE, "head")
    schemas: dict[str, _Schema] = {}
    for revision in reversed([script.revision for script in scripts]):
        command.upgrade(config, revision)
        with psycopg.connect(empty.database_url or "") as connection:
            schemas[revision] = _schema(connection)
    problems = {
        revision: _breaks(schemas[before], schemas[revision])
        for before, revision in pairwise(schemas)
    }
    assert len(problems) >= 4
    assert [one for one in problems.items() if one[1]] == []


def test_a_migration_that_breaks_the_previous_code_is_found(
    alembic: Alembic, empty: Settings
) -> None:
    alembic("upgrade", "head")
    found: dict[str, list[str]] = {}
    with psycopg.connect(empty.database_url or "") as connection:
        before = _schema(connection)
        for statement in _CHANGES:
            connection.execute(statement.encode())
            found[statement] = _breaks(before, _schema(connection))
            connection.rollback()
    assert {name: "; ".join(problems) for name, problems in found.items()} == _CHANGES


def test_a_migration_gives_way_to_a_purchase_and_is_tried_again(empty: Settings) -> None:
    config = Config(str(ROOT / "alembic.ini"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DATABASE_URL", empty.database_url or "")
        patch.setenv("REDIS_URL", empty.redis_url or "")
        command.downgrade(config, "base")
        command.upgrade(config, _FIRST_RELEASE)
        with (
            ThreadPoolExecutor() as pool,
            psycopg.connect(empty.database_url or "") as buyer,
            psycopg.connect(empty.database_url or "", autocommit=True) as watcher,
        ):
            buyer.execute("LOCK TABLE intents IN ROW EXCLUSIVE MODE")
            migration = pool.submit(command.upgrade, config, "head")
            deadline = time.monotonic() + 120
            while not watcher.execute(_WAITING).fetchall():
                assert time.monotonic() < deadline
            # What the migration locked: a deadlock if all revisions were one transaction.
            for table in _tables(empty):
                buyer.execute(sql.SQL("SELECT FROM {} LIMIT 1").format(sql.Identifier(table)))
            buyer.commit()
            migration.result(timeout=120)
