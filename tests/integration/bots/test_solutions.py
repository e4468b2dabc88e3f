"""Solutions that are forged, stolen, used or too old are answered like none at all."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from surge_app.container import Container
from surge_app.services.waiting_room.proof_of_work import ProofOfWork, solve
from tests.integration.bots.visitors import Visitor

NewLine = Callable[..., Awaitable[str]]
NewVisitor = Callable[..., Visitor]
Change = Callable[[dict[str, Any]], object]


def _changed(solution: str, change: Change) -> str:
    payload = json.loads(base64.b64decode(solution))
    change(payload)
    return base64.b64encode(json.dumps(payload).encode()).decode()


def _set(*path: str, to: object) -> Change:
    def change(payload: dict[str, Any]) -> None:
        for name in path[:-1]:
            payload = payload[name]
        payload[path[-1]] = to

    return change


CHANGES: dict[str, Change] = {
    "another event": _set("challenge", "parameters", "data", "event", to="elsewhere"),
    "less work": _set("challenge", "parameters", "cost", to=1),
    "no prefix": _set("challenge", "parameters", "keyPrefix", to=""),
    "a later end": _set("challenge", "parameters", "expiresAt", to=2**40),
    "no end": _set("challenge", "parameters", "expiresAt", to=None),
    "an endless end": _set("challenge", "parameters", "expiresAt", to=float("inf")),
    "no signature": _set("challenge", "signature", to=None),
    "a signature that is none": _set("challenge", "signature", to=["x"]),
    "no signature of the answer": _set("challenge", "parameters", "keySignature", to=None),
    "another answer": _set("solution", "derivedKey", to="00" * 32),
    "an answer that is none": _set("solution", "derivedKey", to={"a": 1}),
    "less suspicion": _set("challenge", "parameters", "data", "suspicion", to=-1),
    "no challenge": _set("challenge", to=[]),
    "no solution": _set("solution", to=None),
}
GARBAGE = {
    "nothing": "",
    "no base64": "%%%",
    "no JSON": "bm8=",
    "not ASCII": "\u20b9",
    "a number": base64.b64encode(b"1").decode(),
    "a list": base64.b64encode(b"[[]]").decode(),
    "a deep one": base64.b64encode(b"[" * 5_000).decode(),
    "far too long": "A" * 8_000,
}


def _shape(body: dict[str, Any]) -> str:
    """Return what an answer looks like without what is random in it."""
    challenge = body["challenge"]
    parameters = challenge["parameters"]
    data = parameters["data"]
    for part, names in (
        (challenge, {"signature"}),
        (parameters, {"nonce", "salt", "keyPrefix", "keySignature", "expiresAt"}),
        (data, {"visitor", "made_ms"}),
    ):
        part.update({name: type(part[name]).__name__ for name in names})
    return json.dumps(body, sort_keys=True)


async def _limiters(services: Container, slug: str) -> list[str]:
    return [key async for key in services.redis.scan_iter(f"surge:{{{slug}}}:limit:*")]


async def _outdated(services: Container, slug: str, visitor: Visitor) -> str:
    header = "; ".join(f"{name}={value}" for name, value in visitor.http.cookies.items())
    visitor_id = services.identity.visitor_id(header)
    assert visitor_id
    with pytest.MonkeyPatch.context() as patch:
        hours_ago = time.time() - 7200
        patch.setattr(time, "time", lambda: hours_ago)
        made = services.joins._proof_of_work.issue(slug, visitor_id, hashes=2, suspicion=0)
    return solve(made)


async def test_every_wrong_solution_gets_the_same_answer_as_none(
    new_line: NewLine, new_visitor: NewVisitor, services: Container
) -> None:
    slug, elsewhere = await new_line(challenge="always"), await new_line(challenge="always")
    visitor, other = new_visitor(), new_visitor()
    mine = solve(await visitor.challenge(slug))
    stranger = ProofOfWork(("another installation's key, quite long",))
    tries = {
        **GARBAGE,
        **{name: _changed(mine, change) for name, change in CHANGES.items()},
        "of another event": solve(await visitor.challenge(elsewhere)),
        "of another visitor": solve(await other.challenge(slug)),
        "signed elsewhere": solve(stranger.issue(slug, "x", hashes=2, suspicion=0)),
        "too old": await _outdated(services, slug, visitor),
    }
    shapes: set[tuple[int, str, str]] = set()
    for name, solution in tries.items():
        answer = await visitor.post(slug, solution=solution)
        assert answer.status_code == 428, name
        shapes.add((answer.status_code, answer.headers["content-type"], _shape(answer.json())))
        await services.redis.delete(*await _limiters(services, slug))
    assert len(shapes) == 1
    used = await visitor.post(slug, solution=mine)
    assert used.status_code == 200
    await visitor.http.delete(f"/api/queue/{slug}")
    again = await visitor.post(slug, solution=mine)
    shapes.add((again.status_code, again.headers["content-type"], _shape(again.json())))
    assert len(shapes) == 1
