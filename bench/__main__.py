"""Run every measurement, or the ones named: `python -m bench [holds …]`."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path

_NOT_MEASUREMENTS = {
    *(
        "__init__",
        "__main__",
        "attackers",
        "baseline_app",
        "clients",
        "connections",
        "fault_definitions",
        "harness",
        "proxy_setup",
        "seed_queue",
    ),
    *("serving", "stack"),
}


def main() -> None:
    """Run what is asked for; a measurement is a module of this folder with a `main`."""
    folder = Path(__file__).parent
    known = sorted({path.stem for path in folder.glob("*.py")} - _NOT_MEASUREMENTS)
    for name in sys.argv[1:] or known:
        if name not in known:
            sys.exit(f"There is no measurement named {name}; known are {', '.join(known)}.")
        import_module(f"bench.{name}").main()


if __name__ == "__main__":
    main()
