"""Admin sign-in: a password verified with argon2id once, then a session in Postgres."""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import hmac
import re
import secrets
import time
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime, timedelta

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from surge_app.db.admin import accounts as queries
from surge_app.db.engine import Database
from surge_app.errors import (
    AccountTaken,
    ConfigurationError,
    InvalidRequest,
    NotFound,
    Unauthorized,
)
from surge_app.kv.rate_limits import Limit, RateLimiter, networks
from surge_app.languages import gettext as _
from surge_app.models import AdminAccount, AuditEntry, Role
from surge_app.observability.log import get_logger
from surge_app.services.access.identity import Cookie, Identity
from surge_app.services.concurrency import BoundedWorker, at_low_priority
from surge_app.settings import Settings

_log = get_logger(__name__)

# Only failures count: a success takes its call back.
_PER_SOURCE = Limit("admin-place", per_minute=30, burst=30, strict=True)
_PER_USER_AND_SOURCE = Limit("admin-user-place", per_minute=10, burst=10, strict=True)
# Strangers together: never asked of a network or device that has signed in before.
_PER_USER = Limit("admin-user", per_minute=20, burst=20, strict=True)
_CACHE_SECONDS = 300
_MAX_CACHED = 256
_MAX_HEADER = 1024
_MAX_NAME = 100
# Hashes that may wait; a venue's scanners start together, strangers have no claim to wait.
_MAX_KNOWN, _MAX_STRANGERS = 16, 4
_SESSION_LASTS = timedelta(hours=8)
_NETWORK_LIFE = timedelta(days=90)
_NAME = re.compile(r"[a-z0-9][a-z0-9._@-]{0,59}")
_MIN_PASSWORD = 8


@dataclass(frozen=True, slots=True)
class AdminUser:
    """An account of the admin area; `role` is organizer or door (stored name of the scanner)."""

    name: str
    role: str

    @property
    def is_organizer(self) -> bool:
        """Return whether everything is allowed, not only check-in."""
        return self.role == Role.ORGANIZER


@dataclass(frozen=True, slots=True)
class AccountView:
    """An account in the list."""

    name: str
    role: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Credentials:
    """The stored credentials of a password check.

    Attributes:
        hash: None for a development password, which is hashed on first use.
        fingerprints: Change with the password and reveal nothing about it; one for each secret
            key, of which new sessions store the first.
    """

    user: AdminUser
    hash: str | None
    fingerprints: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _CheckedPassword:
    """The result of a check; it holds for the password of that fingerprint, until then."""

    is_right: bool
    fingerprint: str
    until: float


