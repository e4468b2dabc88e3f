"""The payment gateway over Razorpay's SDK."""

from __future__ import annotations

import json
import re
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Protocol, cast
from urllib.parse import urlsplit

import razorpay  # pyright: ignore[reportMissingTypeStubs] - the SDK ships no types

from surge_app.errors import ConfigurationError
from surge_app.providers import razorpay_wire as wire
from surge_app.providers.transport import (
    TIMEOUTS,
    Answer,
    VendorHttp,
    VendorRefused,
    run_sdk,
    unreadable,
)
from surge_app.services.vendors.ports import (
    GatewayBalanceLow,
    GatewayOrder,
    GatewayPayment,
    GatewayPaymentStatus,
    GatewayRefund,
    ProviderError,
    ProviderOutcomeUnknown,
    ProviderRejected,
    WebhookEvent,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

_VENDOR = "Razorpay"
_SDK_VERSION = version("razorpay")
_ID = re.compile(r"[A-Za-z0-9_]{1,64}")
_CONFLICT = 409
_RAZORPAY_HOST = "api.razorpay.com"
# The most Razorpay lists at once.
_PAGE = 100

# After these minutes an authorized payment is no longer captured automatically: 12 is the least
# Razorpay allows, and as long as Surge keeps the seats of someone who is paying.
_AUTOMATIC_EXPIRY_MINUTES = 12
_MANUAL_EXPIRY_MINUTES = 7200


class _Orders(Protocol):
    def fetch(self, order_id: str, data: dict[str, Any]) -> object: ...
    def create(self, data: dict[str, Any]) -> object: ...
    def all(self, data: dict[str, Any]) -> object: ...
    def payments(self, order_id: str, data: dict[str, Any]) -> object: ...


class _Payments(Protocol):
    def fetch(self, payment_id: str, data: dict[str, Any]) -> object: ...
    def capture(self, payment_id: str, amount: int, data: dict[str, Any]) -> object: ...
    def all(self, data: dict[str, Any]) -> object: ...
    def fetch_multiple_refund(self, payment_id: str, data: dict[str, Any]) -> object: ...


class _Session:
    """Stands in for the session of `requests` that the SDK calls."""

    def __init__(self, http: VendorHttp) -> None:
        self._http = http

    def get(self, url: str, *, verify: str, **options: Any) -> Answer:
        del verify
        return self._http.blocking_request("GET", url, **options)

    def post(self, url: str, *, verify: str, **options: Any) -> Answer:
        del verify
        return self._http.blocking_request("POST", url, **options)


class _Client(Protocol):
    """The part of `razorpay.Client` used here, which itself is untyped."""

    _get_version: Callable[[], str]
    order: _Orders
    payment: _Payments

    def request(
        self, method: str, path: str, *, data: bytes, headers: dict[str, str]
    ) -> object: ...


class RazorpayGateway:
    """Razorpay, or its stand-in, behind `PaymentGateway`.

    Args:
        key_id: Public.
        key_secret: Signs callbacks and authenticates calls.
        webhook_secrets: All are accepted: retries of old events carry the old secret.
        base_url: Without `/v1`.
        checkout_script_url: Return the address of the checkout script.
        timeouts: Seconds to connect, and to wait for an answer.

    Raises:
        ConfigurationError: If a credential is empty, or a live key would be shown to anyone
            but Razorpay.
    """

    def __init__(
        self,
        key_id: str,
        key_secret: str,
        webhook_secrets: tuple[str, ...],
        base_url: str,
        checkout_script_url: str,
        *,
        timeouts: tuple[float, float] = TIMEOUTS,
    ) -> None:
        if not key_id or not key_secret or not webhook_secrets or not all(webhook_secrets):
            msg = "RAZORPAY_KEY_ID, RAZORPAY_KEY_SECRET and RAZORPAY_WEBHOOK_SECRET must be set."
            raise ConfigurationError(msg)
        address = urlsplit(base_url)
        is_razorpay = (address.scheme, address.netloc) == ("https", _RAZORPAY_HOST)
        if wire.mode_of(key_id) == "live" and not is_razorpay:
            msg = "A live Razorpay key may only be used with https://api.razorpay.com."
            raise ConfigurationError(msg)
        self._key_id = key_id
        self._key_secret = key_secret
        self._webhook_secrets = webhook_secrets
        self._checkout_script_url = checkout_script_url
        self._client = cast(
            "_Client",
            razorpay.Client(
                session=_Session(VendorHttp(_VENDOR, base_url, timeouts)),
                auth=(key_id, key_secret),
                base_url=base_url,
            ),
        )
        # It would read its version from the disk for each request, for a third of the time.
        self._client._get_version = lambda: _SDK_VERSION  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] - no public way

    @property
    def key_id(self) -> str:
        """The public key the checkout in the browser needs."""
        return self._key_id

    @property
    def checkout_script_url(self) -> str:
        """Return the address of the checkout script."""
        return self._checkout_script_url

    async def ping(self) -> None:
        """Ask for the newest order, whichever it is."""
        await self._call(lambda client: client.order.all({"count": 1}))

    async def create_order(self, *, receipt: str, amount_paise: int, currency: str) -> GatewayOrder:
        """Create the order for a receipt, or return the one that exists already."""
        notes = wire.order_notes(receipt, self._key_id)
        wanted = _order_request(receipt, amount_paise, currency, notes)
        try:
            order = await self._create_order(wanted)
        except (ProviderOutcomeUnknown, VendorRefused) as error:
            # Not every account knows `unique_receipt`: some refuse the repeated receipt, some
            # the field itself.
            if isinstance(error, VendorRefused) and "unique" not in str(error).lower():
                raise
            entity = await self._order_of(receipt, cause=error)
            if entity is None:
                if not (isinstance(error, VendorRefused) and "unique_receipt" in str(error)):
                    raise
                del wanted["unique_receipt"]
                entity = await self._create_order(wanted)
            order = entity
        if (order.amount_paise, order.currency) != (amount_paise, currency.upper()):
            msg = f"Razorpay has order {order.id} for this receipt with another amount."
            raise ProviderRejected(msg)
        return order

    async def order_payments(self, order_id: str) -> list[GatewayPayment]:
        """Return every attempt to pay an order, failed ones included."""
        path_id = _safe_id(order_id)
        answer = await self._call(lambda client: client.order.payments(path_id, {}))
        payments = [wire.read_payment(item) for item in wire.items(answer)]
        # One that cannot be read may be money; leaving it out would lose it.
        return [_require_readable(payment) for payment in payments]

    async def payment(self, payment_id: str) -> GatewayPayment:
        """Return the current state of one payment."""
        path_id = _safe_id(payment_id)
        answer = await self._call(lambda client: client.payment.fetch(path_id, {}))
        return _require_readable(wire.read_payment(answer))

    async def discount_paise(self, payment: GatewayPayment) -> int:
        """Return by how much an offer lowered the order of a payment."""
        order_id, path_id = _safe_id(payment.order_id), _safe_id(payment.id)
        order = await self._call(lambda client: client.order.fetch(order_id, {}))
        details: object = None
        if payment.status == GatewayPaymentStatus.AUTHORIZED:
            details = await self._call(
                lambda client: client.payment.fetch(path_id, {"expand[]": "offers"})
            )
        return wire.discount_paise(payment, order, details)

    async def capture(self, payment_id: str, *, amount_paise: int, currency: str) -> GatewayPayment:
        """Capture an authorized payment; capturing a captured one returns it unchanged."""
        path_id = _safe_id(payment_id)
        try:
            # The SDK writes the amount into `data`, whose default all calls share: pass our own.
            answer = await self._call(
                lambda client: client.payment.capture(path_id, amount_paise, {"currency": currency})
            )
        except VendorRefused:
            payment = await self.payment(payment_id)
            if payment.status in {GatewayPaymentStatus.CAPTURED, GatewayPaymentStatus.REFUNDED}:
                return payment
            raise
        payment = wire.read_payment(answer)
        if payment is None:
            raise unreadable(_VENDOR, mutates=True)
        return payment

    async def refund(self, payment_id: str, *, body: str, idempotency_key: str) -> GatewayRefund:
        """Ask for a refund."""
        path = f"/v1/payments/{_safe_id(payment_id)}/refund"
        headers = {"Content-Type": "application/json", "X-Refund-Idempotency": idempotency_key}
        try:
            # `payment.refund` would encode the body anew; a repeat must be equal to the byte.
            answer = await self._call(
                lambda client: client.request("post", path, data=body.encode(), headers=headers)
            )
        except VendorRefused as error:
            if error.status == _CONFLICT:
                msg = "Razorpay is still working on the first request for this refund."
                raise ProviderOutcomeUnknown(msg) from error
            if wire.is_balance_low(str(error)):
                raise GatewayBalanceLow from error
            if "already" in str(error):
                return await self._existing_refund(payment_id, body, cause=error)
            raise
        refund = wire.read_refund(answer)
        if refund is None:
            raise unreadable(_VENDOR, mutates=True)
        return refund

    async def payment_refunds(self, payment_id: str) -> list[GatewayRefund]:
        """Return every refund of a payment, failed ones and those made by hand included."""
        path_id = _safe_id(payment_id)
        answer = await self._call(lambda client: client.payment.fetch_multiple_refund(path_id, {}))
        refunds = [wire.read_refund(item) for item in wire.items(answer)]
        return [refund for refund in refunds if refund is not None]

    async def recent_payments(self, since: datetime, until: datetime) -> list[GatewayPayment]:
        """Return every payment created in a span of time, however many there are."""
        span = {"from": int(since.timestamp()), "to": int(until.timestamp()), "count": _PAGE}
        entity: dict[str, GatewayPayment] = {}
        skip = 0
        while True:
            page = {**span, "skip": skip}
            answer = await self._call(lambda client, page=page: client.payment.all(page))
            listed = wire.items(answer)
            # A payment made meanwhile moves the others on: one may be listed twice.
            payments = [wire.read_payment(item) for item in listed]
            entity |= {payment.id: payment for payment in payments if payment is not None}
            skip += len(listed)
            if len(listed) < _PAGE:
                return list(entity.values())

    def verifies_callback(self, *, order_id: str, payment_id: str, signature: str) -> bool:
        """Return whether the gateway signed that this payment belongs to this (stored) order."""
        message = f"{order_id}|{payment_id}".encode("utf-8", "surrogatepass")
        return wire.signature_matches(message, signature, (self._key_secret,))

    def verifies_webhook(self, body: bytes, signature: str | None) -> bool:
        """Return whether the gateway signed these raw bytes with one of the webhook secrets."""
        return wire.signature_matches(body, signature, self._webhook_secrets)

    def parse_webhook(self, body: bytes) -> WebhookEvent:
        """Read a verified webhook, unless it is of the other mode."""
        event = wire.read_event(body)
        mode = wire.mode_of(self._key_id)
        if event.mode not in {None, mode}:
            msg = f"This event is of {event.mode} mode, and this install of {mode} mode."
            raise ProviderRejected(msg)
        return event

    async def _call(self, use: Callable[[_Client], object]) -> object:
        return await run_sdk(lambda: use(self._client))

    async def _create_order(self, wanted: dict[str, Any]) -> GatewayOrder:
        answer = await self._call(lambda client: client.order.create(wanted))
        order = wire.read_order(answer)
        if order is None:
            raise unreadable(_VENDOR, mutates=True)
        return order

    async def _order_of(self, receipt: str, *, cause: ProviderError) -> GatewayOrder | None:
        """Return the order an unclear request left behind; if that stays unclear, raise it."""
        try:
            answer = await self._call(lambda client: client.order.all({"receipt": receipt}))
        except ProviderError as error:
            raise cause from error
        orders = [wire.read_order(item) for item in wire.items(answer)]
        return next((order for order in orders if order and order.receipt == receipt), None)

    async def _existing_refund(
        self, payment_id: str, body: str, *, cause: VendorRefused
    ) -> GatewayRefund:
        """Return the refund an earlier request with this body made, else raise the refusal."""
        receipt = wire.receipt_of(json.loads(body))
        for refund in await self.payment_refunds(payment_id):
            if receipt is not None and refund.receipt == receipt:
                return refund
        raise cause


def _order_request(
    receipt: str, amount_paise: int, currency: str, notes: dict[str, str]
) -> dict[str, Any]:
    return {
        "amount": amount_paise,
        "currency": currency,
        "receipt": receipt,
        "unique_receipt": True,
        "partial_payment": False,
        "notes": notes,
        "payment": {
            "capture": "automatic",
            "capture_options": {
                "automatic_expiry_period": _AUTOMATIC_EXPIRY_MINUTES,
                "manual_expiry_period": _MANUAL_EXPIRY_MINUTES,
                "refund_speed": "normal",
            },
        },
    }


def _require_readable(payment: GatewayPayment | None) -> GatewayPayment:
    if payment is None:
        raise unreadable(_VENDOR, mutates=False)
    return payment


def _safe_id(identifier: str) -> str:
    """Return an id that may stand in a path; callbacks bring ids from the browser."""
    if not _ID.fullmatch(identifier):
        raise ProviderRejected("That is not an id of Razorpay.")
    return identifier
