"""Stand-in for the Razorpay API under `/sandbox/razorpay/v1`."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse

from surge_app.sandbox import razorpay_entities, razorpay_rules as rules
from surge_app.sandbox.basic_auth import has_basic
from surge_app.sandbox.faults import VendorError, vendor_route
from surge_app.sandbox.razorpay_entities import refuse
from surge_app.sandbox.store import UnknownIdError

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from surge_app.sandbox.store import Faults, JsonObject, OrderBook, Orders
    from surge_app.sandbox.webhooks import WebhookSender
    from surge_app.services.vendors.sandbox_credentials import SandboxKeys

_T = TypeVar("_T")

_MAX_LISTED = 100
_USUALLY_LISTED = 10
_MAX_BOOKS = 5000
_LATEST = 10**11


def razorpay_router(
    keys: SandboxKeys, orders: Orders, webhooks: WebhookSender, faults: Faults
) -> APIRouter:
    """Return the API's routes, guarded by the sandbox's key."""

    # A plain function would run in a thread.
    async def authenticated(request: Request) -> None:
        if not has_basic(request, keys.razorpay_key_id, keys.razorpay_key_secret):
            body = {"code": "BAD_REQUEST_ERROR", "description": "Authentication failed"}
            raise VendorError(401, {"error": body})

    router = APIRouter(
        prefix="/sandbox/razorpay/v1",
        route_class=vendor_route("razorpay", faults, hang_takes_effect=True),
        dependencies=[Depends(authenticated)],
        include_in_schema=False,
    )
    _add_orders(router, orders)
    _add_payments(router, orders, webhooks)
    _add_refunds(router, orders, webhooks)
    return router


def _add_orders(router: APIRouter, orders: Orders) -> None:
    @router.post("/orders")
    async def create_order(request: Request) -> JSONResponse:  # pyright: ignore[reportUnusedFunction] - the router keeps it
        wanted = rules.read_json(await request.body())
        order = rules.create_order(wanted)
        is_unique = wanted.get("unique_receipt") is True
        book = await known(orders.add(order, unique_receipt=is_unique))
        return JSONResponse(rules.same_order(book, wanted))

    @router.get("/orders")
    async def list_orders(request: Request) -> JSONResponse:  # pyright: ignore[reportUnusedFunction] - the router keeps it
        query = request.query_params
        books = await orders.listed(
            receipt=query.get("receipt"),
            skip=_number(request, "skip", default=0, least=0, most=5000),
            count=_number(request, "count", default=_USUALLY_LISTED, least=1, most=_MAX_LISTED),
        )
        return JSONResponse(razorpay_entities.collection([book.order for book in books]))

    @router.get("/orders/{order_id}")
    async def get_order(order_id: str) -> JSONResponse:  # pyright: ignore[reportUnusedFunction] - the router keeps it
        return JSONResponse((await known(orders.get(order_id))).order)

    @router.get("/orders/{order_id}/payments")
    async def get_order_payments(order_id: str) -> JSONResponse:  # pyright: ignore[reportUnusedFunction] - the router keeps it
        book = await known(orders.get(order_id))
        return JSONResponse(razorpay_entities.collection(list(book.payments.values())))


def _add_payments(router: APIRouter, orders: Orders, webhooks: WebhookSender) -> None:
    @router.get("/payments")
    async def list_payments(request: Request) -> JSONResponse:  # pyright: ignore[reportUnusedFunction] - the router keeps it
        since = _number(request, "from", default=0, least=0, most=_LATEST)
        until = _number(request, "to", default=_LATEST, least=0, most=_LATEST)
        skip = _number(request, "skip", default=0, least=0, most=_LATEST)
        count = _number(request, "count", default=_USUALLY_LISTED, least=1, most=_MAX_LISTED)
        books = await orders.listed(receipt=None, skip=0, count=_MAX_BOOKS)
        made = [payment for book in books for payment in book.payments.values()]
        found = [payment for payment in made if since <= payment["created_at"] <= until]
        found.sort(key=lambda payment: payment["created_at"], reverse=True)
        return JSONResponse(razorpay_entities.collection(found[skip : skip + count]))

    @router.get("/payments/{payment_id}")
    async def get_payment(payment_id: str) -> JSONResponse:  # pyright: ignore[reportUnusedFunction] - the router keeps it
        return JSONResponse((await known(orders.by_payment(payment_id))).payments[payment_id])

    @router.post("/payments/{payment_id}/capture")
    async def capture(payment_id: str, request: Request) -> JSONResponse:  # pyright: ignore[reportUnusedFunction] - the router keeps it
        wanted = rules.read_json(await request.body())
        book = await known(orders.by_payment(payment_id))

        def change(book: OrderBook) -> tuple[JsonObject, list[JsonObject]]:
            payment = rules.capture(book, payment_id, wanted)
            return payment, razorpay_entities.captured_events(book, payment)

        payment, events = await known(orders.change(book.order["id"], change))
        await webhooks.send(events, "normal")
        return JSONResponse(payment)


def _add_refunds(router: APIRouter, orders: Orders, webhooks: WebhookSender) -> None:
    @router.post("/payments/{payment_id}/refund")
    async def refund(payment_id: str, request: Request) -> JSONResponse:  # pyright: ignore[reportUnusedFunction] - the router keeps it
        body = await request.body()
        key = request.headers.get("X-Refund-Idempotency")
        book = await known(orders.by_payment(payment_id))

        def change(book: OrderBook) -> tuple[JsonObject, list[JsonObject]]:
            made, is_new = rules.refund(book, payment_id, body, key)
            payment = book.payments[payment_id]
            return made, razorpay_entities.refund_events(payment, made) if is_new else []

        made, events = await known(orders.change(book.order["id"], change))
        await webhooks.send(events, "normal")
        return JSONResponse(made)

    @router.get("/payments/{payment_id}/refunds")
    async def get_payment_refunds(payment_id: str) -> JSONResponse:  # pyright: ignore[reportUnusedFunction] - the router keeps it
        book = await known(orders.by_payment(payment_id))
        made = [item for item in book.refunds.values() if item["payment_id"] == payment_id]
        return JSONResponse(razorpay_entities.collection(made))

    @router.get("/refunds/{refund_id}")
    async def get_refund(refund_id: str) -> JSONResponse:  # pyright: ignore[reportUnusedFunction] - the router keeps it
        return JSONResponse((await known(orders.by_refund(refund_id))).refunds[refund_id])


async def known(found: Awaitable[_T]) -> _T:
    """Return the looked-up value, or raise Razorpay's error for an unknown id."""
    try:
        return await found
    except UnknownIdError:
        razorpay_entities.refuse_unknown_id()


def _number(request: Request, name: str, *, default: int, least: int, most: int) -> int:
    raw = request.query_params.get(name)
    if raw is None:
        return default
    if not raw.isascii() or not raw.isdigit() or not least <= int(raw) <= most:
        refuse(f"The {name} must be between {least} and {most}.", field=name)
    return int(raw)
