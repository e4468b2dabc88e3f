"""Calls that skip FastAPI's layers are refused as any other call of the API."""

from __future__ import annotations

import httpx
import pytest
from sqlalchemy.exc import OperationalError
from starlette.requests import Request

from surge_app.api import DirectCalls, app, create_api
from surge_app.errors import BadSignature

_PATH = "/api/webhooks/razorpay"


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (BadSignature(), 400, "bad_signature"),
        (OperationalError("SELECT secret", {}, Exception("gone")), 503, "unavailable"),
        (RuntimeError("secret"), 500, "internal"),
    ],
)
async def test_what_an_endpoint_raises_becomes_a_problem_that_tells_nothing_else(
    monkeypatch: pytest.MonkeyPatch, error: Exception, status: int, code: str
) -> None:
    async def endpoint(_request: Request, _services: object) -> None:
        raise error

    monkeypatch.setattr(app, "current", lambda: None)
    calls = DirectCalls(create_api())
    assert set(calls._endpoints) >= {_PATH, "/api/payments/razorpay/callback"}
    calls._endpoints[_PATH] = endpoint
    transport = httpx.ASGITransport(calls)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        answer = await client.post(_PATH)
        other = await client.get(_PATH)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert "secret" not in answer.text
    assert other.status_code == 405
