"""The question before held tickets are given back."""

from __future__ import annotations

import reflex as rx


class ReleaseQuestion(rx.State, mixin=True):
    """Whether the page asks if the tickets are to be given back."""

    asks_release: bool = False

    @rx.event
    def ask_release(self) -> None:
        """Ask the question."""
        self.asks_release = True

    @rx.event
    def keep_tickets(self) -> None:
        """Take the question back."""
        self.asks_release = False
