"""The sandbox's storage in Redis, shared by all workers.

Entries expire after two days and lists are capped; none of it is a source of truth.
"""

from __future__ import annotations

import base64
import json
import zlib
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeVar, cast

from redis.exceptions import WatchError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from redis.asyncio import Redis
    from redis.asyncio.client import Pipeline

    RedisFactory = Callable[[], Redis]

Service = Literal["razorpay", "sendgrid", "twilio"]
FaultMode = Literal["ok", "down", "http_429", "http_502_html", "hang"]

_T = TypeVar("_T")

# The braces keep all keys on one node of a cluster.
_PREFIX = "surge:sandbox:{sandbox}"
_TTL_SECONDS = 2 * 24 * 3600
_MAX_MESSAGES = 5000
_MAX_BODIES = 500
_MAX_ORDERS_LISTED = 5000

JsonObject = dict[str, Any]


class UnknownIdError(Exception):
    """The sandbox has no entry with this id."""


@dataclass(slots=True)
class OrderBook:
    """An order with its payments and refunds, stored as one value for atomic changes.

    Attributes:
        order: The order entity as Razorpay shows it.
        payments: Payment entities by id, oldest first.
        refunds: Refund entities by id, oldest first.
        refund_requests: By idempotency key: hash of the body, and the refund.
        refund_outcome: See `razorpay_rules.decide_refunds`.
    """

    order: JsonObject
    payments: dict[str, JsonObject] = field(default_factory=dict[str, JsonObject])
    refunds: dict[str, JsonObject] = field(default_factory=dict[str, JsonObject])
    refund_requests: dict[str, tuple[str, str]] = field(default_factory=dict[str, tuple[str, str]])
    refund_outcome: str = "processed"


class Orders:
    """The stand-in's orders."""

    def __init__(self, redis_factory: RedisFactory) -> None:
        self._redis = redis_factory

    async def add(self, order: JsonObject, *, unique_receipt: bool) -> OrderBook:
        """Store a new order; returns the stored order.

        Args:
            unique_receipt: Return an existing order with the same receipt instead.
        """
        redis, order_id = self._redis(), cast("str", order["id"])
        book = OrderBook(order)
        receipt = cast("str | None", order["receipt"])
        if receipt is None:
            await self._write_new(book, order_id)
            return book
        index = _key("receipt", receipt)
        async with redis.pipeline(transaction=True) as pipe:
            while True:
                try:
                    await pipe.watch(index)
                    known = await _range(pipe, index, 0, 0)
                    if known and unique_receipt:
                        return await self.get(known[0])
                    pipe.multi()
                    pipe.set(_key("order", order_id), _dump_book(book), ex=_TTL_SECONDS)
                    pipe.rpush(index, order_id)
                    pipe.expire(index, _TTL_SECONDS)
                    _list_order(pipe, order_id)
                    await pipe.execute()
                except WatchError:
                    continue
                return book

    async def get(self, order_id: str) -> OrderBook:
        """Return an order.

        Raises:
            UnknownIdError: If there is none, or it has expired.
        """
        raw = cast("str | None", await self._redis().get(_key("order", order_id)))
        if raw is None:
            raise UnknownIdError(order_id)
        return _load_book(raw)

    async def by_payment(self, payment_id: str) -> OrderBook:
        """Return the order a payment belongs to.

        Raises:
            UnknownIdError: If there is none, or it has expired.
        """
        return await self.get(await self._order_of("payment", payment_id))

    async def by_refund(self, refund_id: str) -> OrderBook:
        """Return the order a refund belongs to.

        Raises:
            UnknownIdError: If there is none, or it has expired.
        """
        return await self.get(await self._order_of("refund", refund_id))

    async def listed(self, *, receipt: str | None, skip: int, count: int) -> list[OrderBook]:
        """Return orders, newest first, optionally only those with a receipt."""
        redis = self._redis()
        key = _key("orders") if receipt is None else _key("receipt", receipt)
        ids = await _range(redis, key, 0, -1)
        if receipt is not None:
            ids.reverse()
        wanted = ids[skip : skip + count]
        if not wanted:
            return []
        raws = cast(
            "list[str | None]", await redis.mget([_key("order", order_id) for order_id in wanted])
        )
        return [_load_book(raw) for raw in raws if raw is not None]

    async def change(self, order_id: str, change: Callable[[OrderBook], _T]) -> _T:
        """Apply a change to an order atomically.

        Args:
            change: Mutates the book; runs again after a concurrent change. If it raises, the
                order stays unchanged.

        Raises:
            UnknownIdError: If there is no such order.
        """
        key = _key("order", order_id)
        async with self._redis().pipeline(transaction=True) as pipe:
            while True:
                try:
                    await pipe.watch(key)
                    raw = cast("str | None", await pipe.get(key))
                    if raw is None:
                        raise UnknownIdError(order_id)
                    book = _load_book(raw)
                    result = change(book)
                    pipe.multi()
                    pipe.set(key, _dump_book(book), ex=_TTL_SECONDS)
                    for payment_id in book.payments:
                        pipe.set(_key("payment", payment_id), order_id, ex=_TTL_SECONDS)
                    for refund_id in book.refunds:
                        pipe.set(_key("refund", refund_id), order_id, ex=_TTL_SECONDS)
                    await pipe.execute()
                except WatchError:
                    continue
                return result

    async def _write_new(self, book: OrderBook, order_id: str) -> None:
        async with self._redis().pipeline(transaction=True) as pipe:
            pipe.set(_key("order", order_id), _dump_book(book), ex=_TTL_SECONDS)
            _list_order(pipe, order_id)
            await pipe.execute()

    async def _order_of(self, kind: str, identifier: str) -> str:
        order_id = cast("str | None", await self._redis().get(_key(kind, identifier)))
        if order_id is None:
            raise UnknownIdError(identifier)
        return order_id


