"""Servers over HTTP for measurements: Surge as an operator starts it, a bare one, and the load."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx

from surge_app.launcher.ports import free_port
from surge_app.launcher.stored_secrets import development_secrets
from surge_app.settings import Settings, load_settings

_START_SECONDS = 420
_PER_SECOND = re.compile(r"Requests/sec:\s+([0-9.]+)")
_SCRIPT = """
local cookies = {{{cookies}}}
local requests, at = {{}}, 0
init = function()
  for i, cookie in ipairs(cookies) do
    requests[i] = wrk.format("GET", "{path}", {{ ["Cookie"] = cookie }})
  end
end
request = function()
  at = at % #requests + 1
  return requests[at]
end
"""


@contextmanager
def served() -> Generator[Settings]:
    """Start Surge as `make run` does, in a new data folder, without rate limits."""
    with tempfile.TemporaryDirectory(prefix="surge-bench-") as folder:
        port = free_port()
        environment = {"PORT": str(port), "SURGE_DATA_DIR": folder, "SURGE_RATE_LIMITS": "off"}
        command = [sys.executable, "-m", "surge_app", "run"]
        log = Path(folder) / "run.log"
        with _process(command, environment, log) as process:
            _wait_until_ready(f"http://127.0.0.1:{port}/api/readyz", process)
            yield development_secrets(
                load_settings(port=port, data_dir=Path(folder), rate_limits=False)
            )


@contextmanager
def bare(workers: int) -> Generator[int]:
    """Serve `bench.baseline_app` with as many workers of the same server; yields its port."""
    with tempfile.TemporaryDirectory(prefix="surge-bare-") as folder:
        port = free_port()
        command = [sys.executable, "-m", "granian", "--interface", "asgi"]
        command += ["--host", "127.0.0.1", "--port", str(port), "--workers", str(workers)]
        command += ["--log-level", "warning", "bench.baseline_app:app"]
        with _process(command, {}, Path(folder) / "run.log") as process:
            _wait_until_ready(f"http://127.0.0.1:{port}/", process)
            yield port


def load(port: int, path: str, cookies: Sequence[str], *, seconds: int, connections: int) -> float:
    """Ask from many connections with `wrk`, a cookie after the other; returns answers per second.

    An answer that is no success ends the measurement.
    """
    program = shutil.which("wrk")
    if program is None:
        sys.exit("This measurement needs the load generator wrk (apt-get install wrk).")
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as file:
        listed = ",".join(json.dumps(cookie) for cookie in cookies)
        file.write(_SCRIPT.format(cookies=listed, path=path))
        file.flush()
        command = [program, "-t1", f"-c{connections}", f"-d{seconds}s", "-s", file.name]
        answer = subprocess.run(
            [*command, f"http://127.0.0.1:{port}"], capture_output=True, text=True, check=True
        )
    found = _PER_SECOND.search(answer.stdout)
    if found is None or "Non-2xx" in answer.stdout or "Socket errors" in answer.stdout:
        sys.exit(f"Not every request was answered:\n{answer.stdout}{answer.stderr}")
    return float(found[1])


@contextmanager
def _process(
    command: list[str], environment: dict[str, str], log: Path
) -> Generator[subprocess.Popen[bytes]]:
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, env={**os.environ, **environment}, stdout=output, stderr=output
        )
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


def _wait_until_ready(url: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            sys.exit("The server did not start.")
        try:
            if httpx.get(url).is_success:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.25)
    sys.exit("The server did not start in time.")
