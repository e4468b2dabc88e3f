"""The report as one HTML page that needs nothing else."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from surge_app.formatting import format_number
from surge_app.languages import N_, current, gettext as _
from surge_app.rehearsal.plan import BAD_DAYS
from surge_app.rehearsal.reporting.charts import Series, chart

_OUTCOMES = {
    "booked": N_("booked"),
    "sold_out": N_("were told that all was sold"),
    "released": N_("gave their tickets back"),
    "expired": N_("let their time run out"),
    "walked_away": N_("walked away from the payment"),
    "left_line": N_("left the queue"),
    "gave_up": N_("lost patience in the queue"),
    "refunded": N_("paid too late, and got the money back"),
    "checking": N_("paid, and had heard nothing in the end"),
    "refused": N_("were refused"),
    "ended": N_("found the sale ended"),
    "waited": N_("waited"),
    "sent home": N_("were sent home at the end of the rehearsal"),
}
_USUAL = N_("nothing unusual")
_templates = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_templates.globals.update(_=_, number=format_number)


def page_of(document: Mapping[str, Any]) -> str:
    """Return the page of a report in the current language, made from its JSON."""
    return _templates.get_template("report.html").render(
        language=current(),
        report=document,
        plots=_plots(document),
        outcomes=[
            (_(_OUTCOMES.get(name) or str(name)), count)
            for name, count in sorted(document["outcomes"].items(), key=lambda pair: -pair[1])
            if count
        ],
        bad_days=[
            (_(BAD_DAYS.get(name, _USUAL)), count)
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
    time, visitors = _("seconds since the opening"), _("visitors")
    return [
        chart(
            _("Visitors in the queue and inside"),
            [Series(_("in the queue"), series("queue")), Series(_("inside"), series("inside"))],
            x=time,
            y=visitors,
        ),
        chart(
            _("Wait of visitors who polled on time, by order of arrival"),
            [Series(_("one visitor"), arrivals, "dots")],
            x=_("order of arrival"),
            y=_("seconds"),
        ),
        chart(
            _("Tickets"),
            [
                Series(_("sold"), series("sold")),
                Series(_("on hold"), series("held")),
                Series(_("free"), series("free")),
            ],
            x=time,
            y=_("tickets"),
        ),
        chart(
            _("Bookings in each second"),
            [Series(_("bookings"), bookings, "bars")],
            x=time,
            y=_("bookings"),
        ),
        chart(
            _("Responses and errors per sample"),
            [Series(_("answers"), requests), Series(_("errors"), errors)],
            x=time,
            y=_("answers"),
        ),
    ]


def _last(samples: list[dict[str, Any]]) -> float:
    return float(samples[-1]["seconds"]) if samples else 0.0


def _rate(samples: list[dict[str, Any]], name: str) -> list[tuple[float, float]]:
    return [(late["seconds"], late[name] - early[name]) for early, late in pairwise(samples)]
