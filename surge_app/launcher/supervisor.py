"""Start, watch and end the launcher's children, however the launcher itself ends."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final

from surge_app.errors import ConfigurationError
from surge_app.launcher.processes import matching, send, wait_gone

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping, Sequence
    from pathlib import Path
    from types import FrameType

    import psutil

RUN_VARIABLE: Final = "SURGE_RUN"
_POLL_SECONDS: Final = 0.1
_WATCH_SECONDS: Final = 1.0
_MAX_NPM_LINES: Final = 3


class StopRequested(Exception):
    """A stop was requested while the launcher was working."""


class Supervisor:
    """Runs children in their own sessions and turns signals into an orderly stop.

    Ctrl-C reaches the whole foreground process group. Children are outside it, so they end in
    the right order: the web server before the databases.
    """

    def __init__(self) -> None:
        self._is_stopping = False
        self._is_in_a_hurry = False
        # A killed make sends no signal; only the parent process id changes.
        self._parent = os.getppid() if "MAKELEVEL" in os.environ else None

    @contextmanager
    def listening(self) -> Generator[None]:
        """Treat SIGINT, SIGTERM and SIGHUP as a stop request during the block."""
        numbers = [signal.SIGINT, signal.SIGTERM]
        if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:
            numbers.append(signal.SIGHUP)
        before = {number: signal.signal(number, self._hear) for number in numbers}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _hear(self, _number: int, _frame: FrameType | None) -> None:
        self._is_in_a_hurry = self._is_stopping
        self._is_stopping = True

    def check(self) -> None:
        """Return unless a stop was requested.

        Raises:
            StopRequested: If one was.
        """
        if self._is_stopping or (self._parent is not None and os.getppid() != self._parent):
            raise StopRequested

    def start(
        self, command: Sequence[str], *, cwd: Path, env: Mapping[str, str]
    ) -> subprocess.Popen[bytes]:
        """Start a child that shares this process's output; `end` stops it."""
        self.check()
        return subprocess.Popen(
            command, cwd=cwd, env=env, stdin=subprocess.DEVNULL, start_new_session=True
        )

    def call(
        self, command: Sequence[str], *, cwd: Path, env: Mapping[str, str], log: Path, failure: str
    ) -> None:
        """Run a child to completion, with its output in a log file.

        Args:
            log: Overwritten.
            failure: Beginning of the error message, such as "The migrations failed".

        Raises:
            ConfigurationError: If it fails.
            StopRequested: If a stop is requested meanwhile; the child is ended first.
        """
        self.check()
        with log.open("wb") as output:
            child = subprocess.Popen(
                command,
                cwd=cwd,
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        try:
            while child.poll() is None:
                self.check()
                time.sleep(_POLL_SECONDS)
        finally:
            self.end(child, seconds=5)
        if child.returncode:
            self.check()
            msg = f"{failure}{_npm_errors(log)}; the reason stands at the end of {log}."
            raise ConfigurationError(msg)

    def wait_for(
        self, child: subprocess.Popen[bytes], is_ready: Callable[[], bool], *, seconds: float
    ) -> None:
        """Wait until a started child is ready.

        Raises:
            ConfigurationError: If it ends before, or takes longer than `seconds`.
            StopRequested: If a stop is requested meanwhile.
        """
        deadline = time.monotonic() + seconds
        while not is_ready():
            self.check()
            if child.poll() is not None:
                msg = f"The web server ended while starting (exit code {child.returncode})."
                raise ConfigurationError(msg)
            if time.monotonic() >= deadline:
                msg = f"The web server did not answer within {seconds:.0f} seconds."
                raise ConfigurationError(msg)
            time.sleep(_POLL_SECONDS)

    def watch(
        self,
        child: subprocess.Popen[bytes],
        *,
        drain_mark: Path | None = None,
        drain_seconds: float = 0,
        keep_alive: Callable[[], None] = lambda: None,
    ) -> int:
        """Wait for the child's own end and return its exit code.

        Args:
            drain_mark: A file that exists from a stop request until this returns; the child
                reports not ready while it does.
            drain_seconds: How long the child keeps serving then. A second request ends it.
            keep_alive: Called at each look, to restart other children that ended.

        Raises:
            StopRequested: If a stop is requested meanwhile.
        """
        try:
            while (code := child.poll()) is None:
                self.check()
                keep_alive()
                time.sleep(_WATCH_SECONDS)
        except StopRequested:
            if drain_mark is not None and drain_seconds:
                # A full disk must not keep the run from ending.
                with suppress(OSError):
                    drain_mark.touch()
                self._rest(child, drain_seconds)
            raise
        else:
            return code
        finally:
            if drain_mark is not None:
                drain_mark.unlink(missing_ok=True)

    def _rest(self, child: subprocess.Popen[bytes], seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while child.poll() is None and not self._is_in_a_hurry and time.monotonic() < deadline:
            time.sleep(_POLL_SECONDS)

    def end(
        self, child: subprocess.Popen[bytes], *, seconds: float, like_terminal: bool = False
    ) -> None:
        """End a child and its session; harmless if it has ended.

        Args:
            seconds: Time for a clean shutdown.
            like_terminal: Interrupt the whole session, as Ctrl-C would, instead of the child
                alone.
        """
        if child.poll() is None:
            if like_terminal:
                os.killpg(child.pid, signal.SIGINT)
            else:
                child.terminate()
            with suppress(subprocess.TimeoutExpired):
                child.wait(seconds)
        with suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        child.wait()


def _npm_errors(log: Path) -> str:
    """Return what npm says about its failure, which stands far before the end of the log."""
    lines = log.read_text("utf-8", errors="replace").splitlines()
    found = [line.removeprefix("npm error ") for line in lines if line.startswith("npm error ")]
    return f" (npm: {'; '.join(found[:_MAX_NPM_LINES])})" if found else ""


def end_run(run_id: str, *, seconds: float) -> None:
    """End every process of one run, identified by its environment.

    All descendants inherit the run id, which, unlike a process id, is never reused.

    Args:
        run_id: Value of the environment variable.
        seconds: Time for a clean shutdown.
    """

    def belongs(process: psutil.Process) -> bool:
        return process.environ().get(RUN_VARIABLE) == run_id

    for number, patience in ((signal.SIGTERM, seconds), (signal.SIGKILL, 5.0)):
        found = matching(belongs)
        send(found, number)
        wait_gone(found, timeout_seconds=patience)
