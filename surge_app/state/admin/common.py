"""What the States of the console share: who may see them, figures as text, sent text as numbers."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import cast

import reflex as rx

from surge_app.state import session

_LARGEST = 10**12
STATUS_TONES = {
    "on_sale": "good",
    "scheduled": "accent",
    "paused": "warn",
    "all_held": "warn",
    "sold_out": "off",
    "ended": "off",
    "cancelled": "off",
    "draft": "off",
}


class ConsoleState(rx.State, mixin=True):
    """What is behind a page of the console: nothing, unless an organizer is signed in.

    Attributes:
        phase: loading, signed_out, or what the page says.
    """

    phase: str = "loading"

    async def _organizer(self) -> str | None:
        """Return the organizer's name; forget everything if nobody is signed in any more."""
        admin = await session.organizer(self)
        if admin is None:
            self.reset()
            self.phase = "signed_out"
        return admin


class ListState(ConsoleState, mixin=True):
    """A list that is shown page by page.

    Attributes:
        next_before: Asks for the next page; empty at the end.
    """

    next_before: str = ""

    @rx.event
    async def more(self) -> None:
        """Show the next ones below."""
        await self._find(before=self.next_before or None)

    @abstractmethod
    async def _find(self, *, before: str | None) -> object:
        """Show the first page, or the one that `before` asks for below."""


def wait_text(seconds: int | None) -> str:
    """Return a wait in words; empty if it is not known."""
    if seconds is None:
        return ""
    if seconds == 0:
        return "no wait"
    if seconds < 90:  # noqa: PLR2004  below two minutes seconds say more
        return f"{seconds} s"
    minutes = round(seconds / 60)
    hours, rest = divmod(minutes, 60)
    return f"{hours} h {rest} min" if hours else f"{minutes} min"


def form_fields(form: object) -> dict[str, str]:
    """Return the text fields of a form a browser sent, whatever else it sent."""
    if not isinstance(form, Mapping):
        return {}
    sent = cast("Mapping[object, object]", form)
    return {
        str(name): value.strip()[:2_000] for name, value in sent.items() if isinstance(value, str)
    }


def parse_int(text: str) -> int | None:
    """Return a whole number that was typed, None if it is none."""
    plain = text.replace(",", "").strip()
    number = int(plain) if plain.isascii() and plain.isdecimal() and len(plain) <= 12 else None  # noqa: PLR2004  12 digits are more than anything here
    return number if number is None or number <= _LARGEST else None


def as_text(text: object, *, longest: int = 100) -> str:
    """Return what a browser sent if it is text, cut; empty otherwise."""
    return text[:longest] if isinstance(text, str) else ""
