"""The layout is fixed, files stay readable, and every script says what it takes and gives."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MAX_LINES = 400
ALWAYS = {
    "LICENSE",
    "Makefile",
    "alembic",
    "alembic.ini",
    "assets",
    "pyproject.toml",
    "requirements-dev.txt",
    "requirements.txt",
    "rxconfig.py",
    "surge_app",
    "tests",
}
# `reflex.lock` is what Reflex pins its own packages by.
ALSO = {
    "ARCHITECTURE.md",
    "CHANGELOG.md",
    "CODE_OF_CONDUCT.md",
    "CONTRIBUTING.md",
    "README.md",
    "SECURITY.md",
    "bench",
    "changelog.d",
    "deploy",
    "docs",
    "mkdocs.yml",
    "reflex.lock",
    "requirements-dev.lock",
    "requirements.lock",
}
SCRIPTS = sorted((ROOT / "surge_app" / "kv" / "lua").glob("*.lua"))


def _visible(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir() if path.name[0] not in "._"}


def test_the_top_level_is_as_fixed() -> None:
    assert _visible(ROOT) >= ALWAYS
    assert _visible(ROOT) - ALWAYS - ALSO == set()


def test_every_folder_of_modules_is_a_package() -> None:
    folders = {path.parent for path in (ROOT / "surge_app").rglob("*.py")}
    assert [folder for folder in folders if not (folder / "__init__.py").exists()] == []


def test_no_package_shadows_alembic() -> None:
    assert not (ROOT / "alembic" / "__init__.py").exists()
    assert not (ROOT / "alembic" / "versions" / "__init__.py").exists()


def test_no_module_is_longer_than_one_can_read() -> None:
    lines = {
        str(path.relative_to(ROOT)): len(path.read_text("utf-8").splitlines())
        for path in (ROOT / "surge_app").rglob("*.py")
    }
    assert {name: count for name, count in lines.items() if count > MAX_LINES} == {}


def test_no_module_of_python_holds_javascript() -> None:
    # One expression or hook that Reflex takes as a string is no script.
    script = re.compile(
        r"=> [{(]|\b(?:useEffect|addEventListener|document\.\w+|function ?\w*)\(|\bnew Intl\."
        r"|\b(?:const|let) [\w{\[][^=\n]* = [^\n]*;|\bawait fetch\("
    )
    found = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in (ROOT / "surge_app").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and script.search(node.value)
    ]
    assert found == []


def test_no_script_is_longer_than_one_can_read() -> None:
    lines = {
        path.name: len(path.read_text("utf-8").splitlines())
        for path in (ROOT / "assets" / "js").iterdir()
    }
    assert {name: count for name, count in lines.items() if count > MAX_LINES} == {}


def test_every_module_says_what_it_is_for() -> None:
    silent = [
        str(path.relative_to(ROOT))
        for path in (ROOT / "surge_app").rglob("*.py")
        if not path.read_text("utf-8").startswith(('"""', 'r"""'))
    ]
    assert silent == []


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
def test_every_script_says_what_it_takes_and_gives(script: Path) -> None:
    lines = script.read_text("utf-8").splitlines()
    body = next(number for number, line in enumerate(lines) if not line.startswith("--"))
    head, code = "\n".join(lines[:body]), "\n".join(lines[body:])
    assert lines[0].startswith(f"-- {script.stem}: ")
    needs = set(re.findall(r"prelude `(\w+)`", head))
    assert needs <= {other.stem for other in SCRIPTS}
    if "KEYS[" in code:
        assert "\n-- KEYS  1 " in head
    elif "prelude of" not in head:
        assert needs, "without keys of its own a script needs a prelude"
    used = {int(number) for number in re.findall(r"ARGV\[(\d+)\]", code)}
    told = re.search(r"^-- ARGV ((?:.|\n)*?)(?:^-- [A-Z]|\Z)", head, re.MULTILINE)
    named = set(re.findall(r"(?<=\s)(\d)(?= \S)", told[1])) if told else set()
    assert {int(number) for number in named} == used
    if "prelude of" not in head:
        assert "\n-- Returns " in head


def test_there_are_scripts() -> None:
    assert {"queue", "join", "poll", "leave", "renew", "stats", "limit"} <= {
        script.stem for script in SCRIPTS
    }
