"""One run for a data directory, and the record by which the next one finds its remains."""

from __future__ import annotations

import json
import os
import secrets
import sys
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final

import psutil

from surge_app.errors import ConfigurationError
from surge_app.launcher.processes import FileLock
from surge_app.launcher.supervisor import end_run

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from pathlib import Path

    from surge_app.settings import Settings

_RECORD: Final = "run.json"
_STOP_SECONDS: Final = 15


@contextmanager
def sole_run(settings: Settings, *, check: Callable[[], None]) -> Generator[str]:
    """Hold the data directory exclusively and yield the id that marks the run's processes.

    Processes left behind by a killed run are ended first.

    Args:
        settings: Name the data directory.
        check: Called while a stopping run is waited for; what it raises ends the wait.

    Raises:
        ConfigurationError: If another run holds the directory and is not about to end.
    """
    record = settings.data_dir / _RECORD
    lock = FileLock(settings.data_dir / "run.lock")
    if not lock.acquire():
        found = _read(record)
        is_leaving = bool(found.get("stopping")) or settings.drain_mark.exists()
        if is_leaving:
            sys.stderr.write(f"Waiting for process {found.get('pid')} to stop …\n")
        patience = settings.drain_seconds + 2 * _STOP_SECONDS if is_leaving else 0
        if not lock.acquire(timeout_seconds=patience, check=check):
            msg = (
                f"Surge already runs on {settings.data_dir} (process {found.get('pid')}, port "
                f"{found.get('port')}); stop it, or set SURGE_DATA_DIR for a second one."
            )
            raise ConfigurationError(msg)
    try:
        if killed := _read(record).get("run_id"):
            end_run(str(killed), seconds=_STOP_SECONDS)
        facts = {
            "run_id": secrets.token_hex(8),
            "pid": os.getpid(),
            "create_time": psutil.Process().create_time(),
            "port": settings.port,
            "stopping": False,
        }
        record.write_text(json.dumps(facts), "utf-8")
        try:
            yield str(facts["run_id"])
        finally:
            end_run(str(facts["run_id"]), seconds=_STOP_SECONDS)
            record.unlink(missing_ok=True)
    finally:
        lock.release()


def _read(record: Path) -> dict[str, object]:
    try:
        found: dict[str, object] = json.loads(record.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return found


def note_stopping(settings: Settings) -> None:
    """Record that the run is about to end, so that the next one waits for it."""
    record = settings.data_dir / _RECORD
    # A full disk must not keep the run from ending.
    with suppress(OSError):
        record.write_text(json.dumps(_read(record) | {"stopping": True}), "utf-8")