class AdminAuth:
    """Verifies HTTP Basic credentials with argon2id, and opens sessions.

    Results are cached in this process for five minutes: a script sends its credentials with
    every request, and only guessing must be slow. Networks and devices that have signed in before
    have their own limits and their own worker for hashing, so that strangers cannot use them up.
    """

    def __init__(
        self, settings: Settings, limits: RateLimiter, database: Database, identity: Identity
    ) -> None:
        self._user = settings.admin_user
        self._secret = settings.admin_password_hash or settings.admin_password
        self._hash = settings.admin_password_hash
        self._keys = [key.encode() for key in settings.secret_key or ("",)]
        self._limits = limits
        self._database = database
        self._identity = identity
        self._hasher = PasswordHasher()
        self._cache_key = secrets.token_bytes(32)
        self._cache: OrderedDict[bytes, _CheckedPassword] = OrderedDict()
        self._hashing: dict[bytes, asyncio.Task[bool]] = {}
        self._known, self._strangers = BoundedWorker(_MAX_KNOWN), BoundedWorker(_MAX_STRANGERS)

    async def verify(
        self, authorization: str, *, client_address: str, cookies: str = ""
    ) -> AdminUser:
        """Check a `Basic` header and return its user.

        An unknown user costs the same time as a wrong password.

        Raises:
            Unauthorized: If header, user or password is wrong.
            RateLimited: If there are too many failures; nothing was hashed.
        """
        return (await self._credentials(authorization, client_address, cookies)).user

    async def sign_in(
        self, authorization: str, *, client_address: str, cookies: str = ""
    ) -> tuple[AdminUser, list[Cookie]]:
        """Open a session for a `Basic` header; returns the cookies of session and device.

        Raises:
            Unauthorized, RateLimited: Like `verify`.
        """
        credentials = await self._credentials(authorization, client_address, cookies)
        secret = secrets.token_urlsafe(24)
        user = credentials.user
        async with self._database.transaction() as session:
            await queries.open_session(
                session,
                id_=_digest(secret),
                user_name=user.name,
                credential=credentials.fingerprints[0],
                lasts=_SESSION_LASTS,
            )
            session.add(AuditEntry(actor=user.name, action="admin.sign_in", subject=user.name))
        return user, [
            self._identity.admin_session(secret),
            self._identity.add_device_cookie(cookies, user.name),
        ]

    async def session(self, cookie_header: str) -> AdminUser | None:
        """Return the signed-in user, read from the database for every call."""
        secret = self._identity.admin(cookie_header)
        if secret is None:
            return None
        async with self._database.transaction() as session:
            row = await queries.live_session(session, _digest(secret))
        if row is None:
            return None
        opened, account = row
        credentials = self._credentials_of(opened.user_name, account)
        if credentials is None or opened.credential not in credentials.fingerprints:
            return None
        return credentials.user

    async def sign_out(self, cookie_header: str) -> None:
        """End the session of a cookie, for its open connections as well."""
        secret = self._identity.admin(cookie_header)
        if secret is None:
            return
        async with self._database.transaction() as session:
            user = await queries.close_session(session, _digest(secret))
            if user is not None:
                session.add(AuditEntry(actor=user, action="admin.sign_out", subject=user))

    async def add_account(self, name: str, *, role: str, password: str, actor: str) -> None:
        """Create an account.

        Raises:
            AccountTaken: If there is one of that name.
            InvalidRequest: If name, role or password cannot be used.
        """
        if not _NAME.fullmatch(name) or role not in set(Role):
            msg = _(
                "A name has up to 60 small letters, digits and . _ @ -; the role is organizer or "
                "door."
            )
            raise InvalidRequest(msg)
        if len(password) < _MIN_PASSWORD:
            msg = _("A password has at least {count} characters.", count=_MIN_PASSWORD)
            raise InvalidRequest(msg)
        if name == self._user:
            raise AccountTaken
        hashed = hash_password(password)
        async with self._database.transaction() as session:
            if not await queries.add_account(session, name=name, role=role, password_hash=hashed):
                raise AccountTaken
            session.add(
                AuditEntry(actor=actor, action="admin.add", subject=name, after={"role": role})
            )

    async def remove_account(self, name: str, *, actor: str) -> None:
        """Remove an account and end its sessions at once. Raises NotFound."""
        async with self._database.transaction() as session:
            role = await queries.remove_account(session, name)
            if role is None:
                raise NotFound
            session.add(
                AuditEntry(actor=actor, action="admin.remove", subject=name, before={"role": role})
            )

    async def accounts(self) -> list[AccountView]:
        """Return all accounts but the one in the settings."""
        async with self._database.transaction() as session:
            rows = await queries.accounts(session)
        return [AccountView(row.name, row.role, row.created_at) for row in rows]

    async def _credentials(
        self, authorization: str, client_address: str, cookies: str
    ) -> Credentials:
        user, password = _parse(authorization)
        key = hmac.digest(self._cache_key, authorization.encode(), "sha256")
        network = networks(client_address).narrow
        device = self._identity.device(cookies, user)
        name, source = user[:_MAX_NAME], f"device {device}" if device else network
        attempt = ((_PER_SOURCE, source), (_PER_USER_AND_SOURCE, f"{name}:{source}"))
        if not self._is_trusted(key):
            # Costs neither Postgres nor Redis anything, however many are refused.
            self._limits.check_refused("admin", *attempt)
        async with self._database.transaction() as session:
            account = await queries.account(session, user[:60])
        credentials = self._credentials_of(user, account)
        if credentials is not None and self._cached(key, credentials):
            return credentials
        is_known = bool(device) or await self._limits.is_marked("admin", f"{name}:{network}")
        strangers = () if is_known else ((_PER_USER, name),)
        await self._limits.check_all("admin", *attempt, *strangers)
        is_right = self._cached(key, credentials)
        if is_right is None:
            # An unknown user is verified against the hash of the settings' own.
            reference = credentials or self._credentials_of(self._user, None)
            is_right = await self._hashed_once(key, reference, password, is_known=is_known)
            self._remember(key, credentials, is_right=is_right and credentials is not None)
        if not is_right or credentials is None:
            _log.warning("admin_refused", address=client_address)
            raise Unauthorized
        await self._limits.forgive("admin", *attempt)
        await self._limits.mark("admin", f"{name}:{network}", _NETWORK_LIFE)
        return credentials

    async def _hashed_once(
        self, key: bytes, reference: Credentials | None, password: str, *, is_known: bool
    ) -> bool:
        """Verify a password; concurrent requests with the same credentials share the hash.

        Strangers' hashes yield to everything else on the machine.
        """
        key += _fingerprint(reference).encode()
        task = self._hashing.get(key)
        if task is None:
            worker = self._known if is_known else self._strangers
            matches = self._matches if is_known else self._matches_later
            task = asyncio.create_task(worker.run(matches, reference, password))
            self._hashing[key] = task
            task.add_done_callback(lambda _: self._hashing.pop(key, None))
        return await asyncio.shield(task)

    def _credentials_of(self, user: str, account: AdminAccount | None) -> Credentials | None:
        if hmac.compare_digest(user.encode(), self._user.encode()):
            if self._secret is None:
                raise ConfigurationError("no organizer password is set.")
            admin_user = AdminUser(self._user, Role.ORGANIZER)
            return Credentials(admin_user, self._hash, self._fingerprints(self._secret))
        if account is None or account.name != user:
            return None
        admin_user = AdminUser(account.name, account.role)
        return Credentials(
            admin_user, account.password_hash, self._fingerprints(account.password_hash)
        )

    def _fingerprints(self, secret: str) -> tuple[str, ...]:
        return tuple(hmac.digest(key, secret.encode(), "sha256").hex() for key in self._keys)

    def _is_trusted(self, key: bytes) -> bool:
        """Return whether these credentials were right a moment ago; the account may differ now."""
        verdict = self._cache.get(key)
        return verdict is not None and verdict.is_right and time.monotonic() < verdict.until

    def _cached(self, key: bytes, credentials: Credentials | None) -> bool | None:
        verdict = self._cache.get(key)
        if verdict is None or verdict.fingerprint != _fingerprint(credentials):
            return None
        return verdict.is_right if time.monotonic() < verdict.until else None

    def _remember(self, key: bytes, credentials: Credentials | None, *, is_right: bool) -> None:
        until = time.monotonic() + _CACHE_SECONDS
        self._cache[key] = _CheckedPassword(is_right, _fingerprint(credentials), until)
        while len(self._cache) > _MAX_CACHED:
            self._cache.popitem(last=False)

    def _matches_later(self, credentials: Credentials | None, password: str) -> bool:
        return at_low_priority(self._matches, credentials, password)

    def _matches(self, credentials: Credentials | None, password: str) -> bool:
        if credentials is None:
            return False
        if self._hash is None:
            self._hash = self._hasher.hash(self._secret or "")
        try:
            return self._hasher.verify(credentials.hash or self._hash, password)
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


def _fingerprint(credentials: Credentials | None) -> str:
    return credentials.fingerprints[0] if credentials else ""


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _parse(authorization: str) -> tuple[str, str]:
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != "basic" or len(authorization) > _MAX_HEADER:
        raise Unauthorized
    try:
        decoded = base64.b64decode(encoded, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError) as error:
        raise Unauthorized from error
    user, separator, password = decoded.partition(":")
    if not separator or "\x00" in user:
        raise Unauthorized
    return user, password
