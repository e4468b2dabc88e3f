"""Queue as the page does: join, poll on time, sometimes with two tabs or a break."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from typing import Any

from surge_app.errors import ChallengeRequired
from surge_app.languages import gettext as _
from surge_app.rehearsal.plan import Plan, VisitorProfile
from surge_app.rehearsal.recorder import POLL, Estimate, Wait
from surge_app.rehearsal.virtual_browser import Answer, Browser
from surge_app.services.waiting_room.proof_of_work import solve

_IN_QUEUE = {"waiting", "paused", "scheduled"}
_OVER = {"sold_out", "ended"}
_MAX_JOINS = 8
# A page has been open for a moment before its visitor joins; the server may check that.
_OPENED_MS = 2_500.0
_LATE_SECONDS = 5.0
_SHORTEST_WAIT_MS = 1_000


class Waiter:
    """Brings one visitor through the queue."""

    def __init__(self, browser: Browser, plan: Plan, profile: VisitorProfile) -> None:
        self._browser = browser
        self._notes = browser.crowd.notes
        self._plan = plan
        self._profile = profile
        self._path = f"/api/queue/{plan.event}"
        self._naps = profile.comes_back

    async def wait(self) -> str:
        """Return `admitted`, or how the wait ended otherwise."""
        self._notes.waiting += 1
        try:
            return await self._wait()
        finally:
            self._notes.waiting -= 1

    async def _wait(self) -> str:
        until = time.monotonic() + self._plan.patience_seconds
        for _join in range(_MAX_JOINS):
            answer = await self._join()
            if not answer.is_good:
                return "refused"
            wait = Wait(self._profile.index, answer.body.get("number") or 0, self._notes.clock())
            outcome = await self._poll(answer, wait, until)
            if outcome == "not_joined":
                continue
            if wait.number:
                self._notes.waits.append(wait)
            return outcome
        return "gave_up"

    async def _join(self) -> Answer:
        body: dict[str, object] = {"opened_ms": _OPENED_MS}
        answer = await self._browser.insist("join", "POST", self._path, body)
        while answer.status == ChallengeRequired.status:
            body["solution"] = await asyncio.to_thread(solve, answer.body["challenge"])
            self._notes.solved += 1
            answer = await self._browser.insist("join", "POST", self._path, body)
        if answer.is_good and self._profile.has_two_tabs:
            await self._second_tab(answer)
        return answer

    async def _second_tab(self, first: Answer) -> None:
        self._notes.second_tabs += 1
        other = await self._browser.insist("join", "POST", self._path, {"opened_ms": _OPENED_MS})
        numbers = first.body.get("number"), other.body.get("number")
        if other.is_good and None not in numbers and numbers[0] != numbers[1]:
            self._notes.record_fault(_("two tabs of one visitor got two numbers"))

    async def _poll(self, answer: Answer, wait: Wait, until: float) -> str:
        """Poll until the answer is no longer `waiting`."""
        lost_since = 0.0
        while time.monotonic() < until:
            pause = 1.0
            if answer.is_good:
                lost_since = 0.0
                state = answer.body["state"]
                self._check(answer.body, wait)
                if state == "admitted":
                    wait.admitted = self._notes.clock()
                    return "admitted"
                if state in _OVER:
                    return "sold_out" if state == "sold_out" else "ended"
                if state not in _IN_QUEUE:
                    return str(state)
                if self._leaves(wait):
                    return await self._leave("left_line")
                pause = await self._pause(answer.body, wait)
            elif not answer.is_passing:
                return "refused"
            else:
                lost_since = lost_since or time.monotonic()
                pause = max(pause, answer.retry_after)
            asleep = time.monotonic()
            await asyncio.sleep(pause)
            wait.behaved &= time.monotonic() - asleep < pause + _LATE_SECONDS
            sent = self._notes.clock()
            answer = await self._browser.call(POLL, "GET", self._path)
            if answer.is_good and answer.body["state"] == "waiting":
                wait.queued_at = sent
        return await self._leave("waited" if self._plan.only_wait else "gave_up")

    def _check(self, reply: Mapping[str, Any], wait: Wait) -> None:
        number = reply.get("number")
        if number and not wait.number:
            wait.number = number
        elif number and number != wait.number:
            self._notes.record_fault(
                _("number {old} became {new} while waiting", old=wait.number, new=number)
            )
            wait.number = number
        if eta := reply.get("eta_seconds"):
            estimate = Estimate(self._notes.clock(), eta["low"], eta["high"])
            wait.note_estimate(reply["ahead"], estimate)
        if reply["retry_after_ms"] < _SHORTEST_WAIT_MS:
            self._notes.record_fault(_("told to ask again in {ms} ms", ms=reply["retry_after_ms"]))

    def _leaves(self, wait: Wait) -> bool:
        # A visitor who leaves the queue does so after a part of the wait of their own.
        stays = self._profile.thinks[0] * self._plan.patience_seconds / 20
        return self._profile.ending == "leave_line" and self._notes.clock() - wait.joined >= stays

    async def _pause(self, reply: Mapping[str, Any], wait: Wait) -> float:
        if self._naps and reply["state"] == "waiting":
            self._naps = False
            wait.behaved = False
            self._notes.came_back += 1
            return self._plan.away_seconds
        return reply["retry_after_ms"] / 1000

    async def _leave(self, outcome: str) -> str:
        await self._browser.insist("leave", "DELETE", self._path)
        return outcome
