"""The report as one HTML page that needs nothing else."""

from __future__ import annotations

import html
import json
from typing import Any


def page_of(document: dict[str, Any]) -> str:
    """Return the page of a report, made from its JSON."""
    text = html.escape(json.dumps(document, indent=1, ensure_ascii=False))
    return f"<!doctype html><meta charset=utf-8><title>Rehearsal</title><pre>{text}</pre>"
