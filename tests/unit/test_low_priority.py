"""Slow calculations yield to everything else."""

from __future__ import annotations

import os
import sys
import threading

import pytest

from surge_app.services.concurrency import at_low_priority


def _niceness() -> int:
    return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())


def test_a_calculation_at_low_priority_leaves_that_of_its_caller_as_it_was() -> None:
    before = _niceness()
    # Only Linux gives each thread a priority of its own.
    expected = min(19, before + 5) if sys.platform == "linux" else before
    assert at_low_priority(_niceness) == expected
    assert _niceness() == before


def test_a_failure_at_low_priority_reaches_the_caller() -> None:
    with pytest.raises(ValueError, match="invalid literal"):
        at_low_priority(int, "x")
