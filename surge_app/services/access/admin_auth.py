"""The way into the console: a password checked slowly once, then a session kept in Postgres."""

from __future__ import annotations

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

import anyio
import anyio.to_thread
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
from surge_app.models import AdminAccount, AuditEntry, Role
from surge_app.observability.log import get_logger
from surge_app.services.access.identity import Cookie, Identity
from surge_app.settings import Settings

_log = get_logger(__name__)

_PER_ADDRESS = Limit("admin-address", per_minute=10, burst=10, strict=True)
_PER_USER = Limit("admin-user", per_minute=20, burst=20, strict=True)
_KNOWN_SECONDS = 300
_MOST_KNOWN = 256
_LONGEST_HEADER = 1024
_LONGEST_NAME = 100
_MOST_AT_ONCE = 2
_SESSION_LASTS = timedelta(hours=8)
_NAME = re.compile(r"[a-z0-9][a-z0-9._@-]{0,59}")
_SHORTEST_PASSWORD = 8


@dataclass(frozen=True, slots=True)
class AdminUser:
    """Somebody who may use the console; `role` is organizer or door."""

    name: str
    role: str

    @property
    def is_organizer(self) -> bool:
        """Whether everything is allowed, not only checking tickets in."""
        return self.role == Role.ORGANIZER


