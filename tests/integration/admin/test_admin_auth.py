"""The way into the console: who gets in, who does not, and how it ends."""

from __future__ import annotations

import asyncio
import base64
import dataclasses
import secrets
from collections.abc import AsyncGenerator
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
import pytest_asyncio

from surge_app.container import Container
from surge_app.errors import (
    AccountTaken,
    ConfigurationError,
    InvalidRequest,
    NotFound,
    RateLimited,
    Unauthorized,
)
from surge_app.kv import keys, rate_limits
from surge_app.kv.rate_limits import Limit, RateLimiter
from surge_app.services.access import admin_auth
from surge_app.services.access.admin_auth import AdminAuth, AdminUser, hash_password
from surge_app.services.access.identity import Identity
from surge_app.settings import load_settings
from tests.conftest import NewBuyer, NewSale, Surge
from tests.integration.admin.test_admin_everywhere import CALLS, PAGES, filled
from tests.integration.raw_socket import connected


def _basic(user: str, password: str) -> str:
    return f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}"


@pytest.fixture(autouse=True)
def no_regained_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    """However slow this machine is, no call is regained while a test runs."""
    for name in ("_PER_SOURCE", "_PER_USER_AND_SOURCE", "_PER_USER"):
        slow = dataclasses.replace(getattr(admin_auth, name), per_minute=1)
        monkeypatch.setattr(admin_auth, name, slow)


async def _ask(surge: Surge, method: str, path: str, **request: Any) -> httpx.Response:
    jar = request.pop("cookies", {})
    async with httpx.AsyncClient(base_url=surge.url, cookies=jar, timeout=30) as http:
        return await http.request(method, path, **request)


def _outsiders(surge: Surge, cookies: dict[str, str]) -> dict[str, dict[str, Any]]:
    """Everybody who must not get in, as arguments of a request."""
    user, password = surge.organizer
    return {
        "nobody": {},
        "wrong password": {"headers": {"authorization": _basic(user, password + "x")}},
        "empty password": {"headers": {"authorization": _basic(user, "")}},
        "wrong user": {"headers": {"authorization": _basic("root", password)}},
        "another scheme": {"headers": {"authorization": f"Bearer {password}"}},
        "no base64": {"headers": {"authorization": "Basic %%%"}},
        "no colon": {"headers": {"authorization": f"Basic {base64.b64encode(b'x').decode()}"}},
        "no text": {"headers": {"authorization": "Basic /zo="}},
        "very long": {"headers": {"authorization": _basic(user, "x" * 2_000)}},
        "a visitor": {"cookies": cookies},
        "a visitor's cookie renamed": {"cookies": {"surge_admin": cookies["surge_visitor"]}},
        "a booking's cookie renamed": {"cookies": {"surge_admin": cookies["surge_booking"]}},
    }


@pytest_asyncio.fixture
async def cookies(new_sale: NewSale, new_buyer: NewBuyer) -> dict[str, str]:
    """The cookies of an attendee who has a pass and a booking."""
    buyer = new_buyer(await new_sale())
    await buyer.buy()
    await buyer.join()
    found = dict(buyer.http.cookies)
    assert {"surge_visitor", "surge_pass", "surge_booking"} <= set(found)
    return found


