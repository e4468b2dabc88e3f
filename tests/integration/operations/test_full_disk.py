"""The disk with the data, the log and both servers is full for a while, and the sale goes on."""

from __future__ import annotations

import asyncio

import pytest

from bench.fault_definitions import FAULTS
from bench.faults import is_bare, play
from bench.stack import small_disk_node

pytestmark = pytest.mark.nightly


def test_a_full_disk_ends_nothing_and_loses_nothing() -> None:
    with small_disk_node() as stack:
        outcome = asyncio.run(play(stack, FAULTS["disk-full"]))
        assert stack.nodes[0].is_ready()
    assert outcome.broken == []
    assert outcome.diary.losses == []
    assert outcome.goes_on_seconds is not None
    assert [what for what in outcome.diary.errors if is_bare(what)] == []
