"""What documents name exists, and what they count is counted: commands, settings, jobs, faults."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import typer
import yaml
from pydantic import AliasChoices
from typer.core import TyperGroup

from bench.fault_definitions import FAULTS
from surge_app.cli.main import app
from surge_app.services.operations.invariants import load_queries
from surge_app.settings import Settings

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
# What was decided is not rewritten, and the changelog tells of releases.
CURRENT = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md", "ARCHITECTURE.md")),
    *(path for path in sorted(DOCS.rglob("*.md")) if path.parent.name != "decisions"),
]
_OF_MAKE_DEV = {"SURGE_API_PORT"}


def _read(*names: str) -> str:
    return DOCS.joinpath(*names).read_text("utf-8")


def _shell(path: Path) -> Iterator[str]:
    """Yield each command of the document: the lines of its `sh` blocks, and code in its text."""
    text = path.read_text("utf-8")
    for block in re.findall(r"^```sh\n(.*?)^```", text, re.DOTALL | re.MULTILINE):
        for line in block.replace("\\\n", " ").splitlines():
            yield from re.split(r"\s+(?:&&|\|)\s+", line)
    prose = re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)
    yield from re.findall(r"`([^`\n]+)`", prose)


def _words(command: str, start: str) -> list[str] | None:
    """Return the words behind `start`, up to a comment or a redirection."""
    _, found, rest = command.partition(start)
    if not found:
        return None
    words = shlex.split(rest, comments=True)
    return words[: words.index(">")] if ">" in words else words


@pytest.mark.parametrize("path", CURRENT, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_command_of_a_document_exists_with_its_options(path: Path) -> None:
    unknown: list[str] = []
    for command in _shell(path):
        words = _words(command, "python -m surge_app ")
        if words and not words[0].startswith("$@") and (problem := _problem(words)):
            unknown.append(f"{command}: {problem}")
    assert unknown == []


def _problem(words: list[str]) -> str | None:
    """Return what the command line would refuse, without running the command."""
    command = typer.main.get_command(app)
    while isinstance(command, TyperGroup):
        if not words or words[0] not in command.commands:
            return f"no such command: {words[:1]}"
        command, words = command.commands[words[0]], words[1:]
    known = {option for one in command.params for option in (*one.opts, *one.secondary_opts)}
    used = {word.partition("=")[0] for word in words if re.match(r"--[a-z]", word)}
    return f"no such option: {used - known}" if used - known else None


def test_every_target_that_a_document_makes_exists() -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    targets = set(re.findall(r"^([a-z][a-z-]*):", makefile, re.MULTILINE))
    made = {
        word
        for path in CURRENT
        for command in _shell(path)
        if (found := re.match(r"(?:sudo .*|[A-Z_]+=\S+ )*make(?: -C \S+)?((?: [a-z-]+)+)", command))
        for word in found[1].split()
    }
    assert "run" in made
    assert made - targets == set()


def test_every_measurement_that_a_document_runs_exists() -> None:
    run = {
        name
        for path in CURRENT
        for name in re.findall(r"-m bench[ .]([a-z_]+)", path.read_text("utf-8"))
    }
    assert "faults" in run
    assert {name for name in run if not (ROOT / "bench" / f"{name}.py").is_file()} == set()


def test_the_guide_lists_every_setting_and_no_other() -> None:
    aliases = [field.validation_alias for field in Settings.model_fields.values()]
    names = {
        str(name)
        for alias in aliases
        for name in (alias.choices if isinstance(alias, AliasChoices) else [alias])
    }
    text = _read("guides", "operate.md")
    listed = set(re.findall(r"^\| `([A-Z][A-Z_]+)` \|", text, re.MULTILINE))
    assert listed == names - _OF_MAKE_DEV


def test_the_guide_lists_every_job_with_its_interval() -> None:
    schedule = (ROOT / "surge_app" / "jobs" / "schedule.py").read_text("utf-8")
    every = {
        name: int(seconds) for name, seconds in re.findall(r'Job\("([\w-]+)", (\d+),', schedule)
    }
    rows = re.findall(
        r"^\| ([a-z-]+) \| (\d+) (s|min)\b", _read("guides", "operate.md"), re.MULTILINE
    )
    assert {name: int(count) * (60 if unit == "min" else 1) for name, count, unit in rows} == every


def _alerts() -> int:
    groups = yaml.safe_load((ROOT / "deploy" / "metrics" / "alerts.yml").read_text("utf-8"))[
        "groups"
    ]
    return sum("alert" in rule for group in groups for rule in group["rules"])


def _queries() -> int:
    folder = ROOT / "deploy" / "metrics" / "grafana" / "dashboards"
    return (folder / "surge.json").read_text("utf-8").count('"expr"')


@pytest.mark.parametrize(
    ("page", "counted", "count"),
    [
        ("explanation/comparison.md", r"(\d+) faults", lambda: len(FAULTS)),
        ("explanation/comparison.md", r"(\d+) invariants", lambda: len(load_queries())),
        ("explanation/performance.md", r"its (\d+) invariants", lambda: len(load_queries())),
        ("guides/deploy.md", r"all (\d+) rules", _alerts),
        ("guides/operate.md", r"all (\d+) rules", _alerts),
        ("guides/operate.md", r"all (\d+) queries", _queries),
    ],
)
def test_what_a_document_counts_is_counted(
    page: str, counted: str, count: Callable[[], int]
) -> None:
    found = re.findall(counted, _read(page))
    assert found
    assert {int(one) for one in found} == {count()}


def test_every_fault_has_its_row_and_every_row_its_fault() -> None:
    table = _read("explanation", "reliability.md").partition("| fault | stack |")[2]
    rows = [
        line.split(" | ")[0].removeprefix("| ") for line in table.partition("\n\n")[0].split("\n")
    ]
    assert rows[2:] == [fault.title for fault in FAULTS.values()]
