"""Money in integer paise. No float ever holds an amount."""

from __future__ import annotations

from typing import NewType

from surge_app.words import grouped

Paise = NewType("Paise", int)

CURRENCY = "INR"
_PAISE_PER_RUPEE = 100


def rupees(amount: int) -> str:
    """Format an amount for people, grouped the Indian way.

    Args:
        amount: Paise; may be negative.

    Returns:
        `₹2,06,100` for whole rupees, `₹25.50` otherwise, `-₹25` below zero.
    """
    whole, part = divmod(abs(amount), _PAISE_PER_RUPEE)
    text = grouped(whole)
    sign = "-" if amount < 0 else ""
    return f"{sign}₹{text}.{part:02d}" if part else f"{sign}₹{text}"


def rupees_ascii(amount: int) -> str:
    """Format an amount for SMS: `Rs 2,061`. The sign ₹ would halve the length of an SMS."""
    return rupees(amount).replace("₹", "Rs ")
