"""Find, adopt, start and stop an embedded server."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import psutil

from surge_app.errors import ConfigurationError
from surge_app.launcher.processes import matching, send, wait_gone

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from surge_app.launcher.system_account import Account

_START_SECONDS: Final = 120
_ADOPT_SECONDS: Final = 30
# References stay here, because a server may outlive the block that started it and the
# interpreter warns about unreferenced children.
_children: list[subprocess.Popen[bytes]] = []


@dataclass(frozen=True)
class LocalServer:
    """Identifies, starts, probes and stops one server.

    Attributes:
        title: Name for messages.
        program: Process name.
        binary: Path of the program.
        command: `argv`, beginning with the process title.
        folder: Working directory.
        marker: Text unique to this data directory, in the title of each of its processes.
        answers: Probe: whether it serves requests now.
        stop_signal: Requests a quick, clean shutdown.
    """

    title: str
    program: str
    binary: Path
    command: tuple[str, ...]
    folder: Path
    log: Path
    marker: str
    account: Account
    answers: Callable[[], bool]
    stop_signal: signal.Signals

    def processes(self) -> list[psutil.Process]:
        """Return its processes, by program name and marker."""
        return matching(
            lambda process: (
                process.name() == self.program and self.marker in " ".join(process.cmdline())
            )
        )

    def head(self) -> psutil.Process | None:
        """Return its main process, if it runs."""
        heads = [one for one in self.processes() if not _title(one).startswith("postgres:")]
        return heads[0] if heads else None

    def wait_ready(self, is_there: Callable[[], bool], *, timeout_seconds: float) -> bool:
        """Wait until it answers; return False if it died or the time is up."""
        deadline = time.monotonic() + timeout_seconds
        while not self.answers():
            if not is_there() or time.monotonic() >= deadline:
                return False
            time.sleep(0.05)
        return True

    def ensure(self) -> None:
        """Adopt a server that answers, or start a new one."""
        if self.processes():
            if self.wait_ready(lambda: bool(self.processes()), timeout_seconds=_ADOPT_SECONDS):
                return
            self.stop()
        _forget_ended()
        with self.log.open("ab") as log:
            child = subprocess.Popen(
                self.command,
                executable=self.binary,
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=server_environment(),
                start_new_session=True,
                umask=0o077,
                **self.account.popen_arguments(),
            )
        _children.append(child)
        # Asked of the child itself: for a moment after its start, longer on a cold disk, the
        # system shows a process without a title.
        if not self.wait_ready(lambda: child.poll() is None, timeout_seconds=_START_SECONDS):
            self.stop()
            msg = f"The embedded {self.title} did not start; the reason stands in {self.log}."
            raise ConfigurationError(msg)

    def stop(self) -> None:
        """Stop it, escalating from the stop signal to SIGKILL."""
        for number, seconds in ((self.stop_signal, 30), (signal.SIGQUIT, 5), (signal.SIGKILL, 5)):
            everyone = self.processes()
            # Postgres helpers interpret the signals differently; the server forwards them.
            heads = [one for one in everyone if not _title(one).startswith("postgres:")]
            send(everyone if number == signal.SIGKILL or not heads else heads, number)
            if wait_gone(everyone, timeout_seconds=seconds) and not self.processes():
                break
        _forget_ended()


def _forget_ended() -> None:
    _children[:] = [child for child in _children if child.poll() is None]


def server_environment() -> dict[str, str]:
    """Return the environment for a server program, free of settings meant for clients."""
    # PGPORT, PGDATA and similar variables would reconfigure the server.
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    return inherited | {"LC_ALL": "C"}


def _title(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""
