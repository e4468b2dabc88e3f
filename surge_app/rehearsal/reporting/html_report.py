"""The report as one HTML page that needs nothing else."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from surge_app.rehearsal.plan import BAD_DAYS
from surge_app.rehearsal.reporting.charts import Series, chart

_OUTCOMES = {
    "booked": "booked",
    "sold_out": "were told that all was sold",
    "released": "gave their tickets back",
    "expired": "let their time run out",
    "walked_away": "walked away from the payment",
    "left_line": "left the queue",
    "gave_up": "lost patience in the queue",
    "refunded": "paid too late, and got the money back",
    "checking": "paid, and had heard nothing in the end",
    "refused": "were refused",
    "ended": "found the sale ended",
    "waited": "waited",
    "sent home": "were sent home at the end of the rehearsal",
}
_templates = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def page_of(document: Mapping[str, Any]) -> str:
    """Return the page of a report, made from its JSON."""
    return _templates.get_template("report.html").render(
        report=document,
        plots=_plots(document),
        outcomes=[
            (_OUTCOMES.get(name, name), count)
            for name, count in sorted(document["outcomes"].items(), key=lambda pair: -pair[1])
            if count
        ],
        bad_days=[
            (BAD_DAYS.get(name, "nothing unusual"), count)
            for name, count in sorted(document["bad_days"].items(), key=lambda pair: -pair[1])
        ],
    )


def _plots(document: Mapping[str, Any]) -> list[str]:
    samples = document["samples"]

    def series(name: str) -> list[tuple[float, float]]:
        return [(one["seconds"], one[name]) for one in samples]

    per_second = Counter(int(moment) for moment in document["booked_at"])
    bookings = [(float(at), float(per_second[at])) for at in range(int(_last(samples)) + 1)]
    waits = [
        (float(number), float(took)) for number, took in document["fairness"]["waited_seconds"]
    ]
    first = min((number for number, _ in waits), default=1) - 1
    arrivals = [(number - first, took) for number, took in waits]
    errors, requests = _rate(samples, "errors"), _rate(samples, "requests")
    time, visitors = "seconds since the opening", "visitors"
    return [
        chart(
            "Visitors in the queue and inside",
            [
                Series("in the queue", series("queue")),
                Series("inside", series("inside")),
            ],
            x=time,
            y=visitors,
        ),
        chart(
            "Wait of visitors who polled on time, by order of arrival",
            [Series("one visitor", arrivals, "dots")],
            x="order of arrival",
            y="seconds",
        ),
        chart(
            "Tickets",
            [
                Series("sold", series("sold")),
                Series("on hold", series("held")),
                Series("free", series("free")),
            ],
            x=time,
            y="tickets",
        ),
        chart(
            "Bookings in each second",
            [Series("bookings", bookings, "bars")],
            x=time,
            y="bookings",
        ),
        chart(
            "Responses and errors per sample",
            [Series("answers", requests), Series("errors", errors)],
            x=time,
            y="answers",
        ),
    ]


def _last(samples: list[dict[str, Any]]) -> float:
    return float(samples[-1]["seconds"]) if samples else 0.0


def _rate(samples: list[dict[str, Any]], name: str) -> list[tuple[float, float]]:
    return [(late["seconds"], late[name] - early[name]) for early, late in pairwise(samples)]
