"""The rehearsal: a small sale with everything that may go wrong, and what refuses to play."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from surge_app.container import Container
from tests.conftest import NewSale, Surge, free_port

_BRISK = ("--arrive-seconds", "1", "--think-seconds", "0.1", "--come-back", "0", "--no-goals")


def _assert_refused(done: subprocess.CompletedProcess[str]) -> None:
    assert (done.returncode, done.stdout) == (2, ""), (done.stdout, done.stderr)
    assert done.stderr.endswith(".\n")
    assert "Traceback" not in done.stderr


async def test_a_rehearsal_of_an_event_sells_it_out_and_says_so(
    surge: Surge, new_sale: NewSale, services: Container, tmp_path: Path
) -> None:
    slug = await new_sale(units=24, concurrent_buyers=12)
    done = surge.command(
        *("rehearse", "--event", slug, "--visitors", "40", "--url", surge.url, "--abandon", "0"),
        *("--bad-day", "duplicate=30", "--sockets", "0.3", "--two-tabs", "0.2", *_BRISK),
        *("--report", str(tmp_path), "--json"),
    )
    report = json.loads(done.stdout)
    assert done.returncode == 0, [one for one in report["promises"] if not one["holds"]]
    assert report["outcomes"]["booked"] + report["outcomes"]["sold_out"] == 40
    assert report["fairness"]["inversions"] == 0
    assert "stays sold" in done.stderr
    stats = await services.organizer.stats(slug)
    assert (stats.sold, stats.held, stats.available) == (24, 0, 0)
    assert stats.bookings == report["outcomes"]["booked"]
    assert json.loads((tmp_path / "report.json").read_text("utf-8")) == report


@pytest.mark.parametrize("url", ["https://tickets.example", "http://127.0.0.1.evil.example"])
def test_a_rehearsal_sends_nobody_to_another_machine(surge: Surge, url: str) -> None:
    done = surge.command("rehearse", "--event", "x", "--url", url)
    _assert_refused(done)


def test_a_rehearsal_of_nothing_is_one_sentence(surge: Surge) -> None:
    nobody = f"http://127.0.0.1:{free_port()}"
    done = surge.command("rehearse", "--event", "x", "--url", nobody)
    _assert_refused(done)
    words = ("--event", "no-such-event", "--url", surge.url, "--patience-seconds", "5")
    done = surge.command("rehearse", "--visitors", "2", *words)
    _assert_refused(done)
