"""Rehearsing a sale: virtual attendees over real HTTP against a running Surge, and a verdict.

`rehearse` is the load and the judge; `stage.run` adds an event of its own and the books.
"""

from surge_app.rehearsal.notes import Sample
from surge_app.rehearsal.plan import Plan
from surge_app.rehearsal.play import rehearse
from surge_app.rehearsal.report import Promise, Report

__all__ = ["Plan", "Promise", "Report", "Sample", "rehearse"]
