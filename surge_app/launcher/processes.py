"""File locks and process control, shared by the launcher and the embedded servers."""

from __future__ import annotations

import fcntl
import os
import resource
import shutil
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import psutil

from surge_app.errors import ConfigurationError

if TYPE_CHECKING:
    import signal
    from collections.abc import Callable, Generator, Iterable
    from pathlib import Path

_POLL_SECONDS = 0.05
# macOS refuses more than it calls OPEN_MAX, whatever its hard limit says.
_ENOUGH_FILES, _MOST_FILES_OF_MACOS = 65_536, 10_240


class FileLock:
    """An advisory lock on a file or folder; the kernel releases it when the process dies."""

    def __init__(self, path: Path) -> None:
        """Create the lock without taking it; the file appears when it is taken."""
        self._path = path
        self._descriptor: int | None = None

    def acquire(self, *, shared: bool = False, timeout_seconds: float = 0.0) -> bool:
        """Take the lock, or turn the shared lock held by this object into an exclusive one.

        Args:
            shared: Whether others may hold it as well, shared.
            timeout_seconds: How long to keep trying.

        Returns:
            Whether it was taken. A failed upgrade leaves nothing held.
        """
        if self._descriptor is None:
            flags = os.O_RDONLY if self._path.is_dir() else os.O_RDWR | os.O_CREAT
            self._descriptor = os.open(self._path, flags, 0o600)
        operation = (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB
        deadline = time.monotonic() + timeout_seconds
        while True:
            try:
                fcntl.flock(self._descriptor, operation)
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    self.release()
                    return False
                time.sleep(_POLL_SECONDS)
            else:
                return True

    def release(self) -> None:
        """Give the lock back; harmless when it is not held."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


@contextmanager
def file_lock(path: Path, *, timeout_seconds: float) -> Generator[None]:
    """Hold an exclusive lock on `path` for the block.

    Raises:
        ConfigurationError: If another process keeps it for longer than the timeout.
    """
    lock = FileLock(path)
    if not lock.acquire(timeout_seconds=timeout_seconds):
        msg = f"Another Surge process has held {path} for {timeout_seconds:.0f} seconds."
        raise ConfigurationError(msg)
    try:
        yield
    finally:
        lock.release()


def clear_dir(folder: Path) -> Path:
    """Return a folder of one's own with nothing in it, made if need be."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700)
    return folder


def raise_nofile_limit() -> int:
    """Let this process and its children open as many files as they may: each visitor is one.

    A shell usually allows 256 to 1,024, while the system would allow many more.

    Returns:
        How many it is now.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    for wanted in (_ENOUGH_FILES, _MOST_FILES_OF_MACOS):
        most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        if soft == resource.RLIM_INFINITY or soft >= most:
            break
        with suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
            return most
    return _ENOUGH_FILES if soft == resource.RLIM_INFINITY else soft


def is_alive(process: psutil.Process) -> bool:
    """Whether the process still does something; one that only waits to be reaped does not."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def matching(accepts: Callable[[psutil.Process], bool]) -> list[psutil.Process]:
    """Return the living processes that `accepts` says yes to, without this one.

    Args:
        accepts: Asked once for each process; a process that vanishes or that may not be
            looked at counts as a no.
    """
    found: list[psutil.Process] = []
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            if process.pid != os.getpid() and accepts(process) and is_alive(process):
                found.append(process)
    return found


def wait_gone(processes: Iterable[psutil.Process], *, timeout_seconds: float) -> bool:
    """Wait until none of the processes is alive; return whether that came true in time."""
    deadline = time.monotonic() + timeout_seconds
    remaining = list(processes)
    while remaining := [process for process in remaining if is_alive(process)]:
        if time.monotonic() >= deadline:
            return False
        time.sleep(_POLL_SECONDS)
    return True


def send(processes: Iterable[psutil.Process], number: signal.Signals) -> None:
    """Send a signal to each process that is still there."""
    for process in processes:
        with suppress(psutil.Error):
            process.send_signal(number)
