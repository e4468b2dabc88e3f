"""Whoever waits, or only looks, costs the database nothing: not even a connection is taken."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Generator

import pytest
from sqlalchemy import event

from surge_app.container import Container
from surge_app.kv.queue import QueueStock
from surge_app.services.waiting_room.proof_of_work import solve
from tests.integration.bots.visitors import Visitor

NewLine = Callable[..., Awaitable[str]]
NewVisitor = Callable[..., Visitor]

_FORGED = (
    "surge_visitor=none.of.ours",
    "surge_visitor=",
    "surge_pass=none.of.ours; surge_booking=none.of.ours; surge_admin=none.of.ours",
    "surge_visitor=" + "A" * 4_000,
    "; ;=;\x7f",
)


@pytest.fixture
def taken(services: Container, monkeypatch: pytest.MonkeyPatch) -> Generator[list[object]]:
    """Every connection to Postgres that is taken while a test runs."""
    found: list[object] = []

    def note(*connection: object) -> None:
        found.append(connection)

    engine = services.database.engine.sync_engine
    event.listen(engine, "checkout", note)
    for pool in (services.database._planned, services.database._replanned):
        monkeypatch.setattr(pool, "_note", note)
    yield found
    event.remove(engine, "checkout", note)


async def test_the_note_of_taken_connections_can_tell(
    new_visitor: NewVisitor, taken: list[object]
) -> None:
    # So that the silence of the others means something.
    assert (await new_visitor().http.get("/api/events")).status_code == 200
    assert taken


async def test_joining_waiting_and_leaving_never_reach_postgres(
    new_line: NewLine, new_visitor: NewVisitor, taken: list[object]
) -> None:
    slug = await new_line(stock=QueueStock(10, 0, 0, 0))
    inside, waiting = new_visitor(), new_visitor()
    states = [(await one.join(slug)).json()["state"] for one in (inside, waiting)]
    assert states == ["admitted", "waiting"]
    for _ in range(3):
        assert (await waiting.http.get(f"/api/queue/{slug}")).json()["ahead"] == 0
    # A reload, and the doors of the sale before it is one's turn.
    assert (await waiting.join(slug)).json()["position"] == 1
    assert (await waiting.http.get(f"/book/{slug}")).headers["location"] == f"/queue/{slug}"
    refused = await waiting.http.post(f"/api/events/{slug}/intents", json={"queues": []})
    assert refused.json()["code"] == "not_admitted"
    assert (await waiting.http.delete(f"/api/queue/{slug}")).status_code == 204
    assert taken == []


async def test_the_check_before_joining_never_reaches_postgres(
    new_line: NewLine, new_visitor: NewVisitor, taken: list[object]
) -> None:
    slug = await new_line(challenge="always")
    visitor = new_visitor()
    solution = solve(await visitor.challenge(slug))
    assert (await visitor.post(slug, solution="none of ours")).status_code == 428
    assert (await visitor.post(slug, solution=solution)).status_code == 200
    assert (await new_visitor().post(slug, solution=solution)).status_code == 428
    assert taken == []


async def test_strangers_and_forged_cookies_never_reach_postgres(
    new_line: NewLine, new_visitor: NewVisitor, taken: list[object]
) -> None:
    slug = await new_line()
    for cookie in ("", *_FORGED):
        asked = new_visitor(cookie=cookie).http
        assert (await asked.get(f"/api/queue/{slug}")).json()["state"] == "not_joined"
        assert (await asked.get("/api/queue/no-such-sale")).status_code == 404
        assert (await asked.delete(f"/api/queue/{slug}")).status_code == 204
        assert (await asked.get(f"/book/{slug}")).status_code == 303
        assert (await asked.post("/api/queue/no-such-sale")).status_code == 404
    assert taken == []
