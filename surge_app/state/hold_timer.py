"""The time left of a hold, as of the server's last answer."""

from __future__ import annotations

import reflex as rx

from surge_app.services.checkout.views import IntentView


class HoldTimer(rx.State, mixin=True):
    """The time left, and whether it runs.

    Attributes:
        remaining_seconds: Whole seconds, by the server.
        stamp: Grows with each answer of the server, so an equal number counts as news.
        payments_paused: The gateway is down; the page continues automatically when it is back.
        clock_stopped: The hold keeps its seconds meanwhile.
    """

    remaining_seconds: int = 0
    stamp: int = 0
    payments_paused: bool = False
    clock_stopped: bool = False

    def _set_clock(self, intent: IntentView | None) -> None:
        """Show the clock of a hold, or none."""
        self.remaining_seconds = intent.remaining_seconds if intent else 0
        self.payments_paused = intent is not None and intent.payments_paused
        self.clock_stopped = intent is not None and intent.clock_stopped
        self.stamp += 1
