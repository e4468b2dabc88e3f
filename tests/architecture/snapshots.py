"""The committed lists of what the outside can call; run as a module, it writes them anew.

python -m tests.architecture.snapshots
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import reflex as rx

import surge_app.pages
import surge_app.state.error_notice  # noqa: F401 - defines a State that no page imports
from surge_app.api import create_api

FOLDER = Path(__file__).parent
PACKAGE = "surge_app."


def states() -> list[type[rx.State]]:
    """Every State of ours, by name."""
    found = {state for state in _below(rx.State) if state.__module__.startswith(PACKAGE)}
    return sorted(found, key=lambda state: f"{state.__module__}.{state.__name__}")


def handlers() -> list[str]:
    """One line for each event handler of a State, with its arguments."""
    return [
        f"{state.__module__.removeprefix(PACKAGE)}.{state.__name__}.{name}{_arguments(handler.fn)}"
        for state in states()
        for name, handler in sorted(state.event_handlers.items())
    ]


def api_routes() -> list[str]:
    """One line for each method and path of the API, the undocumented ones included."""
    return sorted(api_dependencies())


def api_dependencies() -> dict[str, list[Any]]:
    """What each route of the API depends on, by method and path."""
    found: dict[str, list[Any]] = {}
    for entry in create_api().routes:
        # What a router was included with is known only to the entry that includes it.
        contexts_of = getattr(entry, "effective_route_contexts", None)
        contexts: list[Any] = list(contexts_of()) if contexts_of else [entry]
        for one in contexts:
            needs = getattr(one, "dependant", None)
            for method in one.methods:
                found[f"{method} {one.path}"] = list(needs.dependencies) if needs else []
    return found


SNAPSHOTS: dict[str, Callable[[], list[str]]] = {"handlers.txt": handlers, "api.txt": api_routes}


def stored(name: str) -> list[str]:
    """The committed list."""
    return (FOLDER / name).read_text("utf-8").splitlines()


def main() -> None:
    """Write the lists as the code is now."""
    for name, read in SNAPSHOTS.items():
        (FOLDER / name).write_text("".join(f"{line}\n" for line in read()), "utf-8")
        sys.stdout.write(f"{name}: {len(read())} lines\n")


def _below(state: type[rx.State]) -> Iterator[type[rx.State]]:
    for child in state.get_substates():
        yield child
        yield from _below(child)


def _arguments(function: Callable[..., object]) -> str:
    names = list(inspect.signature(function).parameters)[1:]
    return f"({', '.join(names)})"


if __name__ == "__main__":
    main()
