"""Likelier spellings of mail domains: a ticket sent to gmial.com is a ticket lost."""

from __future__ import annotations

from difflib import get_close_matches

from surge_app.languages import gettext as _
from surge_app.services.checkout.contacts import Contacts

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
# Providers of their own, however much they look like a misspelling of one above.
_OTHER = frozenset(
    {
        *("ymail.com", "mail.com", "email.com", "gmx.com", "googlemail.com", "yahoo.in"),
        *("yahoo.co.uk", "yahoo.fr", "hotmail.co.uk", "hotmail.in", "outlook.in", "live.in"),
        *("live.co.uk", "proton.me", "me.com", "mac.com", "rocketmail.com"),
    }
)
_ALIKE = 0.8


def email_suggestion(email: str) -> str:
    """Return the address with a likelier domain, or an empty string.

    Args:
        email: As typed.
    """
    try:
        local, _, domain = Contacts().read_field("email", email).rpartition("@")
    except ValueError:
        return ""
    if domain in _COMMON or domain in _OTHER:
        return ""
    likelier = get_close_matches(domain, _COMMON, n=1, cutoff=_ALIKE)
    return f"{local}@{likelier[0]}" if likelier else ""


def typo_question(email: str) -> str:
    """Return a question to add to what a saved form says, or an empty string."""
    likelier = email_suggestion(email)
    return " " + _("Did you mean {address}?", address=likelier) if likelier else ""
