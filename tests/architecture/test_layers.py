"""One way through the layers."""

from __future__ import annotations

import configparser
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
_LINT = "from importlinter.cli import lint_imports_command as lint; lint()"
_EVERYWHERE = {"surge_app"}


def _lint(folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", _LINT, "--no-cache"]
    return subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=120, check=False
    )


def test_no_import_goes_against_the_layers() -> None:
    result = _lint(ROOT)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "3 kept, 0 broken" in result.stdout


def test_an_import_against_the_layers_is_found(tmp_path: Path) -> None:
    shutil.copytree(
        ROOT / "surge_app", tmp_path / "surge_app", ignore=shutil.ignore_patterns("__pycache__")
    )
    shutil.copy(ROOT / ".importlinter", tmp_path)
    with (tmp_path / "surge_app" / "services" / "concurrency.py").open("a") as module:
        module.write("\nimport starlette\nfrom surge_app import container\n")
    result = _lint(tmp_path)
    assert result.returncode == 1
    assert "0 kept, 3 broken" in result.stdout


def test_every_module_has_a_place_in_the_layers() -> None:
    config = configparser.ConfigParser()
    config.read(ROOT / ".importlinter")
    named = set(re.findall(r"\w+", config["importlinter:contract:layers"]["layers"]))
    present = {
        path.stem
        for path in (ROOT / "surge_app").iterdir()
        if path.suffix == ".py" or any(path.glob("*.py"))
    }
    assert present - {"__init__"} == named