@dataclass(frozen=True, slots=True)
class OutboxAttachment:
    """A file of a message; `content` is base64."""

    filename: str
    media_type: str
    content: str
    content_id: str | None = None


@dataclass(frozen=True, slots=True)
class OutboxBody:
    """HTML and attachments of a message; stored for the newest ones only."""

    html: str | None
    attachments: tuple[OutboxAttachment, ...]


class Outbox:
    """Every mail and SMS the stand-ins accepted, newest first."""

    def __init__(self, redis_factory: RedisFactory) -> None:
        self._redis = redis_factory

    async def add(self, message: JsonObject, body: OutboxBody) -> None:
        """Store a message.

        Args:
            message: The entry of `/sandbox/outbox.json`, plus an `id`.
        """
        redis = self._redis()
        messages, bodies = _key("outbox"), _key("bodies")
        message_id = cast("str", message["id"])
        async with redis.pipeline(transaction=True) as pipe:
            pipe.lpush(messages, json.dumps(message, ensure_ascii=False))
            pipe.ltrim(messages, 0, _MAX_MESSAGES - 1)
            pipe.expire(messages, _TTL_SECONDS)
            pipe.set(_key("version"), message_id, ex=_TTL_SECONDS)
            if body.html is not None or body.attachments:
                pipe.set(_key("body", message_id), _dump_body(body), ex=_TTL_SECONDS)
                pipe.lpush(bodies, message_id)
                pipe.lrange(bodies, _MAX_BODIES, -1)  # pyright: ignore[reportUnknownMemberType] - as in _range
                pipe.ltrim(bodies, 0, _MAX_BODIES - 1)
                pipe.expire(bodies, _TTL_SECONDS)
            results = await pipe.execute()
        surplus = [cast("list[str]", found) for found in results if isinstance(found, list)]
        for ids in filter(None, surplus):
            await redis.delete(*(_key("body", old) for old in ids))

    async def messages(self, count: int = _MAX_MESSAGES) -> list[JsonObject]:
        """Return the newest messages, newest first."""
        raws = await _range(self._redis(), _key("outbox"), 0, count - 1)
        return [json.loads(raw) for raw in raws]

    async def version(self) -> str:
        """Return an ETag that changes with each message."""
        return cast("str | None", await self._redis().get(_key("version"))) or "0"

    async def body(self, message_id: str) -> OutboxBody:
        """Return HTML and attachments of a message.

        Raises:
            UnknownIdError: If it has none, or they have expired.
        """
        raw = cast("str | None", await self._redis().get(_key("body", message_id)))
        if raw is None:
            raise UnknownIdError(message_id)
        return _load_body(raw)


@dataclass(frozen=True, slots=True)
class Fault:
    """An ordered fault.

    Attributes:
        takes_effect: Whether a hanging call is executed first; None: the vendor's default.
        retry_after_seconds: `Retry-After` of a throttled call.
    """

    mode: FaultMode
    takes_effect: bool | None = None
    retry_after_seconds: int = 1


class Faults:
    """Faults ordered through `POST /sandbox/faults`."""

    def __init__(self, redis_factory: RedisFactory) -> None:
        self._redis = redis_factory

    async def order(self, service: Service, fault: Fault, seconds: float) -> None:
        """Order a fault for some seconds; `ok` ends it."""
        key = _key("fault", service)
        if fault.mode == "ok" or seconds <= 0:
            await self._redis().delete(key)
        else:
            raw = json.dumps(asdict(fault))
            await self._redis().set(key, raw, px=max(1, int(seconds * 1000)))

    async def active(self, service: Service) -> Fault | None:
        """Return the active fault of a stand-in, if any."""
        raw = cast("str | None", await self._redis().get(_key("fault", service)))
        return None if raw is None else Fault(**json.loads(raw))


def _key(*parts: str) -> str:
    return ":".join((_PREFIX, *parts))


def _list_order(pipe: Pipeline, order_id: str) -> None:
    orders = _key("orders")
    pipe.lpush(orders, order_id)
    pipe.ltrim(orders, 0, _MAX_ORDERS_LISTED - 1)
    pipe.expire(orders, _TTL_SECONDS)


async def _range(redis: Redis, key: str, start: int, stop: int) -> list[str]:
    # The client's types declare lists as unknown and perhaps not awaitable.
    return await cast("Awaitable[list[str]]", redis.lrange(key, start, stop))  # pyright: ignore[reportUnknownMemberType]


def _dump_book(book: OrderBook) -> str:
    return json.dumps(asdict(book))


def _load_book(raw: str) -> OrderBook:
    found = json.loads(raw)
    requests = {key: (pair[0], pair[1]) for key, pair in found["refund_requests"].items()}
    return OrderBook(
        found["order"],
        found["payments"],
        found["refunds"],
        requests,
        found.get("refund_outcome", "processed"),
    )


def _dump_body(body: OutboxBody) -> str:
    return base64.b64encode(zlib.compress(json.dumps(asdict(body)).encode(), 1)).decode()


def _load_body(raw: str) -> OutboxBody:
    found = json.loads(zlib.decompress(base64.b64decode(raw)))
    return OutboxBody(
        found["html"], tuple(OutboxAttachment(**item) for item in found["attachments"])
    )
