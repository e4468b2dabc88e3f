"""The check before joining: who is asked, what counts, and what it costs."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest

from surge_app.container import Container
from surge_app.kv import keys
from surge_app.kv.admission import JoinStore, PowProof
from surge_app.services.waiting_room import proof_of_work as challenge_module
from surge_app.services.waiting_room.admission import JoinAttempt
from surge_app.services.waiting_room.proof_of_work import ProofOfWork, solve
from tests.integration.bots.visitors import Visitor

NewLine = Callable[..., Awaitable[str]]
NewVisitor = Callable[..., Visitor]


def _effort(challenge: dict[str, Any]) -> int:
    return int(challenge["parameters"]["data"]["suspicion"])


async def _issued(services: Container, slug: str) -> int:
    key = keys.part(slug, "counters")
    return int(await services.redis.hget(key, "issued") or 0)


async def test_without_a_challenge_nobody_is_asked(
    new_line: NewLine, new_visitor: NewVisitor
) -> None:
    assert (await new_visitor().post(await new_line())).status_code == 200


async def test_a_visitor_who_solves_the_challenge_gets_the_place(
    new_line: NewLine, new_visitor: NewVisitor, services: Container
) -> None:
    slug = await new_line(challenge="always")
    visitor = new_visitor()
    asked = await visitor.post(slug)
    assert asked.status_code == 428
    assert asked.headers["content-type"] == "application/problem+json"
    assert asked.json()["code"] == "challenge_required"
    assert await _issued(services, slug) == 0
    answer = await visitor.post(slug, solution=solve(asked.json()["challenge"]))
    assert answer.status_code == 200
    assert answer.json()["state"] == "admitted"
    assert await _issued(services, slug) == 1


async def test_the_cookie_of_the_visitor_comes_with_the_challenge(
    new_line: NewLine, new_visitor: NewVisitor
) -> None:
    asked = await new_visitor().post(await new_line(challenge="always"))
    (cookie,) = asked.headers.get_list("set-cookie")
    assert cookie.startswith("surge_visitor=")
    assert {"HttpOnly", "SameSite=Lax"} <= set(cookie.split("; "))


async def test_the_challenge_does_not_show_who_the_visitor_is(
    new_line: NewLine, new_visitor: NewVisitor, services: Container
) -> None:
    visitor = new_visitor()
    asked = await visitor.post(await new_line(challenge="always"))
    header = "; ".join(f"{name}={value}" for name, value in visitor.http.cookies.items())
    visitor_id = services.identity.visitor_id(header)
    assert visitor_id
    assert visitor_id not in asked.text


async def test_who_has_a_place_or_a_pass_is_never_asked_again(
    new_line: NewLine, new_visitor: NewVisitor
) -> None:
    slug = await new_line(challenge="always")
    inside, waiting = new_visitor(), new_visitor()
    assert (await inside.join(slug)).json()["state"] == "admitted"
    assert (await waiting.join(slug)).json()["state"] == "waiting"
    for visitor, state in ((inside, "admitted"), (waiting, "waiting")):
        again = await visitor.post(slug)
        assert (again.status_code, again.json()["state"]) == (200, state)


async def test_who_proved_before_the_opening_is_not_asked_again_at_the_opening(
    new_line: NewLine, new_visitor: NewVisitor, services: Container
) -> None:
    slug = await new_line(challenge="always", phase="cancelled")
    visitor = new_visitor()
    assert (await visitor.join(slug)).json()["state"] == "ended"
    await services.redis.hset(keys.part(slug, "rules"), "phase", "published")
    assert (await visitor.post(slug)).json()["state"] == "admitted"


async def test_one_solution_buys_one_place(new_line: NewLine, new_visitor: NewVisitor) -> None:
    slug = await new_line(challenge="always")
    visitor = new_visitor()
    solution = solve(await visitor.challenge(slug))
    assert (await visitor.post(slug, solution=solution)).status_code == 200
    await visitor.http.delete(f"/api/queue/{slug}")
    assert (await visitor.post(slug, solution=solution)).status_code == 428


async def test_a_solution_sent_many_times_at_once_is_spent_once(
    new_line: NewLine, services: Container
) -> None:
    slug = await new_line(challenge="always")
    store = JoinStore(services.redis)
    proof = PowProof("one-and-the-same", valid_for=timedelta(minutes=1))
    rulings = await asyncio.gather(
        *(store.check_join(slug, f"visitor-{number}", proof, [], []) for number in range(20))
    )
    assert sorted(ruling.outcome for ruling in rulings) == ["challenge"] * 19 + ["proved"]


async def test_a_filled_hidden_field_makes_the_challenge_harder_and_never_refuses(
    new_line: NewLine, new_visitor: NewVisitor
) -> None:
    slug = await new_line(challenge="always")
    robot = new_visitor()
    challenge = await robot.challenge(slug, website="https://spam.example")
    assert _effort(challenge) == 2
    answer = await robot.post(slug, website="https://spam.example", solution=solve(challenge))
    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("opened_ms", "effort"),
    [(60_000, 0), (1_500, 0), (1_499, 1), (0, 1), (-1, 2), (1e15, 2), (None, 1)],
)
async def test_an_impossible_form_time_weighs_more_than_a_short_one(
    opened_ms: float | None, effort: int, new_line: NewLine, new_visitor: NewVisitor
) -> None:
    slug = await new_line(challenge="always")
    assert _effort(await new_visitor().challenge(slug, opened_ms=opened_ms)) == effort


async def test_a_visitor_without_ordinary_headers_gets_a_harder_challenge(
    new_line: NewLine, new_visitor: NewVisitor
) -> None:
    slug = await new_line(challenge="always")
    robot = new_visitor(**{"accept-language": ""})
    assert _effort(await robot.challenge(slug)) == 1


async def test_a_lie_told_with_the_solution_costs_a_harder_one_and_no_more(
    new_line: NewLine, new_visitor: NewVisitor
) -> None:
    slug = await new_line(challenge="always")
    robot = new_visitor()
    first = await robot.challenge(slug)
    assert _effort(first) == 0
    second = await robot.challenge(slug, website="x", solution=solve(first))
    assert _effort(second) == 2
    assert (await robot.post(slug, website="x", solution=solve(second))).status_code == 200


async def test_a_page_cannot_have_been_opened_after_its_challenge_was_made(
    new_line: NewLine, new_visitor: NewVisitor, services: Container, monkeypatch: pytest.MonkeyPatch
) -> None:
    slug = await new_line(challenge="always")
    robot = new_visitor()
    solution = solve(await robot.challenge(slug))
    later = challenge_module.time.time() + 60
    monkeypatch.setattr(challenge_module.time, "time", lambda: later)
    second = await robot.challenge(slug, opened_ms=2_000, solution=solution)
    assert _effort(second) == 2


async def test_a_solution_on_a_slow_network_is_no_lie(
    new_line: NewLine, new_visitor: NewVisitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    slug = await new_line(challenge="always")
    person = new_visitor()
    solution = solve(await person.challenge(slug, opened_ms=200))
    later = challenge_module.time.time() + 20
    monkeypatch.setattr(challenge_module.time, "time", lambda: later)
    assert (await person.post(slug, opened_ms=700, solution=solution)).status_code == 200


async def test_many_visitors_of_one_address_get_harder_challenges(
    new_line: NewLine, new_visitor: NewVisitor
) -> None:
    slug = await new_line(challenge="always")
    subscriber = "2001:db8:1:2::"
    efforts = [
        _effort(await new_visitor(f"{subscriber}{number:x}").challenge(slug))
        for number in range(1, 15)
    ]
    assert efforts[:10] == [0] * 10
    assert efforts[-1] == 1
    assert _effort(await new_visitor("2001:db8:1:3::1").challenge(slug)) == 0


async def test_auto_asks_nobody_until_there_is_pressure_and_then_for_a_minute(
    new_line: NewLine, new_visitor: NewVisitor, services: Container
) -> None:
    slug = await new_line(challenge="auto")
    store = JoinStore(services.redis)
    rulings = [await store.check_join(slug, f"one-{number}", None, [], []) for number in range(60)]
    assert [ruling.outcome for ruling in rulings[:40]] == ["free"] * 40
    assert rulings[-1].outcome == "challenge"
    # The rush is over, but it is remembered.
    await services.redis.hset(keys.pressure(slug), "slot", "1")
    assert (await new_visitor().post(slug)).status_code == 428
    await services.redis.hset(keys.pressure(slug), mapping={"slot": "1", "until_ms": "1"})
    assert (await new_visitor().post(slug)).status_code == 200


async def test_a_long_line_is_pressure_until_it_is_half_as_long(
    new_line: NewLine, new_visitor: NewVisitor, services: Container
) -> None:
    slug = await new_line(challenge="auto")
    counters = keys.part(slug, "counters")
    await services.redis.hset(counters, "waiting", "500")
    assert (await new_visitor().post(slug)).status_code == 428

    async def asks_when(waiting: int) -> bool:
        await services.redis.hset(counters, "waiting", str(waiting))
        before = await services.redis.hget(keys.pressure(slug), "until_ms")
        await new_visitor().challenge(slug)
        return before != await services.redis.hget(keys.pressure(slug), "until_ms")

    assert await asks_when(250)
    assert not await asks_when(249)


async def test_wrong_solutions_are_pressure(
    new_line: NewLine, new_visitor: NewVisitor, services: Container
) -> None:
    slug = await new_line(challenge="auto", phase="cancelled")
    store = JoinStore(services.redis)
    rulings = [
        await store.check_join(slug, f"robot-{number}", PowProof(), [], []) for number in range(30)
    ]
    assert rulings[0].outcome == "free"
    assert rulings[-1].outcome == "challenge"
    assert (await new_visitor().post(slug)).status_code == 428


async def test_the_bigger_the_rush_the_longer_the_work(
    services: Container, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[int] = []

    def record(*_: object, hashes: int, **__: object) -> dict[str, object]:
        made.append(hashes)
        return {}

    monkeypatch.setattr(ProofOfWork, "issue", record)
    arrival = JoinAttempt("event", "visitor", "")
    for suspicion in (0, 1, 2):
        for per_second in (0, 50, 200):
            services.joins._challenge(arrival, per_second, suspicion)
    ease = made[0]
    assert made == [ease * part // 2 for part in (2, 3, 4, 4, 6, 8, 8, 12, 16)]
