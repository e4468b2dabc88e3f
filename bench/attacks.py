"""Attack a running Surge in every known way, and measure what honest visitors feel meanwhile.

Each attack is bounded: one machine, at most 100 connections, 1 MB/s and `ATTACK_SECONDS` (60).
Attackers come from one address. Honest visitors come from their own and poll, join and buy
throughout. Attackers run in a process of their own with a low priority: they stand for another
machine, so neither their work nor their waiting may delay the clock of the honest.
`python -m bench attacks` prints a table row for each attack; the rows stand in
`docs/explanation/reliability.md`. `ATTACKS=drip,frame` picks some.
"""

from __future__ import annotations

import asyncio
import io
import os
import secrets
import ssl
import statistics
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from multiprocessing import get_context
from typing import Any

import httpx
from PIL import Image

from bench.attackers import ATTACKS, Scene
from bench.stack import Stack, new_slug, one_node
from surge_app.services.waiting_room.proof_of_work import solve

_SECONDS = float(os.environ.get("ATTACK_SECONDS", "60"))
_POLLERS = 20
_SERVER_ERROR = 500
_OK, _CHALLENGED = 200, 428
_GOAL_P99_MS = 250
_SETTLE_SECONDS = 60
_SETTLED_GROWTH, _MAX_GROWTH = 1.05, 1.1
_ATTACKER_NICENESS = 10
_ENVIRONMENT = {"SURGE_RATE_LIMITS": "on", "SURGE_TRUSTED_PROXY_HOPS": "1"}
# A client reads every known authority when it makes its own, which takes 30 ms of the others' time.
_TLS = ssl.create_default_context()


@dataclass(slots=True)
class Felt:
    """What honest visitors met: seconds of each poll, and outcomes of joins and purchases."""

    polls: list[float] = field(default_factory=list[float])
    outcomes: Counter[str] = field(default_factory=Counter[str])


def main() -> None:
    """Run the attacks named by ATTACKS, or all, and print a row for each."""
    names = [name for name in os.environ.get("ATTACKS", "").split(",") if name] or list(ATTACKS)
    attackers = ProcessPoolExecutor(1, get_context("spawn"), os.nice, (_ATTACKER_NICENESS,))
    with attackers, one_node(environment=_ENVIRONMENT) as stack:
        attackers.submit(os.getpid).result()
        print("| attack | polls p50 / p99 / max | joins, purchases | refused | memory | goal |")
        print("|---|---|---|---|---|---|", flush=True)
        for name in names:
            print(asyncio.run(_measure(stack, name, attackers)), flush=True)


async def _measure(stack: Stack, name: str, attackers: ProcessPoolExecutor) -> str:
    slug = new_slug("attacked")
    await _create_event(stack, slug, has_picture="picture" in name)
    before = _memory(stack)
    until, felt = time.monotonic() + _SECONDS, Felt()
    scene = Scene(stack.url, slug, until, stack.nodes[0].settings.admin_user)
    loop = asyncio.get_running_loop()
    attack = loop.run_in_executor(attackers, _attack, name, scene)
    await _be_honest(scene, felt)
    answers = await attack
    during = _memory(stack)
    for _ in range(_SETTLE_SECONDS):
        if _memory(stack) <= before * _SETTLED_GROWTH:
            break
        # The honest stay: what an allocator keeps, it gives back with later requests.
        await _be_honest(replace(scene, until=time.monotonic() + 1), Felt())
    later = _memory(stack)
    polls = sorted(one * 1000 for one in felt.polls) or [0.0]
    p99 = polls[int(len(polls) * 0.99) - 1]
    is_met = p99 < _GOAL_P99_MS and felt.outcomes["booked"] > 0 and not felt.outcomes["5xx"]
    is_met = is_met and later <= before * _MAX_GROWTH
    cells = [
        name,
        f"{statistics.median(polls):.0f} / {p99:.0f} / {polls[-1]:.0f} ms",
        ", ".join(f"{count} {what}" for what, count in felt.outcomes.most_common()),
        ", ".join(f"{count} × {what}" for what, count in answers.most_common(3)),
        f"{before >> 20} → {during >> 20} → {later >> 20} MB",
        "kept" if is_met else "MISSED",
    ]
    return f"| {' | '.join(cells)} |"


def _attack(name: str, scene: Scene) -> Counter[str]:
    """Attack in this process until the scene is over; returns what the attackers were answered."""
    asyncio.run(ATTACKS[name](scene))
    return scene.answers


