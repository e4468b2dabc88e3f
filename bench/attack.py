"""The share of people in the queue when nine of ten calls come from scripts, by the challenge.

People ask, solve what they are asked, and ask again; each is somebody of their own. Scripts come
from a few addresses as one visitor after the other, in three kinds: `blunt` ones send no proof of
work, `recycling` ones send one solution for everybody, `mining` ones solve as much as a computer
of so many people's worth can. The calls go through the gate and the API of this process, to a
real Redis, with limits on.
"""

from __future__ import annotations

import asyncio
import random
import secrets
from dataclasses import dataclass, field
from typing import Any

import httpx
from altcha import Challenge, Payload, Solution, derive_key_pbkdf2

from bench.harness import servers
from surge_app.api import create_api
from surge_app.container import Container, running
from surge_app.edge.middleware import EdgeMiddleware
from surge_app.edge.websockets.handler_arguments import arguments_of
from surge_app.kv.queue import QueueLimits, QueueStore
from surge_app.services.waiting_room import admission

_CUSTOMERS = 100
_MINERS_WORTH = 5
_SCRIPT_CALLS = 9
_PATIENCE = 0.05
_ADDRESSES = 20
_NUMBERS = 1_000_000
_KINDS = ("blunt", "recycling", "mining")
_MODES = ("off", "auto", "always")


@dataclass
class Side:
    """What one side of the attack did and got.

    Attributes:
        calls: How often it asked for a place.
        numbers: How many places it got.
        admitted: How many of those were among the first, one for each person.
        hashes: What it worked for that.
    """

    calls: int = 0
    numbers: int = 0
    admitted: int = 0
    hashes: int = 0


@dataclass
class Attack:
    """One event under attack."""

    http: httpx.AsyncClient
    slug: str
    customers: int
    sides: dict[str, Side] = field(
        default_factory=lambda: {name: Side() for name in ("people", *_KINDS)}
    )
    shared: tuple[str, str] | None = None

    async def ask(self, side: str, address: str, *, cookie: str = "", **body: object) -> _Reply:
        """Ask for a place and note what came of it."""
        self.sides[side].calls += 1
        headers = {"x-forwarded-for": address, "cookie": cookie}
        if side == "people":
            headers |= {"user-agent": "Mozilla/5.0", "accept-language": "en-IN"}
            body = {"opened_ms": 30_000, **body}
        answer = await self.http.post(f"/api/queue/{self.slug}", headers=headers, json=body)
        assert answer.status_code in {200, 428, 429}, answer.text
        found = answer.json()
        if answer.status_code == 200:
            self.sides[side].numbers += 1
            self.sides[side].admitted += found["state"] == "admitted"
        visitor = answer.headers.get("set-cookie", cookie).partition(";")[0]
        return _Reply(visitor, found.get("challenge"))

    def solve(self, side: str, challenge: dict[str, Any]) -> str:
        """Solve a challenge, hash by hash."""
        puzzle = Challenge.from_dict(challenge)
        parameters = puzzle.parameters
        salt, nonce = bytes.fromhex(parameters.salt), bytes.fromhex(parameters.nonce)
        counter, derived = -1, b""
        while not derived.hex().startswith(parameters.key_prefix):
            counter += 1
            derived = derive_key_pbkdf2(parameters, salt, nonce + counter.to_bytes(4, "big"))
        self.sides[side].hashes += counter + 1
        return Payload(puzzle, Solution(counter, derived.hex())).to_base64()

    async def script(self, kind: str, address: str, *, budget: float) -> None:
        """Let a script make one call, and solve if it is one that can; `budget` is in hashes."""
        if kind == "recycling" and self.shared is not None:
            await self.ask(kind, address, solution=self.shared[1])
            return
        reply = await self.ask(kind, address)
        if reply.challenge is None or kind == "blunt":
            return
        if kind == "recycling":
            self.shared = reply.visitor, self.solve(kind, reply.challenge)
            await self.ask(kind, address, cookie=reply.visitor, solution=self.shared[1])
        elif self.sides[kind].hashes < budget:
            solution = self.solve(kind, reply.challenge)
            await self.ask(kind, address, cookie=reply.visitor, solution=solution)


