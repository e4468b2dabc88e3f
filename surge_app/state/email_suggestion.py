"""Likelier spellings of mail domains: a ticket sent to gmial.com is a ticket lost."""

from __future__ import annotations

from difflib import get_close_matches

_COMMON = (
    "gmail.com",
    "yahoo.com",
    "yahoo.co.in",
    "outlook.com",
    "hotmail.com",
    "icloud.com",
    "rediffmail.com",
    "protonmail.com",
    "live.com",
)
_ALIKE = 0.8


def email_suggestion(email: str) -> str:
    """Return the address with a likelier domain, or an empty string.

    Args:
        email: As typed.
    """
    local, at, domain = email.strip().rpartition("@")
    domain = domain.lower()
    if not at or not local or domain in _COMMON:
        return ""
    likelier = get_close_matches(domain, _COMMON, n=1, cutoff=_ALIKE)
    return f"{local}@{likelier[0]}" if likelier else ""
