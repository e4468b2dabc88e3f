"""Measure how much stock scripts can keep from honest visitors without paying.

Two scenes against a running Surge with limits on, `HOARDING_SECONDS` (600) each at most:

- `scripts`: 100 honest visitors want one ticket each of 120; a machine in one /24 with fresh
  cookies and scripted solutions holds as much as it can and never pays.
- `carrier`: 300 honest visitors behind one IPv4 address want one ticket each of 300.

`python -m bench hoarding` prints the scripts' share of the stock over time and the honest bookings.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import httpx
import psycopg

from bench.stack import Stack, new_slug, one_node
from surge_app.services.waiting_room.proof_of_work import solve

_SECONDS = float(os.environ.get("HOARDING_SECONDS", "600"))
_STOCK, _HONEST, _SCRIPTS, _CARRIER = 120, 100, 40, 300
_OK, _CHALLENGED = 200, 428
_ENVIRONMENT = {"SURGE_RATE_LIMITS": "on", "SURGE_TRUSTED_PROXY_HOPS": "1"}
_HELD = """
SELECT count(*) FROM units u JOIN intents i ON i.id = u.intent_id JOIN events e ON e.id = i.event_id
WHERE e.slug = %s AND u.status = 'held' AND i.visitor_id = ANY(%s)
"""
_VISITOR = "SELECT visitor_id FROM intents WHERE id = %s"


@dataclass(slots=True)
class Scene:
    """One sale: its outcomes, and samples of the tickets that scripts keep."""

    stack: Stack
    slug: str
    until: float
    outcomes: Counter[str] = field(default_factory=Counter[str])
    script_intents: set[str] = field(default_factory=set[str])
    retained: list[float] = field(default_factory=list[float])

    @property
    def is_over(self) -> bool:
        """Whether the scene's time is up."""
        return time.monotonic() >= self.until


def main() -> None:
    """Play both scenes and print what each side got."""
    with one_node(environment=_ENVIRONMENT) as stack:
        print(asyncio.run(_against_scripts(stack)), flush=True)
        print(asyncio.run(_behind_a_carrier(stack)), flush=True)


async def _against_scripts(stack: Stack) -> str:
    scene = await _scene(stack, _STOCK)
    scripts = [asyncio.create_task(_script(scene)) for _ in range(_SCRIPTS)]
    watch = asyncio.create_task(_sample(scene))
    await asyncio.sleep(2)
    await asyncio.gather(*(_buy(scene, _address()) for _ in range(_HONEST)))
    took = time.monotonic() - (scene.until - _SECONDS)
    scene.until = 0
    await asyncio.gather(watch, *scripts)
    share = sum(scene.retained) / len(scene.retained) / _STOCK
    return (
        f"scripts: {scene.outcomes['booked']} of {_HONEST} honest visitors booked in {took:.0f} s; "
        f"scripts kept {share:.1%} of the stock on average, "
        f"{max(scene.retained) / _STOCK:.1%} at most; "
        f"{dict(scene.outcomes)}"
    )


async def _behind_a_carrier(stack: Stack) -> str:
    scene = await _scene(stack, _CARRIER)
    address = "198.51.100.200"
    await asyncio.gather(*(_buy(scene, address) for _ in range(_CARRIER)))
    took = time.monotonic() - (scene.until - _SECONDS)
    booked = scene.outcomes["booked"]
    return (
        f"carrier: {booked} of {_CARRIER} booked behind one address in {took:.0f} s; "
        f"{dict(scene.outcomes)}"
    )


async def _scene(stack: Stack, units: int) -> Scene:
    slug, settings = new_slug("hoarded"), stack.nodes[0].settings
    event: dict[str, Any] = {
        "slug": slug,
        "name": "Hoarded",
        "venue": "Hall",
        "starts_at": "2030-01-01T18:00:00+05:30",
        "tiers": [{"name": "Floor", "price_paise": 50_000, "units": units}],
        "concurrent_buyers": 40,
    }
    auth = (settings.admin_user, settings.admin_password or "")
    async with httpx.AsyncClient(base_url=stack.url, auth=auth) as http:
        (await http.post("/api/admin/events", json=event)).raise_for_status()
    return Scene(stack, slug, time.monotonic() + _SECONDS)


def _address() -> str:
    return f"203.0.{secrets.randbelow(256)}.{secrets.randbelow(254) + 1}"


