"""Nine of ten calls come from scripts; the places go to people all the same."""

from __future__ import annotations

import pytest

from bench.attack import attack
from surge_app.container import Container

PEOPLE = 12
MINERS_WORTH = 2


async def test_people_get_the_places_and_scripts_what_they_work_for(services: Container) -> None:
    sides = await attack(services, "always", customers=PEOPLE, miners_worth=MINERS_WORTH, seed=7)
    calls = {name: side.calls for name, side in sides.items()}
    assert calls["people"] <= sum(calls.values()) * 0.12
    people = sides["people"]
    assert people.numbers == PEOPLE
    assert sides["blunt"].numbers == 0
    assert sides["recycling"].numbers <= 1
    # A challenge takes at least half of what it takes on average.
    assert sides["mining"].numbers <= 2 * MINERS_WORTH + 1
    assert people.numbers / sum(side.numbers for side in sides.values()) >= 2 / 3


async def test_without_a_check_the_scripts_take_their_share_of_the_calls(
    services: Container,
) -> None:
    sides = await attack(services, "off", customers=PEOPLE, miners_worth=MINERS_WORTH, seed=7)
    numbers = sum(side.numbers for side in sides.values())
    assert sides["people"].numbers / numbers == pytest.approx(0.1, abs=0.02)
