"""Read fields of a form that may be malformed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

LONGEST_INPUT = 200


def form_text(form: object, name: str) -> str:
    """Return one field as text, cut to what any field may hold; empty if there is none."""
    if not isinstance(form, Mapping):
        return ""
    return str(cast("Mapping[object, object]", form).get(name) or "")[:LONGEST_INPUT]
