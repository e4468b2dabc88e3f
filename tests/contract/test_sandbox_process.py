"""The sandbox as a process of its own: the same URLs for outsiders, and started again."""

from __future__ import annotations

import os
import secrets
import time
from typing import TYPE_CHECKING

import httpx
import pytest

from surge_app.api import create_api
from surge_app.launcher.ports import free_port
from surge_app.launcher.processes import matching
from surge_app.launcher.sandbox_process import sandbox_process, with_sandbox_port
from surge_app.launcher.supervisor import RUN_VARIABLE, Supervisor
from surge_app.sandbox.forwarding import create_forwarding
from surge_app.sandbox.server import create_app
from surge_app.services.vendors.sandbox_credentials import sandbox_keys, sandbox_url
from surge_app.settings import load_settings
from tests.contract.serving import Stand

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def _until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < deadline, "It did not happen in time."
        time.sleep(0.1)


async def test_calls_are_handed_on_and_their_answers_are_the_same(stand: Stand) -> None:
    keys = sandbox_keys(stand.settings)
    auth = (keys.razorpay_key_id, keys.razorpay_key_secret)
    order = {"amount": 100_000, "currency": "INR", "receipt": "a b+c"}
    api = create_api()
    api.include_router(create_forwarding(stand.settings.local_url))
    transport = httpx.ASGITransport(api)
    async with (
        api.router.lifespan_context(api),
        httpx.AsyncClient(transport=transport, base_url=stand.settings.local_url) as http,
    ):
        orders = "/sandbox/razorpay/v1/orders"
        assert (await http.post(orders, json=order)).status_code == 401
        made = await http.post(orders, json=order, auth=auth)
        assert (made.status_code, made.json()["amount"]) == (200, 100_000)
        listed = await http.get(orders, params={"receipt": "a b+c"}, auth=auth)
        assert [order["id"] for order in listed.json()["items"]] == [made.json()["id"]]
        page, direct = await http.get("/sandbox/outbox"), await stand.http.get("/sandbox/outbox")
        assert page.headers["content-type"] == direct.headers["content-type"]
        known = {"If-None-Match": page.headers["etag"]}
        assert (await http.get("/sandbox/outbox", headers=known)).status_code == 304


async def test_a_page_of_another_name_cannot_read_the_mails_of_the_process(
    monkeypatch: pytest.MonkeyPatch, sandbox_redis_url: str
) -> None:
    monkeypatch.setenv("REDIS_URL", sandbox_redis_url)
    monkeypatch.setenv("SURGE_SECRET_KEY", "k" * 40)
    app = create_app()
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app)) as http,
    ):
        for name, status in (("127.0.0.1:4000", 200), ("rebound.example:4000", 400)):
            answer = await http.get(f"http://{name}/sandbox/outbox.json")
            assert answer.status_code == status


async def test_without_the_process_a_call_is_unavailable() -> None:
    api = create_api()
    api.include_router(create_forwarding(f"http://127.0.0.1:{free_port()}"))
    async with (
        api.router.lifespan_context(api),
        httpx.AsyncClient(transport=httpx.ASGITransport(api), base_url="http://node") as http,
    ):
        answer = await http.get("/sandbox/vendors")
        assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")


def test_the_process_is_started_again_when_it_dies_and_ends_with_the_launcher(
    tmp_path: Path,
) -> None:
    settings = with_sandbox_port(load_settings(data_dir=tmp_path, secret_key=("k" * 40,)))
    run_id = secrets.token_hex(8)
    env = {
        **os.environ,
        "SURGE_DATA_DIR": str(tmp_path),
        "SURGE_SECRET_KEY": "k" * 40,
        "REDIS_URL": "redis://127.0.0.1:1/0",
        RUN_VARIABLE: run_id,
    }

    def ours() -> set[int]:
        found = matching(lambda one: one.environ().get(RUN_VARIABLE) == run_id)
        return {one.pid for one in found}

    def answers() -> bool:
        try:
            answer = httpx.get(f"{sandbox_url(settings)}/sandbox/vendors", trust_env=False)
        except httpx.HTTPError:
            return False
        return answer.json() == dict.fromkeys(("payments", "mail", "sms"), "sandbox")

    with sandbox_process(settings, Supervisor(), env) as sandbox:
        _until(lambda: sandbox.is_live() and answers())
        before = ours()
        for pid in before:
            os.kill(pid, 9)
        _until(lambda: sandbox.is_live() and answers())
        assert not before & ours()
    assert ours() == set()
    assert not answers()


def test_without_a_stand_in_there_is_no_process() -> None:
    live = {
        "razorpay_key_id": "rzp_test_a",
        "razorpay_key_secret": "a",
        "razorpay_webhook_secrets": ("a",),
        "sendgrid_api_key": "a",
        "sendgrid_from": "tickets@example.com",
        "twilio_account_sid": "a",
        "twilio_auth_token": "a",
        "twilio_from": "SURGE",
    }
    settings = with_sandbox_port(load_settings(**live))
    assert settings.sandbox_port is None
    with sandbox_process(settings, Supervisor(), {}) as sandbox:
        assert sandbox.is_live()
        assert sandbox._child is None