@dataclass(frozen=True, slots=True)
class AccountView:
    """An account as it is listed."""

    name: str
    role: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a user proves themselves with.

    Attributes:
        hash: None for a development password, which is hashed on first use.
        fingerprint: Changes with the password and tells nothing of it.
    """

    operator: AdminUser
    hash: str | None
    fingerprint: str


class AdminAuth:
    """Verifies HTTP Basic credentials with argon2id behind a rate limit, and keeps sessions.

    What was found out a moment ago is remembered, keyed and for five minutes, in this process:
    a script sends its credentials with every request, and only guessing shall be slow.
    """

    def __init__(
        self, settings: Settings, limits: RateLimiter, database: Database, identity: Identity
    ) -> None:
        self._user = settings.admin_user
        self._secret = settings.admin_password_hash or settings.admin_password
        self._hash = settings.admin_password_hash
        self._key = settings.secret_key[0].encode() if settings.secret_key else b""
        self._limits = limits
        self._database = database
        self._identity = identity
        self._hasher = PasswordHasher()
        self._memory_key = secrets.token_bytes(32)
        self._known: OrderedDict[bytes, tuple[bool, float]] = OrderedDict()
        self._slots = anyio.CapacityLimiter(_MOST_AT_ONCE)

    async def verify(self, authorization: str, *, client_address: str) -> AdminUser:
        """Check a `Basic` header and return whom it names.

        An unknown user costs the same time as a wrong password.

        Raises:
            Unauthorized: If header, user or password is wrong.
            RateLimited: If this address or user tries too often; nothing was hashed.
        """
        return (await self._credential(authorization, client_address=client_address)).operator

    async def sign_in(self, authorization: str, *, client_address: str) -> tuple[AdminUser, Cookie]:
        """Open a session for a `Basic` header; returns the cookie that carries it.

        Raises:
            Unauthorized, RateLimited: As `verify`.
        """
        found = await self._credential(authorization, client_address=client_address)
        secret = secrets.token_urlsafe(24)
        operator = found.operator
        async with self._database.transaction() as session:
            await queries.open_session(
                session,
                id_=_digest(secret),
                user_name=operator.name,
                credential=found.fingerprint,
                lasts=_SESSION_LASTS,
            )
            session.add(
                AuditEntry(actor=operator.name, action="admin.sign_in", subject=operator.name)
            )
        return operator, self._identity.admin_session(secret)

    async def session(self, cookie_header: str) -> AdminUser | None:
        """Return who is signed in, as the database knows it now; None if nobody is."""
        secret = self._identity.admin(cookie_header)
        if secret is None:
            return None
        async with self._database.transaction() as session:
            found = await queries.live_session(session, _digest(secret))
        if found is None:
            return None
        opened, account = found
        credential = self._credential_of(opened.user_name, account)
        if credential is None or not hmac.compare_digest(credential.fingerprint, opened.credential):
            return None
        return credential.operator

    async def sign_out(self, cookie_header: str) -> None:
        """End the session of a cookie everywhere, also for what is connected with it."""
        secret = self._identity.admin(cookie_header)
        if secret is None:
            return
        async with self._database.transaction() as session:
            user = await queries.close_session(session, _digest(secret))
            if user is not None:
                session.add(AuditEntry(actor=user, action="admin.sign_out", subject=user))

    async def add_account(self, name: str, *, role: str, password: str, actor: str) -> None:
        """Make an account.

        Raises:
            AccountTaken: If there is one of that name.
            InvalidRequest: If name, role or password cannot be used.
        """
        if not _NAME.fullmatch(name) or role not in set(Role):
            msg = (
                "A name has up to 60 small letters, digits and . _ @ -; "
                "the role is organizer or door."
            )
            raise InvalidRequest(msg)
        if len(password) < _SHORTEST_PASSWORD:
            msg = f"A password has at least {_SHORTEST_PASSWORD} characters."
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
        """Return the accounts, without the one the settings name."""
        async with self._database.transaction() as session:
            found = await queries.accounts(session)
        return [AccountView(one.name, one.role, one.created_at) for one in found]

    async def _credential(self, authorization: str, *, client_address: str) -> Credentials:
        user, password = _parse(authorization)
        async with self._database.transaction() as session:
            account = await queries.account(session, user[:60])
        found = self._credential_of(user, account)
        key = self._remembered_key(authorization, found)
        if self._recall(key) and found is not None:
            return found
        household = networks(client_address).narrow
        await self._limits.check_all(
            "admin", (_PER_ADDRESS, household), (_PER_USER, user[:_LONGEST_NAME])
        )
        is_right = self._recall(key)
        if is_right is None:
            # The hash of the settings' own user stands in for that of nobody.
            reference = found or self._credential_of(self._user, None)
            is_right = await anyio.to_thread.run_sync(
                self._matches, reference, password, limiter=self._slots
            )
            self._remember(key, is_right=is_right and found is not None)
        if not is_right or found is None:
            _log.warning("admin_refused", address=client_address)
            raise Unauthorized
        return found

    def _credential_of(self, user: str, account: AdminAccount | None) -> Credentials | None:
        if hmac.compare_digest(user.encode(), self._user.encode()):
            if self._secret is None:
                msg = "no organizer password is set."
                raise ConfigurationError(msg)
            operator = AdminUser(self._user, Role.ORGANIZER)
            return Credentials(operator, self._hash, self._fingerprint(self._secret))
        if account is None or account.name != user:
            return None
        operator = AdminUser(account.name, account.role)
        return Credentials(
            operator, account.password_hash, self._fingerprint(account.password_hash)
        )

    def _fingerprint(self, secret: str) -> str:
        return hmac.new(self._key, secret.encode(), "sha256").hexdigest()

    def _remembered_key(self, authorization: str, found: Credentials | None) -> bytes:
        about = f"{found.fingerprint if found else ''} {authorization}"
        return hmac.digest(self._memory_key, about.encode(), "sha256")

    def _recall(self, key: bytes) -> bool | None:
        is_right, until = self._known.get(key, (None, 0.0))
        return is_right if time.monotonic() < until else None

    def _remember(self, key: bytes, *, is_right: bool) -> None:
        self._known[key] = (is_right, time.monotonic() + _KNOWN_SECONDS)
        while len(self._known) > _MOST_KNOWN:
            self._known.popitem(last=False)

    def _matches(self, credential: Credentials | None, password: str) -> bool:
        if credential is None:
            return False
        if self._hash is None:
            self._hash = self._hasher.hash(self._secret or "")
        try:
            return self._hasher.verify(credential.hash or self._hash, password)
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


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _parse(authorization: str) -> tuple[str, str]:
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != "basic" or len(authorization) > _LONGEST_HEADER:
        raise Unauthorized
    try:
        decoded = base64.b64decode(encoded, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError) as error:
        raise Unauthorized from error
    user, separator, password = decoded.partition(":")
    if not separator or "\x00" in user:
        raise Unauthorized
    return user, password