@dataclass(frozen=True)
class _Reply:
    visitor: str
    challenge: dict[str, Any] | None


async def attack(
    services: Container, mode: str, *, customers: int, miners_worth: int, seed: int
) -> dict[str, Side]:
    """Attack an event of its own and return what each side got.

    Args:
        services: With limits on, and one proxy trusted.
        mode: The event's setting of the challenge.
        customers: How many come; there are as many free places inside.
        miners_worth: For how many people's work the mining scripts have computers.
        seed: Of the order in which everybody comes.
    """
    slug = f"attack-{secrets.token_hex(4)}"
    rules = QueueLimits("published", None, None, False, customers, None, "", challenge=mode)
    queue_store = QueueStore(services.redis)
    await queue_store.sync(slug, rules, None, ceiling=_NUMBERS)
    await queue_store.open(slug, start=0, ceiling=_NUMBERS, early=None)
    draw = random.Random(seed)  # noqa: S311  the order of arrivals, no secret
    api = create_api()
    transport = httpx.ASGITransport(EdgeMiddleware(api, api, services.settings, arguments_of({})))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as http:
        event = Attack(http, slug, customers)
        scripts = customers * _SCRIPT_CALLS * (1 if mode == "off" else 2)
        calls = [(draw.random(), _KINDS[number % 3]) for number in range(scripts)]
        calls += [(draw.random() * (1 - _PATIENCE), "people") for _ in range(customers)]
        budget = miners_worth * admission.HASHES
        returning: list[tuple[float, _Reply, str]] = []
        for moment, side in sorted(calls):
            returning = await _answered(event, returning, moment)
            if side != "people":
                address = f"198.18.0.{draw.randrange(_ADDRESSES)}"
                await event.script(side, address, budget=budget * moment)
                continue
            address = f"10.{draw.randrange(256)}.{draw.randrange(256)}.{draw.randrange(256)}"
            reply = await event.ask("people", address)
            if reply.challenge is not None:
                returning.append((moment + _PATIENCE, reply, address))
        await _answered(event, returning, 2)
    return event.sides


async def _answered(
    event: Attack, waiting: list[tuple[float, _Reply, str]], now: float
) -> list[tuple[float, _Reply, str]]:
    """Let the people whose browsers are done ask again; returns those who still work."""
    for moment, reply, address in waiting:
        if moment <= now and reply.challenge is not None:
            solution = event.solve("people", reply.challenge)
            await event.ask("people", address, cookie=reply.visitor, solution=solution)
    return [entry for entry in waiting if entry[0] > now]


def main() -> None:
    """Attack an event under each setting and print the shares."""
    with servers() as settings:
        asyncio.run(_measure(settings.model_copy(update={"trusted_proxy_hops": 1})))


async def _measure(settings: Any) -> None:
    async with running(settings, process="bench") as services:
        for mode in _MODES:
            sides = await attack(
                services, mode, customers=_CUSTOMERS, miners_worth=_MINERS_WORTH, seed=4
            )
            _print(mode, sides)


def _print(mode: str, sides: dict[str, Side]) -> None:
    calls, numbers, admitted = (
        max(1, sum(getattr(side, name) for side in sides.values()))
        for name in ("calls", "numbers", "admitted")
    )
    print(f"challenge {mode}:")
    for name, side in sides.items():
        work = side.hashes / side.numbers if side.numbers else 0
        print(
            f"  {name:9}  calls {side.calls:5} ({side.calls / calls:4.0%})   "
            f"numbers {side.numbers:4} ({side.numbers / numbers:4.0%})   "
            f"admissions {side.admitted:3} ({side.admitted / admitted:4.0%})   "
            f"hashes per number {work:6,.0f}",
            flush=True,
        )
