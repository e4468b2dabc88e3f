"""What operators watch: figures that are the same whoever answers, for whom they are meant."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncGenerator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
import pytest_asyncio
from prometheus_client.parser import text_string_to_metric_families

from surge_app.api import create_api
from surge_app.container import Container, installed
from tests.conftest import NewBuyer, NewSale, Surge, eventually

ROOT = Path(__file__).parents[3]
_NAMES = re.compile(r"\bsurge_(?!app\b)[a-z_]+")
_TOKEN = "a-token-of-thirty-two-characters"


@pytest_asyncio.fixture(loop_scope="session")
async def outside(surge: Surge) -> AsyncGenerator[httpx.AsyncClient]:
    """Someone with a connection for each question, so that any worker may answer it."""
    limits = httpx.Limits(max_keepalive_connections=0)
    async with httpx.AsyncClient(base_url=surge.url, limits=limits, timeout=30) as client:
        yield client


async def _value(client: httpx.AsyncClient, name: str, **labels: str) -> float | None:
    text = (await client.get("/metrics")).raise_for_status().text
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if sample.name == name and labels.items() <= sample.labels.items():
                return sample.value
    return None


async def test_counts_of_all_workers_are_added_whoever_answers(
    outside: httpx.AsyncClient, new_sale: NewSale
) -> None:
    slug = await new_sale()
    asked = {"name": "surge_request_seconds_count", "route": "poll", "status": "2xx"}
    before = await _value(outside, **asked) or 0
    for _ in range(24):
        await outside.get(f"/api/queue/{slug}")
    seen = [await _value(outside, **asked) or 0 for _ in range(8)]
    assert seen[0] >= before + 24
    # One worker alone would know of a part only, and each of another part.
    assert seen == sorted(seen)


async def test_a_sale_is_told_in_units_line_holds_and_money(
    outside: httpx.AsyncClient, new_sale: NewSale, new_buyer: NewBuyer
) -> None:
    slug = await new_sale(units=5)
    await new_buyer(slug).buy()
    holder = new_buyer(slug)
    await holder.join()
    (await holder.hold()).raise_for_status()
    expected = {
        ("surge_units", ("status", "available")): 3,
        ("surge_units", ("status", "held")): 1,
        ("surge_units", ("status", "sold")): 1,
        ("surge_bookings", ("event", slug)): 1,
        ("surge_revenue_paise", ("event", slug)): 52_500,
        ("surge_line_passed", ("way", "admitted")): 2,
        ("surge_holds_live", ("status", "held")): 1,
        ("surge_holds_overdue_seconds", ("status", "held")): 0,
    }
    for (name, (label, value)), count in expected.items():
        assert await _value(outside, name, **{"event": slug, label: value}) == count, name
    assert (await _value(outside, "surge_holds_total", outcome="ok") or 0) >= 2
    assert (await _value(outside, "surge_settlements_total", outcome="confirmed") or 0) >= 1
    assert (await _value(outside, "surge_pool_connections_most") or 0) >= 2 * 16


async def test_jobs_their_leader_and_the_promises_are_told(
    outside: httpx.AsyncClient, services: Container
) -> None:
    await services.telemetry.check_invariants()
    assert await _value(outside, "surge_promise_broken_rows", promise="units_add_up") == 0
    assert await _value(outside, "surge_up", server="postgres") == 1
    assert await _value(outside, "surge_up", server="redis") == 1

    async def has_led() -> bool:
        age = await _value(outside, "surge_job_age_seconds", job="expire-holds")
        return age is not None and await _value(outside, "surge_leaders") == 1

    await eventually(has_led, about="a leader that runs the jobs")


async def test_a_redis_that_is_full_is_not_ready_and_holds_go_on(
    outside: httpx.AsyncClient, services: Container, new_sale: NewSale, new_buyer: NewBuyer
) -> None:
    slug = await new_sale()
    buyer = new_buyer(slug)
    assert (await buyer.join())["state"] == "admitted"
    await services.redis.config_set("maxmemory", "1mb")
    try:
        # The sandbox keeps its orders in the same Redis, so no payment can be tried here. The hold
        # comes first: who was let in has 20 seconds for the first one.
        held = await buyer.hold()
        assert held.status_code == 201, held.text
        # Each worker remembers for a second what it found.
        await eventually(lambda: _lacks(outside, ["redis"]), about="the word that Redis is full")
        assert await _value(outside, "surge_up", server="redis") == 0
        assert (await new_buyer(slug).http.post(f"/api/queue/{slug}")).status_code == 503
    finally:
        await services.redis.config_set("maxmemory", "0")
        # Both workers say so before another test asks.
        await eventually(lambda: _lacks(outside, []), about="a Redis with room again")


async def _lacks(client: httpx.AsyncClient, names: list[str]) -> bool:
    answers = [await client.get("/api/readyz") for _ in range(8)]
    expected = (503 if names else 200, names)
    return all((one.status_code, one.json()["not_ready"]) == expected for one in answers)


async def test_whoever_comes_through_a_proxy_finds_no_metrics(outside: httpx.AsyncClient) -> None:
    assert (await outside.get("/metrics")).status_code == 200
    for header in ("x-forwarded-for", "forwarded", "x-real-ip", "via"):
        answer = await outside.get("/metrics", headers={header: "127.0.0.1"})
        assert answer.status_code == 404


async def test_with_a_token_only_who_shows_it_reads_the_metrics(services: Container) -> None:
    settings = services.settings.model_copy(update={"metrics_token": _TOKEN})
    transport = httpx.ASGITransport(create_api(), client=("203.0.113.9", 1))
    async with httpx.AsyncClient(transport=transport, base_url="http://node") as anywhere:
        with installed(replace(services, settings=settings)):
            for shown in ({}, {"authorization": "Bearer wrong"}, {"authorization": "Basic eDp5"}):
                assert (await anywhere.get("/metrics", headers=shown)).status_code == 404
            right = {"authorization": f"Bearer {_TOKEN}", "x-forwarded-for": "198.51.100.1"}
            assert (await anywhere.get("/metrics", headers=right)).status_code == 200
        assert (await anywhere.get("/metrics")).status_code == 404


async def test_a_node_that_is_stopping_says_so_and_serves_on(
    outside: httpx.AsyncClient, surge: Surge, new_sale: NewSale, new_buyer: NewBuyer
) -> None:
    buyer = new_buyer(await new_sale())
    await buyer.join()
    mark = surge.settings.drain_mark
    mark.touch()
    try:
        answer = await outside.get("/api/readyz")
        assert (answer.status_code, answer.json()["status"]) == (503, "draining")
        assert (await outside.get("/api/livez")).status_code == 200
        hold = await buyer.hold()
        assert hold.status_code == 201
        # A proxy comes back by another connection, and so to another node.
        assert {one.headers.get("connection") for one in (answer, hold)} == {"close"}
    finally:
        mark.unlink()
    ready = await outside.get("/api/readyz")
    assert (ready.status_code, ready.headers.get("connection")) == (200, None)


async def test_an_id_that_came_from_outside_is_not_believed(outside: httpx.AsyncClient) -> None:
    answer = await outside.get("/api/events", headers={"x-request-id": "of-somebody-else"})
    assert re.fullmatch("[0-9a-f]{16}", answer.headers["x-request-id"])


@pytest.mark.parametrize("name", ["alerts.yml", "grafana/dashboards/surge.json"])
async def test_every_metric_named_in_dashboard_and_alerts_is_told(
    outside: httpx.AsyncClient, name: str
) -> None:
    text = (ROOT / "deploy" / "metrics" / name).read_text("utf-8")
    told = set(_NAMES.findall((await outside.get("/metrics")).text))
    named = set(_NAMES.findall(text))
    assert len(named) > 10
    assert named - told == set()


def test_the_dashboard_is_one() -> None:
    folder = ROOT / "deploy" / "metrics" / "grafana" / "dashboards"
    dashboard = json.loads((folder / "surge.json").read_text("utf-8"))
    panels = [panel for panel in dashboard["panels"] if panel["type"] != "row"]
    assert len({panel["id"] for panel in dashboard["panels"]}) == len(dashboard["panels"])
    assert all(panel["title"] and panel["targets"] for panel in panels)