@pytest.mark.parametrize(
    "path",
    [
        "/%61dmin",
        "//admin",
        "/./admin",
        "/x/../admin",
        "/./admin/",
        "/x/../admin/",
        "/events/../admin",
        "/events/%2e%2e/admin",
        "/admin%2fx",
        "/admin;x",
        "/admin/index.html",
        "/ADMIN",
        "/admin%00",
        "/admin?x=/events",
    ],
)
async def test_no_way_of_writing_the_address_leads_around_the_gate(path: str, surge: Surge) -> None:
    parts = urlsplit(surge.url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    request = f"GET {path} HTTP/1.1\r\nHost: {parts.netloc}\r\nConnection: close\r\n\r\n"
    writer.write(request.encode())
    async with asyncio.timeout(60):
        answer = await reader.read()
    writer.close()
    head = answer.partition(b"\r\n\r\n")[0].lower()
    assert int(head.split()[1]) in {400, 401, 404}, answer[:300]
    assert b"surge_admin" not in head


async def test_a_password_opens_once_and_a_session_takes_over(surge: Surge) -> None:
    async with httpx.AsyncClient(base_url=surge.url, timeout=30) as http:
        first = await http.get("/admin", auth=surge.organizer)
        assert first.status_code == 200
        cookie, device = first.headers.get_list("set-cookie")
        assert cookie.startswith("surge_admin=")
        assert device.startswith("surge_device=")
        assert {"HttpOnly", "SameSite=Strict", "Path=/"} <= set(cookie.split("; "))
        assert "Domain" not in cookie
        second = await http.get("/admin")
        assert second.status_code == 200
        assert second.headers["cache-control"] == "no-store"
        assert (await http.get("/api/admin/events/nothing/stats")).status_code == 404


async def test_signing_out_ends_the_session_and_only_a_post_of_our_own_does_it(
    organizer: httpx.AsyncClient,
) -> None:
    assert (await organizer.get("/admin/logout")).status_code == 405
    foreign = await organizer.post("/admin/logout", headers={"sec-fetch-site": "cross-site"})
    assert foreign.status_code == 405
    assert (await organizer.get("/admin")).status_code == 200
    out = await organizer.post("/admin/logout", headers={"sec-fetch-site": "same-origin"})
    assert (out.status_code, out.headers["location"]) == (303, "/events")
    assert "surge_admin" not in organizer.cookies
    assert (await organizer.get("/admin")).status_code == 401


def _access(services: Container, **credentials: object) -> AdminAuth:
    settings = load_settings(
        **{
            "admin_password": None,
            "admin_user": f"user-{secrets.token_hex(4)}",
            "secret_key": services.settings.secret_key,
            **credentials,
        }
    )
    identity = Identity(settings.secret_key, secure=False)
    limits = RateLimiter(services.redis, enabled=True)
    return AdminAuth(settings, limits, services.database, identity)


async def test_who_tries_too_often_is_refused_before_anything_is_hashed(
    services: Container,
) -> None:
    # No password can be verified against this: whoever gets so far meets another error.
    access = _access(services, admin_password_hash="not a hash")
    address = f"test-{secrets.token_hex(4)}"
    for _ in range(10):
        with pytest.raises(ConfigurationError):
            await access.verify(_basic("root", "guess"), client_address=address)
    for _ in range(4):
        with pytest.raises(RateLimited) as caught:
            await access.verify(_basic("root", "guess"), client_address=address)
        assert caught.value.retry_after_seconds >= 1
    with pytest.raises(ConfigurationError):
        await access.verify(_basic("root", "guess"), client_address=f"{address}-elsewhere")


async def test_refused_guesses_cost_the_database_nothing_and_a_right_password_still_opens(
    services: Container, monkeypatch: pytest.MonkeyPatch
) -> None:
    access = _access(services, admin_password_hash=hash_password("the right one"))
    address, user = f"test-{secrets.token_hex(4)}", access._user
    right = _basic(user, "the right one")
    await access.verify(right, client_address=address)
    monkeypatch.setattr(rate_limits, "_REMEMBER_SECONDS", 3_600)
    access._limits._remember(keys.limit("admin", "admin-place", address), 3_600)
    assert (await access.verify(right, client_address=address)).name == user
    monkeypatch.setattr(access, "_database", None)
    with pytest.raises(RateLimited):
        await access.verify(_basic(user, "guess"), client_address=address)


async def test_one_user_guessed_at_from_many_addresses_is_limited_too(services: Container) -> None:
    access = _access(services, admin_password_hash=hash_password("the right one"))
    user = access._user
    outcomes: list[str] = []
    for number in range(24):
        try:
            await access.verify(
                _basic(user, "guess"), client_address=f"{number}-{secrets.token_hex(4)}"
            )
        except (RateLimited, Unauthorized) as error:
            outcomes.append(error.code)
    assert outcomes[:20] == ["unauthorized"] * 20
    assert outcomes[-1] == "rate_limited"


async def test_a_hashed_password_and_nothing_else_opens(services: Container) -> None:
    access = _access(services, admin_password_hash=hash_password("ein langes Pässwort"))
    address = secrets.token_hex(4)
    user = access._user
    found = await access.verify(_basic(user, "ein langes Pässwort"), client_address=address)
    assert found == AdminUser(user, "organizer")
    for header in (_basic(user, "ein langes Passwort"), _basic(user.upper(), "x"), "", "Basic"):
        with pytest.raises(Unauthorized):
            await access.verify(header, client_address=address)


@pytest_asyncio.fixture
async def scanner(services: Container) -> AsyncGenerator[tuple[str, str]]:
    """User and password of an account that only checks tickets in."""
    name, password = f"door-{secrets.token_hex(4)}", "the way in"
    await services.admin_access.add_account(name, role="door", password=password, actor="test")
    yield name, password


async def test_nothing_of_the_organizer_opens_or_answers_to_anyone_else(
    surge: Surge, cookies: dict[str, str]
) -> None:
    pages = [*PAGES, "/admin/", "/admin/x/y", "/admin/x.csv"]
    for who, request in _outsiders(surge, cookies).items():
        jar, headers = request.get("cookies", {}), request.get("headers", {})
        async with httpx.AsyncClient(
            base_url=surge.url, cookies=jar, headers=headers, timeout=30
        ) as http:
            for path in pages:
                answer = await http.get(path)
                assert answer.status_code == 401, (who, path)
                assert answer.headers["www-authenticate"].startswith('Basic realm="Surge')
                assert "surge_admin" not in str(answer.headers.get_list("set-cookie"))
            for method, path in CALLS:
                # A body that would be wrong tells nothing either before the caller is known.
                answer = await http.request(method, filled(path))
                assert answer.status_code == 401, (who, method, path)
                assert answer.json()["code"] == "unauthorized"
                assert answer.headers["www-authenticate"].startswith('Basic realm="Surge')


async def test_signing_out_ends_an_open_connection_too(surge: Surge, new_sale: NewSale) -> None:
    slug = await new_sale(name="Seen while signed in")
    async with httpx.AsyncClient(base_url=surge.url, timeout=30) as http:
        await http.get("/admin", auth=surge.organizer)
        async with connected(surge.url, dict(http.cookies)) as socket:
            seen = await socket.event(
                "state.admin.sale.dashboard.DashboardState", "load", f"/admin/{slug}"
            )
            assert "Seen while signed in" in str(seen)
            copy = dict(http.cookies)
            await http.post("/admin/logout")
            for _ in range(2):
                # The state is gone, so each event makes the page load again, without a session.
                gone = await socket.event(
                    "state.admin.sale.dashboard.DashboardState", "load", f"/admin/{slug}"
                )
                assert "Seen while signed in" not in str(gone)
                assert "'is_hydrated_rx_state_': False" in str(gone)
    assert (await _ask(surge, "GET", "/admin", cookies=copy)).status_code == 401
    assert (await _ask(surge, "GET", "/api/admin/refunds", cookies=copy)).status_code == 401


async def test_a_browser_that_signed_out_does_not_sign_in_by_what_it_remembers(
    surge: Surge,
) -> None:
    async with httpx.AsyncClient(base_url=surge.url, auth=surge.organizer, timeout=30) as http:
        assert (await http.get("/admin")).status_code == 200
        await http.post("/admin/logout")
        # The browser sends the password with every request, as this client does.
        assert (await http.get("/api/admin/refunds")).status_code == 401
        assert (await http.get("/admin")).status_code == 401
        # The refusal made it forget; what comes now was typed.
        assert (await http.get("/admin")).status_code == 200


async def test_removing_an_account_ends_its_sessions_and_its_password(
    surge: Surge, services: Container, scanner: tuple[str, str]
) -> None:
    async with httpx.AsyncClient(base_url=surge.url, timeout=30) as http:
        assert (await http.get("/admin", auth=scanner)).status_code == 200
        assert (await http.get("/admin")).status_code == 200
        await services.admin_access.remove_account(scanner[0], actor="test")
        assert (await http.get("/admin")).status_code == 401
        assert (await http.get("/admin", auth=scanner)).status_code == 401
    with pytest.raises(NotFound):
        await services.admin_access.remove_account(scanner[0], actor="test")


async def test_accounts_are_made_and_listed_on_the_command_line(
    surge: Surge, services: Container
) -> None:
    name = f"org-{secrets.token_hex(4)}"
    with pytest.raises(InvalidRequest):
        await services.admin_access.add_account("No Name", role="door", password="x" * 9, actor="t")
    with pytest.raises(InvalidRequest):
        await services.admin_access.add_account(name, role="owner", password="x" * 9, actor="t")
    with pytest.raises(InvalidRequest):
        await services.admin_access.add_account(name, role="door", password="short", actor="t")
    await services.admin_access.add_account(
        name, role="organizer", password="long enough", actor="t"
    )
    for taken in (name, surge.settings.admin_user):
        with pytest.raises(AccountTaken):
            await services.admin_access.add_account(
                taken, role="organizer", password="long enough", actor="t"
            )
    listed = await asyncio.to_thread(surge.command, "admin", "list", "--json")
    assert name in listed.stdout
    assert "argon2" not in listed.stdout
    found = await services.admin_access.verify(_basic(name, "long enough"), client_address="a")
    assert found == AdminUser(name, "organizer")
    removed = await asyncio.to_thread(surge.command, "admin", "remove", name)
    assert removed.returncode == 0, removed.stderr
    with pytest.raises(Unauthorized):
        await services.admin_access.verify(_basic(name, "long enough"), client_address="a")


async def test_another_password_in_the_settings_ends_the_sessions_of_the_old_one(
    services: Container,
) -> None:
    user = f"user-{secrets.token_hex(4)}"
    first = _access(services, admin_user=user, admin_password="the first one")
    operator, (cookie, _) = await first.sign_in(_basic(user, "the first one"), client_address="a")
    sent = cookie.header.partition(";")[0]
    assert await first.session(sent) == operator
    second = _access(services, admin_user=user, admin_password="the second one")
    assert await second.session(sent) is None


async def test_strangers_cannot_refuse_the_right_password_from_a_known_network(
    services: Container, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        admin_auth, "_PER_USER", Limit("admin-user-test", per_minute=1, burst=3, strict=True)
    )
    access = _access(services, admin_password_hash=hash_password("the right one"))
    user, home = access._user, f"home-{secrets.token_hex(4)}"
    assert await access.verify(_basic(user, "the right one"), client_address=home)

    async def guess(number: int) -> str:
        try:
            await access.verify(
                _basic(user, f"guess {number}"), client_address=f"{number}-{secrets.token_hex(4)}"
            )
        except (RateLimited, Unauthorized) as error:
            return error.code
        return "in"

    assert {await guess(number) for number in range(9)} == {"unauthorized", "rate_limited"}
    # Another worker, which has cached nothing.
    other = _access(services, admin_user=user, admin_password_hash=access._hash)
    assert await other.verify(_basic(user, "the right one"), client_address=home)
    # Behind another address, the device is known by its cookie.
    _, cookies = await other.sign_in(_basic(user, "the right one"), client_address=home)
    (device,) = [one.header.partition(";")[0] for one in cookies if "device" in one.name]
    third = _access(services, admin_user=user, admin_password_hash=access._hash)
    away = f"away-{secrets.token_hex(4)}"
    with pytest.raises(RateLimited):
        await third.verify(_basic(user, "the right one"), client_address=away)
    assert await third.verify(_basic(user, "the right one"), client_address=away, cookies=device)


async def test_a_success_takes_failures_of_others_in_one_network_for_none(
    services: Container,
) -> None:
    access = _access(services, admin_password_hash=hash_password("the right one"))
    venue = f"venue-{secrets.token_hex(4)}"
    for number in range(12):
        # Each with another password in the header, so that nothing is answered from the cache.
        fresh = _access(services, admin_user=access._user, admin_password_hash=access._hash)
        assert await fresh.verify(_basic(access._user, "the right one"), client_address=venue), (
            number
        )


async def test_hashing_waits_in_a_short_queue_and_is_refused_beyond_it(services: Container) -> None:
    access = _access(services, admin_password_hash=hash_password("the right one"))

    async def guess(number: int) -> str:
        try:
            await access.verify(
                _basic(f"nobody-{number}-{secrets.token_hex(4)}", "guess"),
                client_address=f"{number}-{secrets.token_hex(4)}",
            )
        except (RateLimited, Unauthorized) as error:
            return error.code
        return "in"

    outcomes = await asyncio.gather(*(guess(number) for number in range(24)))
    assert set(outcomes) == {"unauthorized", "rate_limited"}
