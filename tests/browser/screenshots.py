"""Take the pictures of `docs/screenshots/`: `python -m tests.browser.screenshots URL PASSWORD`.

URL is a running development install with its demo events; PASSWORD is the organizer's.
"""

from __future__ import annotations

import asyncio
import re
import secrets
import sys
from pathlib import Path

from playwright.async_api import Browser, BrowserContext, Page, async_playwright, expect

from tests.browser.conftest import DESKTOP, PHONE, fill_contact
from tests.browser.line_pictures import wait_in_every_state
from tests.browser_setup import executable_path, launch_arguments

_FOLDER = Path(__file__).parents[2] / "docs" / "screenshots"
_EVENT = "monsoon-beats"
_SMALL = "indie-night"


class _Camera:
    """One size and theme."""

    def __init__(self, browser: Browser, url: str, password: str, size: str, theme: str) -> None:
        self._browser, self._url, self._password = browser, url, password
        self._size, self._theme = size, theme

    @property
    def is_phone(self) -> bool:
        """Whether it takes pictures of the size of a phone."""
        return self._size == "phone"

    async def context(self, *, organizer: bool = False) -> BrowserContext:
        """Open a browser window of someone new."""
        login = {"username": "organizer", "password": self._password}
        return await self._browser.new_context(
            base_url=self._url,
            viewport=PHONE if self._size == "phone" else DESKTOP,
            device_scale_factor=2 if self._size == "phone" else 1,
            color_scheme=self._theme,
            reduced_motion="reduce",
            http_credentials=login if organizer else None,
        )

    async def take(self, page: Page, name: str) -> None:
        """Save what is in view."""
        await page.wait_for_load_state("networkidle")
        await page.evaluate("document.fonts.ready")
        await page.screenshot(path=_FOLDER / f"{name}-{self._size}-{self._theme}.png")


async def _buy(camera: _Camera) -> None:
    context = await camera.context()
    page = await context.new_page()
    await page.goto("/events")
    await expect(page.get_by_role("heading", level=2).first).to_be_visible()
    await camera.take(page, "events")
    await page.goto(f"/events/{_EVENT}")
    await expect(page.get_by_role("button", name="Get tickets")).to_be_visible()
    await camera.take(page, "event")
    await page.get_by_role("button", name="Get tickets").click()
    await page.wait_for_url(f"**/book/{_EVENT}")
    await page.get_by_role("button", name=re.compile("^One more")).first.click()
    await page.get_by_role("button", name=re.compile("^One more")).first.click()
    await page.get_by_role("button", name=re.compile("^Hold 2")).click()
    await expect(page.get_by_text(re.compile("Held for you")).first).to_be_visible()
    await fill_contact(page, tag=f"asha{secrets.token_hex(3)}")
    await camera.take(page, "book")
    await page.get_by_role("button", name=re.compile("^Pay")).click()
    modal = page.get_by_role("dialog")
    await expect(modal).to_be_visible()
    await camera.take(page, "pay")
    await modal.get_by_role("button", name=re.compile("^Pay")).click()
    await page.wait_for_url("**/bookings/SRG-*")
    await expect(page.get_by_text("₹2,025").first).to_be_visible()
    await camera.take(page, "booking")
    await context.close()


async def _wait_in_line(camera: _Camera) -> None:
    inside, *others = [await camera.context() for _ in range(4)]
    await inside.request.post(f"/api/queue/{_SMALL}")
    for other in others:
        await other.request.post(f"/api/queue/{_SMALL}")
    page = await others[-1].new_page()
    await page.goto(f"/queue/{_SMALL}")
    await expect(page.locator(".hero")).to_have_text("3")
    await camera.take(page, "queue")
    for context in (*reversed(others), inside):
        await context.request.delete(f"/api/queue/{_SMALL}")
        await context.close()


async def _look_after_it(camera: _Camera) -> None:
    context = await camera.context(organizer=True)
    page = await context.new_page()
    await page.goto(f"/admin/{_EVENT}")
    await expect(page.get_by_text("Sold of 500")).to_be_visible()
    await camera.take(page, "admin")
    await context.close()


async def main(url: str, password: str) -> None:
    """Take every picture."""
    _FOLDER.mkdir(parents=True, exist_ok=True)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=executable_path(),
            args=[*launch_arguments(), "--disable-background-networking"],
        )
        for size in ("phone", "desktop"):
            for theme in ("light", "dark"):
                camera = _Camera(browser, url, password, size, theme)
                for scene in (_buy, _wait_in_line, wait_in_every_state, _look_after_it):
                    await scene(camera)
        await browser.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2]))
