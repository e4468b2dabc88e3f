"""Cold pages one at a time, so that a crowd that arrives leaves room for those inside."""

from __future__ import annotations

import asyncio
from collections import deque

from starlette.types import ASGIApp, Receive, Scope, Send

_COLD = ("/events", "/queue/")


class PageScheduler:
    """Lets one cold page through in each round of the event loop, in the order they were asked for.

    A round takes in all that has become ready, so a thousand pages asked for at once would all
    be written in the same one, and a purchase would wait for them at each of its dozens of steps.
    No page waits for how long another one takes.
    """

    def __init__(self, app: ASGIApp) -> None:
        """Keep the application behind; the first page goes through at once."""
        self._app = app
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._is_busy = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        if scope["type"] == "http" and scope["path"].startswith(_COLD):
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
