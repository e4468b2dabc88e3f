"""Importing Surge does nothing: no connection, no thread, no look at the environment."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]

# The reader is named by the nearest module that is being imported: what a library does while it is
# imported itself is its own affair, what it does when called from our module level is ours.
_WATCH = """
import json, os, socket, sys, threading

found = []

def importing():
    frame = sys._getframe(2)
    while frame is not None:
        if frame.f_code.co_name == "<module>":
            return frame.f_globals["__name__"]
        frame = frame.f_back
    return "?"

def note(what, about=""):
    found.append([importing(), what, str(about)])

def watch(owner, name, what):
    original = getattr(owner, name)
    def watched(self, *arguments, **named):
        note(what, arguments[0] if arguments else "")
        return original(self, *arguments, **named)
    setattr(owner, name, watched)

for name in ("connect", "connect_ex", "bind", "listen", "sendto"):
    watch(socket.socket, name, name)
watch(threading.Thread, "start", "thread")
for name in ("__getitem__", "__iter__", "__contains__", "keys", "items", "copy"):
    if hasattr(type(os.environ), name):
        watch(type(os.environ), name, "environment")

import importlib
for module in sys.argv[1:]:
    importlib.import_module(module)
json.dump(found, sys.stdout)
"""
# The composition reads the settings once, for its process; `__main__` runs the command line.
_COMPOSITION = "surge_app.surge_app"
_RUNS = "surge_app.__main__"


def _modules() -> list[str]:
    files = sorted((ROOT / "surge_app").rglob("*.py"))
    names = (".".join(path.relative_to(ROOT).with_suffix("").parts) for path in files)
    return [name.removesuffix(".__init__") for name in names]


def _watched(modules: list[str], folder: Path) -> list[tuple[str, str, str]]:
    done = subprocess.run(
        [sys.executable, "-c", _WATCH, *modules],
        cwd=folder,
        env={
            **os.environ,
            "SURGE_SECRET_KEY": "s" * 40,
            "PYTHONPATH": f"{folder}{os.pathsep}{ROOT}",
        },
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return [tuple(line) for line in json.loads(done.stdout)]


def _deeds(seen: list[tuple[str, str, str]]) -> list[tuple[str, str, str]]:
    # urllib3 binds a socket for a moment to learn whether this machine has IPv6.
    probe = ("urllib3.util.connection", "bind")
    return [line for line in seen if line[1] != "environment" and line[:2] != probe]


def test_importing_any_module_connects_nowhere_and_starts_nothing(tmp_path: Path) -> None:
    modules = [name for name in _modules() if name not in {_COMPOSITION, _RUNS}]
    assert len(modules) > 80
    seen = _watched(modules, tmp_path)
    assert _deeds(seen) == []
    ours = [line for line in seen if line[0].startswith("surge_app") and line[1] == "environment"]
    # The libraries ask for a switch of their own whenever a class is derived from theirs.
    libraries = {"PYDANTIC_DISABLE_PLUGINS", "REFLEX_STATE_AUTO_SETTERS"}
    assert [line for line in ours if line[2] not in libraries] == []
    assert list(tmp_path.iterdir()) == []


def test_the_composition_reads_settings_but_connects_nowhere(tmp_path: Path) -> None:
    seen = _watched([_COMPOSITION], tmp_path)
    assert _deeds(seen) == []
    assert any(who == _COMPOSITION and what == "environment" for who, what, _ in seen)


def test_a_module_that_does_something_at_import_is_seen(tmp_path: Path) -> None:
    (tmp_path / "surge_app_example.py").write_text(
        "import os, socket, threading\n"
        "os.environ.get('SURGE_ENV')\n"
        "os.getenv('PORT')\n"
        "dict(os.environ)\n"
        "'PORT' in os.environ\n"
        "socket.socket(socket.AF_INET, socket.SOCK_DGRAM).connect(('127.0.0.1', 9))\n"
        "thread = threading.Thread(target=print)\n"
        "thread.start()\n"
        "thread.join()\n"
    )
    (tmp_path / "surge_app_calls.py").write_text("import surge_app_example\n")
    seen = _watched(["surge_app_calls"], tmp_path)
    assert {who for who, _, _ in seen} == {"surge_app_example"}
    assert {what for _, what, _ in seen} == {"environment", "connect", "thread"}
    assert {about for _, what, about in seen if what == "environment"} >= {"SURGE_ENV", "PORT"}
