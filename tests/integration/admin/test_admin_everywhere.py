"""Every page, call and event of the console, from the app's own tables: who must not, does not."""

from __future__ import annotations

import asyncio
import inspect
import re
import secrets
from collections.abc import AsyncGenerator

import httpx
import pytest_asyncio
from sqlalchemy import text

from surge_app.api.dependencies import organizer, scanner
from surge_app.container import Container
from surge_app.edge.routes import Access
from surge_app.pages import ROUTES
from surge_app.services.access.identity import Cookie
from tests.architecture import snapshots
from tests.conftest import NewBuyer, NewSale, Surge
from tests.integration.raw_socket import connected

_PASSWORD = "the way in"
_FILLED = {"slug": "x", "ref": "SRG-ABCDEFGH"}
PAGES = [
    re.sub(r"\[(\w+)\]", lambda found: _FILLED[found[1]], route.path)
    for route in ROUTES
    if route.access is Access.ADMIN
]
CALLS = [tuple(line.split()) for line in snapshots.api_routes() if " /api/admin/" in line]
# What an account that only checks tickets in may open and call.
DOOR_PAGES = {"/admin", "/admin/events/x/door"}
DOOR_CALLS = {call for call in CALLS if call[1].startswith("/api/admin/events/{slug}/door")}
EVENTS = [
    (f"{state.__module__.removeprefix(snapshots.PACKAGE)}.{state.__name__}", name, handler)
    for state in snapshots.states()
    if ".state.admin." in state.__module__
    for name, handler in sorted(state.event_handlers.items())
    # Reflex gives it to every State; the gate ends a connection that asks for it.
    if name != "setvar"
]
DOOR_EVENTS = {"state.admin.entrance.check_in.CheckInState", "state.admin.sale.events.EventsState"}

Jars = dict[str, dict[str, str]]


def filled(path: str) -> str:
    """Return the path of a call with something in each of its places."""
    return re.sub(r"\{(\w+)\}", lambda found: _FILLED.get(found[1], "abcdef"), path)


def _cookie(made: Cookie) -> dict[str, str]:
    name, _, value = made.header.partition(";")[0].partition("=")
    return {name: value}


async def _signed_in(surge: Surge, name: str) -> dict[str, str]:
    async with httpx.AsyncClient(base_url=surge.url, timeout=30) as http:
        answer = await http.get("/admin", auth=(name, _PASSWORD))
        assert answer.status_code == 200
        return dict(http.cookies)


@pytest_asyncio.fixture
async def jars(surge: Surge, services: Container) -> AsyncGenerator[Jars]:
    """Cookies of people who were signed in as organizers and are not any more, by why not."""
    access, tag = services.admin_access, secrets.token_hex(4)
    found: Jars = {"nobody": {}}
    for why in ("signed out", "expired", "removed", "other password"):
        name = f"{why.replace(' ', '-')}-{tag}"
        await access.add_account(name, role="organizer", password=_PASSWORD, actor="test")
        found[why] = await _signed_in(surge, name)
    async with httpx.AsyncClient(base_url=surge.url, cookies=found["signed out"]) as http:
        assert (await http.post("/admin/logout")).status_code == 303
    async with services.database.transaction() as session:
        ended = await session.scalars(
            text(
                "UPDATE admin_sessions SET expires_at = now() WHERE user_name = :name RETURNING 1"
            ),
            {"name": f"expired-{tag}"},
        )
        assert ended.all() == [1]
    for why in ("removed", "other password"):
        await access.remove_account(f"{why.replace(' ', '-')}-{tag}", actor="test")
    await access.add_account(
        f"other-password-{tag}", role="organizer", password="another one", actor="test"
    )
    found["made up"] = _cookie(services.identity.admin_session("made up"))
    yield found


@pytest_asyncio.fixture
async def door(surge: Surge, services: Container) -> dict[str, str]:
    """Cookies of somebody who only checks tickets in."""
    name = f"door-{secrets.token_hex(4)}"
    await services.admin_access.add_account(name, role="door", password=_PASSWORD, actor="test")
    return await _signed_in(surge, name)


def test_the_tables_are_those_of_the_app_and_not_empty() -> None:
    assert {"/admin", "/admin/x", *DOOR_PAGES} <= set(PAGES)
    assert len(CALLS) >= 35
    assert len(DOOR_CALLS) >= 4
    assert {"pause", "save_settings", "cancel", "refund", "resolve"} <= {
        name for _, name, _ in EVENTS
    }
    assert {state for state, _, _ in EVENTS} >= DOOR_EVENTS


def test_every_call_that_asks_who_calls_is_below_the_console_and_every_one_there_asks() -> None:
    asking = {organizer, scanner}
    found = {
        route: {need.call for need in dependencies} & asking
        for route, dependencies in snapshots.api_dependencies().items()
    }
    assert set(found) == set(snapshots.api_routes())
    assert {call for call, asked in found.items() if asked} == {" ".join(call) for call in CALLS}
    only_door = {call for call, asked in found.items() if asked == {scanner}}
    assert only_door == {" ".join(call) for call in DOOR_CALLS}


