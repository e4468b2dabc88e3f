"""Start one public page in each round of the event loop, so that a crowd leaves room for buyers.

The API's document and the pictures of events count as pages: no purchase waits for them.
"""

from __future__ import annotations

import asyncio
from collections import deque

from starlette.types import ASGIApp, Receive, Scope, Send

from surge_app.edge.routes import Access, route_of


class PageScheduler:
    """Starts public pages one at a time, in order of arrival.

    A round of the event loop runs everything that is ready. A thousand pages requested at once
    would run in one round, and a purchase would wait for them at each of its dozens of steps. No
    page waits for the end of another.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._is_busy = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        if scope["type"] == "http":
            route = route_of(scope)
            if (route.is_page and route.access is Access.PUBLIC) or route.in_turns:
                await self._turn()
        await self._app(scope, receive, send)

    async def _turn(self) -> None:
        loop = asyncio.get_running_loop()
        if not self._is_busy:
            self._is_busy = True
            loop.call_soon(self._next, loop)
            return
        turn: asyncio.Future[None] = loop.create_future()
        self._waiting.append(turn)
        await turn

    def _next(self, loop: asyncio.AbstractEventLoop) -> None:
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                loop.call_soon(self._next, loop)
                return
        self._is_busy = False
