"""How Alembic reaches the database: the URL of Settings, the tables of `surge_app.models`."""

from __future__ import annotations

from alembic.operations import MigrationScript
from alembic.runtime.migration import MigrationContext
from sqlalchemy import create_engine, pool, text
from sqlmodel import SQLModel

import surge_app.models  # noqa: F401  registers the tables
from alembic import context
from surge_app.db.engine import sqlalchemy_url
from surge_app.launcher.embedded_servers import backing_services
from surge_app.settings import load_settings

_MIGRATION_LOCK = 7_301_205


def number_revision(
    _context: MigrationContext, _revision: object, directives: list[MigrationScript]
) -> None:
    """Give a generated revision the number after the newest."""
    directives[0].rev_id = f"{int(context.script.get_current_head() or 0) + 1:04}"


def run_migrations(url: str) -> None:
    """Run the chosen revisions in one transaction, one process at a time.

    A statement that waits for a lock longer than 5 s gives up, so a migration never queues the
    whole site behind itself.
    """
    engine = create_engine(sqlalchemy_url(url), poolclass=pool.NullPool)
    with engine.connect() as connection:
        context.configure(
            connection=connection,
            target_metadata=SQLModel.metadata,
            compare_server_default=False,
            process_revision_directives=number_revision,
        )
        with context.begin_transaction():
            connection.execute(text("SET LOCAL lock_timeout = '5s'"))
            connection.execute(text(f"SELECT pg_advisory_xact_lock({_MIGRATION_LOCK})"))
            context.run_migrations()
    engine.dispose()


with backing_services(load_settings()) as settings:
    assert settings.direct_url is not None  # noqa: S101  filled in by backing_services
    run_migrations(settings.direct_url)
