"""Phone numbers as pages show them."""

from __future__ import annotations

import pytest

from surge_app.formatting import phone


@pytest.mark.parametrize(
    ("stored", "shown"),
    [
        ("+919876543210", "+91 98765 43210"),
        ("+447400123456", "+447400123456"),
        ("+91987654321", "+91987654321"),
        ("+919@gmail.in", "+919@gmail.in"),
        ("", ""),
    ],
)
def test_an_indian_number_is_shown_as_people_write_it(stored: str, shown: str) -> None:
    assert phone(stored) == shown
