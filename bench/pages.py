"""How fast the pages are on a cheap phone: paint, shift and bytes, with nothing in the cache.

The link is a slow 4G (1.6 Mbit/s down, 0.75 up, 150 ms until an answer begins) and the processor
four times slower, both played by Chromium. Server and browser share this machine, so its load is
in the times; the bytes and the shift do not depend on it.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from playwright.async_api import Browser, BrowserContext, Page, ViewportSize, async_playwright

from bench.harness import Nowhere
from bench.serving import served
from surge_app.clock import new_id, utc_now
from surge_app.container import running
from surge_app.launcher.embedded_servers import backing_services
from surge_app.observability.log import configure_logging
from surge_app.services.events.new_event import NewEvent, NewTier
from surge_app.settings import Settings
from tests.browser_setup import executable_path, launch_arguments

_ROUNDS = 5
_SLOWER = 4
_LINK = {
    "offline": False,
    "latency": 150,
    "downloadThroughput": 1_600_000 // 8,
    "uploadThroughput": 750_000 // 8,
}
_PHONE: ViewportSize = {"width": 390, "height": 844}
_SETTLE_SECONDS = 4.0
_MAX_SHIFT = 0.05
_MAX_SCRIPT_BYTES = 200_000
_WATCH = """
window.seen = { fcp: 0, lcp: 0, cls: 0 };
new PerformanceObserver((list) => {
  for (const one of list.getEntries())
    if (one.name === "first-contentful-paint") window.seen.fcp = one.startTime;
}).observe({ type: "paint", buffered: true });
new PerformanceObserver((list) => {
  for (const one of list.getEntries()) window.seen.lcp = one.startTime;
}).observe({ type: "largest-contentful-paint", buffered: true });
new PerformanceObserver((list) => {
  for (const one of list.getEntries()) if (!one.hadRecentInput) window.seen.cls += one.value;
}).observe({ type: "layout-shift", buffered: true });
"""


@dataclass(slots=True)
class Visit:
    """What one cold visit took; bytes are compressed, as they came over the link, by kind."""

    fcp: float = 0.0
    lcp: float = 0.0
    cls: float = 0.0
    requests: int = 0
    sizes: Counter[str] = field(default_factory=Counter[str])


def main() -> None:
    """Measure the cold pages and the checkout; exits with 1 if one is too heavy or jumps."""
    configure_logging(json=True, stream=Nowhere())
    with served() as settings, backing_services(settings) as ready:
        if not asyncio.run(_measure(ready)):
            sys.exit(1)


async def _measure(settings: Settings) -> bool:
    async with running(settings, process="bench") as services:
        open_sale, full_sale = [
            await services.organizer.create(_sale(buyers), actor="bench") for buyers in (1000, 1)
        ]
    pages = {
        "/events": ("/events", None),
        "/events/{slug}": (f"/events/{open_sale}", None),
        "/queue/{slug}": (f"/queue/{full_sale}", full_sale),
        "/book/{slug}": (f"/book/{open_sale}", open_sale),
    }
    fine = True
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=executable_path(), args=launch_arguments()
        )
        # One has the only pass, so that whoever comes to this line waits.
        first = await browser.new_context(base_url=settings.local_url)
        await first.request.post(f"/api/queue/{full_sale}")
        for name, (path, joins) in pages.items():
            visits = [await _visit(browser, settings, path, joins) for _ in range(_ROUNDS)]
            print(f"{name:15} {_report(visits)}", flush=True)
            fine &= max(one.cls for one in visits) < _MAX_SHIFT
            fine &= max(one.sizes["Script"] for one in visits) < _MAX_SCRIPT_BYTES
        await browser.close()
    return fine


def _sale(buyers: int) -> NewEvent:
    return NewEvent(
        slug=f"bench-{new_id().lower()}",
        name="Monsoon Beats",
        venue="Vagator Hilltop, Goa",
        description="One night by the sea, with music until the first boats come in. " * 4,
        refund_policy="Refunds until seven days before the show.",
        starts_at=utc_now() + timedelta(days=30),
        tiers=(NewTier("General", 50_000, 5_000), NewTier("Balcony", 90_000, 500)),
        concurrent_buyers=buyers,
    )


async def _visit(browser: Browser, settings: Settings, path: str, joins: str | None) -> Visit:
    """Open a page in a browser that has never been here, but may have a place in line."""
    context = await browser.new_context(
        base_url=settings.local_url, viewport=_PHONE, device_scale_factor=2, is_mobile=True
    )
    try:
        if joins:
            await context.request.post(f"/api/queue/{joins}")
        return await _open(context, path)
    finally:
        await context.close()


async def _open(context: BrowserContext, path: str) -> Visit:
    visit = Visit()
    page = await context.new_page()
    await page.add_init_script(_WATCH)
    await _slow_down(page, visit)
    await page.goto(path, wait_until="load", timeout=120_000)
    # What is seen last, and moves last, comes after the scripts.
    await page.locator("main h1").first.wait_for(timeout=60_000)
    await asyncio.sleep(_SETTLE_SECONDS)
    seen: dict[str, float] = await page.evaluate("window.seen")
    visit.fcp, visit.lcp, visit.cls = seen["fcp"], seen["lcp"], seen["cls"]
    return visit


async def _slow_down(page: Page, visit: Visit) -> None:
    """Throttle link and processor, and count what comes over the link."""
    devtools = await page.context.new_cdp_session(page)
    kinds: dict[str, str] = {}

    def answered(event: dict[str, Any]) -> None:
        kinds[event["requestId"]] = event["type"]

    def arrived(event: dict[str, Any]) -> None:
        visit.requests += 1
        visit.sizes[kinds.get(event["requestId"], "Other")] += int(event["encodedDataLength"])

    devtools.on("Network.responseReceived", answered)
    devtools.on("Network.loadingFinished", arrived)
    await devtools.send("Network.enable")
    await devtools.send("Network.emulateNetworkConditions", _LINK)
    await devtools.send("Emulation.setCPUThrottlingRate", {"rate": _SLOWER})


def _report(visits: list[Visit]) -> str:
    fcp, lcp = (statistics.median(getattr(one, name) for one in visits) for name in ("fcp", "lcp"))
    cls = max(one.cls for one in visits)
    last = visits[-1]
    sizes = ", ".join(f"{kind} {size / 1000:.0f} kB" for kind, size in last.sizes.most_common())
    total = last.sizes.total() / 1000
    return (
        f"FCP {fcp:5,.0f} ms, LCP {lcp:5,.0f} ms, CLS {cls:.3f}, "
        f"{last.requests} requests, {total:.0f} kB ({sizes})"
    )
