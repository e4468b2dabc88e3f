"""The sandbox's process: started beside the web server, and restarted when it dies."""

from __future__ import annotations

import socket
import sys
import time
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Final

from surge_app.launcher.ports import free_port
from surge_app.settings import PROJECT

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Generator, Mapping

    from surge_app.launcher.supervisor import Supervisor
    from surge_app.settings import Settings

PORT_VARIABLE: Final = "SURGE_SANDBOX_PORT"
_STOP_SECONDS: Final = 5
_RESTART_SECONDS: Final = 2.0
_LOCALHOST: Final = "127.0.0.1"


class SandboxProcess:
    """The stand-ins that this install uses, or no process if it uses none."""

    def __init__(self, port: int | None, supervisor: Supervisor, env: Mapping[str, str]) -> None:
        self._port, self._supervisor, self._env = port, supervisor, env
        self._child: subprocess.Popen[bytes] | None = None
        self._started_at = float("-inf")

    def keep_alive(self) -> None:
        """Start the process unless it runs, with a pause between two starts."""
        if self._port is None or (self._child is not None and self._child.poll() is None):
            return
        if time.monotonic() - self._started_at < _RESTART_SECONDS:
            return
        if self._child is not None:
            sys.stderr.write(
                f"The sandbox ended unexpectedly (exit code {self._child.returncode}). "
                "Payments and messages wait until it has restarted.\n"
            )
            self.end()
        self._started_at = time.monotonic()
        self._child = self._supervisor.start(_command(self._port), cwd=PROJECT, env=self._env)

    def is_live(self) -> bool:
        """Return whether it accepts calls; start it first where needed."""
        self.keep_alive()
        if self._port is None:
            return True
        with closing(socket.socket()) as probe:
            probe.settimeout(2)
            return probe.connect_ex((_LOCALHOST, self._port)) == 0

    def end(self) -> None:
        """End the process and its children."""
        if self._child is not None:
            self._supervisor.end(self._child, seconds=_STOP_SECONDS)


@contextmanager
def sandbox_process(
    settings: Settings, supervisor: Supervisor, env: Mapping[str, str]
) -> Generator[SandboxProcess]:
    """Run the sandbox on the port in `settings` during the block."""
    process = SandboxProcess(settings.sandbox_port, supervisor, env)
    process.keep_alive()
    try:
        yield process
    finally:
        process.end()


def with_sandbox_port(settings: Settings) -> Settings:
    """Return the settings with a free port for the sandbox, if it stands in for a vendor."""
    if not settings.uses_sandbox or settings.sandbox_port:
        return settings
    return settings.model_copy(update={"sandbox_port": free_port()})


def _command(port: int) -> list[str]:
    return [
        *(sys.executable, "-m", "granian", "--interface", "asgi", "--factory", "--no-ws"),
        *("--host", _LOCALHOST, "--port", str(port), "--workers", "1", "--http", "1"),
        *("--respawn-failed-workers", "--log-level", "warning"),
        "surge_app.sandbox.server:create_app",
    ]
