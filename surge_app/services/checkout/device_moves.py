"""Continue on another device: a place moves with its pass, its hold and what was typed.

The code is a bearer secret: two minutes, one use, and few wrong tries. The visitor who makes it and
the visitor who takes it are those of their own cookies.
"""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

from redis.exceptions import RedisError

from surge_app.db.checkout import intents as queries
from surge_app.db.engine import Database
from surge_app.errors import PaymentStarted, QueueUnavailable, SurgeError
from surge_app.kv.moves import MoveAnswer, MoveMode, MoveSecret, MoveStore
from surge_app.kv.rate_limits import Limit, RateLimiter, networks
from surge_app.languages import N_
from surge_app.models import IntentStatus
from surge_app.observability.log import get_logger
from surge_app.services.access.identity import Identity
from surge_app.services.access.move_codes import MoveCodes
from surge_app.services.checkout.hold_transfer import move_hold
from surge_app.services.checkout.intents import Intents
from surge_app.services.waiting_room.requests import QueueReply, QueueRequests

_log = get_logger(__name__)
_Answer = TypeVar("_Answer")

CODE_LIFE = timedelta(minutes=2)
_PER_VISITOR = Limit("move-visitor", per_minute=6, burst=6)
_PER_NETWORK = Limit("move-network", per_minute=60, burst=120)
# Only wrong codes count. Where thousands share an address, a few dozen mistype one in a minute.
_WRONG_PER_IPV4 = Limit("move-wrong-address", per_minute=10, burst=20, strict=True)
_WRONG_PER_SUBSCRIBER = Limit("move-wrong-address", per_minute=3, burst=6, strict=True)
_WRONG_PER_WIDE_NETWORK = Limit("move-wrong-network", per_minute=30, burst=60, strict=True)
# Of short codes alone: a crowd that guesses those cannot stop the links.
_WRONG_PER_EVENT = Limit("move-wrong-event", per_minute=60, burst=120, strict=True)


class MoveCodeInvalid(SurgeError, code="move_code_invalid", status=404):
    """The code was never made, is used up, void or expired: the caller may not know which."""

    message = N_(
        "This code is not valid: it may be mistyped, used or older than 2 minutes. Nothing was "
        "moved. Make a new one on the other device."
    )


class NotInQueue(SurgeError, code="not_in_queue", status=409):
    """The visitor neither waits nor has a pass."""

    message = N_("You have no place in this queue, so there is nothing to move. Join it first.")


class SameDevice(SurgeError, code="same_device", status=409):
    """The visitor who takes the place is the one who has it."""

    message = N_("Your place is on this device already. Use the code on the other one.")


class AlreadyInQueue(SurgeError, code="already_in_queue", status=409):
    """The visitor who takes a place has one; it is asked before that is given up."""

    message = N_(
        "This device has a place for this event already. If you continue here with the other one, "
        "the place of this device is given up, with any tickets it holds."
    )


class MovePaymentStarted(PaymentStarted):
    """Moving now could have two devices pay for one hold."""

    message = N_(
        "A payment for these tickets is under way. Finish it on the device where it started. "
        "Nothing was moved."
    )


@dataclass(frozen=True, slots=True)
class MoveOffer:
    """The two codes of a place; `link` is for a QR code."""

    link: str
    short: str
    valid_for: timedelta = CODE_LIFE


@dataclass(frozen=True, slots=True)
class MoveReply:
    """The answer to the device that takes a place, and what was typed on the one before."""

    queue: QueueReply
    typed: dict[str, str]


