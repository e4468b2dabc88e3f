"""The command line of Surge, in a process that has imported it before.

Importing takes seconds and a hundred commands run in the tests, so each is forked off a process
that only imports. What it is given and what it answers are those of `python -m surge_app`.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from subprocess import CompletedProcess

import surge_app.cli.main

_SECONDS = 120
_PROCESSES = multiprocessing.get_context("forkserver")
_PROCESSES.set_forkserver_preload([__name__])


def run(
    arguments: Sequence[str], environment: Mapping[str, str], typed: str = ""
) -> CompletedProcess[str]:
    """Run a command without a terminal; `typed` is its standard input."""
    with tempfile.TemporaryDirectory(prefix="surge-command-") as name:
        folder = Path(name)
        (folder / "in").write_text(typed, "utf-8")
        process = _PROCESSES.Process(target=_main, args=(arguments, dict(environment), folder))
        process.start()
        process.join(_SECONDS)
        if process.exitcode is None:
            process.kill()
            process.join()
        said, complained = ((folder / one).read_text("utf-8") for one in ("out", "error"))
        return CompletedProcess(arguments, process.exitcode or 0, said, complained)


def _main(arguments: Sequence[str], environment: dict[str, str], folder: Path) -> None:
    # Else a password would be asked on the terminal of whoever runs the tests.
    os.setsid()
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = ["surge_app", *arguments]
    sys.stdin = (folder / "in").open(encoding="utf-8")
    sys.stdout = (folder / "out").open("w", encoding="utf-8")
    sys.stderr = (folder / "error").open("w", encoding="utf-8")
    # What a command starts writes there as well.
    for number, stream in enumerate((sys.stdin, sys.stdout, sys.stderr)):
        os.dup2(stream.fileno(), number)
    surge_app.cli.main.main()
