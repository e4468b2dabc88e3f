"""What is installed is pinned, explained, used, declared, and of a licence that allows its use."""

from __future__ import annotations

import re
import subprocess
import sys
from email.message import Message
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import cast

import pytest

from tests.architecture.packages import normal

ROOT = Path(__file__).parents[2]
REASONS = (ROOT / "docs" / "reference" / "dependencies.md").read_text("utf-8")
PINNED = re.compile(r"([A-Za-z0-9._-]+)(?:\[[\w,]+\])?==([\w.]+)(?:; .+)?")
NAME = re.compile(r"[A-Za-z0-9._-]+")
# What may be linked with, but not be changed in secret, is noted in docs/reference/dependencies.md.
STRICT = re.compile(r"\b(?:A?GPL|SSPL|BUSL|Affero)\b|(?<!Lesser )General Public License")


def _lines(name: str) -> list[str]:
    lines = (ROOT / name).read_text("utf-8").splitlines()
    return [line for line in lines if line and not line.startswith(("#", "-r "))]


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-dev.txt"])
def test_every_dependency_is_pinned_exactly_and_has_its_reason(name: str) -> None:
    loose = [line for line in _lines(name) if PINNED.fullmatch(line) is None]
    assert loose == []
    pins = [found.groups() for found in map(PINNED.fullmatch, _lines(name)) if found]
    table = [line.split(" | ")[0] for line in REASONS.splitlines() if line.startswith("| ")]
    unexplained = [
        f"{package} {version}"
        for package, version in pins
        if not any(_names(cell, package) and version.startswith(_version(cell)) for cell in table)
    ]
    assert unexplained == []


@pytest.mark.parametrize("name", ["requirements", "requirements-dev"])
def test_the_lock_has_every_pin_and_a_hash_for_every_package(name: str) -> None:
    text = (ROOT / f"{name}.lock").read_text("utf-8")
    packages = re.findall(r"^(\S+)==(\S+)((?: .*)?(?:\n .*)*)", text, re.MULTILINE)
    locked = {(normal(package), version) for package, version, _ in packages}
    pins = {found.groups() for found in map(PINNED.fullmatch, _lines(f"{name}.txt")) if found}
    assert {(normal(package), version) for package, version in pins} - locked == set()
    assert [package for package, _, rest in packages if "--hash=sha256:" not in rest] == []


def _names(cell: str, package: str) -> bool:
    return normal(package) in {normal(name) for name in NAME.findall(cell.partition("[")[0])}


def _version(cell: str) -> str:
    words = [word for word in cell.split() if word[0].isdigit()]
    return words[-1] if words else ""


def test_what_is_imported_is_declared_and_what_is_declared_is_used() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "deptry", "surge_app", "--no-ansi"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_nothing_that_runs_is_of_a_licence_that_claims_the_rest() -> None:
    claiming = {
        f"{name}: {told}"
        for name in _installed_for("requirements.txt")
        for told in _licences(name)
        if STRICT.search(told) and " OR " not in told
    }
    assert claiming == set()


def _installed_for(name: str) -> set[str]:
    """Return the names of what a file wants and of what that wants, as far as installed here."""
    waiting = [found[1] for found in map(PINNED.fullmatch, _lines(name)) if found]
    seen: set[str] = set()
    while waiting:
        package = normal(waiting.pop())
        if package in seen:
            continue
        try:
            wanted = distribution(package).requires or []
        except PackageNotFoundError:
            continue
        seen.add(package)
        # What an extra brings is declared by itself where it is wanted.
        plain = [line for line in wanted if "extra ==" not in line]
        waiting += [match[0] for match in map(NAME.match, plain) if match]
    assert len(seen) > 50
    return seen


def _licences(package: str) -> list[str]:
    told = cast("Message", distribution(package).metadata)
    named = [told.get("License-Expression"), *(told.get_all("Classifier") or [])]
    listed = [one for one in named if one and (one == named[0] or one.startswith("License ::"))]
    return listed or [(told.get("License") or "").partition("\n")[0]]
