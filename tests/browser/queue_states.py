"""Every state of the waiting room's page, as answers a test or a picture can force.

A state is forced by answering the page's own requests, so what is seen is the page as it is
built, in moments that are hard to bring about or too short to look at.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from playwright.async_api import Page, Route

from surge_app.services.waiting_room.proof_of_work import ProofOfWork

_STEADY = {
    "state": "waiting",
    "position": 1284,
    "ahead": 1283,
    "number": 2961,
    "waiting": 3412,
    "eta_seconds": {"low": 360, "high": 480},
    "retry_after_ms": 60_000,
    "available": 2140,
    "by_tier": [],
    "held": 312,
    "message": "",
    "pass_expires_at": None,
    "note": None,
    "note_text": None,
    "opens_in_ms": None,
    "order": {"rule": "fifo", "commitment": None, "seed": None, "early": None},
}
# Replaced by a moment shortly after each answer, so that nobody comes too late while one looks.
_SOON = "soon"
_NOWHERE = {"position": None, "ahead": None, "eta_seconds": None}
_SEED = "7f0c2f6f6e4b1f8b1f0b6f1c9f9e0d3c5a7b9e1d2c3b4a5f60718293a4b5c6d7"
_FINGERPRINT = "b7d7f1a3c0de5b8f2f4c6f5a9e4d3c2b1a0f9e8d7c6b5a49382716051f2e3d4c"


@dataclass(frozen=True, slots=True)
class LineState:
    """One state.

    Attributes:
        says: Words of the page that show it is this state.
        answers: The bodies of the answers in order; the last one is repeated.
        status: Of the last answer; 0 cuts the connection.
        presses: The button to press once the page is there.
    """

    says: str
    answers: tuple[dict[str, Any], ...]
    status: int = 200
    presses: str = ""
    headers: dict[str, str] = field(default_factory=dict[str, str])


def _line(**changes: Any) -> tuple[dict[str, Any], ...]:
    return ({**_STEADY, **changes},)


def _problem(status: int, title: str, **more: Any) -> tuple[dict[str, Any], ...]:
    return ({"type": "about:blank", "title": title, "status": status, **more},)


def _drawn(**changes: Any) -> dict[str, Any]:
    order = {"rule": "random", "commitment": _FINGERPRINT, "seed": None, "early": None}
    return {**order, **changes}


LINE_STATES: dict[str, LineState] = {
    "waiting": LineState(
        "Your position in the queue", _line(message="We call about 60 people a minute.")
    ),
    "odds": LineState(
        "about 1 in 5", _line(position=313, ahead=312, available=40, held=55, odds=0.21)
    ),
    "hopeless": LineState(
        "practically no chance of a ticket",
        _line(available=40, held=55, odds=0.002, eta_seconds=None),
    ),
    "far": LineState(
        "Your position in the queue",
        _line(position=206_100, ahead=206_099, number=406_945, waiting=431_000),
    ),
    "slower": LineState(
        "Fewer people",
        (
            {**_STEADY, "retry_after_ms": 500},
            {
                **_STEADY,
                "eta_seconds": {"low": 700, "high": 1100},
                "note": "slower",
                "note_text": "Fewer people finish per minute than before, so it takes longer.",
            },
        ),
    ),
    "next": LineState(
        "You are next", _line(position=1, ahead=0, eta_seconds={"low": 10, "high": 40})
    ),
    "full": LineState(
        "Everybody inside is still choosing",
        _line(note="full", note_text="Everybody inside is still choosing."),
    ),
    "held": LineState(
        "All remaining tickets are in checkouts",
        _line(available=0, held=41, position=12, ahead=11, note="all_held", note_text="…"),
    ),
    "recalled": LineState(
        "Welcome back",
        _line(
            position=1,
            ahead=0,
            note="recalled",
            note_text="Your turn came while you were away. You are served next.",
        ),
    ),
    "paused": LineState("The queue is paused", _line(state="paused", eta_seconds=None)),
    "admitted": LineState(
        "It is your turn",
        (
            {**_STEADY, "position": 1, "ahead": 0, "retry_after_ms": 500},
            {
                **_STEADY,
                **_NOWHERE,
                "state": "admitted",
                "pass_expires_at": _SOON,
            },
        ),
    ),
    "lobby": LineState(
        "First come, first served",
        _line(**_NOWHERE, state="scheduled", number=12, waiting=340, opens_in_ms=754_000),
    ),
    "draw": LineState(
        "You're in the draw",
        _line(
            **_NOWHERE,
            state="scheduled",
            number=12,
            waiting=340,
            opens_in_ms=754_000,
            order=_drawn(),
        ),
    ),
    "undrawn": LineState(
        "A moment",
        (
            {
                **_STEADY,
                **_NOWHERE,
                "state": "scheduled",
                "opens_in_ms": 0,
                "order": _drawn(),
                "retry_after_ms": 500,
            },
            {**_STEADY, **_NOWHERE, "order": _drawn(seed=_SEED, early=2400)},
        ),
    ),
    "drawn": LineState("The order is drawn once", _line(order=_drawn(seed=_SEED, early=2400))),
    "sold_out": LineState("Sold out for now", _line(**_NOWHERE, state="sold_out", available=0)),
    "ended": LineState("The sale is over", _line(**_NOWHERE, state="ended")),
    "lost": LineState(
        "Your place was given up",
        (
            {**_STEADY, "retry_after_ms": 500},
            {**_STEADY, **_NOWHERE, "number": None, "state": "not_joined"},
        ),
    ),
    "leaving": LineState("you start at the end", _line(), presses="Leave the queue"),
    "challenge": LineState(
        "One check before you join",
        _problem(
            428,
            "One quick check before you join.",
            # Far more than a browser computes while one looks.
            challenge=ProofOfWork(("key",)).issue("any", "any", hashes=10**8, suspicion=0),
        ),
        status=428,
    ),
    "missing": LineState("There is no such event", _problem(404, "Nothing here."), status=404),
    "cookieless": LineState(
        "Your browser does not keep cookies", _line(state="not_joined", note="cookie_required")
    ),
    "refused": LineState("The check did not work", _problem(428, "One check."), status=428),
    "crowded": LineState(
        "One moment, please",
        _problem(429, "Too many requests. Please wait a moment."),
        status=429,
        headers={"Retry-After": "60"},
    ),
    "unavailable": LineState(
        "The queue is not available right now",
        _problem(503, "The waiting room is not responding. Your place is safe."),
        status=503,
        headers={"Retry-After": "60"},
    ),
    "offline": LineState("Connection lost", ({},), status=0),
    "cut": LineState("Your place is safe", ({**_STEADY, "retry_after_ms": 500}, {}), status=0),
}


def _with_a_time(body: dict[str, Any]) -> dict[str, Any]:
    if body.get("pass_expires_at") != _SOON:
        return body
    return {**body, "pass_expires_at": (datetime.now(UTC) + timedelta(seconds=85)).isoformat()}


async def force(page: Page, slug: str, state: LineState) -> None:
    """Make a page answer its line with a state, whatever the line says."""
    left = list(state.answers)

    async def answer(route: Route) -> None:
        body = left.pop(0) if len(left) > 1 else left[0]
        is_last = body is state.answers[-1]
        if is_last and state.status == 0:
            await route.abort("internetdisconnected")
            return
        await route.fulfill(
            status=state.status if is_last else 200,
            headers={"Content-Type": "application/json", **(state.headers if is_last else {})},
            body=json.dumps(_with_a_time(body)),
        )

    await page.route(f"**/api/queue/{slug}", answer)
    # The page stays while it is looked at: an answer without content leaves the page as it is.
    await page.route(f"**/book/{slug}", lambda route: route.fulfill(status=204))
