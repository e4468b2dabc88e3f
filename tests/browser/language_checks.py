"""Whether a page shows a text outside the catalogue, or one that is cut or covers another."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import pytest
from playwright.async_api import Page

from tests.browser.page_checks import is_too_wide, picture, violations
from tests.conftest import eventually

# Texts of organizers and attendees, without plain letters, so that each plain word is of Surge.
EVENT_NAME, VENUE, TIER, BUYER = "Ñøçħé þøð", "Ŵŷɱ ħåļļ", "Ĝéñéŕåļ", "Åßħå Ŕåø"
# Names of days, months, formats and others, addresses, and the numbers of a booking.
_SAME = (
    r"^(Surge|surge|IST|am|pm|SMS|UPI|PDF|QR|CSV|XLSX|Excel|Razorpay|SRG-.*|Mon|Tue|Wed|Thu|Fri|"
    r"Sat|Sun|Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Sept|Oct|Nov|Dec|.*@.*|netbanking|WhatsApp|Asia|"
    r"Kolkata|GB|MB|JPEG|PNG|WebP|OK|ID|English|HTTP|Postgres|Redis|[A-Z]+_[A-Z_]+)$"
)
_ENGLISH = r"""([same, data, own]) => {
  const others = `[lang]:not(html), .code, .brand, [aria-hidden], script, style, textarea, ${own}`;
  const found = new Set();
  const codes = [...document.querySelectorAll(".code")].map((code) => code.textContent);
  const known = [...codes, ...data].filter(Boolean);
  const read = (shown) => {
    const text = known.reduce((rest, one) => rest.replaceAll(one, ""), shown)
      .replace(/\b(pay|order|rfnd|disp|evt)_\w+|\S+@\S+|SRG-\S+|\bsale-[0-9a-f]+|\/[a-z]\S*/g, "");
    for (const word of text.match(/[A-Za-z][A-Za-z'’.@_-]*[A-Za-z]/g) ?? []) {
      if (!new RegExp(same).test(word)) found.add(text.trim());
    }
  };
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (element.closest(others) || !element.checkVisibility()) continue;
    read(walker.currentNode.data);
  }
  for (const name of ["aria-label", "placeholder", "alt", "title"]) {
    for (const element of document.querySelectorAll(`[${name}]`)) {
      if (element.closest(own) || !element.checkVisibility()) continue;
      read(element.getAttribute(name).replace("Surge", ""));
    }
  }
  return [...found];
}"""
# A letter may be drawn beyond its box by this much, and lines of a text may touch.
_MISFITS = r"""() => {
  const SLACK = 1.5;
  const LINE = 0.3;
  const BOXES = "button, .button, .chip, .tab, .count, .card, summary, th, td, legend, input";
  const HIDDEN = "[aria-hidden], .sr-only, .why:not(.asked), .skip";
  const UNSEEN = `${HIDDEN}, textarea, option, svg, script, style`;
  const found = new Set();
  const rects = [];
  const name = (text) => text.trim().slice(0, 60);
  const scrolls = (style) => /auto|scroll/.test(style.overflowX);
  const inside = (text, element, rect) => {
    for (let box = element; box && box !== document.body; box = box.parentElement) {
      const style = getComputedStyle(box);
      if (scrolls(style)) return;
      const edges = box.getBoundingClientRect();
      const cuts = /hidden|clip/.test(style.overflowX) || box.matches(BOXES);
      if (style.display !== "inline" && cuts &&
          (rect.right > edges.right + SLACK || rect.left < edges.left - SLACK)) {
        found.add(`cut: ${name(text)} in ${box.outerHTML.slice(0, 80)}`);
        return;
      }
      if (style.position === "fixed") return;
    }
  };
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const range = document.createRange();
  while (walker.nextNode()) {
    const { parentElement: element, data } = walker.currentNode;
    if (!data.trim() || element.closest(UNSEEN)) continue;
    if (!element.checkVisibility({ opacityProperty: true, visibilityProperty: true })) continue;
    range.selectNodeContents(walker.currentNode);
    for (const rect of range.getClientRects()) {
      if (rect.width < 2 || rect.height < 2) continue;
      inside(data, element, rect);
      const floats = element.closest(".flash, .bar, .paybar");
      if (!floats) rects.push({ rect, data, element });
    }
  }
  rects.sort((one, other) => one.rect.top - other.rect.top);
  for (let one = 0; one < rects.length; one += 1) {
    const { rect: a, data, element } = rects[one];
    for (let other = one + 1; other < rects.length; other += 1) {
      const { rect: b, data: text, element: beside } = rects[other];
      if (b.top >= a.bottom) break;
      if (element === beside) continue;
      const across = Math.min(a.right, b.right) - Math.max(a.left, b.left);
      const down = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
      if (across > 2 && down > LINE * Math.min(a.height, b.height))
        found.add(`overlap: ${name(data)} | ${name(text)}`);
    }
  }
  return [...found];
}"""

WIDTHS = (360, 390, 820, 1280, 1920)


async def is_well_shown(page: Page, name: str, **how: Any) -> None:
    """Check that a page has no English, fits at every width, and passes axe; see `faults_of`."""
    faults = await faults_of(page, name, **how)
    assert not faults, faults


async def faults_of(
    page: Page,
    name: str,
    *,
    widths: Sequence[int] = WIDTHS,
    data: Sequence[str] = (),
    own: str = "[name=city] [value], [name=category] [value]",
) -> list[str]:
    """Return what stays wrong with a page: English, texts without room, what axe finds.

    The first width that has a fault ends it.

    Args:
        page: As it is to be seen.
        name: What it is, for failures and pictures.
        widths: Of the window.
        data: What people typed in plain letters.
        own: Where a page shows what others typed.
    """
    usual = page.viewport_size
    is_backwards = await page.evaluate("document.documentElement.dir") == "rtl"
    faults: list[str] = []
    found: list[str] = []

    async def is_well() -> bool:
        faults[:] = await page.evaluate(_MISFITS)
        # The words of this language are written with plain letters.
        if not is_backwards:
            faults.extend(await page.evaluate(_ENGLISH, [_SAME, list(data), own]))
        if await is_too_wide(page):
            faults.append("wider than the window")
        return not faults

    for width in widths:
        await page.set_viewport_size({"width": width, "height": 844})
        # What a wide screen shows beside the rest is hidden on a phone.
        with suppress(pytest.fail.Exception):
            await eventually(is_well, about=name)
        found += [f"{name} at {width}: {fault}" for fault in faults]
        if found:
            return found
    if usual is not None:
        await page.set_viewport_size(usual)
    found += [f"{name}: {fault}" for fault in await violations(page)]
    await picture(page, name)
    return found
