"""`PYTHON=` counts for a new `.venv`; where it cannot count, one sentence says so."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

_MAKEFILE = Path(__file__).parents[3] / "Makefile"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    folder = tmp_path / "a folder"
    folder.mkdir()
    shutil.copy(_MAKEFILE, folder)
    (folder / "requirements.lock").touch()
    return folder


def _make(checkout: Path, target: str, python: Path | str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["make", "--no-print-directory", target, f"PYTHON={python}"],
        cwd=checkout,
        capture_output=True,
        text=True,
        check=False,
    )


def _old_python(folder: Path) -> Path:
    program = folder / "python3.9"
    program.write_text("#!/bin/sh\n[ \"$1\" = -V ] && echo 'Python 3.9.2'\nexit 1\n", "utf-8")
    program.chmod(0o755)
    return program


@pytest.mark.parametrize("kind", ["missing", "too old"])
def test_a_python_that_does_not_fit_is_refused_and_no_other_taken(
    checkout: Path, kind: str
) -> None:
    python = _old_python(checkout) if kind == "too old" else checkout / "nowhere"
    done = _make(checkout, ".venv/.created", python)
    assert done.returncode == 2
    assert done.stderr.splitlines()[0] == (
        f"PYTHON={python} does not work: Surge needs Python 3.11 or newer with its venv module "
        "(on Debian: apt install python3-venv)."
    )
    assert not (checkout / ".venv").exists()


@pytest.mark.parametrize("kind", ["missing", "too old", "the same"])
def test_a_python_that_comes_too_late_is_said_to_have_no_effect(checkout: Path, kind: str) -> None:
    programs = checkout / ".venv" / "bin"
    programs.mkdir(parents=True)
    (programs / "python").symlink_to(sys.executable)
    (checkout / ".venv" / ".created").touch()
    (checkout / ".venv" / "requirements.lock").touch()
    python = {
        "missing": checkout / "nowhere",
        "too old": _old_python(checkout),
        "the same": programs / "python",
    }[kind]
    done = _make(checkout, "run-ready", python)
    assert done.returncode == 0, done.stderr
    said = f"PYTHON={python} has no effect. Remove .venv to change it.\n"
    assert done.stderr == ("" if kind == "the same" else f".venv has another Python, so {said}")
