"""`make advisories` with advisories of our own, over HTTP: what it asks about, and that it refuses.

What advisories say changes without a change here, so no test asks the real ones.
"""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from collections.abc import Generator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from tests.architecture.packages import normal

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.nightly
ADVISORY = {
    "id": "PYSEC-2026-1",
    "summary": "for the test",
    "modified": "2026-01-01T00:00:00Z",
    "published": "2026-01-01T00:00:00Z",
    "affected": [{"package": {"name": "redis", "ecosystem": "PyPI"}}],
}


class _Advisories(ThreadingHTTPServer):
    """Answers as OSV does; `known` are the names of packages with an advisory."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answers)
        self.known: set[str] = set()
        self.asked: set[tuple[str, str]] = set()


class _Answers(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        server = self.server
        assert isinstance(server, _Advisories)
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        name = asked["package"]["name"]
        server.asked.add((normal(name), asked["version"]))
        body = json.dumps({"vulns": [ADVISORY]} if name in server.known else {}).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  as its parent has it
        """Say nothing."""


@pytest.fixture
def advisories() -> Generator[_Advisories]:
    with _Advisories() as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def _pinned() -> set[tuple[str, str]]:
    lines = (ROOT / "requirements.txt").read_text("utf-8").splitlines()
    pins = (line.partition(";")[0].strip().partition("==") for line in lines if "==" in line)
    return {(normal(name.partition("[")[0]), version) for name, _, version in pins}


def _audited(advisories: _Advisories) -> subprocess.CompletedProcess[str]:
    """Run what `make advisories` runs, with the address of these advisories."""
    told = subprocess.run(
        ["make", "-n", "advisories"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    line = next(line for line in told.stdout.splitlines() if "pip_audit" in line)
    words = shlex.split(line)[1:]
    address = f"http://127.0.0.1:{advisories.server_address[1]}/v1/query"
    return subprocess.run(
        [sys.executable, *words, "-s", "osv", "--osv-url", address],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_audit_asks_about_everything_that_is_pinned_in_its_version(
    advisories: _Advisories,
) -> None:
    done = _audited(advisories)
    assert done.returncode == 0, done.stdout + done.stderr
    assert _pinned() - advisories.asked == set()


def test_the_audit_refuses_one_known_vulnerability(advisories: _Advisories) -> None:
    advisories.known = {"redis"}
    done = _audited(advisories)
    assert done.returncode == 1
    assert "redis" in done.stdout
    assert ADVISORY["id"] in done.stdout
