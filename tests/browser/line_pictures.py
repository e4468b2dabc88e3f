"""The pictures of the waiting room's states, for `screenshots`; phone only, they are one column."""

from __future__ import annotations

from typing import TYPE_CHECKING

from playwright.async_api import expect

from tests.browser.line_states import LINE_STATES, force

if TYPE_CHECKING:
    from tests.browser.screenshots import _Camera

_EVENT = "monsoon-beats"
_SHOWN = ("next", "held", "slower", "cut", "admitted", "draw", "paused", "challenge")


async def wait_in_every_state(camera: _Camera) -> None:
    """Take one picture of each state that is worth showing."""
    if not camera.is_phone:
        return
    for name in _SHOWN:
        state = LINE_STATES[name]
        # A state of its own window: what one remembers is not the next one's past.
        context = await camera.context()
        page = await context.new_page()
        await force(page, _EVENT, state)
        await page.goto(f"/queue/{_EVENT}")
        await expect(page.get_by_text(state.says).first).to_be_visible(timeout=20_000)
        await expect(page.locator("h1:not(.sr-only)")).to_be_visible(timeout=20_000)
        await camera.take(page, f"queue-{name}")
        await context.close()
