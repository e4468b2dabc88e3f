"""The first seconds of a command or a server: what an operator reads, and how they end early."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from surge_app.launcher import launch
from surge_app.settings import load_settings

ROOT = Path(__file__).parents[3]
_INTERRUPTED_IMPORT = """
import os, signal, sys
# Whoever runs the tests may have told them to ignore it.
signal.signal(signal.SIGINT, signal.default_int_handler)
class Interrupt:
    def find_spec(self, name, *_):
        if name == "surge_app.cli.main":
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, Interrupt())
"""


def test_an_interrupt_while_a_command_starts_ends_it_without_a_word(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(_INTERRUPTED_IMPORT, "utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "surge_app", "event", "list"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == -signal.SIGINT
    assert done.stdout + done.stderr == ""


@pytest.mark.parametrize("env", ["development", "production"])
def test_a_start_names_its_database_and_in_production_only_to_the_log(
    capsys: pytest.CaptureFixture[str], env: str
) -> None:
    settings = load_settings(public_url="https://tickets.example").model_copy(update={"env": env})
    with capture_logs() as lines:
        launch._greet(settings, database="surge at db.example")
    shown = capsys.readouterr().out
    if env == "production":
        assert shown == ""
        assert [line["database"] for line in lines] == ["surge at db.example"]
    else:
        assert "Database    surge at db.example\n" in shown
        assert lines == []
