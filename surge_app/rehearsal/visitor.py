"""One visitor: arrives, waits as told, chooses, and then does what the plan says of them."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator
from typing import Any

from surge_app.languages import gettext as _
from surge_app.rehearsal.live_checkout import LiveCheckout
from surge_app.rehearsal.payment import Payer
from surge_app.rehearsal.plan import Plan, VisitorProfile
from surge_app.rehearsal.queueing import Waiter
from surge_app.rehearsal.recorder import Notes
from surge_app.rehearsal.virtual_browser import Answer, Browser, Crowd

_MAX_VISITS = 6
_MAX_HOLD_ATTEMPTS = 3
_SHORT = {"all_held", "not_enough_left", "sold_out"}
_TURNED_AWAY = {"not_admitted", "person_limit"}
_AFTER_THE_END_SECONDS = 2.5
_POLL_SECONDS = 2.0
_LATEST_END_SECONDS = 62.0
_OVER = {"expired", "released"}
_LIVE = {"held", "paying"}


class Visitor:
    """Plays one person."""

    def __init__(self, crowd: Crowd, plan: Plan, profile: VisitorProfile) -> None:
        self._plan = plan
        self._profile = profile
        self._notes: Notes = crowd.notes
        self._browser: Browser = crowd.browser(profile.index)
        self._waiter = Waiter(self._browser, plan, profile)
        self._thinks = 0
        self._comes_back = profile.comes_back

    async def attend(self) -> str:
        """Live through the sale and return how it ended."""
        await asyncio.sleep(self._profile.arrives_after)
        self._notes.arrived += 1
        for page in ("events", "queue"):
            await self._browser.call("page", "GET", f"/{page}/{self._plan.event}")
        for _visit in range(_MAX_VISITS):
            outcome = await self._waiter.wait()
            if outcome != "admitted":
                return outcome
            if self._plan.only_wait:
                await self._give_back()
                return "waited"
            self._notes.inside += 1
            try:
                outcome = await self._shop()
            finally:
                self._notes.inside -= 1
            if outcome != "again":
                return outcome
        return "gave_up"

    async def _shop(self) -> str:
        async with self._checkout():
            answer = await self._hold()
            if answer is None:
                return "again"
            intent = answer.body
            await self._think()
            ending = self._profile.ending
            if ending == "release":
                await self._browser.insist("release", "DELETE", f"/api/intents/{intent['id']}")
                await self._give_back()
                return "released"
            if ending == "expire":
                return await self._let_expire(intent)
            payer = Payer(self._browser, self._plan, self._profile)
            return await payer.pay(intent, walks_away=ending == "walk_away")

    @contextlib.asynccontextmanager
    async def _checkout(self) -> AsyncGenerator[None]:
        await self._browser.call("page", "GET", f"/book/{self._plan.event}")
        if not self._profile.has_socket:
            yield
            return
        live = LiveCheckout(self._browser, self._plan.event)
        await live.open()
        try:
            yield
        finally:
            await live.close()

    async def _hold(self) -> Answer | None:
        """Hold what one likes, or what is left; None if there was nothing to be had."""
        quantity = self._profile.quantity
        for _attempt in range(_MAX_HOLD_ATTEMPTS):
            shown = await self._browser.insist("event", "GET", f"/api/events/{self._plan.event}")
            await self._think()
            selection = self._selection(shown.body, quantity)
            if selection is None:
                self._notes.in_vain += 1
                break
            answer = await self._ask_for(selection)
            if answer.is_good:
                return answer
            if answer.code in _TURNED_AWAY:
                return None
            if answer.code not in _SHORT and not answer.is_passing:
                self._notes.record_fault(
                    _(
                        "a hold was answered with {status} {code}",
                        status=answer.status,
                        code=answer.code,
                    )
                )
                return None
            quantity = 1
        await self._give_back()
        return None

    async def _ask_for(self, selection: dict[str, object]) -> Answer:
        path = f"/api/events/{self._plan.event}/intents"
        answer = await self._browser.insist("hold", "POST", path, selection)
        if answer.is_good and self._profile.has_two_tabs:
            other = await self._browser.insist("hold", "POST", path, selection)
            if other.is_good and other.body["id"] != answer.body["id"]:
                # Where answers are slow, the first hold may have ended in between.
                first = await self._read_intent(answer.body["id"])
                if first.body.get("status") in _LIVE and first.body["remaining_seconds"] > 0:
                    self._notes.record_fault(_("two tabs of one visitor held tickets twice"))
        return answer

    def _selection(self, event: dict[str, Any], quantity: int) -> dict[str, object] | None:
        tiers = event.get("tiers", [])
        able = [tier for tier in tiers if tier["available"] >= quantity] or [
            tier for tier in tiers if tier["available"]
        ]
        if not able:
            return None
        tier = able[int(self._profile.taste * len(able))]
        return {"lines": [{"tier_id": tier["id"], "quantity": min(quantity, tier["available"])}]}

    async def _let_expire(self, intent: dict[str, Any]) -> str:
        await asyncio.sleep(intent["remaining_seconds"] + _AFTER_THE_END_SECONDS)
        until = time.monotonic() + _LATEST_END_SECONDS
        read = await self._read_intent(intent["id"])
        while read.is_good and read.body["status"] not in _OVER and time.monotonic() < until:
            await asyncio.sleep(_POLL_SECONDS)
            read = await self._read_intent(intent["id"])
        if read.is_good and read.body["status"] not in _OVER:
            self._notes.record_fault(
                _("a hold long past its end was still {status}", status=read.body["status"])
            )
        await self._give_back()
        if self._comes_back:
            self._comes_back = False
            self._notes.came_back += 1
            return "again"
        return "expired"

    async def _read_intent(self, intent_id: str) -> Answer:
        return await self._browser.insist("look at hold", "GET", f"/api/intents/{intent_id}")

    async def _give_back(self) -> None:
        await self._browser.insist("leave", "DELETE", f"/api/queue/{self._plan.event}")

    async def _think(self) -> None:
        part = self._profile.thinks[self._thinks % len(self._profile.thinks)]
        self._thinks += 1
        await asyncio.sleep(2 * part * self._plan.think_seconds)
