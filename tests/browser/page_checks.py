"""A look at a page: what axe says of it, whether it fits, reads and stands still, and a picture.

`PICTURES=docs/screenshots` keeps pictures of all that is looked at; with `WHOLE=1` of whole pages.
"""

from __future__ import annotations

import os
import time
from collections.abc import Awaitable, Callable, Sequence
from io import BytesIO
from pathlib import Path
from typing import Literal

from axe_playwright_python.base import AXE_SCRIPT
from PIL import Image
from playwright.async_api import Locator, Page, ViewportSize

from tests.conftest import eventually

_FOLDER, _WHOLE = os.environ.get("PICTURES", ""), os.environ.get("WHOLE", "")
_MAX_SHIFT = 0.05
# Pictures are taken as a phone in India shows the pages.
DEVICE = {"device_scale_factor": 2, "timezone_id": "Asia/Kolkata"} if _FOLDER else {}
_COLORS = 128
_SIZES: dict[str, ViewportSize] = {
    "phone": {"width": 360, "height": 780},
    "tablet": {"width": 820, "height": 1180},
    "laptop": {"width": 1280, "height": 800},
    "screen": {"width": 1920, "height": 1080},
}
_SMALL: ViewportSize = {"width": 320, "height": 640}
_IMPACTS = {"serious", "critical", "moderate", "minor"}
# What each page remembers of itself for whoever looks at it.
MEMORY = """
window.shifts = [];
let isTouched = false;
for (const name of ["pointerdown", "keydown"]) {
  window.addEventListener(name, () => { isTouched = true; }, true);
}
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) {
    // What a press brings about may move things, also when its answer takes a while.
    if (isTouched || entry.hadRecentInput) continue;
    const moved = entry.sources.map(({ node }) => node?.outerHTML?.slice(0, 90) ?? node?.data);
    window.shifts.push({ value: entry.value, moved });
  }
}).observe({ type: "layout-shift", buffered: true });
window.heard = [];
const regions = "[role=alert],[role=status],[aria-live=polite],[aria-live=assertive]";
const known = new WeakMap();
new MutationObserver(() => {
  for (const region of document.querySelectorAll(regions)) {
    const said = region.textContent.trim();
    if (known.get(region) === said) continue;
    known.set(region, said);
    if (said) window.heard.push(said);
  }
}).observe(document, { subtree: true, childList: true, characterData: true });
"""


# One column at 320 px: its order on the screen is the order in which it is read and tabbed through.
# Then as readers may set it: wider spaces (WCAG 1.4.12), and from the right to the left.
_READING = """() => {
  const root = document.documentElement;
  const found = [];
  const all = (where) =>
    [...document.querySelectorAll(where)].filter((one) => one.checkVisibility());
  const words = (one) => (one.textContent.trim() || one.name || one.className).slice(0, 40);
  const fits = (how) => {
    if (root.scrollWidth > window.innerWidth) found.push(`wider than 320 px${how}`);
  };
  fits("");
  const titles = all("h1");
  if (titles.length !== 1) found.push(`titles: ${titles.map(words)}`);
  const isLoose = (one) => one !== null
    && (/sticky|fixed|absolute/.test(getComputedStyle(one).position) || isLoose(one.parentElement));
  const read = all("main :is(h1, h2, h3, a, button, summary, input, select, textarea)")
    .filter((one) => !isLoose(one));
  for (const [index, one] of read.slice(1).entries()) {
    const before = read[index].getBoundingClientRect();
    if (one.getBoundingClientRect().bottom <= before.top) {
      found.push(`read before what stands above it: ${words(read[index])} | ${words(one)}`);
    }
  }
  const style = document.head.appendChild(document.createElement("style"));
  style.textContent = `* { line-height: 1.5 !important; letter-spacing: .12em !important;
    word-spacing: .16em !important } p { margin-bottom: 2em !important }`;
  fits(" with wide spaces");
  const unread = ".sr-only, .why, .chart, textarea, svg, [aria-hidden=true]";
  for (const one of all("body *").filter((each) => !each.closest(unread))) {
    const { overflowX, overflowY } = getComputedStyle(one);
    const isCut = (/hidden|clip/.test(overflowX) && one.scrollWidth > one.clientWidth + 1)
      || (/hidden|clip/.test(overflowY) && one.scrollHeight > one.clientHeight + 1);
    if (isCut && one.textContent.trim()) found.push(`cut with wide spaces: ${words(one)}`);
  }
  style.remove();
  const direction = root.dir;
  root.dir = direction === "rtl" ? "ltr" : "rtl";
  fits(" in the other direction");
  root.dir = direction;
  return found;
}"""


async def violations(page: Page, *rules: str) -> list[str]:
    """Return what axe finds, by all of its rules or by those that are named."""
    # To describe also all that is well takes it several times as long.
    wanted = {"resultTypes": ["violations"], **({"runOnly": list(rules)} if rules else {})}
    if not await page.evaluate("'axe' in window"):
        # Half a megabyte, read once for each page.
        await page.evaluate(AXE_SCRIPT)
    found = await page.evaluate(
        "options => axe.run(options).then(({ violations }) => violations)", wanted
    )
    return [
        f"{item['id']} ({item['impact']}): {[node['html'][:120] for node in item['nodes']]}"
        for item in found
        if item["impact"] in _IMPACTS
    ]


