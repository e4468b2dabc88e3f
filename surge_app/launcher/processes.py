"""File locks and process control, shared by the launcher and the embedded servers."""

from __future__ import annotations

import errno
import fcntl
import os
import resource
import shutil
import time
from contextlib import contextmanager, suppress
from hashlib import sha256
from typing import TYPE_CHECKING

import psutil

from surge_app.errors import ConfigurationError

if TYPE_CHECKING:
    import signal
    from collections.abc import Callable, Generator, Iterable
    from pathlib import Path

_POLL_SECONDS = 0.05
_STORAGE_ERRORS = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EFBIG)
# macOS refuses more than it calls OPEN_MAX, whatever its hard limit says.
_ENOUGH_FILES, _MAX_FILES_OF_MACOS = 65_536, 10_240


class FileLock:
    """An advisory lock on a file or folder; the kernel releases it when the process dies."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor: int | None = None

    def acquire(
        self,
        *,
        shared: bool = False,
        timeout_seconds: float = 0.0,
        check: Callable[[], None] = lambda: None,
    ) -> bool:
        """Acquire the lock, or upgrade a shared lock to an exclusive one.

        Args:
            shared: Allow other shared holders.
            timeout_seconds: How long to retry.
            check: Called between attempts; what it raises ends the wait.

        Returns:
            Whether it was acquired. A failed upgrade releases the shared lock.
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
                check()
                time.sleep(_POLL_SECONDS)
            else:
                return True

    def release(self) -> None:
        """Release the lock; harmless if it is not held."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


@contextmanager
def file_lock(
    path: Path, *, timeout_seconds: float, check: Callable[[], None] = lambda: None
) -> Generator[None]:
    """Hold an exclusive lock on `path` during the block; `check` may end the wait for it.

    Raises:
        ConfigurationError: If another process holds it beyond the timeout.
    """
    lock = FileLock(path)
    if not lock.acquire(timeout_seconds=timeout_seconds, check=check):
        msg = f"Another Surge process has held {path} for {timeout_seconds:.0f} seconds."
        raise ConfigurationError(msg)
    try:
        yield
    finally:
        lock.release()


def storage_problem(error: OSError) -> str | None:
    """Return a sentence if the error is about a full or closed disk, otherwise None."""
    reasons = [os.strerror(number) for number in _STORAGE_ERRORS]
    # `shutil` reports every file that it could not copy.
    text = str(error.args[0][0][-1]) if isinstance(error, shutil.Error) else str(error)
    if not any(reason in text for reason in reasons):
        return None
    return (
        f"A file cannot be written ({text}). The command ended. Free some space or make the "
        "folder writable, or set SURGE_DATA_DIR to another one."
    )


def private_name(folder: Path) -> str:
    """Return the name, equal in every process, of what a data directory keeps elsewhere."""
    digest = sha256(f"{folder}\0{os.geteuid()}".encode()).hexdigest()
    return f"surge-{digest[:12]}"


def raise_nofile_limit() -> int:
    """Raise the soft limit of open files to the hard limit; each visitor needs one.

    Shells usually set 256 to 1,024.

    Returns:
        The new limit.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    for wanted in (_ENOUGH_FILES, _MAX_FILES_OF_MACOS):
        most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        if soft == resource.RLIM_INFINITY or soft >= most:
            break
        with suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
            return most
    return _ENOUGH_FILES if soft == resource.RLIM_INFINITY else soft


def is_alive(process: psutil.Process) -> bool:
    """Return whether the process runs; a zombie does not."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def matching(accepts: Callable[[psutil.Process], bool]) -> list[psutil.Process]:
    """Return the running processes that `accepts` matches, except this one.

    Args:
        accepts: Called once per process; a process that vanishes or denies access does not
            match.
    """
    found: list[psutil.Process] = []
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            if process.pid != os.getpid() and accepts(process) and is_alive(process):
                found.append(process)
    return found


def wait_gone(processes: Iterable[psutil.Process], *, timeout_seconds: float) -> bool:
    """Wait until all processes have ended; return whether they did in time."""
    deadline = time.monotonic() + timeout_seconds
    remaining = list(processes)
    while remaining := [process for process in remaining if is_alive(process)]:
        if time.monotonic() >= deadline:
            return False
        time.sleep(_POLL_SECONDS)
    return True


def send(processes: Iterable[psutil.Process], number: signal.Signals) -> None:
    """Send a signal to each process that still exists."""
    for process in processes:
        with suppress(psutil.Error):
            process.send_signal(number)
