"""The time left to choose before a turn goes to the next visitor."""

from __future__ import annotations

import contextlib

import reflex as rx

from surge_app.container import current
from surge_app.errors import SurgeError


class ChoiceTimer(rx.State, mixin=True):
    """The time to choose.

    Attributes:
        may_shop: Whether the visitor has a pass.
        choose_seconds: How long it lasts without a hold, by the server.
        choose_stamp: Grows with each answer of the server.
        leave_to: Where the browser goes next.
    """

    may_shop: bool = False
    choose_seconds: int = 0
    choose_stamp: int = 0
    leave_to: str = ""

    async def _check_pass(self, slug: str, visitor: str, *, is_active: bool = False) -> bool:
        """Check the pass; only an active choice extends it. Raises QueueUnavailable."""
        self.may_shop, self.choose_seconds = False, 0
        self.choose_stamp += 1
        self.choose_seconds = await current().waiting_room.seconds_to_choose(
            slug, visitor, is_active=is_active
        )
        self.may_shop = self.choose_seconds > 0
        if not self.may_shop and await current().waiting_room.successor(slug, visitor):
            # The waiting room says that the visitor continues on another device.
            self.leave_to = f"/queue/{slug}"
        return self.may_shop

    async def _recheck_pass(self, slug: str, visitor: str, *, is_active: bool = False) -> bool:
        """Check the pass again on a page that stays useful without the queue."""
        with contextlib.suppress(SurgeError):
            return await self._check_pass(slug, visitor, is_active=is_active)
        return False
