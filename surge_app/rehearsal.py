"""Virtual attendees over real HTTP: each joins, waits as told, holds one ticket, and pays.

Meant for a sandbox install on this machine; it refuses every other address.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import httpx

from surge_app.errors import ChallengeRequired, ConfigurationError
from surge_app.services.challenge import solve

_OK, _CREATED, _BAD_REQUEST, _CONFLICT, _SERVER_ERROR = 200, 201, 400, 409, 500
_LOCAL = {"127.0.0.1", "localhost", "::1"}
_MOST_CONNECTIONS = 200
_ENDS = {"sold_out", "ended", "scheduled"}


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """What to play: how many visitors come at once, and how long each is patient."""

    url: str
    slug: str
    visitors: int
    patience_seconds: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """What happened, counted.

    Attributes:
        inversions: Times a higher number was called before a lower one that kept polling.
    """

    visitors: int
    booked: int
    sold_out: int
    gave_up: int
    server_errors: int
    refused: int
    inversions: int
    seconds: float

    @property
    def is_good(self) -> bool:
        """Whether nobody met an error and nobody was overtaken."""
        return self.server_errors == 0 and self.inversions == 0


@dataclass(slots=True)
class _Notes:
    outcomes: Counter[str] = field(default_factory=Counter[str])
    server_errors: int = 0
    called: list[tuple[float, int]] = field(default_factory=list[tuple[float, int]])


async def rehearse(plan: Rehearsal) -> Verdict:
    """Play a sale and count what happened.

    Raises:
        ConfigurationError: If the address is not this machine, or Surge is not a sandbox there.
    """
    if urlsplit(plan.url).hostname not in _LOCAL:
        msg = "A rehearsal sends its visitors to this machine only."
        raise ConfigurationError(msg)
    notes = _Notes()
    started = time.monotonic()
    limits = httpx.Limits(max_connections=_MOST_CONNECTIONS)
    async with httpx.AsyncClient(base_url=plan.url, timeout=30, limits=limits) as client:
        await _require_sandbox(client)
        await _require_event(client, plan.slug)
        await asyncio.gather(*(_attend(client, plan, notes, i) for i in range(plan.visitors)))
    return Verdict(
        visitors=plan.visitors,
        booked=notes.outcomes["booked"],
        sold_out=notes.outcomes["sold_out"],
        gave_up=notes.outcomes["gave_up"],
        server_errors=notes.server_errors,
        refused=notes.outcomes["refused"],
        inversions=_inversions(notes.called),
        seconds=round(time.monotonic() - started, 1),
    )


async def _require_sandbox(client: httpx.AsyncClient) -> None:
    try:
        answer = await client.get("/sandbox/outbox.json")
    except httpx.HTTPError as error:
        msg = f"Surge does not answer at {client.base_url}; start it with `make run`."
        raise ConfigurationError(msg) from error
    if answer.status_code != _OK:
        msg = "Payments are not the sandbox there; a rehearsal never touches real money."
        raise ConfigurationError(msg)


async def _require_event(client: httpx.AsyncClient, slug: str) -> None:
    if (await client.get(f"/api/events/{slug}")).is_client_error:
        msg = f"There is no event {slug!r} at {client.base_url}."
        raise ConfigurationError(msg)


class _Visitor:
    """One browser: cookies of its own over a shared pool of connections."""

    def __init__(self, client: httpx.AsyncClient, notes: _Notes) -> None:
        self._client = client
        self._notes = notes
        self._cookies: dict[str, str] = {}

    async def call(self, method: str, path: str, body: object = None) -> tuple[int, Any]:
        """Send a request with this visitor's cookies and return status and JSON."""
        header = "; ".join(f"{name}={value}" for name, value in self._cookies.items())
        answer = await self._client.request(method, path, json=body, headers={"cookie": header})
        self._cookies.update(answer.cookies)
        self._client.cookies.clear()
        if answer.status_code >= _SERVER_ERROR:
            self._notes.server_errors += 1
        is_json = "json" in answer.headers.get("content-type", "")
        return answer.status_code, answer.json() if is_json and answer.content else None


async def _attend(client: httpx.AsyncClient, plan: Rehearsal, notes: _Notes, index: int) -> None:
    visitor = _Visitor(client, notes)
    try:
        notes.outcomes[await _visit(visitor, plan, notes, index)] += 1
    except httpx.HTTPError:
        notes.server_errors += 1


async def _visit(visitor: _Visitor, plan: Rehearsal, notes: _Notes, index: int) -> str:
    state = await _wait(visitor, plan, notes)
    if state != "admitted":
        return state
    status, event = await visitor.call("GET", f"/api/events/{plan.slug}")
    if status != _OK:
        return "refused"
    tiers = [tier for tier in event["tiers"] if tier["available"]] or event["tiers"]
    wish = {"lines": [{"tier_id": tiers[index % len(tiers)]["id"], "quantity": 1}]}
    status, intent = await visitor.call("POST", f"/api/events/{plan.slug}/intents", wish)
    if status not in {_OK, _CREATED}:
        await visitor.call("DELETE", f"/api/queue/{plan.slug}")
        return "sold_out" if status == _CONFLICT else "refused"
    contact = {
        "name": f"Visitor {index}",
        "email": f"visitor{index}-{intent['id'].lower()}@example.com",
        "phone": f"+9198{index % 100_000_000:08d}",
    }
    status, order = await visitor.call("POST", f"/api/intents/{intent['id']}/payment", contact)
    if status != _OK:
        return "refused"
    attempt = f"/sandbox/razorpay/orders/{order['order_id']}/attempts"
    status, fields = await visitor.call("POST", attempt, {"outcome": "captured"})
    if status >= _BAD_REQUEST:
        return "refused"
    _, outcome = await visitor.call("POST", "/api/payments/razorpay/callback", fields)
    return "booked" if outcome and outcome.get("booking_ref") else "refused"


async def _wait(visitor: _Visitor, plan: Rehearsal, notes: _Notes) -> str:
    until = time.monotonic() + plan.patience_seconds
    status, line = await visitor.call("POST", f"/api/queue/{plan.slug}")
    if status == ChallengeRequired.status and line is not None:
        solution = await asyncio.to_thread(solve, line["challenge"])
        status, line = await visitor.call("POST", f"/api/queue/{plan.slug}", {"solution": solution})
    number: int | None = None
    while time.monotonic() < until:
        if status != _OK or line is None:
            await asyncio.sleep(1)
        elif line["state"] == "admitted":
            if number is not None:
                notes.called.append((time.monotonic(), number))
            return "admitted"
        elif line["state"] in _ENDS:
            return "sold_out"
        else:
            number = line["number"]
            await asyncio.sleep(line["retry_after_ms"] / 1000)
        status, line = await visitor.call("GET", f"/api/queue/{plan.slug}")
    await visitor.call("DELETE", f"/api/queue/{plan.slug}")
    return "gave_up"


def _inversions(called: list[tuple[float, int]]) -> int:
    # A call is noticed at the next poll, at most this much later than it happened.
    slack_seconds = 20.0
    ordered = sorted(called)
    latest_start = 0
    highest = 0
    count = 0
    for noticed_at, number in ordered:
        while ordered[latest_start][0] < noticed_at - slack_seconds:
            highest = max(highest, ordered[latest_start][1])
            latest_start += 1
        count += number < highest
    return count