def _memory(stack: Stack) -> int:
    return sum(one.memory_info().rss for node in stack.nodes for one in node.workers())


async def _create_event(stack: Stack, slug: str, *, has_picture: bool) -> None:
    settings = stack.nodes[0].settings
    event = {
        "slug": slug,
        "name": "Attacked",
        "venue": "Hall",
        "starts_at": "2030-01-01T18:00:00+05:30",
        "tiers": [{"name": "Floor", "price_paise": 50_000, "units": 5_000}],
        "concurrent_buyers": 40,
    }
    auth = (settings.admin_user, settings.admin_password or "")
    async with httpx.AsyncClient(base_url=stack.url, auth=auth) as http:
        answer = await http.post("/api/admin/events", json=event)
        answer.raise_for_status()
        if has_picture:
            answer = await http.put(f"/api/admin/events/{slug}/cover", content=_large_picture())
            answer.raise_for_status()


def _large_picture() -> bytes:
    """Return a picture that no compression makes small."""
    out = io.BytesIO()
    Image.frombytes("RGB", (1200, 630), secrets.token_bytes(1200 * 630 * 3)).save(out, "JPEG")
    return out.getvalue()


# Honest visitors ---------------------------------------------------------------------------


def _address() -> str:
    return f"203.0.{secrets.randbelow(256)}.{secrets.randbelow(254) + 1}"


async def _be_honest(scene: Scene, felt: Felt) -> None:
    async with httpx.AsyncClient(base_url=scene.url, timeout=30, verify=_TLS) as http:
        pollers = [_poll(scene, felt, http) for _ in range(_POLLERS)]
        await asyncio.gather(*pollers, _buy(scene, felt), _buy(scene, felt))


async def _poll(scene: Scene, felt: Felt, http: httpx.AsyncClient) -> None:
    headers = {"x-forwarded-for": _address()}
    while not scene.is_over:
        begun = time.monotonic()
        try:
            answer = await http.get(f"/api/queue/{scene.slug}", headers=headers)
            felt.outcomes["5xx"] += answer.status_code >= _SERVER_ERROR
        except httpx.HTTPError:
            felt.outcomes["unanswered"] += 1
        felt.polls.append(time.monotonic() - begun)
        await asyncio.sleep(0.5)


async def _buy(scene: Scene, felt: Felt) -> None:
    while not scene.is_over:
        headers = {"x-forwarded-for": _address(), "accept-language": "en-IN"}
        client = httpx.AsyncClient(base_url=scene.url, timeout=30, headers=headers, verify=_TLS)
        async with client as http:
            try:
                felt.outcomes[await _purchase(scene.slug, http)] += 1
            except httpx.HTTPError:
                felt.outcomes["unanswered"] += 1
        await asyncio.sleep(0.5)


async def _purchase(slug: str, http: httpx.AsyncClient) -> str:
    body: dict[str, Any] = {"opened_ms": 30_000}
    joined = await http.post(f"/api/queue/{slug}", json=body)
    if joined.status_code == _CHALLENGED:
        body["solution"] = await asyncio.to_thread(solve, joined.json()["challenge"])
        joined = await http.post(f"/api/queue/{slug}", json=body)
    if joined.status_code != _OK:
        return f"join {joined.status_code}"
    for _ in range(20):
        if joined.json()["state"] == "admitted":
            break
        await asyncio.sleep(joined.json()["retry_after_ms"] / 1000)
        joined = await http.get(f"/api/queue/{slug}")
    tiers = (await http.get(f"/api/events/{slug}")).json()["tiers"]
    lines = [{"tier_id": tiers[0]["id"], "quantity": 1}]
    held = await http.post(f"/api/events/{slug}/intents", json={"lines": lines})
    if held.is_error:
        return f"hold {held.status_code}"
    token = secrets.randbelow(10**8)
    contact = {
        "name": "Asha Rao",
        "email": f"asha{token}@example.com",
        "phone": f"+9198{token:08d}",
    }
    started = await http.post(f"/api/intents/{held.json()['id']}/payment", json=contact)
    if started.is_error:
        return f"payment {started.status_code}"
    order = started.json()["order_id"]
    paid = await http.post(
        f"/sandbox/razorpay/orders/{order}/attempts", json={"outcome": "captured"}
    )
    done = await http.post("/api/payments/razorpay/callback", json=paid.json())
    return "booked" if done.is_success else f"callback {done.status_code}"
