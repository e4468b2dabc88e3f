"""The question before held tickets are given back."""

from __future__ import annotations

import reflex as rx


class ReleaseQuestion(rx.State, mixin=True):
    """The confirmation question before tickets are released."""

    asks_release: bool = False

    @rx.event
    def ask_release(self) -> None:
        """Ask the question."""
        self.asks_release = True

    @rx.event
    def keep_tickets(self) -> None:
        """Take the question back."""
        self.asks_release = False