async def test_no_page_and_no_call_opens_to_who_is_not_signed_in_any_more(
    surge: Surge, jars: Jars
) -> None:

    async def try_all(why: str, cookies: dict[str, str]) -> None:
        async with httpx.AsyncClient(base_url=surge.url, cookies=cookies, timeout=60) as http:
            for path in PAGES:
                assert (await http.get(path)).status_code == 401, (why, path)
            for method, path in CALLS:
                answer = await http.request(method, filled(path))
                assert answer.status_code == 401, (why, method, path)
                assert answer.json()["code"] == "unauthorized"

    await asyncio.gather(*(try_all(why, cookies) for why, cookies in jars.items()))


async def test_the_door_opens_what_belongs_to_it_and_nothing_else(
    surge: Surge, door: dict[str, str]
) -> None:
    async with httpx.AsyncClient(base_url=surge.url, cookies=door, timeout=30) as http:
        for path in PAGES:
            expected = 200 if path in DOOR_PAGES else 403
            assert (await http.get(path)).status_code == expected, path
        for method, path in CALLS:
            answer = await http.request(method, filled(path))
            if (method, path) in DOOR_CALLS:
                assert answer.status_code in {404, 422}, (method, path)
            else:
                assert (answer.status_code, answer.json()["code"]) == (403, "forbidden"), path


async def _told(
    surge: Surge, cookies: dict[str, str], slug: str, ref: str
) -> dict[tuple[str, str], str]:
    """Send every event of the console, with arguments that make it act, and return the updates."""
    form = {
        "confirm": slug,
        "slug": f"{slug}-{secrets.token_hex(2)}",
        "name": "Changed",
        "venue": "Elsewhere",
        "starts_at": "2099-01-01T10:00",
        "max_per_person": "5",
        "tier_name": f"Tier {secrets.token_hex(2)}",
        "price": "500",
        "units": "5",
        "email": "right@example.com",
        "phone": "9812345678",
        "what": "all",
    }
    values = {"form": form, "field": "concurrent_buyers", "value": "7", "query": "asha"}
    told: dict[tuple[str, str], str] = {}
    async with connected(surge.url, cookies) as socket:
        # What shows comes before what acts, so that there is something to act on.
        # Each is sent from an address of its own: an event that changes nothing has no answer.
        # The answer to a question comes last.
        events = sorted(EVENTS, key=lambda one: (one[1] != "load", one[1] == "apply"))
        for number, (state, name, handler) in enumerate(events):
            at = (
                f"/admin/bookings/{ref}"
                if "BookingDetail" in state
                else f"/admin/events/{slug}/edit"
            )
            if "Dashboard" in state:
                at = f"/admin/{slug}"
            arguments = list(inspect.signature(handler.fn).parameters)[1:]
            payload = {one: values.get(one, "x") for one in arguments}
            told[state, name] = str(
                await socket.event(state, name, f"{at}?event={number}", payload)
            )
    return told


async def _traces(services: Container, slug: str, ref: str) -> int:
    async with services.database.transaction() as session:
        found = await session.scalar(
            text("SELECT count(*) FROM audit_log WHERE subject LIKE :slug OR subject = :ref"),
            {"slug": f"{slug}%", "ref": ref},
        )
    return int(found or 0)


async def test_no_event_of_the_console_does_or_shows_anything_to_who_may_not(
    surge: Surge,
    services: Container,
    new_sale: NewSale,
    new_buyer: NewBuyer,
    jars: Jars,
    door: dict[str, str],
) -> None:
    name = f"Secret {secrets.token_hex(4)}"
    slug = await new_sale(name=name)
    ref = await new_buyer(slug).buy()
    before = await _traces(services, slug, ref)
    # A connection needs some cookie of ours; the one of a booking has no place in the console.
    visitor = _cookie(services.identity.add_booking_cookie("", ref))
    all_told = await asyncio.gather(
        *(_told(surge, {**visitor, **cookies}, slug, ref) for cookies in jars.values())
    )
    for why, found in zip(jars, all_told, strict=True):
        for event, updates in found.items():
            assert name not in updates, (why, event)
            assert ref not in updates.replace(f"/admin/bookings/{ref}", ""), (why, event)
    for (state, event), updates in (await _told(surge, door, slug, ref)).items():
        assert state in DOOR_EVENTS or name not in updates, ("door", state, event)
    assert await _traces(services, slug, ref) == before
    assert (await services.catalog.event(slug)).name == name
    # The same events do and show it all to an organizer, so the silence above means something.
    async with httpx.AsyncClient(base_url=surge.url, timeout=30) as http:
        await http.get("/admin", auth=surge.organizer)
        told = await _told(surge, dict(http.cookies), slug, ref)
    assert name in str(told)
    # A notice without the version that was shown is refused.
    assert await _traces(services, slug, ref) >= before + 4
