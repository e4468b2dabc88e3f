"""Signed webhooks over real HTTP, retried in the background until accepted."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Literal

from surge_app.observability.log import get_logger
from surge_app.sandbox.callback_client import Calls
from surge_app.sandbox.razorpay_entities import new_entity_id, signed

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from surge_app.sandbox.store import JsonObject

WebhookMode = Literal[
    "normal", "none", "duplicate", "before_callback", "delayed", "out_of_order", "forged"
]

_log = get_logger(__name__)

_PAUSES_SECONDS = (0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0)
_CONCURRENT_DELIVERIES = 32


class WebhookSender:
    """Sends events to one URL as Razorpay does.

    Args:
        url: The application's webhook URL.
        secret: Signing secret.
    """

    def __init__(self, url: str, secret: str) -> None:
        self._url = url
        self._secret = secret
        self._calls = Calls(at_once=_CONCURRENT_DELIVERIES)

    async def send(
        self, events: Sequence[JsonObject], mode: WebhookMode, *, delay_seconds: float = 0.0
    ) -> None:
        """Deliver events in order.

        Returns at once, except for `before_callback`, which awaits the first attempt of each.

        Args:
            mode: `forged` signs with a wrong secret and does not retry; `duplicate` sends
                every event twice under one id; other modes only concern timing and order,
                which the caller decides.
            delay_seconds: Delay before the first attempt, except for `before_callback`.
        """
        if mode == "none" or not events:
            return
        if mode == "before_callback":
            await self._send_now(events, mode)
        else:
            self._calls.start(self._send_later(events, mode, delay_seconds))

    def send_once_done(
        self,
        work: Callable[[], Awaitable[Sequence[JsonObject]]],
        mode: WebhookMode,
        *,
        delay_seconds: float,
    ) -> None:
        """Run `work` after a delay, in the background, and deliver its events.

        Args:
            delay_seconds: Delay before `work`.
        """

        async def do() -> None:
            await asyncio.sleep(delay_seconds)
            events = await work()
            if mode != "none":
                await self._send_now(events, mode)

        self._calls.start(do())

    async def aclose(self) -> None:
        """Cancel pending deliveries."""
        await self._calls.aclose()

    async def _send_later(
        self, events: Sequence[JsonObject], mode: WebhookMode, pause: float
    ) -> None:
        await asyncio.sleep(pause)
        await self._send_now(events, mode)

    async def _send_now(self, events: Sequence[JsonObject], mode: WebhookMode) -> None:
        for event in events:
            delivery = _Delivery(event)
            if mode == "forged":
                await self._try(delivery, secret=f"not-{self._secret}")
                continue
            is_taken = await self._try(delivery)
            if mode == "duplicate":
                is_taken = await self._try(delivery) or is_taken
            if not is_taken:
                # Separately, so that a refused event does not delay the others.
                self._calls.start(self._insist(delivery))

    async def _insist(self, delivery: _Delivery) -> None:
        for pause in _PAUSES_SECONDS:
            await asyncio.sleep(pause)
            if await self._try(delivery):
                return
        _log.warning("sandbox_webhook_given_up", webhook=delivery.name, url=self._url)

    async def _try(self, delivery: _Delivery, *, secret: str | None = None) -> bool:
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "Razorpay-Webhook/v1",
            "X-Razorpay-Signature": signed(delivery.body, secret or self._secret),
            "x-razorpay-event-id": delivery.event_id,
        }
        return await self._calls.post(self._url, delivery.body, headers)


class _Delivery:
    """One event; body and event id stay the same on every attempt."""

    def __init__(self, event: JsonObject) -> None:
        self.name = str(event["event"])
        self.body = json.dumps(event, separators=(",", ":")).encode()
        self.event_id = new_entity_id("evt").removeprefix("evt_")
