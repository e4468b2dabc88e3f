"""Forwards `/sandbox` to the process of the stand-ins, so that its URLs stay Surge's own."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import aiohttp
from fastapi import APIRouter, Request, Response

from surge_app.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

_METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]
# The fault "hang" keeps a request for a minute.
_ANSWER_WITHIN_SECONDS = 75.0
_KEEPALIVE_SECONDS = 1.0
_OF_ONE_CONNECTION = {
    *(b"connection", b"content-length", b"keep-alive", b"te", b"trailer", b"transfer-encoding"),
    *(b"upgrade", b"host", b"date", b"server"),
}


def create_forwarding(base_url: str) -> APIRouter:
    """Return a router that forwards everything under `/sandbox`.

    Args:
        base_url: Where the process of the stand-ins listens.
    """
    sessions: list[aiohttp.ClientSession] = []

    @asynccontextmanager
    async def lifespan(_app: object) -> AsyncGenerator[None]:
        yield
        for session in sessions:
            await session.close()

    async def forward(request: Request) -> Response:
        if not sessions:
            sessions.append(_session())
        return await _forward(request, base_url, sessions[0])

    router = APIRouter(include_in_schema=False, lifespan=lifespan)
    router.add_api_route("/sandbox/{path:path}", forward, methods=_METHODS)
    return router


async def _forward(request: Request, base_url: str, http: aiohttp.ClientSession) -> Response:
    query = request.scope["query_string"].decode("latin-1")
    path = request.scope["raw_path"].decode("latin-1")
    try:
        async with http.request(
            request.method,
            f"{base_url}{path}{'?' if query else ''}{query}",
            data=await request.body(),
            headers=[
                (name.decode("latin-1"), value.decode("latin-1"))
                for name, value in request.headers.raw
                if name not in _OF_ONE_CONNECTION
            ],
            allow_redirects=False,
        ) as answer:
            response = Response(await answer.read(), answer.status)
    except (aiohttp.ClientError, TimeoutError) as error:
        raise Unavailable from error
    response.raw_headers += [
        (name.lower(), value)
        for name, value in answer.raw_headers
        if name.lower() not in _OF_ONE_CONNECTION
    ]
    return response


def _session() -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=_KEEPALIVE_SECONDS),
        timeout=aiohttp.ClientTimeout(total=_ANSWER_WITHIN_SECONDS),
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
        skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding", "Content-Type"),
    )
