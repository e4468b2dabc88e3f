"""What the line tells a visitor, as an answer of the API."""

from __future__ import annotations

from surge_app.edge.http import Answer, json_answer, problem
from surge_app.errors import ChallengeRequired
from surge_app.services.waiting_room.requests import QueueReply


def told_answer(told: QueueReply) -> Answer:
    """Return the answer with its cookies; a challenge is a problem of status 428."""
    cookies = [("set-cookie", cookie.header) for cookie in told.cookies]
    if isinstance(told.status, ChallengeRequired):
        return problem(told.status, cookies)
    return json_answer(200, told.status.to_json(), cookies)
