"""How long the check before joining takes in a browser, on this machine and on one far slower.

A slow phone is played by stopping the browser's process, workers included, for most of the time;
what Chromium itself offers slows down the page alone, and the work is done in workers.
"""

from __future__ import annotations

import os
import signal
import statistics
import threading
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager

import psutil
from playwright.sync_api import Page, sync_playwright

from surge_app.launcher.frontend_build import PROJECT
from surge_app.services.waiting_room.admission import HASHES
from surge_app.services.waiting_room.proof_of_work import ProofOfWork
from tests.browser_setup import executable_path, launch_arguments

_SLOWER = (1, 4, 6)
_HARDER = {"ordinary": 1, "the worst rush": 2, "a robot in the worst rush": 8}
_ROUNDS = 9
_PERIOD_SECONDS = 0.012
_PAGE = "http://localhost/measure"
_WORKER = "http://localhost/worker.js"
_MODULE = (PROJECT / "assets" / "js" / "proof_of_work.js").read_text("utf-8")
# The solver alone, from its constants on: the rest of the module belongs to the page.
_SOLVER = _MODULE[_MODULE.index("const TIMEOUT_MS") : _MODULE.index("/**\n * Join")]
_SETUP = (
    f"class SolverWorker extends Worker {{ constructor() {{ super('{_WORKER}') }} }}\n"
    f"{_SOLVER}\nwindow.solve = (challenge) => solve(challenge, () => undefined);"
)
_TIMED = """
async (challenge) => {
  const started = performance.now();
  await window.solve(challenge);
  return performance.now() - started;
}
"""


def main() -> None:
    """Solve challenges of each size at each speed and print how long that took.

    The pages must have been built once, which brings the solver.
    """
    challenges = ProofOfWork(("a key for this measurement alone",))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=executable_path(), args=[*launch_arguments()]
        )
        page = browser.new_page()
        page.route("**/measure", lambda route: route.fulfill(body="", content_type="text/html"))
        page.route(
            "**/worker.js",
            lambda route: route.fulfill(body=_worker(), content_type="text/javascript"),
        )
        page.goto(_PAGE)
        page.add_script_tag(content=_SETUP)
        for slower in _SLOWER:
            for name, harder in _HARDER.items():
                with _slowed(slower):
                    times = [_solve(page, challenges, HASHES * harder) for _ in range(_ROUNDS)]
                print(
                    f"{slower} times slower, {name:26} p50 {statistics.median(times):6,.0f} ms, "
                    f"worst of {_ROUNDS} {max(times):6,.0f} ms",
                    flush=True,
                )
        browser.close()


def _solve(page: Page, challenges: ProofOfWork, rounds: int) -> float:
    challenge = challenges.issue("event", "visitor", hashes=rounds, suspicion=0)
    return float(page.evaluate(_TIMED, challenge))


def _worker() -> str:
    """Return the solver as npm installed it for the pages."""
    return (PROJECT / ".web/node_modules/altcha/dist/workers/pbkdf2.js").read_text("utf-8")


@contextmanager
def _slowed(times: int) -> Generator[None]:
    """Let the browser's processes that run pages work for one part of the time in `times`."""
    if times == 1:
        yield
        return
    over = threading.Event()
    children = psutil.Process().children(recursive=True)
    pages = [child.pid for child in children if "--type=renderer" in child.cmdline()]
    brake = threading.Thread(target=_brake, args=(pages, times, over))
    brake.start()
    try:
        yield
    finally:
        over.set()
        brake.join()


def _brake(pages: Sequence[int], times: int, over: threading.Event) -> None:
    while not over.is_set():
        for pid in pages:
            os.kill(pid, signal.SIGSTOP)
        time.sleep(_PERIOD_SECONDS * (times - 1) / times)
        for pid in pages:
            os.kill(pid, signal.SIGCONT)
        time.sleep(_PERIOD_SECONDS / times)
