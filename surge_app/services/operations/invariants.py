"""The audit: the invariants of the design as queries. An empty answer means it holds."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from sqlalchemy import text

from surge_app.db.engine import Database

_MAX_ROWS = 20
# For this transaction only: one snapshot, and room to read millions of rows.
_SETTINGS = (
    "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY",
    "SET LOCAL statement_timeout = '10min'",
    "SET LOCAL work_mem = '128MB'",
    "SET LOCAL jit = off",
)


@dataclass(frozen=True, slots=True)
class Violation:
    """One invariant and the rows that break it (at most 20), empty when it holds."""

    code: str
    promise: str
    offending: tuple[dict[str, Any], ...]

    @property
    def holds(self) -> bool:
        """Return whether no row breaks it."""
        return not self.offending


class Audit:
    """Checks the invariants against the database as it is now."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def run(self, *, slug: str | None = None) -> list[Violation]:
        """Check every invariant in one snapshot.

        Args:
            slug: Look at one event only; None looks at all.

        Returns:
            One finding for each invariant, in the order of `invariants.sql`.
        """
        results: list[Violation] = []
        async with self._database.transaction() as session:
            for setting in _SETTINGS:
                await session.execute(text(setting))
            for code, promise, query in load_queries():
                limited = f"SELECT * FROM ({query}) AS found LIMIT {_MAX_ROWS}"  # noqa: S608  our file
                rows = (await session.execute(text(limited), {"slug": slug})).mappings().all()
                offending = tuple({key: str(value) for key, value in row.items()} for row in rows)
                results.append(Violation(code, promise, offending))
        return results


def load_queries() -> list[tuple[str, str, str]]:
    """Read `invariants.sql`: blocks after an empty line that start with `-- code: promise`.

    Returns:
        Code, sentence and query of each invariant.
    """
    source = (files("surge_app.services.operations") / "invariants.sql").read_text("utf-8")
    found: list[tuple[str, str, str]] = []
    for block in source.split("\n\n-- ")[1:]:
        head, _, query = block.partition("\n")
        code, _, promise = head.partition(": ")
        found.append((code, promise, query.strip().rstrip(";")))
    return found
