"""How Alembic reaches the database: the URL of Settings, the tables of `surge_app.models`."""

from __future__ import annotations

import sys
import time

from alembic.operations import MigrationScript
from alembic.runtime.migration import MigrationContext
from psycopg.errors import DeadlockDetected, LockNotAvailable
from sqlalchemy import create_engine, pool, text
from sqlalchemy.exc import OperationalError
from sqlmodel import SQLModel

import surge_app.models  # noqa: F401  registers the tables
from alembic import command, context
from surge_app.db.engine import sqlalchemy_url
from surge_app.launcher.embedded_servers import backing_services
from surge_app.settings import load_settings

_MIGRATION_LOCK = 7_301_205
_PATIENCE_SECONDS, _PAUSE_SECONDS = 120, 0.3


def number_revision(
    _context: MigrationContext, _revision: object, directives: list[MigrationScript]
) -> None:
    """Give a generated revision the number after the newest."""
    directives[0].rev_id = f"{int(context.script.get_current_head() or 0) + 1:04}"


def is_newer() -> bool:
    """Return whether a later release has migrated this database; revisions are numbers.

    A node of the release before must be able to start again during a rolling upgrade.
    """
    options = context.config.cmd_opts
    if options is None or options.cmd[0] is not command.upgrade:
        return False
    revision, head = context.get_context().get_current_revision(), context.script.get_current_head()
    if int(revision or 0) <= int(head or 0):
        return False
    sys.stderr.write(
        f"The database has revision {revision}, newer than {head} of this Surge. "
        "Nothing was migrated. Only the release right before can use it.\n"
    )
    return True


def run_migrations(url: str) -> None:
    """Run each chosen revision in a transaction of its own, one process at a time.

    A revision that waits for a lock gives up before Postgres would look for a deadlock (1 s), so it
    neither queues the site behind itself nor ends a purchase. Then it is tried again.
    """
    engine = create_engine(sqlalchemy_url(url), poolclass=pool.NullPool)
    deadline = time.monotonic() + _PATIENCE_SECONDS
    with engine.connect() as connection:
        connection.execute(text(f"SELECT pg_advisory_lock({_MIGRATION_LOCK})"))
        connection.execute(text("SET lock_timeout = '500ms'"))
        connection.commit()
        while True:
            context.configure(
                connection=connection,
                target_metadata=SQLModel.metadata,
                compare_server_default=False,
                process_revision_directives=number_revision,
                transaction_per_migration=True,
            )
            try:
                with context.begin_transaction():
                    if not is_newer():
                        context.run_migrations()
            except OperationalError as error:
                is_late = time.monotonic() >= deadline
                if is_late or not isinstance(error.orig, LockNotAvailable | DeadlockDetected):
                    raise
                connection.rollback()
                time.sleep(_PAUSE_SECONDS)
            else:
                break
    engine.dispose()


settings = load_settings()
if settings.direct_url is not None:
    run_migrations(settings.direct_url)
else:
    with backing_services(settings) as backed:
        assert backed.direct_url is not None  # noqa: S101  filled in by backing_services
        run_migrations(backed.direct_url)