class DeviceMoves:
    """Makes, voids and takes the codes."""

    def __init__(
        self,
        database: Database,
        store: MoveStore,
        codes: MoveCodes,
        identity: Identity,
        requests: QueueRequests,
        intents: Intents,
        limits: RateLimiter,
    ) -> None:
        self._database = database
        self._store = store
        self._codes = codes
        self._identity = identity
        self._requests = requests
        self._intents = intents
        self._limits = limits

    async def offer(
        self, slug: str, cookies: str, typed: Mapping[str, str], *, client_address: str
    ) -> MoveOffer:
        """Make codes for the place of the visitor of these cookies; those before are void.

        Args:
            cookies: The whole `Cookie` header.
            typed: The form as far as it is filled in.

        Raises:
            NotInQueue: If there is none.
            PaymentStarted: If the gateway knows of an attempt to pay.
            RateLimited: If codes are made too often.
            QueueUnavailable: If Redis does not answer.
        """
        visitor_id = self._identity.visitor_id(cookies)
        if visitor_id is None:
            raise NotInQueue
        network = networks(client_address).narrow
        await self._limits.check_all(slug, (_PER_VISITOR, visitor_id), (_PER_NETWORK, network))
        # A visitor who waits costs no connection to Postgres.
        if slug in self._identity.passes(cookies):
            await self._refuse_during_payment(slug, visitor_id)
        offer = MoveOffer(self._codes.new_link(), self._codes.new_short())
        link, short = (self._secret(slug, code, typed) for code in (offer.link, offer.short))
        if not await _reach(self._store.offer(slug, visitor_id, link, short, life=offer.valid_for)):
            raise NotInQueue
        return offer

    async def withdraw(self, slug: str, cookies: str) -> None:
        """Void the codes of the visitor of these cookies; raises QueueUnavailable."""
        visitor_id = self._identity.visitor_id(cookies)
        if visitor_id is not None:
            await _reach(self._store.withdraw(slug, visitor_id))

    async def take(
        self, slug: str, cookies: str, sent: str, *, replaces: bool, client_address: str
    ) -> MoveReply:
        """Move the place that a code stands for to the visitor of these cookies, whole, once.

        A repeat by the same visitor finishes what a failure has interrupted. A browser without a
        visitor cookie gets one first, as when it joins.

        Args:
            cookies: The whole `Cookie` header.
            sent: The code as it was scanned or typed.
            replaces: Whether a place that this visitor has is given up for it.

        Raises:
            MoveCodeInvalid: If it is wrong, used, void or expired.
            AlreadyInQueue: If the visitor has a place, and `replaces` is not set.
            SameDevice: If it is the visitor's own.
            PaymentStarted: If one of the two is paying.
            RateLimited: After too many wrong codes.
            QueueUnavailable: If Redis does not answer.
        """
        visitor_id = self._identity.visitor_id(cookies)
        if visitor_id is None:
            return MoveReply(await self._requests.ask_for_cookie(slug), {})
        code, is_link = self._codes.parse(sent)
        digest = self._codes.digest(slug, code)
        counted = _wrong_limits(slug, client_address, is_link=is_link)
        await self._limits.check_all(slug, *counted)
        seen = await self._ask(slug, digest, visitor_id, "look")
        if seen.outcome == "wrong":
            raise MoveCodeInvalid
        await self._limits.forgive(slug, *counted)
        if seen.outcome == "same":
            raise SameDevice
        if seen.outcome == "occupied" and not replaces:
            raise AlreadyInQueue
        if seen.has_pass and seen.outcome != "moved":
            await self._refuse_during_payment(slug, seen.visitor_id)
        if seen.outcome == "occupied":
            await self._refuse_during_payment(slug, visitor_id, is_started=True)
            await self._intents.release_live(slug, visitor_id)
        moved = await self._ask(slug, digest, visitor_id, "replace" if replaces else "take")
        if moved.outcome == "occupied":
            raise AlreadyInQueue
        if moved.outcome != "moved":
            raise MoveCodeInvalid
        if moved.has_pass:
            await move_hold(self._database, slug, moved.visitor_id, visitor_id)
        _log.info("place_moved", event_slug=slug, by="link" if is_link else "short code")
        typed = self._codes.unseal(code, moved.sealed)
        return MoveReply(await self._requests.poll(slug, cookies), typed)

    def _secret(self, slug: str, code: str, typed: Mapping[str, str]) -> MoveSecret:
        return MoveSecret(self._codes.digest(slug, code), self._codes.seal(code, typed))

    async def _ask(self, slug: str, digest: str, visitor_id: str, mode: MoveMode) -> MoveAnswer:
        return await _reach(self._store.take(slug, digest, visitor_id, mode))

    async def _refuse_during_payment(
        self, slug: str, visitor_id: str, *, is_started: bool = False
    ) -> None:
        """Raise PaymentStarted if the gateway knows of an attempt, or if a payment was prepared."""
        async with self._database.transaction() as session:
            live = await queries.live_of(session, slug, [visitor_id])
        paying = [intent for intent in live if intent.status == IntentStatus.PAYING]
        if any(is_started or intent.attempted_at is not None for intent in paying):
            raise MovePaymentStarted


def _wrong_limits(slug: str, address: str, *, is_link: bool) -> list[tuple[Limit, str]]:
    network = networks(address)
    narrow = _WRONG_PER_IPV4 if network.is_shared else _WRONG_PER_SUBSCRIBER
    limits = [(narrow, network.narrow), (_WRONG_PER_WIDE_NETWORK, network.wide)]
    return limits if is_link else [*limits, (_WRONG_PER_EVENT, slug)]


async def _reach(call: Awaitable[_Answer]) -> _Answer:
    try:
        return await call
    except RedisError as error:
        raise QueueUnavailable from error
