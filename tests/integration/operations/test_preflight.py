"""The preflight: break one thing, and exactly its check says so, and how to mend it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self

import pytest
from redis.asyncio import Redis
from sqlalchemy import text

from surge_app.container import Container
from surge_app.launcher.ports import free_port
from surge_app.services.operations import preflight
from surge_app.services.operations.preflight import Check, examine
from surge_app.settings import Settings
from tests.conftest import Surge

# Each is a change of the settings that breaks one thing.
_SETTINGS: dict[str, Callable[[Settings, Path], dict[str, object]]] = {
    "payments: sandbox": lambda _, __: _in_production(razorpay_key_id=None),
    "mail: sandbox": lambda _, __: _in_production(sendgrid_api_key=None),
    "sms: sandbox": lambda _, __: _in_production(twilio_account_sid=None),
    "secret key": lambda _, __: {"secret_key": ("short",)},
    "organizer's password": lambda _, __: _in_production(admin_password_hash=None),
    "webhook secret": lambda _, __: _in_production(razorpay_webhook_secrets=()),
    "mail sender": lambda _, __: _in_production(sendgrid_from="nobody"),
    "sms sender": lambda _, __: _in_production(twilio_from=None),
    "mail reports": lambda _, __: _in_production(sendgrid_webhook_public_keys=()),
    "sms texts": lambda _, folder: {"dlt_templates": folder / "none.json"},
    "webhooks arrive": lambda _, __: {"port": free_port()},
    "public address": lambda _, __: {"public_url": f"http://127.0.0.1:{free_port()}"},
    "pool sizes": lambda _, __: {"workers": 64},
    # A file system that never has a free block.
    "disk space": lambda _, __: {"data_dir": Path("/proc" if Path("/proc").is_dir() else "/dev")},
    "postgres": lambda _, __: {"database_url": _nowhere("postgresql"), "database_direct_url": None},
    "redis": lambda _, __: {"redis_url": _nowhere("redis")},
}


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine under load is no Surge that does not answer."""
    monkeypatch.setattr(preflight, "_KNOCK_SECONDS", 60)


def _nowhere(scheme: str) -> str:
    return f"{scheme}://127.0.0.1:{free_port()}/0"


def _in_production(**broken: object) -> dict[str, object]:
    """Settings with real vendors, so that each can be taken away; they are never called."""
    whole = {
        "env": "production",
        "admin_password_hash": "$argon2id$a",
        "razorpay_key_id": "rzp_test_a",
        "razorpay_key_secret": "a",
        "razorpay_webhook_secrets": ("a",),
        "sendgrid_api_key": "a",
        "sendgrid_from": "tickets@example.com",
        "sendgrid_webhook_public_keys": ("a",),
        "twilio_account_sid": "a",
        "twilio_auth_token": "a",
        "twilio_from": "SURGE",
    }
    return {**whole, **broken}


async def _failing(settings: Settings) -> list[Check]:
    return [one for one in await examine(settings) if not one.is_ok]


def _with(services: Container, surge: Surge, **changes: object) -> Settings:
    base = {"public_url": surge.url, "port": int(surge.url.rpartition(":")[2])}
    return services.settings.model_copy(update={**base, **changes})


async def test_a_running_surge_is_well_with_stand_ins_and_with_real_vendors(
    services: Container, surge: Surge
) -> None:
    for settings in (_with(services, surge), _with(services, surge, **_in_production())):
        assert await _failing(settings) == []
    names = {one.name for one in await examine(_with(services, surge))}
    wanted = {"clock", "redis clock", "migrations", "redis persistence", "redis eviction"}
    wanted |= {"sandbox answers"}
    # Named only where there is something to compare with.
    assert names >= wanted | set(_SETTINGS) - {"sms texts", "public address"}


@pytest.mark.parametrize("name", _SETTINGS)
async def test_one_wrong_setting_fails_its_own_check_and_tells_how_to_mend_it(
    name: str, services: Container, surge: Surge, tmp_path: Path
) -> None:
    broken = _with(services, surge, **_SETTINGS[name](services.settings, tmp_path))
    (failed,) = await _failing(broken)
    assert failed.name == name
    assert len(failed.advice.split()) >= 4


async def test_the_advice_quotes_the_server_and_never_a_password(
    services: Container, surge: Surge
) -> None:
    broken = _with(services, surge, database_url="postgresql://u:geheim@127.0.0.1:1/x")
    advice = next(one.advice for one in await _failing(broken) if one.name == "postgres")
    assert "refused" in advice
    assert "geheim" not in advice


class _Late(datetime):
    """A clock that is five minutes behind."""

    @classmethod
    def now(cls, tz: Any = UTC) -> Self:
        return super().now(tz) - timedelta(minutes=5)


@asynccontextmanager
async def _unmigrated(services: Container) -> AsyncGenerator[None]:
    async def write(revision: str) -> str:
        async with services.database.transaction() as session:
            now = await session.scalar(text("SELECT version_num FROM alembic_version"))
            await session.execute(
                text("UPDATE alembic_version SET version_num = :new"), {"new": revision}
            )
        return str(now)

    newest = await write("0001")
    try:
        yield
    finally:
        await write(newest)


def _redis_with(name: str, value: str) -> Callable[[Container], Any]:
    @asynccontextmanager
    async def changed(services: Container) -> AsyncGenerator[None]:
        redis = Redis.from_url(services.settings.redis_url or "")
        before = (await redis.config_get(name))[name]
        await redis.config_set(name, value)
        try:
            yield
        finally:
            await redis.config_set(name, before)
            await redis.aclose()

    return changed


async def test_the_clock_of_a_node_is_compared_with_those_of_both_servers(
    services: Container, surge: Surge, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preflight, "datetime", _Late)
    failed = await _failing(_with(services, surge))
    assert {one.name for one in failed} == {"clock", "redis clock"}
    assert all("time service" in one.advice for one in failed)


async def test_somebody_elses_server_at_our_address_is_not_taken_for_us(
    services: Container, surge: Surge
) -> None:
    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # An end with bytes unread would cut the connection before the answer is there.
        await reader.readuntil(b"{}")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
        writer.close()

    async with await asyncio.start_server(greet, "127.0.0.1") as server:
        port = server.sockets[0].getsockname()[1]
        (failed,) = await _failing(_with(services, surge, port=port))
    assert failed.name == "webhooks arrive"
    assert "(it answers 200)" in failed.advice


@pytest.mark.parametrize(
    ("name", "broken"),
    [
        ("migrations", _unmigrated),
        ("redis persistence", _redis_with("appendonly", "no")),
        ("redis eviction", _redis_with("maxmemory-policy", "allkeys-lru")),
        ("redis memory", _redis_with("maxmemory", "1mb")),
    ],
)
async def test_what_breaks_beside_us_fails_its_own_check_too(
    name: str, broken: Callable[[Container], Any], services: Container, surge: Surge
) -> None:
    async with broken(services):
        (failed,) = await _failing(_with(services, surge))
    assert failed.name == name
    assert len(failed.advice.split()) >= 4
    assert await _failing(_with(services, surge)) == []
