"""Joining as the gate answers it: in turns, in order, and what it leaves to the API."""

from __future__ import annotations

import asyncio
import json
from types import SimpleNamespace
from typing import cast

import pytest
from starlette.requests import Request
from starlette.responses import Response

from surge_app.api.schemas import QueueOut
from surge_app.container import Container
from surge_app.edge.queue import join_endpoint
from surge_app.edge.queue.join_endpoint import JoinEndpoint
from surge_app.errors import ChallengeRequired, QueueUnavailable, SurgeError
from surge_app.services.access.identity import Cookie
from surge_app.services.waiting_room.requests import ClientInfo, JoinBody, QueueReply
from surge_app.services.waiting_room.views import QueueStatus

SLUG = "some-event"
BROWSER = {"user-agent": "x", "accept": "*/*", "accept-language": "en", "accept-encoding": "br"}


class Desk:
    """Stands for the reception: notes who is being served, and serves when it is told to."""

    def __init__(self) -> None:
        self.order: list[str] = []
        self.senders: list[ClientInfo] = []
        self.busy = self.most_at_once = 0
        self.is_full, self.may_go = asyncio.Event(), asyncio.Event()
        self.error: SurgeError | None = None
        self.told = QueueReply(_line(), [])

    async def join(self, slug: str, cookies: str, sent: JoinBody, sender: ClientInfo) -> QueueReply:
        assert (slug, type(sent)) == (SLUG, JoinBody)
        self.order.append(cookies)
        self.senders.append(sender)
        self.busy += 1
        self.most_at_once = max(self.most_at_once, self.busy)
        if self.busy == join_endpoint._MAX_CONCURRENT:
            self.is_full.set()
        try:
            await self.may_go.wait()
        finally:
            self.busy -= 1
        if self.error:
            raise self.error
        return self.told


def _line() -> QueueStatus:
    return QueueStatus(
        state="waiting",
        position=1,
        ahead=0,
        number=7,
        eta_low_seconds=None,
        eta_high_seconds=None,
        retry_after_ms=2_000,
        available=3,
        held=0,
        message="",
        pass_expires_at=None,
    )


def _request(cookies: str = "", **headers: str) -> Request:
    sent = {"content-type": "application/json", **headers, "cookie": cookies}
    return Request(
        {
            "type": "http",
            "method": "POST",
            "path": f"/api/queue/{SLUG}",
            "headers": [(name.encode(), value.encode()) for name, value in sent.items()],
            "state": {"client_address": "203.0.113.9"},
        }
    )


async def _join(
    door: JoinEndpoint, desk: Desk, cookies: str = "", body: bytes | None = b"{}"
) -> Response | None:
    services = cast("Container", SimpleNamespace(queue_requests=desk))
    return await door.respond(services, SLUG, _request(cookies, **BROWSER), body)


async def _all_turns_are_taken(desk: Desk) -> None:
    async with asyncio.timeout(60):
        await desk.is_full.wait()


async def test_newcomers_are_served_a_few_at_a_time_and_in_the_order_they_came() -> None:
    desk, door = Desk(), JoinEndpoint()
    names = [f"v{index:03}" for index in range(60)]
    asking = [asyncio.create_task(_join(door, desk, name)) for name in names]
    await _all_turns_are_taken(desk)
    assert desk.order == names[: join_endpoint._MAX_CONCURRENT]
    desk.may_go.set()
    answers = await asyncio.gather(*asking)
    assert {answer.status_code for answer in answers if answer} == {200}
    assert desk.order == names
    assert desk.most_at_once == join_endpoint._MAX_CONCURRENT


async def test_who_gives_up_or_fails_gives_the_turn_to_the_next() -> None:
    desk, door = Desk(), JoinEndpoint()
    first = [asyncio.create_task(_join(door, desk)) for _ in range(join_endpoint._MAX_CONCURRENT)]
    await _all_turns_are_taken(desk)
    waiting = asyncio.create_task(_join(door, desk, "gone"))
    await asyncio.sleep(0)
    for task in (waiting, *first):
        task.cancel()
    await asyncio.gather(waiting, *first, return_exceptions=True)
    desk.may_go.set()
    desk.error = QueueUnavailable()
    for _ in range(join_endpoint._MAX_CONCURRENT + 1):
        answer = await _join(door, desk)
        assert answer is not None
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert "gone" not in desk.order
    desk.error = None
    answer = await _join(door, desk)
    assert answer is not None
    assert answer.status_code == 200


async def test_who_never_gets_a_turn_is_told_to_try_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(join_endpoint, "_MAX_WAIT_SECONDS", 0.05)
    desk, door = Desk(), JoinEndpoint()
    stuck = [asyncio.create_task(_join(door, desk)) for _ in range(join_endpoint._MAX_CONCURRENT)]
    await _all_turns_are_taken(desk)
    answer = await _join(door, desk, "late")
    assert answer is not None
    assert (answer.status_code, json.loads(bytes(answer.body))["code"]) == (
        503,
        QueueUnavailable.code,
    )
    assert "late" not in desk.order
    desk.may_go.set()
    assert {one.status_code for one in await asyncio.gather(*stuck) if one} == {200}


async def test_the_answer_is_that_of_the_api_with_its_cookies() -> None:
    desk, door = Desk(), JoinEndpoint()
    desk.may_go.set()
    desk.told = QueueReply(_line(), [Cookie("a", "a=1; Path=/"), Cookie("b", "b=2; Path=/")])
    answer = await _join(door, desk)
    assert answer is not None
    assert QueueOut.model_validate_json(bytes(answer.body)).number == 7
    assert answer.headers.getlist("set-cookie") == ["a=1; Path=/", "b=2; Path=/"]
    assert desk.senders == [ClientInfo("203.0.113.9", is_ordinary=True)]


async def test_a_challenge_is_a_problem_that_brings_the_cookie_it_belongs_to() -> None:
    desk, door = Desk(), JoinEndpoint()
    desk.may_go.set()
    desk.told = QueueReply(ChallengeRequired({"parameters": {}}), [Cookie("a", "a=1; Path=/")])
    answer = await _join(door, desk)
    assert answer is not None
    assert (answer.status_code, answer.media_type) == (428, "application/problem+json")
    assert "challenge" in json.loads(bytes(answer.body))
    assert answer.headers.getlist("set-cookie") == ["a=1; Path=/"]


@pytest.mark.parametrize(
    "body",
    [
        None,
        b"[]",
        b"{",
        b"\xff\xfe",
        b'{"unknown": 1}',
        b'{"opened_ms": NaN}',
        b'{"website": 5}',
        rb'{"website": "\u0000"}',
        json.dumps({"solution": "x" * 8_193}).encode(),
    ],
)
async def test_what_no_page_sends_is_left_to_the_api(body: bytes | None) -> None:
    desk, door = Desk(), JoinEndpoint()
    assert await _join(door, desk, body=body) is None
    assert desk.order == []


@pytest.mark.parametrize("media_type", ["text/plain", "", "application/x-www-form-urlencoded"])
async def test_a_body_of_another_media_type_is_left_to_the_api(media_type: str) -> None:
    desk, door = Desk(), JoinEndpoint()
    services = cast("Container", SimpleNamespace(queue_requests=desk))
    request = _request(**{"content-type": media_type})
    assert await door.respond(services, SLUG, request, b"{}") is None
    assert desk.order == []
