"""Provide a browser for the tests: `python -m tests.browser_setup`, part of `make test`.

Tried in this order, and each only counts if it opens a page: `SURGE_BROWSER`, Playwright's own
download, a Chromium or Chrome on the machine, and for root on Debian the package of that name.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from playwright.sync_api import Error, sync_playwright

_NOTE = Path(sys.prefix) / "browser-path"
_DOWNLOAD_SECONDS = 300
_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")


def executable_path() -> str | None:
    """Return the browser to launch, or None for the one that Playwright brought itself."""
    found = os.environ.get("SURGE_BROWSER")
    if not found and _NOTE.is_file():
        found = _NOTE.read_text("utf-8").strip()
    return found or None


def launch_arguments() -> list[str]:
    """Return the arguments a browser needs here: Chromium has no sandbox for root."""
    return ["--no-sandbox"] if os.geteuid() == 0 else []


def main() -> int:
    """Find a browser that works and note it; return an exit code."""
    for candidate in _candidates():
        if _opens_a_page(candidate):
            _NOTE.write_text(candidate or "", "utf-8")
            return 0
    sys.stderr.write(
        "The tests need a browser: install Chromium, or set SURGE_BROWSER to its path.\n"
    )
    return 2


def _candidates() -> Iterator[str | None]:
    if configured := os.environ.get("SURGE_BROWSER"):
        yield configured
        return
    if _succeeds([sys.executable, "-m", "playwright", "install", "chromium"]):
        yield None
    yield from _installed()
    apt = shutil.which("apt-get")
    if apt and os.geteuid() == 0:
        _succeeds([apt, "update"])
        if _succeeds([apt, "install", "-y", "--no-install-recommends", "chromium"]):
            yield from _installed()


def _installed() -> Iterator[str]:
    yield from filter(None, map(shutil.which, _NAMES))


def _succeeds(command: list[str]) -> bool:
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_DOWNLOAD_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def _opens_a_page(path: str | None) -> bool:
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=path, args=launch_arguments())
            page = browser.new_page()
            page.goto("data:text/html,<h1>ready</h1>")
            is_ready = page.inner_text("h1") == "ready"
            browser.close()
    except Error:
        return False
    return is_ready


if __name__ == "__main__":
    sys.exit(main())
