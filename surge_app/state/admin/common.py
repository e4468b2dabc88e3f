"""Shared by admin States: rights, the result of an action, parsing of forms."""

from __future__ import annotations

import functools
import inspect
from abc import abstractmethod
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar, TypeVarTuple, cast
from urllib.parse import urlencode

import reflex as rx

from surge_app.clock import new_id
from surge_app.container import current
from surge_app.errors import InvalidContact, NotFound, SurgeError
from surge_app.formatting import format_number
from surge_app.languages import N_, gettext as _, ngettext
from surge_app.state import session
from surge_app.state.admin.audit_labels import explain

_State = TypeVar("_State", bound="AdminState")
_Sent = TypeVarTuple("_Sent")

HOME_ZONE = "Asia/Kolkata"
FORM_KEY = "form_key"
_LARGEST = 10**12
_MAX_COUNTED = 99
STATUSES = {
    "on_sale": (N_("On sale"), "good"),
    "scheduled": (N_("Scheduled"), "accent"),
    "paused": (N_("Paused"), "warn"),
    "all_held": (N_("All held"), "warn"),
    "sold_out": (N_("Sold out"), "off"),
    "ended": (N_("Ended"), "off"),
    "cancelled": (N_("Cancelled"), "off"),
    "draft": (N_("Draft"), "off"),
}
BOOKING_STATUSES = {
    "confirmed": (N_("Confirmed"), "good"),
    "refunding": (N_("Refunding"), "warn"),
    "refunded": (N_("Refunded"), "off"),
}


@dataclass(frozen=True)
class StockCard:
    """The tickets of a sale or type as text, and the parts of their bar in per cent."""

    capacity: str = ""
    sold: str = ""
    held: str = ""
    free: str = ""
    sold_percent: float = 0
    held_percent: float = 0


def stock(capacity: int, sold: int, held: int, free: int) -> dict[str, Any]:
    """Return the fields of a `StockCard`."""
    counts = {"capacity": capacity, "sold": sold, "held": held, "free": free}
    shares = {"sold_percent": sold, "held_percent": held}
    return {
        **{name: format_number(count) for name, count in counts.items()},
        **{name: round(count / max(1, capacity) * 100, 2) for name, count in shares.items()},
    }


class AdminState(rx.State, mixin=True):
    """A page of the admin area; it shows nothing unless an organizer is signed in.

    Attributes:
        phase: loading, signed_out, missing, or what the page says.
        done: What the last action did, and `problem` why it did not.
        acted: The handler that ran last, so that its notice is shown beside its button.
        field_errors: One sentence for each field that needs another look.
        form_key: Names the forms as they are open now; each form is executed once.
        attention: How many action items wait, for the menu; empty if none.
    """

    phase: str = "loading"
    done: str = ""
    problem: str = ""
    acted: str = ""
    field_errors: dict[str, str] = {}
    form_key: str = ""
    attention: str = ""

    @rx.event
    async def load(self) -> None:
        """Show what the address names."""
        self.reset()
        self.form_key = new_id()
        await self._show()

    async def _organizer(self) -> str | None:
        """Return the organizer's name; forget everything if no one is signed in any more."""
        admin = await session.organizer(self)
        if admin is None:
            self.reset()
            self.phase = "signed_out"
        return admin

    async def _show(self) -> None:
        if await self._organizer() is None:
            return
        try:
            self.attention = await attention()
            await self._read()
        except NotFound:
            self.phase = "missing"
        except SurgeError as error:
            self.acted, self.done, self.problem = "", "", error.text

    @abstractmethod
    async def _read(self) -> None:
        """Read what the page shows; called for a signed-in organizer only."""

    def _subject(self) -> str:
        """Return the slug or reference in the address."""
        return session.path_param(self, 2)

    def _set_changed(self, **shown: object) -> None:
        """Set what is shown now; what did not change is not sent again."""
        for name, value in shown.items():
            if getattr(self, name) != value:
                setattr(self, name, value)


class LiveState(AdminState, mixin=True):
    """A page whose figures are read again while it is open."""

    @rx.event
    async def refresh(self) -> None:
        """Read current figures."""
        await self._show()


class ListState(AdminState, mixin=True):
    """A list shown page by page, whose filters are in its address.

    Attributes:
        next_before: Asks for the next page; empty at the end.
        filters: Text by the name it has in the address; every list names its own.
        address: The query that shows the same list again.
    """

    next_before: str = ""
    filters: dict[str, str] = {}
    address: str = ""

    @rx.event
    async def load(self) -> None:
        """Show what the address asks for."""
        self.reset()
        self.form_key = new_id()
        asked = {name: as_text(session.query_param(self, name)) for name in self.filters}
        # What the address leaves out stays as the list begins.
        self.filters = {name: asked[name] or value for name, value in self.filters.items()}
        await self._show()

    @rx.event
    async def filter(self, name: object, value: object) -> None:
        """Keep what has one value, or the searched text."""
        self.done = self.problem = ""
        # What the browser sends need not be text, and may have no hash.
        if (known := as_text(name)) in self.filters:
            self.filters = {**self.filters, known: as_text(value).strip()}
        await self._show()

    @rx.event
    async def more(self) -> None:
        """Add the next page below."""
        if await self._organizer() is not None:
            await self._find(before=self.next_before or None)

    async def _read(self) -> None:
        self.address = urlencode({name: text for name, text in self.filters.items() if text})
        await self._find(before=None)

    @abstractmethod
    async def _find(self, *, before: str | None) -> object:
        """Show the first page, or add the one that `before` asks for."""


