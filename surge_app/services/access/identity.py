"""Signed cookies and link tokens, created and read in one place.

A cookie only names; Redis or Postgres decides about rights. Each purpose has its own salt, so a
value signed for one can never be used for another.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from time import time
from typing import Any, Literal, cast

from itsdangerous import BadData, URLSafeTimedSerializer

_VISITOR_AGE = timedelta(days=30)
_PASS_AGE = timedelta(hours=2)
_BOOKING_AGE = timedelta(days=400)
_ADMIN_AGE = timedelta(hours=8)
_LINK_AGE = timedelta(days=400)
_LINK_TOKEN_BYTES = 12
_DEVICE_AGE = timedelta(days=180)
_MAX_DEVICE_ADMINS = 5
_CODE_LIFE_SECONDS = 600
_CODE_DIGITS = 6
_CLOCK_SKEW_SECONDS = 3600
_MAX_BOOKINGS = 20
_MAX_PASSES = 5
_MAX_QUEUE_NUMBERS = 5
# About 30 MB in a process when full.
_MAX_CACHED_VISITORS = 65_536
# With five queue numbers a genuine cookie has some 600 letters.
_MAX_VISITOR_LENGTH = 1024


@dataclass(frozen=True, slots=True)
class Visitor:
    """A browser, and its queue numbers by event slug.

    The signed numbers save a Redis call, and restore the order if Redis has lost it. While Redis
    has the number, the cookie's is ignored.
    """

    id: str
    queue_numbers: Mapping[str, int] = field(default_factory=dict[str, int])


@dataclass(frozen=True, slots=True)
class Cookie:
    """A cookie to set: `header` is the value of a `Set-Cookie` header."""

    name: str
    header: str


class _NotGenuineError(Exception):
    """A value that Surge did not sign."""


class Identity:
    """Signs and reads visitors, passes, bookings and admin sessions.

    Args:
        secret_keys: The first signs, all verify; that is how keys rotate.
        secure: Whether Surge is served over HTTPS: cookies are then `Secure` and carry the
            `__Host-` prefix, which other sub-domains cannot set.
    """

    def __init__(self, secret_keys: tuple[str, ...], *, secure: bool) -> None:
        self._keys = list(reversed(secret_keys))
        self._secure = secure
        self._signers: dict[str, URLSafeTimedSerializer] = {}
        self._visitor_cookie = f"{self.cookie_name('visitor')}="
        # A waiting visitor sends the same cookie with every poll.
        self._visitor_of = lru_cache(_MAX_CACHED_VISITORS)(self._verified_visitor)

    def cookie_name(self, purpose: str) -> str:
        """Return the full name of a cookie, such as `surge_visitor`."""
        return f"__Host-surge_{purpose}" if self._secure else f"surge_{purpose}"

    def visitor(self, cookie_header: str) -> Visitor | None:
        """Return the visitor named by the cookies; called for every poll."""
        for part in cookie_header.split(";"):
            text = part.lstrip()
            if text.startswith(self._visitor_cookie):
                return self._cached_visitor(text[len(self._visitor_cookie) :].strip(' "'))
        return None

    def _cached_visitor(self, signed: str) -> Visitor | None:
        if len(signed) > _MAX_VISITOR_LENGTH:
            return None
        try:
            visitor, signed_at = self._visitor_of(signed)
        except _NotGenuineError:
            return None
        return visitor if _is_current(signed_at, age=_VISITOR_AGE) else None

    def _verified_visitor(self, signed: str) -> tuple[Visitor, int]:
        # The cache stores what is returned, and nothing of what is raised.
        value, signed_at = self._verify("visitor", signed)
        visitor = _visitor(value)
        if visitor is None:
            raise _NotGenuineError
        return visitor, signed_at

    def visitor_id(self, cookie_header: str) -> str | None:
        """Return the id of the visitor named by the cookies."""
        visitor = self.visitor(cookie_header)
        return None if visitor is None else visitor.id

    def new_visitor(self) -> Visitor:
        """Create a visitor of 128 random bits; `set_queue_cookie` creates its cookie."""
        return Visitor(secrets.token_urlsafe(16))

    def set_queue_cookie(
        self, visitor: Visitor, slug: str | None = None, number: int | None = None
    ) -> Cookie:
        """Return the visitor's cookie with one more queue number; None removes it."""
        others = [(other, at) for other, at in visitor.queue_numbers.items() if other != slug]
        own = [] if slug is None or number is None else [(slug, number)]
        numbers = dict([*others, *own][-_MAX_QUEUE_NUMBERS:])
        return self._cookie("visitor", {"id": visitor.id, "places": numbers}, _VISITOR_AGE)

    def queue_cookies(
        self,
        cookie_header: str,
        visitor: Visitor,
        slug: str,
        *,
        number: int | None,
        is_admitted: bool,
    ) -> list[Cookie]:
        """Return the cookies that an answer of the queue changes.

        Args:
            cookie_header: As the visitor sent it.
            visitor: As read from it.
            number: The current queue number; None removes it from the cookie.
            is_admitted: Whether to add the pass cookie.
        """
        cookies: list[Cookie] = []
        if number != visitor.queue_numbers.get(slug):
            cookies.append(self.set_queue_cookie(visitor, slug, number))
        if is_admitted:
            cookies.append(self.set_pass_cookie(cookie_header, visitor.id, slug))
        return cookies

    def passes(self, cookie_header: str, *, age: timedelta = _PASS_AGE) -> list[str]:
        """Return the events whose pass this visitor's cookies carry; Redis decides.

        Args:
            cookie_header: The whole `Cookie` header.
            age: Ignore a cookie signed longer ago.
        """
        value = self._mapping("pass", cookie_header, age)
        if value.get("visitor") != self.visitor_id(cookie_header):
            return []
        return _texts(value.get("events"))

    def set_pass_cookie(self, cookie_header: str, visitor_id: str, slug: str) -> Cookie:
        """Return the pass cookie with one more event in it."""
        others = [other for other in self.passes(cookie_header) if other != slug]
        events = [*others, slug][-_MAX_PASSES:]
        return self._cookie("pass", {"visitor": visitor_id, "events": events}, _PASS_AGE)

    def drop_pass_cookie(self, cookie_header: str, visitor_id: str, slug: str) -> Cookie:
        """Return the pass cookie without an event."""
        events = [other for other in self.passes(cookie_header) if other != slug]
        return self._cookie("pass", {"visitor": visitor_id, "events": events}, _PASS_AGE)

    def bookings(self, cookie_header: str) -> dict[str, int | None]:
        """Return the bookings this browser was given, by reference.

        The value is None for the browser that paid, or else the version of the link it used.
        """
        value = self._read("booking", cookie_header, _BOOKING_AGE)
        parsed = [entry.partition(".") for entry in _texts(value)]
        return {
            ref: int(version) if version else None
            for ref, _, version in parsed
            if not version or (version.isascii() and version.isdecimal())
        }

    def add_booking_cookie(
        self, cookie_header: str, ref: str, *, link_version: int | None = None
    ) -> Cookie:
        """Return the booking cookie with one more booking, as `bookings` returns it.

        A browser that paid stays the one that paid, whatever link it follows.
        """
        bookings = self.bookings(cookie_header)
        version = None if bookings.pop(ref, link_version) is None else link_version
        bookings[ref] = version
        entries = [one if at is None else f"{one}.{at}" for one, at in bookings.items()]
        return self._cookie("booking", entries[-_MAX_BOOKINGS:], _BOOKING_AGE)

    def booking_token(self, ref: str, link_version: int = 0) -> str:
        """Return the token that opens a booking from a link in a message.

        It is deterministic, so that a message sent again is the same message, and short enough
        for an SMS. A new version of the link revokes the earlier ones.
        """
        return self._link_token(self._keys[-1], ref, link_version)

    def opens_booking(self, token: str, ref: str, link_version: int = 0) -> bool:
        """Return whether a link's token was issued for this booking and version."""
        sent = token.encode("utf-8", "replace")
        valid = [self._link_token(key, ref, link_version).encode() for key in self._keys]
        is_ours = any([hmac.compare_digest(sent, each) for each in valid])  # noqa: C419  each, always
        # The first links were longer and carried their age.
        is_first = link_version == 0 and self._loads("booking-link", token, _LINK_AGE) == ref
        return is_ours or is_first

    def _link_token(self, key: str, ref: str, link_version: int) -> str:
        subject = f"{ref}:{link_version}" if link_version else ref
        digest = hmac.digest(key.encode(), f"surge.booking-link:{subject}".encode(), "sha256")
        return base64.urlsafe_b64encode(digest[:_LINK_TOKEN_BYTES]).decode()

    def contact_code(self, ref: str, link_version: int, at: datetime) -> str:
        """Return the code that proves access to a booking's current email address."""
        return self._contact_code(ref, link_version, int(at.timestamp()) // _CODE_LIFE_SECONDS)

    def is_contact_code(self, code: str, ref: str, link_version: int, at: datetime) -> bool:
        """Return whether a code was issued within the last 10 to 20 minutes."""
        period = int(at.timestamp()) // _CODE_LIFE_SECONDS
        valid = [self._contact_code(ref, link_version, period - back) for back in (0, 1)]
        # Keyboards of some languages write their own digits.
        digits = [str(unicodedata.decimal(letter)) for letter in code if letter.isdecimal()]
        sent = "".join(digits).encode()
        return any([hmac.compare_digest(sent, each.encode()) for each in valid])  # noqa: C419  each, always

    def _contact_code(self, ref: str, link_version: int, period: int) -> str:
        subject = f"surge.contact-code:{ref}:{link_version}:{period}".encode()
        digest = hmac.digest(self._keys[-1].encode(), subject, "sha256")
        return f"{int.from_bytes(digest[:8], 'big') % 10**_CODE_DIGITS:0{_CODE_DIGITS}d}"

    def admin(self, cookie_header: str) -> str | None:
        """Return the secret of the admin session; Postgres decides whether it is live."""
        value = self._read("admin", cookie_header, _ADMIN_AGE)
        return value if isinstance(value, str) else None

    def admin_session(self, secret: str) -> Cookie:
        """Return the cookie of an admin session, for a working day."""
        return self._cookie("admin", secret, _ADMIN_AGE, same_site="Strict")

    def end_admin_session(self) -> Cookie:
        """Return the cookie that deletes the one of an admin session."""
        return self._set("admin", "", timedelta(0), same_site="Strict")

    def signed_out(self, *, is_over: bool = False) -> Cookie:
        """Return the cookie that marks a browser as signed out, or the one that deletes it."""
        age = timedelta(0) if is_over else _ADMIN_AGE
        return self._set("signed_out", "" if is_over else "1", age, same_site="Strict")

    def has_signed_out(self, cookie_header: str) -> bool:
        """Return whether a password from this browser is a remembered one, not one just typed."""
        return parse_cookies(cookie_header).get(self.cookie_name("signed_out")) == "1"

    def device(self, cookie_header: str, user: str) -> str:
        """Return the id of a device this admin user has signed in from; empty for any other."""
        value = self._mapping("device", cookie_header, _DEVICE_AGE)
        return str(value.get("id", "")) if user in _texts(value.get("users")) else ""

    def add_device_cookie(self, cookie_header: str, user: str) -> Cookie:
        """Return the cookie of a device with one more admin user who has signed in from it."""
        value = self._mapping("device", cookie_header, _DEVICE_AGE)
        others = [other for other in _texts(value.get("users")) if other != user]
        device = {
            "id": value.get("id") or secrets.token_urlsafe(9),
            "users": [*others, user][-_MAX_DEVICE_ADMINS:],
        }
        return self._cookie("device", device, _DEVICE_AGE, same_site="Strict")

    def _mapping(self, purpose: str, cookie_header: str, age: timedelta) -> dict[str, Any]:
        value = self._read(purpose, cookie_header, age)
        return cast("dict[str, Any]", value) if isinstance(value, dict) else {}

    def _read(self, purpose: str, cookie_header: str, age: timedelta) -> object:
        value = parse_cookies(cookie_header).get(self.cookie_name(purpose))
        return None if value is None else self._loads(purpose, value, age)

    def _loads(self, purpose: str, value: str, age: timedelta) -> object:
        try:
            content, signed_at = self._verify(purpose, value)
        except _NotGenuineError:
            return None
        return content if _is_current(signed_at, age=age) else None

    def _verify(self, purpose: str, value: str) -> tuple[object, int]:
        try:
            content, moment = self._signer(purpose).loads(value, return_timestamp=True)
        except BadData as error:
            raise _NotGenuineError from error
        return content, int(moment.timestamp())

    def _cookie(
        self,
        purpose: str,
        value: object,
        age: timedelta,
        same_site: Literal["Lax", "Strict"] = "Lax",
    ) -> Cookie:
        return self._set(purpose, self._signer(purpose).dumps(value), age, same_site)

    def _set(self, purpose: str, value: str, age: timedelta, same_site: str) -> Cookie:
        name = self.cookie_name(purpose)
        secure = "; Secure" if self._secure else ""
        header = (
            f"{name}={value}; Path=/; Max-Age={int(age.total_seconds())}; "
            f"HttpOnly; SameSite={same_site}{secure}"
        )
        return Cookie(name, header)

    def _signer(self, purpose: str) -> URLSafeTimedSerializer:
        signer = self._signers.get(purpose)
        if signer is None:
            # The library's defaults are SHA-1 and a concatenated key.
            signer = self._signers[purpose] = URLSafeTimedSerializer(
                self._keys,
                salt=f"surge.{purpose}",
                signer_kwargs={"digest_method": hashlib.sha256, "key_derivation": "hmac"},
            )
        return signer


def _is_current(signed_at: int, *, age: timedelta) -> bool:
    # The library's own check refuses what a node with a clock slightly ahead of ours signed.
    return -_CLOCK_SKEW_SECONDS <= time() - signed_at <= age.total_seconds()


def _texts(value: object) -> list[str]:
    """Return the texts of a list; a key outlives versions, so its values may have other shapes."""
    entries = cast("list[Any]", value) if isinstance(value, list) else []
    return [entry for entry in entries if isinstance(entry, str)]


def _visitor(value: object) -> Visitor | None:
    # The first cookies were the bare id.
    if isinstance(value, str):
        return Visitor(value)
    if not isinstance(value, dict):
        return None
    content = cast("dict[str, Any]", value)
    visitor_id, numbers = content.get("id"), content.get("places")
    if not isinstance(visitor_id, str) or not isinstance(numbers, dict):
        return None
    return Visitor(visitor_id, cast("dict[str, int]", numbers))


def parse_cookies(header: str) -> Mapping[str, str]:
    """Split a `Cookie` header; the first of two equal names wins, as browsers send it."""
    cookies: dict[str, str] = {}
    for part in header.split(";"):
        name, separator, value = part.strip().partition("=")
        if separator:
            cookies.setdefault(name, value.strip('"'))
    return cookies
