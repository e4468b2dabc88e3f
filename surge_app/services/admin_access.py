"""The organizer's password: checked slowly once, then a signed session takes over."""

from __future__ import annotations

import base64
import binascii
import hmac
import secrets
import time

import anyio
import anyio.to_thread
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from surge_app.errors import ConfigurationError, Unauthorized
from surge_app.kv.limits import Limit, RateLimiter
from surge_app.log import get_logger
from surge_app.settings import Settings

_log = get_logger(__name__)

_PER_ADDRESS = Limit("admin-address", per_minute=10, burst=10, strict=True)
_PER_USER = Limit("admin-user", per_minute=20, burst=20, strict=True)
_KNOWN_SECONDS = 300
_LONGEST_HEADER = 1024
_MOST_AT_ONCE = 2


class AdminAccess:
    """Verifies HTTP Basic credentials with argon2id, behind a rate limit.

    What was right a moment ago is remembered, keyed and for five minutes, in this process.
    """

    def __init__(self, settings: Settings, limits: RateLimiter) -> None:
        """Keep the credentials; the hash of a development password is made on first use."""
        self._user = settings.admin_user
        self._password = settings.admin_password
        self._hash = settings.admin_password_hash
        self._limits = limits
        self._hasher = PasswordHasher()
        self._memory_key = secrets.token_bytes(32)
        self._known = b""
        self._known_until = 0.0
        self._slots = anyio.CapacityLimiter(_MOST_AT_ONCE)

    async def verify(self, authorization: str, *, client_address: str) -> str:
        """Check a `Basic` header and return the user it names.

        An unknown user costs the same time as a wrong password.

        Raises:
            Unauthorized: If header, user or password is wrong.
            RateLimited: If this address or user tries too often; nothing was hashed.
        """
        user, password = _parse(authorization)
        if self._is_remembered(authorization):
            return self._user
        await self._limits.check(_PER_ADDRESS, client_address)
        await self._limits.check(_PER_USER, user[:100])
        is_known = hmac.compare_digest(user.encode(), self._user.encode())
        matches = await anyio.to_thread.run_sync(self._matches, password, limiter=self._slots)
        if not (is_known and matches):
            _log.warning("admin_refused", address=client_address)
            raise Unauthorized
        self._remember(authorization)
        return self._user

    def _is_remembered(self, authorization: str) -> bool:
        is_fresh = time.monotonic() < self._known_until
        return is_fresh and hmac.compare_digest(self._digest(authorization), self._known)

    def _remember(self, authorization: str) -> None:
        # A script sends its credentials with every request; only guessing shall be slow.
        self._known = self._digest(authorization)
        self._known_until = time.monotonic() + _KNOWN_SECONDS

    def _digest(self, authorization: str) -> bytes:
        return hmac.digest(self._memory_key, authorization.encode(), "sha256")

    def _matches(self, password: str) -> bool:
        if self._hash is None:
            if self._password is None:
                msg = "no organizer password is set."
                raise ConfigurationError(msg)
            self._hash = self._hasher.hash(self._password)
        try:
            return self._hasher.verify(self._hash, password)
        except VerificationError:
            return False
        except InvalidHashError as error:
            msg = (
                "SURGE_ADMIN_PASSWORD_HASH is not an argon2id hash; "
                "make one with `python -m surge_app admin hash-password`."
            )
            raise ConfigurationError(msg) from error


def hash_password(password: str) -> str:
    """Return the argon2id hash of a password, for SURGE_ADMIN_PASSWORD_HASH."""
    return PasswordHasher().hash(password)


def _parse(authorization: str) -> tuple[str, str]:
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != "basic" or len(authorization) > _LONGEST_HEADER:
        raise Unauthorized
    try:
        decoded = base64.b64decode(encoded, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError) as error:
        raise Unauthorized from error
    user, separator, password = decoded.partition(":")
    if not separator:
        raise Unauthorized
    return user, password
