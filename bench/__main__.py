"""Run every measurement, or the ones named: `python -m bench [holds]`."""

from __future__ import annotations

import sys

from bench import holds

MEASUREMENTS = {"holds": holds.main}


def main() -> None:
    """Run what is asked for."""
    for name in sys.argv[1:] or MEASUREMENTS:
        MEASUREMENTS[name]()


if __name__ == "__main__":
    main()
