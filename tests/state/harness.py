"""States without a browser: real handlers, hand-written services, a router that says who asks."""
# ruff: noqa: ARG002 - a fake takes what the service takes

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Mapping, Sequence
from types import MethodType
from typing import Any, Self

import reflex as rx
from reflex.istate.data import HeaderData, ReflexURL, RouterData

from surge_app.errors import IntentExpired, NotFound
from surge_app.services.access.admin_auth import AdminUser
from surge_app.services.bookings.access import BookingRight
from surge_app.services.checkout.contacts import Contacts
from surge_app.services.checkout.views import IntentView, OrderLine
from surge_app.services.events.views import EventView
from surge_app.services.payments.views import CheckoutView, PaymentOutcome
from tests.state import samples


class Identity:
    """Believes what the cookie says: `visitor=…; admin=…; booking=…`."""

    def visitor_id(self, cookies: str) -> str | None:
        return _cookie(cookies, "visitor")


class Access:
    """Believes what the cookie says: `booking=…` paid for it, `link=…` opened its link."""

    async def right(self, ref: str, cookies: str) -> BookingRight | None:
        if _cookie(cookies, "booking") == ref:
            return BookingRight.OWN
        return BookingRight.VIEW if _cookie(cookies, "link") == ref else None


class AdminAccess:
    """Believes what the cookie says: `admin=…` is an organizer, `door=…` one of the door."""

    async def session(self, cookies: str) -> AdminUser | None:
        name = _cookie(cookies, "admin")
        door = _cookie(cookies, "door")
        if door:
            return AdminUser(door, "door")
        return AdminUser(name, "organizer") if name else None


class Catalog:
    """One event."""

    def __init__(self, event: EventView) -> None:
        self.shown = event

    async def events(self, wanted: object = None) -> list[EventView]:
        return [self.shown]

    async def event(self, slug: str) -> EventView:
        if slug != self.shown.slug:
            raise NotFound
        return self.shown


class WaitingRoom:
    """A pass that is there or not."""

    def __init__(self) -> None:
        self.may_shop = True
        self.is_active: list[bool] = []
        self.moved_to: str | None = None

    async def successor(self, slug: str, visitor_id: str) -> str | None:
        return self.moved_to

    async def seconds_to_choose(self, slug: str, visitor_id: str, *, is_active: bool) -> int:
        self.is_active.append(is_active)
        return 120 if self.may_shop else 0


class Intents:
    """At most one intent, of one visitor."""

    def __init__(self, event: EventView) -> None:
        self.event = event
        self.mine: IntentView | None = None
        self.failure: Exception | None = None

    async def latest(self, slug: str, visitor_id: str) -> IntentView | None:
        return self.mine

    async def start(
        self, slug: str, visitor_id: str, lines: list[OrderLine], *, client_address: str
    ) -> tuple[IntentView, bool]:
        if self.failure:
            raise self.failure
        self.mine = samples.intent(self.event, lines)
        return self.mine, True

    async def change(
        self, intent_id: str, visitor_id: str, lines: list[OrderLine], *, client_address: str
    ) -> IntentView:
        if self.failure:
            raise self.failure
        self.mine = samples.intent(self.event, lines)
        return self.mine

    async def get(self, intent_id: str, visitor_id: str) -> IntentView:
        assert self.mine
        return self.mine

    async def heartbeat(self, intent_id: str, visitor_id: str) -> IntentView:
        if self.mine is None or self.mine.status in {"expired", "released"}:
            raise IntentExpired
        return self.mine

    async def release(self, intent_id: str, visitor_id: str) -> None:
        self.become("released")

    def become(self, status: str, **changes: Any) -> None:
        assert self.mine
        self.mine = dataclasses.replace(self.mine, status=status, **changes)


class Payments:
    """An order at once, or a booking if it is free; the test sets the answer to `check`."""

    def __init__(self, intents: Intents) -> None:
        self.intents = intents
        self.answer: PaymentOutcome | Exception = PaymentOutcome(None, "unpaid")
        self.refusal: Exception | None = None
        self.asked = 0

    async def start(
        self,
        intent_id: str,
        visitor_id: str,
        *,
        name: object,
        email: object,
        phone: object,
        attendees: Mapping[str, Sequence[str]],
    ) -> CheckoutView:
        contact = Contacts().check(name=name, email=email, phone=phone, attendees=attendees)
        if self.refusal:
            raise self.refusal
        if self.intents.mine and self.intents.mine.total_paise == 0:
            self.intents.become("confirmed", remaining_seconds=0, booking_ref=samples.FREE_REF)
            return samples.free_checkout(contact)
        self.intents.become("paying", remaining_seconds=720)
        return samples.checkout(contact)

    async def check(self, intent_id: str, visitor_id: str) -> PaymentOutcome:
        self.asked += 1
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


class Background:
    """Stands for the proxy Reflex hands to background handlers; there is no lock to take."""

    def __init__(self, state: rx.State) -> None:
        object.__setattr__(self, "_state", state)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        return None

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._state, name)
        return MethodType(value.__func__, self) if isinstance(value, MethodType) else value

    def __setattr__(self, name: str, value: object) -> None:
        setattr(self._state, name, value)


async def call(handler: Any, state: rx.State, *arguments: object) -> list[Any]:
    """Run an event handler to its end and return what it yielded or returned."""
    target = Background(state) if handler.is_background else state
    # As Reflex calls it: by name.
    names = list(inspect.signature(handler.fn).parameters)[1:]
    result = handler.fn(target, **dict(zip(names, arguments, strict=True)))
    if hasattr(result, "__aiter__"):
        return [step async for step in result]
    if hasattr(result, "__await__"):
        result = await result
    return [] if result is None else [result]


def at(state: Any, path: str, cookie: str = "") -> Any:
    """Put a state onto a page of a tab, with the cookies of its connection."""
    if state.parent_state is None:
        state.parent_state = rx.State(_reflex_internal_init=True)  # pyright: ignore[reportCallIssue]
        state.parent_state.substates[state.get_name()] = state
    state.router = RouterData(
        headers=HeaderData(cookie=cookie), url=ReflexURL(f"https://surge.example{path}")
    )
    return state


def _cookie(header: str, name: str) -> str | None:
    found = dict(part.strip().split("=", 1) for part in header.split(";") if "=" in part)
    return found.get(name)
