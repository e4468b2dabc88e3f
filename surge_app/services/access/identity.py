"""Who is calling: signed cookies and tokens, made and read in one place.

A cookie only names; rights are checked against Redis or Postgres. Every purpose has a salt of
its own, so a value signed for one can never be used for another.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import lru_cache
from typing import Any, Literal, cast

from itsdangerous import BadData, URLSafeTimedSerializer

from surge_app.services.access.signed_values import SignedValue, is_current

_VISITOR_AGE = timedelta(days=30)
_PASS_AGE = timedelta(hours=2)
_BOOKING_AGE = timedelta(days=400)
_ADMIN_AGE = timedelta(hours=8)
_LINK_AGE = timedelta(days=400)
_LINK_TOKEN_BYTES = 12
_MOST_BOOKINGS = 20
_MOST_PASSES = 5
_MOST_PLACES = 5
# About 30 MB in a process when full.
_KEPT_VISITORS = 65_536
# With five places a genuine cookie has some 600 letters.
_LONGEST_VISITOR = 1024


@dataclass(frozen=True, slots=True)
class Visitor:
    """A browser, and the numbers it was given in the lines of events, by slug.

    The signed numbers save asking Redis, and bring the order back if Redis has lost it; while
    Redis knows better, they count for nothing.
    """

    id: str
    places: Mapping[str, int] = field(default_factory=dict[str, int])


@dataclass(frozen=True, slots=True)
class Cookie:
    """A cookie to set: `header` is the value of a `Set-Cookie` header."""

    name: str
    header: str


class _NotGenuineError(Exception):
    """A visitor cookie that Surge did not sign."""


class Identity:
    """Signs and reads visitors, passes, bookings and organizer sessions.

    Args:
        secret_keys: The first signs, all verify; that is how keys rotate.
        secure: Whether Surge is served over HTTPS: cookies are then `Secure` and carry the
            `__Host-` prefix, which other sub-domains cannot set.
    """

    def __init__(self, secret_keys: tuple[str, ...], *, secure: bool) -> None:
        self._keys = list(reversed(secret_keys))
        self._secure = secure
        self._signers: dict[str, URLSafeTimedSerializer] = {}
        self._visitor_seal = SignedValue(secret_keys, salt=_salt("visitor"))
        self._visitor_cookie = f"{self.cookie_name('visitor')}="
        # Who waits shows the same cookie again and again, and opening one is most of a poll.
        self._visitor_of = lru_cache(_KEPT_VISITORS)(self._opened_visitor)

    def cookie_name(self, purpose: str) -> str:
        """Return the full name of a cookie, such as `surge_visitor`."""
        return f"__Host-surge_{purpose}" if self._secure else f"surge_{purpose}"

    def who(self, cookie_header: str) -> Visitor | None:
        """Return the visitor a request's cookies name, or None; every poll asks this."""
        for part in cookie_header.split(";"):
            text = part.lstrip()
            if text.startswith(self._visitor_cookie):
                return self._visitor_in(text[len(self._visitor_cookie) :].strip(' "'))
        return None

    def _visitor_in(self, sealed: str) -> Visitor | None:
        if len(sealed) > _LONGEST_VISITOR:
            return None
        try:
            visitor, signed_at = self._visitor_of(sealed)
        except _NotGenuineError:
            return None
        return visitor if is_current(signed_at, age=_VISITOR_AGE) else None

    def _opened_visitor(self, sealed: str) -> tuple[Visitor, int]:
        # A cache keeps what is returned, and nothing of what is raised.
        opened = self._visitor_seal.opened(sealed)
        visitor = None if opened is None else _visitor(opened[0])
        if opened is None or visitor is None:
            raise _NotGenuineError
        return visitor, opened[1]

    def visitor(self, cookie_header: str) -> str | None:
        """Return the id of the visitor a request's cookies name, or None."""
        found = self.who(cookie_header)
        return None if found is None else found.id

    def new_visitor(self) -> Visitor:
        """Make a visitor: 128 random bits; `with_place` makes the cookie that carries them."""
        return Visitor(secrets.token_urlsafe(16))

    def with_place(
        self, visitor: Visitor, slug: str | None = None, number: int | None = None
    ) -> Cookie:
        """Return the visitor's cookie, with the number of one more line, or without it if None."""
        others = [(other, at) for other, at in visitor.places.items() if other != slug]
        own = [] if slug is None or number is None else [(slug, number)]
        places = dict([*others, *own][-_MOST_PLACES:])
        return self._cookie("visitor", {"id": visitor.id, "places": places}, _VISITOR_AGE)

    def after_line(
        self,
        cookie_header: str,
        visitor: Visitor,
        slug: str,
        *,
        number: int | None,
        is_admitted: bool,
    ) -> list[Cookie]:
        """Return the cookies that change by what the line answered.

        Args:
            cookie_header: As the visitor sent it.
            visitor: Who asked.
            slug: The event.
            number: In its line; None takes the place out of the cookie.
            is_admitted: Whether a pass goes along.
        """
        cookies: list[Cookie] = []
        if number != visitor.places.get(slug):
            cookies.append(self.with_place(visitor, slug, number))
        if is_admitted:
            cookies.append(self.with_pass(cookie_header, visitor.id, slug))
        return cookies

    def passes(self, cookie_header: str, *, age: timedelta = _PASS_AGE) -> list[str]:
        """Return the events whose pass this visitor's cookies carry; Redis has the last word.

        Args:
            cookie_header: The whole `Cookie` header.
            age: A cookie that was signed longer ago carries none.
        """
        value = self._mapping("pass", cookie_header, age)
        if value.get("visitor") != self.visitor(cookie_header):
            return []
        return [slug for slug in value.get("events", []) if isinstance(slug, str)]

    def with_pass(self, cookie_header: str, visitor_id: str, slug: str) -> Cookie:
        """Return the pass cookie with one more event in it."""
        others = [other for other in self.passes(cookie_header) if other != slug]
        events = [*others, slug][-_MOST_PASSES:]
        return self._cookie("pass", {"visitor": visitor_id, "events": events}, _PASS_AGE)

    def bookings(self, cookie_header: str) -> list[str]:
        """Return the references this browser may see."""
        value = self._read("booking", cookie_header, _BOOKING_AGE)
        listed = cast("list[Any]", value) if isinstance(value, list) else []
        return [ref for ref in listed if isinstance(ref, str)]

    def may_see_booking(self, cookie_header: str, ref: str) -> bool:
        """Whether this browser was given a booking."""
        return ref in self.bookings(cookie_header)

    def with_booking(self, cookie_header: str, ref: str) -> Cookie:
        """Return the booking cookie with one more reference in it."""
        others = [other for other in self.bookings(cookie_header) if other != ref]
        return self._cookie("booking", [*others, ref][-_MOST_BOOKINGS:], _BOOKING_AGE)

    def booking_token(self, ref: str) -> str:
        """Return the token that opens a booking from a link in a message.

        It is always the same, so that a message is the same when it is sent again, and short
        enough for an SMS.
        """
        return self._link_token(self._keys[-1], ref)

    def opens_booking(self, token: str, ref: str) -> bool:
        """Whether a link's token was made for this booking."""
        given = token.encode("utf-8", "replace")
        known = [self._link_token(key, ref).encode() for key in self._keys]
        is_ours = any([hmac.compare_digest(given, one) for one in known])  # noqa: C419  each, always
        # Links in messages of before were longer and carried their age.
        return is_ours or self._loads("booking-link", token, _LINK_AGE) == ref

    def _link_token(self, key: str, ref: str) -> str:
        digest = hmac.digest(key.encode(), f"surge.booking-link:{ref}".encode(), "sha256")
        return base64.urlsafe_b64encode(digest[:_LINK_TOKEN_BYTES]).decode()

    def admin(self, cookie_header: str) -> str | None:
        """Return the secret of the console's session, or None; Postgres has the last word."""
        value = self._read("admin", cookie_header, _ADMIN_AGE)
        return value if isinstance(value, str) else None

    def admin_session(self, secret: str) -> Cookie:
        """Return the cookie of a session of the console, for a working day."""
        return self._cookie("admin", secret, _ADMIN_AGE, same_site="Strict")

    def end_admin_session(self) -> Cookie:
        """Return the cookie that takes that of a session away."""
        return self._set("admin", "", timedelta(0), same_site="Strict")

    def signed_out(self, *, is_over: bool = False) -> Cookie:
        """Return the mark of a browser that has just signed out, or what takes it away."""
        age = timedelta(0) if is_over else _ADMIN_AGE
        return self._set("signed_out", "" if is_over else "1", age, same_site="Strict")

    def has_signed_out(self, cookie_header: str) -> bool:
        """Whether a password from this browser is one it remembers, and not one just typed."""
        return parse_cookies(cookie_header).get(self.cookie_name("signed_out")) == "1"

    def _mapping(self, purpose: str, cookie_header: str, age: timedelta) -> dict[str, Any]:
        value = self._read(purpose, cookie_header, age)
        return cast("dict[str, Any]", value) if isinstance(value, dict) else {}

    def _read(self, purpose: str, cookie_header: str, age: timedelta) -> object:
        value = parse_cookies(cookie_header).get(self.cookie_name(purpose))
        return None if value is None else self._loads(purpose, value, age)

    def _loads(self, purpose: str, value: str, age: timedelta) -> object:
        # The library's own limit of age refuses whatever a clock slightly ahead of ours signed.
        try:
            found, moment = self._signer(purpose).loads(value, return_timestamp=True)
        except BadData:
            return None
        return found if is_current(int(moment.timestamp()), age=age) else None

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
                salt=_salt(purpose),
                signer_kwargs={"digest_method": hashlib.sha256, "key_derivation": "hmac"},
            )
        return signer


def _salt(purpose: str) -> str:
    return f"surge.{purpose}"


def _visitor(value: object) -> Visitor | None:
    # A cookie from before places were in it is the bare id.
    if isinstance(value, str):
        return Visitor(value)
    if not isinstance(value, dict):
        return None
    known = cast("dict[str, Any]", value)
    return Visitor(known["id"], known["places"])


def parse_cookies(header: str) -> Mapping[str, str]:
    """Split a `Cookie` header; the first of two equal names wins, as browsers send it."""
    found: dict[str, str] = {}
    for part in header.split(";"):
        name, separator, value = part.strip().partition("=")
        if separator:
            found.setdefault(name, value.strip('"'))
    return found
