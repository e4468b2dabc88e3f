"""What is written down about a mistake: where it was, and no secret that happened to be near."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
_FAIL = """
import logging, sys
from surge_app.observability.log import configure_logging, get_logger
configure_logging(json=sys.argv[1] == "json")
log = get_logger("surge_app.example")
def settle(secret_key):
    return 1 // 0
try:
    settle("geheim-" + "7431")
except ZeroDivisionError as error:
    log.error("unhandled_error", path="/x", exc_info=error)
log.info("payment_started", intent="01ARZ")
logging.getLogger("surge_app.other").warning("from the standard library")
logging.getLogger("python_http_client").info("headers")
"""


def _written(form: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", _FAIL, form],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stdout == ""
    return done.stderr


@pytest.mark.parametrize("form", ["json", "console"])
def test_a_mistake_is_told_with_its_place_and_without_the_values_around_it(form: str) -> None:
    text = _written(form)
    assert "ZeroDivisionError" in text
    assert "in settle" in text
    assert "geheim-7431" not in text


def test_in_production_every_line_is_json() -> None:
    lines = [json.loads(line) for line in _written("json").splitlines()]
    assert [line["event"] for line in lines] == [
        "unhandled_error",
        "payment_started",
        "from the standard library",
    ]
    assert lines[1]["intent"] == "01ARZ"
    assert lines[0]["level"] == "error"
    assert all(line["timestamp"].endswith("Z") for line in lines)


_FULL = """
import errno, io, logging
from surge_app.observability.log import configure_logging, get_logger
class Full(io.StringIO):
    def write(self, text):
        raise OSError(errno.ENOSPC, "No space left on device")
configure_logging(json=True, stream=Full())
get_logger("surge_app.example").info("payment_started", intent="01ARZ")
logging.getLogger("surge_app.other").warning("from the standard library")
print("went on")
"""


def test_a_line_that_a_full_disk_refuses_fails_no_request() -> None:
    done = subprocess.run(
        [sys.executable, "-c", _FULL],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "went on\n", "")
