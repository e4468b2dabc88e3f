"""Real browsers against the production build."""

from __future__ import annotations

import io
import os
import tempfile
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest_asyncio
from PIL import Image
from playwright.async_api import (
    Browser,
    BrowserContext,
    Page,
    ViewportSize,
    async_playwright,
    expect,
)

from tests.browser.page_checks import DEVICE, MEMORY
from tests.browser.words import ENGLISH, Words
from tests.browser_setup import executable_path, launch_arguments
from tests.conftest import Surge

PHONE: ViewportSize = {"width": 390, "height": 844}
DESKTOP: ViewportSize = {"width": 1280, "height": 800}
# What every camera sees; read when one is opened, so a test may write it.
FILM = Path(tempfile.gettempdir()) / f"surge-film-{os.getpid()}.y4m"
NO_STORAGE = """
for (const name of ["localStorage", "sessionStorage"]) {
  Object.defineProperty(window, name, {
    configurable: true,
    get() { throw new DOMException("Access is denied for this document.", "SecurityError"); },
  });
}
"""
_ARGUMENTS = [
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-fake-device-for-media-stream",
    f"--use-file-for-fake-video-capture={FILM}",
]


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncGenerator[Browser]:
    """One browser for the session: Chromium's headless shell, if there is one."""
    async with _launched(executable_path()) as launched:
        yield launched


@pytest_asyncio.fixture
async def whole_browser() -> AsyncGenerator[Browser]:
    """A browser that also has a camera and notifications."""
    async with _launched(executable_path(whole=True)) as launched:
        yield launched
    FILM.unlink(missing_ok=True)


@asynccontextmanager
async def _launched(path: str | None) -> AsyncGenerator[Browser]:
    expect.set_options(timeout=60_000)
    async with async_playwright() as playwright:
        launched = await playwright.chromium.launch(
            executable_path=path, args=[*launch_arguments(), *_ARGUMENTS]
        )
        yield launched
        await launched.close()


_REFUSED_SOCKET = "Error during WebSocket handshake: Unexpected response code: 403"


class Person:
    """Someone with a browser of their own, and what went wrong in it."""

    def __init__(self, context: BrowserContext, page: Page) -> None:
        self.context = context
        self.page = page
        self.sockets: list[str] = []
        self.errors: list[str] = []
        # A clock that leaps ends the connection, and who has no right any more gets no new one.
        self.has_leaped = False
        page.on("websocket", lambda socket: self.sockets.append(socket.url))
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("console", self._note)

    def _note(self, message: Any) -> None:
        refused = self.has_leaped and _REFUSED_SOCKET in message.text
        if message.type == "error" and not refused:
            self.errors.append(message.text)


NewPerson = Callable[..., Awaitable[Person]]


async def arrive(
    browser: Browser, surge: Surge, *, desktop: bool = False, dark: bool = False, **options: Any
) -> Person:
    """Open a browser window that nobody has used before; whoever asks for it closes it.

    Nothing moves in it unless that is asked for: what moves is painted again for each frame, and
    a waiting room would keep a core busy with it.
    """
    still = {**DEVICE, "reduced_motion": "reduce"}
    context = await browser.new_context(
        base_url=surge.url,
        viewport=DESKTOP if desktop else PHONE,
        color_scheme="dark" if dark else "light",
        **{**still, **options},
    )
    await context.add_init_script(MEMORY)
    context.set_default_timeout(60_000)
    return Person(context, await context.new_page())


@pytest_asyncio.fixture
async def new_person(browser: Browser, surge: Surge) -> AsyncGenerator[NewPerson]:
    """Make people; each has cookies of their own."""
    people: list[Person] = []

    async def create(*, using: Browser = browser, **options: Any) -> Person:
        people.append(await arrive(using, surge, **options))
        return people[-1]

    yield create
    for person in people:
        await person.context.close()


def cover_photo(kind: str = "PNG") -> bytes:
    """Return a picture that is large enough for a cover."""
    out = io.BytesIO()
    Image.new("RGB", (1600, 900), "#284060").save(out, kind)
    return out.getvalue()


async def fill_contact(
    page: Page, *, name: str = "Asha Rao", tag: str = "asha", words: Words = ENGLISH
) -> None:
    """Fill the form as an attendee would."""
    await page.get_by_label(words("Full name")).fill(name)
    await page.get_by_label(words("Email")).fill(f"{tag}@example.com")
    digits = sum(ord(letter) * 7919**place for place, letter in enumerate(tag)) % 10**8
    await page.get_by_label(words("Mobile")).fill(f"98{digits:08d}")
