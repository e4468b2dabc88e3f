"""Rehearse a sale: virtual attendees over real HTTP against a running Surge, and a report.

`rehearse` is the load and the judge; `stage.run` adds an event of its own and the books.
"""

from surge_app.rehearsal.plan import Plan
from surge_app.rehearsal.recorder import Sample
from surge_app.rehearsal.reporting.result import Check, Report
from surge_app.rehearsal.runner import rehearse

__all__ = ["Check", "Plan", "Report", "Sample", "rehearse"]