async def _join(scene: Scene, http: httpx.AsyncClient) -> dict[str, Any]:
    """Join until there is a number or the scene is over; returns the poll answer."""
    body: dict[str, Any] = {"opened_ms": 30_000}
    while not scene.is_over:
        answer = await http.post(f"/api/queue/{scene.slug}", json=body)
        if answer.status_code == _OK:
            return answer.json()
        if answer.status_code == _CHALLENGED:
            body["solution"] = await asyncio.to_thread(solve, answer.json()["challenge"])
            continue
        scene.outcomes[f"join {answer.status_code}"] += 1
        await asyncio.sleep(float(answer.headers.get("retry-after", "2")))
    return {"state": "over"}


async def _enter(scene: Scene, http: httpx.AsyncClient) -> bool:
    status = await _join(scene, http)
    while not scene.is_over:
        if status["state"] in {"admitted", "sold_out", "over"}:
            return status["state"] == "admitted"
        await asyncio.sleep(status.get("retry_after_ms", 1000) / 1000)
        status = (await http.get(f"/api/queue/{scene.slug}")).json()
        if status["state"] == "not_joined":
            status = await _join(scene, http)
    return False


async def _hold(scene: Scene, http: httpx.AsyncClient, quantity: int) -> httpx.Response:
    tiers = (await http.get(f"/api/events/{scene.slug}")).json()["tiers"]
    lines = [{"tier_id": tiers[0]["id"], "quantity": quantity}]
    return await http.post(f"/api/events/{scene.slug}/intents", json={"lines": lines})


def _contact() -> dict[str, str]:
    number = secrets.randbelow(10**8)
    return {
        "name": "Asha Rao",
        "email": f"asha{number}@example.com",
        "phone": f"+9198{number:08d}",
    }


async def _buy(scene: Scene, address: str) -> None:
    """Want one ticket until it is booked."""
    headers = {"x-forwarded-for": address, "accept-language": "en-IN"}
    async with httpx.AsyncClient(base_url=scene.stack.url, timeout=60, headers=headers) as http:
        while not scene.is_over:
            with suppress(httpx.HTTPError):
                outcome = await _purchase(scene, http)
                scene.outcomes[outcome] += 1
                if outcome == "booked":
                    return
            await asyncio.sleep(1)


async def _purchase(scene: Scene, http: httpx.AsyncClient) -> str:
    if not await _enter(scene, http):
        return "not let in"
    held = await _hold(scene, http, 1)
    if held.is_error:
        return f"hold {held.json().get('code')}"
    intent = held.json()["id"]
    started = await http.post(f"/api/intents/{intent}/payment", json=_contact())
    if started.is_error:
        return f"payment {started.json().get('code')}"
    order = started.json()["order_id"]
    attempt = f"/sandbox/razorpay/orders/{order}/attempts"
    paid = await http.post(attempt, json={"outcome": "captured"})
    done = await http.post("/api/payments/razorpay/callback", json=paid.json())
    return "booked" if done.is_success else f"callback {done.status_code}"


async def _script(scene: Scene) -> None:
    """Hold all one may with fresh cookies, start a payment, never pay, and begin again."""
    while not scene.is_over:
        headers = {"x-forwarded-for": f"198.51.100.{secrets.randbelow(254) + 1}"}
        async with httpx.AsyncClient(base_url=scene.stack.url, timeout=60, headers=headers) as http:
            with suppress(httpx.HTTPError):
                if await _enter(scene, http):
                    await _hoard(scene, http)
        await asyncio.sleep(0.2)


async def _hoard(scene: Scene, http: httpx.AsyncClient) -> None:
    held = await _hold(scene, http, 6)
    if held.is_error:
        scene.outcomes[f"script {held.json().get('code')}"] += 1
        return
    intent = held.json()["id"]
    scene.script_intents.add(intent)
    scene.outcomes["script holds"] += 1
    await http.post(f"/api/intents/{intent}/payment", json=_contact())
    while not scene.is_over:
        found = await http.get(f"/api/intents/{intent}")
        if found.is_error or found.json()["status"] not in {"held", "paying"}:
            return
        await asyncio.sleep(2)


async def _sample(scene: Scene) -> None:
    """Sample, each second, how many tickets the scripts hold."""
    url = scene.stack.settings.direct_url or ""
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        visitors: dict[str, str] = {}
        while not scene.is_over:
            for intent in scene.script_intents - visitors.keys():
                row = await (await connection.execute(_VISITOR, (intent,))).fetchone()
                visitors[intent] = row[0] if row else ""
            ids = list(visitors.values())
            row = await (await connection.execute(_HELD, (scene.slug, ids))).fetchone()
            scene.retained.append(float(row[0] if row else 0))
            await asyncio.sleep(1)
