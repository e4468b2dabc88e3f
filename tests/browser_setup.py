"""Provide a browser for the tests: `python -m tests.browser_setup`, part of `make test`.

Most tests take Chromium's headless shell, which needs two thirds of the processor time of the whole
browser. The few that need what the shell leaves out, such as notifications, take the whole one.

Tried in this order, and each only counts if it opens a page: `SURGE_BROWSER` for both, Playwright's
own download, what is on the machine (a Chromium or Chrome, or the shell of that name), and for root
on Debian the packages. Without a shell the whole browser takes its place.
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
_WHOLE_NOTE = Path(sys.prefix) / "whole-browser-path"
_DOWNLOAD_SECONDS = 300
_SHELL = "chromium-headless-shell"
_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")


def executable_path(*, whole: bool = False) -> str | None:
    """Return the browser to launch, or None for the one that Playwright brought itself.

    Args:
        whole: Whether it also has what the headless shell leaves out.
    """
    note = _WHOLE_NOTE if whole else _NOTE
    found = os.environ.get("SURGE_BROWSER")
    if not found and note.is_file():
        found = note.read_text("utf-8").strip()
    return found or None


def launch_arguments() -> list[str]:
    """Return the arguments a browser needs here: Chromium has no sandbox for root."""
    return ["--no-sandbox"] if os.geteuid() == 0 else []


def main() -> int:
    """Find browsers that work and note them; return an exit code."""
    whole = _first_that_works(_whole_browsers())
    if whole is None:
        sys.stderr.write(
            "The tests need a browser: install Chromium, or set SURGE_BROWSER to its path.\n"
        )
        return 2
    shell = _first_that_works(_shells())
    _WHOLE_NOTE.write_text(whole, "utf-8")
    _NOTE.write_text(whole if shell is None else shell, "utf-8")
    return 0


def _first_that_works(candidates: Iterator[str]) -> str | None:
    return next(filter(_opens_a_page, candidates), None)


def _whole_browsers() -> Iterator[str]:
    if configured := os.environ.get("SURGE_BROWSER"):
        yield configured
        return
    if _succeeds([sys.executable, "-m", "playwright", "install", "chromium"]):
        with sync_playwright() as playwright:
            own = playwright.chromium.executable_path
        yield own
    yield from _on_this_machine(*_NAMES)
    yield from _from_debian("chromium")


def _shells() -> Iterator[str]:
    """Yield headless shells; an empty path is that of Playwright, brought with its browser."""
    if os.environ.get("SURGE_BROWSER"):
        return
    yield ""
    yield from _on_this_machine(_SHELL)
    yield from _from_debian(_SHELL)


def _on_this_machine(*names: str) -> Iterator[str]:
    yield from filter(None, map(shutil.which, names))


def _from_debian(package: str) -> Iterator[str]:
    apt = shutil.which("apt-get")
    if apt and os.geteuid() == 0:
        _succeeds([apt, "update"])
        if _succeeds([apt, "install", "-y", "--no-install-recommends", package]):
            yield from _on_this_machine(package)


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


def _opens_a_page(path: str) -> bool:
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=path or None, args=launch_arguments()
            )
            page = browser.new_page()
            page.goto("data:text/html,<h1>ready</h1>")
            is_ready = page.inner_text("h1") == "ready"
            browser.close()
    except Error:
        return False
    return is_ready


if __name__ == "__main__":
    sys.exit(main())