async def is_too_wide(page: Page) -> bool:
    """Whether one has to scroll sideways, once the page is drawn in the window's present size."""
    return await page.evaluate(
        """async () => {
          for (const _ of "12") await new Promise(requestAnimationFrame);
          return document.documentElement.scrollWidth > window.innerWidth;
        }"""
    )


async def misread(page: Page) -> list[str]:
    """Return what is wrong with how a page of 320 px reads and fits, as readers may set it."""
    # It waits until the page is drawn in its present size.
    await is_too_wide(page)
    return await page.evaluate(_READING)


async def press(button: Locator) -> tuple[float, float]:
    """Press a button once it stands still, and return where the pointer was."""
    page = button.page
    await page.evaluate(
        """addEventListener("click", ({ clientX, clientY }) => {
          window.pressed = [clientX, clientY];
        }, { capture: true, once: true })"""
    )
    await button.click()
    x, y = await page.evaluate("window.pressed")
    return x, y


async def ask_until(
    page: Page, check: Callable[[], Awaitable[bool]], *, about: str, leap_ms: int = 0
) -> None:
    """Let a page ask now and then, as it does by itself, until something is true.

    To ask anew gives up the request before it, so the pauses grow: a slow answer has its time.

    Args:
        page: A public page that polls.
        check: What becomes true.
        about: What it is, for the failure.
        leap_ms: How far the page's clock, if it is installed, leaps before each request.
    """
    due, pause = 0.0, 0.25

    async def is_true() -> bool:
        nonlocal due, pause
        if await check():
            return True
        if time.monotonic() >= due:
            if leap_ms:
                await page.clock.fast_forward(leap_ms)
            await page.evaluate("window.dispatchEvent(new Event('surge:retry'))")
            due, pause = time.monotonic() + pause, min(2 * pause, 4)
        return False

    await eventually(is_true, about=about)


async def heard(page: Page) -> list[str]:
    """Return what a screen reader was told of a page by itself, in order."""
    return await page.evaluate("window.heard")


async def look(page: Page, name: str) -> None:
    """Look at a page in both themes and at a small phone's width; keep pictures if wanted.

    Args:
        page: Where something is to be seen.
        name: What it is, the pictures' name.
    """
    await page.evaluate("document.fonts.ready")
    shifts = await page.evaluate("window.shifts.splice(0)")
    assert sum(shift["value"] for shift in shifts) < _MAX_SHIFT, f"{name} moves: {shifts}"
    found = await violations(page)
    await _turn(page)
    found += [f"other theme: {one}" for one in await violations(page, "color-contrast")]
    await _turn(page)
    usual = page.viewport_size
    await page.set_viewport_size(_SMALL)
    found += await misread(page)
    if usual is not None:
        await page.set_viewport_size(usual)
    assert found == [], f"{name}: {found}"
    await picture(page, name)


async def picture(page: Page, name: str, sizes: Sequence[str] = tuple(_SIZES)) -> None:
    """Keep pictures of a page in both themes, if they are wanted."""
    if not _FOLDER:
        return
    usual, usual_theme = page.viewport_size, await _theme(page)
    other = "light" if usual_theme == "dark" else "dark"
    for size in sizes:
        await page.set_viewport_size(_SIZES[size])
        await page.evaluate("window.scrollTo(0, 0)")
        for theme in (other, usual_theme):
            # A drawn cover follows the device, not the page.
            await page.emulate_media(color_scheme=theme)
            # The page follows the device too, once it is drawn again.
            await is_too_wide(page)
            if await _theme(page) != theme:
                await _turn(page)
            shot = await page.screenshot(
                scale="device" if size == "phone" else "css", full_page=bool(_WHOLE)
            )
            _keep(shot, f"{name}-{size}-{theme}.png")
    if usual is not None:
        await page.set_viewport_size(usual)


async def _theme(page: Page) -> Literal["light", "dark"]:
    return "dark" if await page.locator("html.dark").count() else "light"


async def _turn(page: Page) -> None:
    """Show the other theme; the payment's window keeps its own."""
    await page.evaluate(
        """() => {
          // Colours on their way from one theme to the other are in none of them.
          const still = document.createElement("style");
          still.textContent = "*, *::before, *::after { transition: none !important }";
          document.head.append(still);
          const root = document.documentElement.classList;
          const [is, other] = root.contains("dark") ? ["dark", "light"] : ["light", "dark"];
          root.replace(is, other);
          for (const one of document.querySelectorAll("*")) getComputedStyle(one).color;
          still.remove();
          const window = document.querySelector("body > [data-theme]");
          if (window) window.dataset.theme = other;
        }"""
    )


def _keep(shot: bytes, name: str) -> None:
    """Write a picture in as few colours as it needs."""
    path = Path(_FOLDER) / name
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.open(BytesIO(shot)).convert("RGB")
    image.quantize(_COLORS, dither=Image.Dither.NONE).save(path, optimize=True)
