"""People who live through a fault, over real HTTP: they ask again, and remember what they had.

Some buy, some hold tickets without paying yet, some only wait in line. Each knows what was
promised: a number that stays, a hold that lasts, money that becomes a ticket or comes back.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import httpx

from bench.stack import Stack

_AGAIN_SECONDS = 0.5
_PATIENCE_SECONDS = 90
_ENOUGH = 3
_SERVER_ERROR = 500
_OK, _CREATED, _CONFLICT, _GONE = 200, 201, 409, 410


@dataclass(slots=True)
class Diary:
    """What happened to everybody, with the moment of each.

    Attributes:
        errors: Answers of 500 and above, by status and code, and broken connections.
        failed_at: When each of these came.
        booked: When a purchase was begun, and when its booking was seen.
        losses: What nobody may lose and somebody lost, in words.
    """

    errors: Counter[str] = field(default_factory=Counter[str])
    failed_at: list[float] = field(default_factory=list[float])
    booked: list[tuple[float, float]] = field(default_factory=list[tuple[float, float]])
    outcomes: Counter[str] = field(default_factory=Counter[str])
    losses: list[str] = field(default_factory=list[str])

    def fail(self, what: str) -> None:
        """Note an answer that was none."""
        self.errors[what] += 1
        self.failed_at.append(time.monotonic())


class Client:
    """Requests of many browsers over one pool; each brings its own cookies."""

    def __init__(self, stack: Stack, diary: Diary) -> None:
        """Keep where to go."""
        self._stack = stack
        self.diary = diary
        trust = stack.proxy.trust() if stack.proxy else True
        limits = httpx.Limits(max_connections=200, max_keepalive_connections=50)
        self._http = httpx.AsyncClient(timeout=20, limits=limits, verify=trust)

    async def send(
        self, method: str, path: str, cookies: dict[str, str], body: object = None
    ) -> httpx.Response | None:
        """Return the answer, or None if there was none worth having; what failed is noted."""
        header = {"cookie": "; ".join(f"{name}={value}" for name, value in cookies.items())}
        try:
            answer = await self._first_answer(method, path, body, header)
        except httpx.HTTPError as error:
            self.diary.fail(type(error).__name__)
            return None
        cookies.update(answer.cookies)
        self._http.cookies.clear()
        if answer.status_code >= _SERVER_ERROR:
            self.diary.fail(f"{answer.status_code} {_code(answer)}")
            return None
        return answer

    async def _first_answer(
        self, method: str, path: str, body: object, headers: dict[str, str]
    ) -> httpx.Response:
        # The stand-in for the gateway is no part of a site; each node has one, over one book.
        is_vendor = path.startswith("/sandbox") and self._stack.proxy is not None
        urls = [node.url for node in self._stack.nodes] if is_vendor else [self._stack.url]
        for url in urls[:-1]:
            with suppress(httpx.ConnectError):
                return await self._http.request(method, url + path, json=body, headers=headers)
        return await self._http.request(method, urls[-1] + path, json=body, headers=headers)

    async def close(self) -> None:
        """Close every connection."""
        await self._http.aclose()


class Customer:
    """One browser that asks again until it is answered or out of patience."""

    def __init__(self, client: Client, slug: str) -> None:
        """Come to an event."""
        self._client = client
        self.slug = slug
        self.cookies: dict[str, str] = {}
        self.number: int | None = None
        self.intent: dict[str, Any] = {}

    async def ask(self, method: str, path: str, body: object = None) -> httpx.Response | None:
        """Send until there is an answer below 500; None once patience ends."""
        until = time.monotonic() + _PATIENCE_SECONDS
        while time.monotonic() < until:
            answer = await self._client.send(method, path, self.cookies, body)
            if answer is not None:
                return answer
            await asyncio.sleep(_AGAIN_SECONDS)
        self.lost(f"nobody answered {method} {path.split('/')[2]}")
        return None

    def lost(self, what: str) -> None:
        """Note something that was promised and not kept."""
        self._client.diary.losses.append(what)

    async def join(self) -> str:
        """Take a place, and return how it stands."""
        return self._read(await self.ask("POST", f"/api/queue/{self.slug}"))

    async def poll(self) -> str:
        """Ask where we stand; a number that was given never changes."""
        return self._read(await self.ask("GET", f"/api/queue/{self.slug}"))

    def _read(self, answer: httpx.Response | None) -> str:
        answered = answer.json() if answer is not None else {}
        state = str(answered.get("state", "unknown"))
        number = answered.get("number")
        if state == "waiting" and number is not None:
            if self.number is not None and number != self.number:
                self.lost(f"a place: number {self.number} became {number}")
            self.number = number
        if state == "not_joined" and self.number is not None:
            self.lost(f"a place: number {self.number} is unknown")
        self.pause = float(answered.get("retry_after_ms", 1000)) / 1000
        return state

    async def wait_inside(self, seconds: float) -> bool:
        """Poll as told until admitted."""
        until = time.monotonic() + seconds
        state = await self.join()
        while state != "admitted" and time.monotonic() < until:
            await asyncio.sleep(min(self.pause, 5))
            state = await self.poll()
        return state == "admitted"

    async def hold(self) -> bool:
        """Hold one ticket; a pass that was lost meanwhile is waited for again."""
        tiers = await self.ask("GET", f"/api/events/{self.slug}")
        if tiers is None or tiers.status_code != _OK:
            return False
        lines = [{"tier_id": tiers.json()["tiers"][0]["id"], "quantity": 1}]
        answer = await self.ask("POST", f"/api/events/{self.slug}/intents", {"lines": lines})
        if answer is None or answer.status_code not in {_OK, _CREATED}:
            return False
        self.intent = answer.json()
        return True

    async def read_intent(self) -> dict[str, Any]:
        """Return the hold as the server has it."""
        answer = await self.ask("GET", f"/api/intents/{self.intent['id']}")
        return answer.json() if answer is not None and answer.status_code == _OK else {}

    async def pay(self) -> str:
        """Pay for what is held; returns what came of it."""
        token = secrets.token_hex(4)
        contact = {
            "name": "Asha Rao",
            "email": f"asha-{token}@example.com",
            "phone": f"+9198{int(token, 16) % 10**8:08d}",
        }
        path = f"/api/intents/{self.intent['id']}/payment"
        started = await self.ask("POST", path, contact)
        if started is None or started.status_code != _OK:
            return f"refused {started.status_code if started is not None else ''}"
        attempt = f"/sandbox/razorpay/orders/{started.json()['order_id']}/attempts"
        # Not repeated: who pays twice is given the second back, and that is another story.
        paid = await self._client.send("POST", attempt, self.cookies, {"outcome": "captured"})
        if paid is not None and paid.status_code == _OK:
            await self.ask("POST", "/api/payments/razorpay/callback", paid.json())
        return await self._ticket(was_paid=paid is not None)

    async def _ticket(self, *, was_paid: bool) -> str:
        until = time.monotonic() + (_PATIENCE_SECONDS if was_paid else 10)
        while time.monotonic() < until:
            found = await self.read_intent()
            if found.get("booking_ref"):
                return "booked"
            if found.get("status") in {"expired", "released"}:
                return "given back"
            await asyncio.sleep(_AGAIN_SECONDS)
        if was_paid:
            self.lost("a paid ticket: it was not there in time")
        return "not paid"


def _code(answer: httpx.Response) -> str:
    try:
        return str(answer.json()["code"])
    except (ValueError, KeyError, TypeError):
        return "without a code"


async def buy_on_and_on(client: Client, slug: str, is_over: asyncio.Event) -> None:
    """Come as one person after the other, until it is over."""
    while not is_over.is_set():
        begun_at = time.monotonic()
        customer = Customer(client, slug)
        outcome = "not let in"
        if await customer.wait_inside(_PATIENCE_SECONDS):
            outcome = await customer.pay() if await customer.hold() else "no hold"
        client.diary.outcomes[outcome] += 1
        if outcome == "not paid":
            await customer.ask("DELETE", f"/api/queue/{slug}")
        if outcome == "booked":
            client.diary.booked.append((begun_at, time.monotonic()))
        else:
            await asyncio.sleep(_AGAIN_SECONDS)


async def wait_on_and_on(customers: Sequence[Customer], is_over: asyncio.Event) -> None:
    """Let people poll as told until it is over."""

    async def wait(customer: Customer) -> None:
        while not is_over.is_set():
            if await customer.poll() == "admitted":
                customer.lost("an order: somebody was let in past the one inside")
            with_end = asyncio.wait_for(is_over.wait(), min(customer.pause, 3))
            await asyncio.gather(with_end, return_exceptions=True)

    await asyncio.gather(*(wait(customer) for customer in customers))
