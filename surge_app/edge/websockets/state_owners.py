"""Tie the state of a page to the browser that opened it.

Reflex keeps a state for an hour under the token of its tab, and gives it to any connection that
shows the token: on a shared computer that would include an organizer who has signed out.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Iterable
from datetime import timedelta
from hashlib import sha256
from typing import cast

from redis.asyncio import Redis

_LIFE = timedelta(days=1)
_ADMIN = "admin:"
_LOCK_LIFE = timedelta(seconds=10)
# Three seconds: an event of ours takes less.
_MAX_ATTEMPTS, _RETRY_SECONDS = 150, 0.02


class StateOwners:
    """Remembers the owner of each token in the Redis of the states."""

    def __init__(self, redis: Redis, state_names: Iterable[str]) -> None:
        self._redis = redis
        self._state_names = state_names

    async def claim(self, token: str, owner: str) -> None:
        """Connect a token to an owner; the states of any other owner are deleted first.

        Raises:
            RedisError: If Redis does not answer.
        """
        key = f"surge:state-owner:{token}"
        previous: str | None = await self._redis.set(key, owner, ex=_LIFE, get=True)
        if previous != owner:
            await self._delete([token])
        if is_admin(owner):
            tokens = _tokens_key(owner)
            pipe = self._redis.pipeline(transaction=False)
            pipe.sadd(tokens, token)
            pipe.expire(tokens, _LIFE)
            await pipe.execute()

    async def release(self, owner: str) -> None:
        """Delete every state of an admin session; raises RedisError if Redis does not answer."""
        key = _tokens_key(owner)
        tokens = await cast("Awaitable[set[str]]", self._redis.smembers(key))  # pyright: ignore[reportUnknownMemberType]
        await self._delete(sorted(tokens))
        await self._redis.unlink(key)

    async def _delete(self, tokens: list[str]) -> None:
        await asyncio.gather(*(self._delete_states(token) for token in tokens))

    async def _delete_states(self, token: str) -> None:
        """Delete the states of a token so that no event of before writes them anew.

        Reflex sends what an event changed, and saves it after that, while it holds the lock of the
        token. An event that holds the lock for too long loses it, and then Reflex does not save.
        """
        lock, own = lock_key(token), secrets.token_hex(16)
        for _ in range(_MAX_ATTEMPTS):
            if await self._redis.set(lock, own, nx=True, px=_LOCK_LIFE):
                break
            await asyncio.sleep(_RETRY_SECONDS)
        # Reflex writes one key for each State.
        await self._redis.unlink(lock, *(f"{token}_{name}" for name in self._state_names))


def lock_key(token: str) -> str:
    """Return the key of the lock under which Reflex saves the states of a token."""
    return f"{token}_lock"


def admin_owner(secret: str) -> str:
    """Return the owner of the states of an admin session, without its secret."""
    return _ADMIN + sha256(secret.encode()).hexdigest()


def is_admin(owner: str) -> bool:
    """Return whether an owner is an admin session."""
    return owner.startswith(_ADMIN)


def _tokens_key(owner: str) -> str:
    return f"surge:state-tokens:{owner}"
