"""Names of packages, as indexes compare them."""

from __future__ import annotations

import re


def normal(name: str) -> str:
    """Return the one spelling of a package's name (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()