def organizer_action(
    handler: Callable[[_State, str, *_Sent], Awaitable[str | None]],
) -> Callable[[_State, *_Sent], Coroutine[Any, Any, None]]:
    """Run a handler for the signed-in organizer, then show its outcome and current data.

    The handler takes the organizer's name after `self` and returns the sentence to show. A form
    with a `form_key` is executed once; a second press of the same button changes nothing.
    """

    @functools.wraps(handler)
    async def run(self: _State, *arguments: Any, **named: Any) -> None:
        actor = await self._organizer()
        if actor is None:
            return
        # Reflex sends arguments by name.
        sent = form_fields(next(iter((*arguments, *named.values())), None))
        if sent.get(FORM_KEY, self.form_key) != self.form_key:
            if not self.done:
                self.problem = _("This form was already sent. Nothing was done twice.")
            return
        self.acted, self.done, self.problem, self.field_errors = run.__name__, "", "", {}
        try:
            done = await cast("Any", handler)(self, actor, *arguments, **named)
        except SurgeError as error:
            self.problem = explain(error)
            if isinstance(error, InvalidContact):
                self.field_errors = error.fields
        else:
            if done:
                self.done, self.form_key = done, new_id()
        await self._show()

    signature = inspect.signature(handler)
    this, _actor, *rest = signature.parameters.values()
    # The browser sends everything but the organizer's name.
    cast("Any", run).__signature__ = signature.replace(parameters=[this, *rest])
    return run


async def attention() -> str:
    """Return how many action items wait, as the menu shows it; empty if none do."""
    number = len(await current().action_items.recent())
    return "99+" if number > _MAX_COUNTED else str(number or "")


def status_and_tone(status: str, known: Mapping[str, tuple[str, str]]) -> dict[str, str]:
    """Return the fields of a card that say how something stands."""
    words, tone = known[status]
    return {"status": _(words), "tone": tone}


def version_of(form: object) -> int:
    """Return the version a form was shown with."""
    # A form without a version was never shown by a page; it fits nothing.
    version = parse_int(form_fields(form).get("version", ""))
    return -1 if version is None else version


def wait_text(seconds: int | None) -> str:
    """Return a wait in words; empty if it is not known."""
    if seconds is None:
        return ""
    if seconds < 90:  # noqa: PLR2004  below two minutes seconds say more
        return _("{count} s", count=seconds)
    return hours_text(round(seconds / 60))


def hours_text(minutes: int) -> str:
    """Return minutes as `2 h 5 min`."""
    hours, rest = divmod(minutes, 60)
    return (
        _("{hours} h {rest} min", hours=hours, rest=rest) if hours else _("{range} min", range=rest)
    )


def bookings(number: int) -> str:
    """Return a number of bookings: `1 booking`, `2,140 bookings`."""
    return ngettext("{count} booking", "{count} bookings", number)


def form_fields(form: object, *, longest: int = 2_000) -> dict[str, str]:
    """Return the text fields of a form a browser sent, whatever else it sent."""
    if not isinstance(form, Mapping):
        return {}
    sent = cast("Mapping[object, object]", form)
    return {
        str(name): value.strip()[:longest] for name, value in sent.items() if isinstance(value, str)
    }


def parse_int(text: str) -> int | None:
    """Return a whole number that was typed, None if it is none."""
    plain = text.replace(",", "").strip()
    number = int(plain) if plain.isascii() and plain.isdecimal() and len(plain) <= 12 else None  # noqa: PLR2004  12 digits are more than anything here
    return number if number is None or number <= _LARGEST else None


def parse_rupees(text: str) -> int | None:
    """Return the paise of an amount such as 500 or 499.50, None if it is none."""
    whole, _, part = text.removeprefix("₹").strip().partition(".")
    rupees = parse_int(whole)
    paise = parse_int(part.ljust(2, "0")) if len(part) <= 2 else None  # noqa: PLR2004  a rupee has 100 paise
    return None if rupees is None or paise is None else rupees * 100 + paise


def as_text(text: object, *, longest: int = 100) -> str:
    """Return what a browser sent if it is text, cut; empty otherwise."""
    return text[:longest] if isinstance(text, str) else ""
