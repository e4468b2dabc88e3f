"""Tie the state of a page to the browser that opened it.

Reflex keeps a state for an hour under the token of its tab, and gives it to any connection that
shows the token: on a shared computer that would include an organizer who has signed out.
"""

from __future__ import annotations

from collections.abc import Awaitable, Iterable
from datetime import timedelta
from hashlib import sha256
from typing import cast

from redis.asyncio import Redis

_LIFE = timedelta(days=1)
_ADMIN = "admin:"


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
        # Reflex writes one key for each State of a token.
        names = list(self._state_names)
        if tokens and names:
            await self._redis.unlink(*(f"{token}_{name}" for token in tokens for name in names))


def admin_owner(secret: str) -> str:
    """Return the owner of the states of an admin session, without its secret."""
    return _ADMIN + sha256(secret.encode()).hexdigest()


def is_admin(owner: str) -> bool:
    """Return whether an owner is an admin session."""
    return owner.startswith(_ADMIN)


def _tokens_key(owner: str) -> str:
    return f"surge:state-tokens:{owner}"
