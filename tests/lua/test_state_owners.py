"""The states of a page belong to the browser that opened it, and end with its admin session."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from uuid import uuid4

import pytest
import reflex as rx
from redis.asyncio import Redis
from reflex.istate.manager.redis import StateManagerRedis
from reflex.istate.manager.token import BaseStateToken

from surge_app.edge.websockets import state_owners
from surge_app.edge.websockets.state_owners import StateOwners, lock_key

STATES = ("root", "root.participants")
TOKEN, OTHER = "0b2c6a5e-2f0b-4a1e-9d6c-0123456789ab", "1b2c6a5e-2f0b-4a1e-9d6c-0123456789ab"


@pytest.fixture
def owners(redis: Redis) -> StateOwners:
    return StateOwners(redis, STATES)


async def _save(redis: Redis, token: str) -> None:
    for name in STATES:
        await redis.set(f"{token}_{name}", "attendees")


async def _saved(redis: Redis, token: str) -> int:
    return await redis.exists(*(f"{token}_{name}" for name in STATES))


async def test_a_token_that_another_browser_shows_starts_with_an_empty_state(
    redis: Redis, owners: StateOwners
) -> None:
    await owners.claim(TOKEN, "admin:a")
    await _save(redis, TOKEN)
    await owners.claim(TOKEN, "admin:a")
    assert await _saved(redis, TOKEN) == len(STATES)
    await owners.claim(TOKEN, "visitor:b")
    assert await _saved(redis, TOKEN) == 0


async def test_a_state_whose_owner_is_not_known_is_given_to_no_one(
    redis: Redis, owners: StateOwners
) -> None:
    token = str(uuid4())
    await _save(redis, token)
    await owners.claim(token, "visitor:b")
    assert await _saved(redis, token) == 0


async def test_signing_out_deletes_the_states_of_every_tab_of_the_session(
    redis: Redis, owners: StateOwners
) -> None:
    for token, owner in ((TOKEN, "admin:a"), (OTHER, "admin:a"), ("c", "admin:c")):
        await owners.claim(token, owner)
        await _save(redis, token)
    await owners.release("admin:a")
    left = [await _saved(redis, token) for token in (TOKEN, OTHER, "c")]
    assert left == [0, 0, len(STATES)]


async def test_an_event_that_is_being_saved_does_not_bring_its_states_back(
    redis: Redis, owners: StateOwners, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited = 0

    async def save(_: float) -> None:
        nonlocal waited
        waited += 1
        if waited == 3:
            await _save(redis, TOKEN)
            await redis.delete(lock_key(TOKEN))

    later = SimpleNamespace(gather=asyncio.gather, sleep=save)
    monkeypatch.setattr(state_owners, "asyncio", later)
    await owners.claim(TOKEN, "admin:a")
    await redis.set(lock_key(TOKEN), "an event")
    await owners.release("admin:a")
    assert (waited, await _saved(redis, TOKEN)) == (3, 0)
    assert not await redis.exists(lock_key(TOKEN))


async def test_an_event_that_does_not_end_loses_the_right_to_save(
    redis: Redis, owners: StateOwners, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(state_owners, "_MAX_ATTEMPTS", 2)
    await owners.claim(TOKEN, "admin:a")
    await _save(redis, TOKEN)
    await redis.set(lock_key(TOKEN), "an event")
    await owners.release("admin:a")
    assert await _saved(redis, TOKEN) == 0
    assert not await redis.exists(lock_key(TOKEN))


def test_the_lock_is_that_of_reflex() -> None:
    token = BaseStateToken(ident=TOKEN, cls=rx.State)
    assert StateManagerRedis._lock_key(token) == lock_key(TOKEN).encode()
