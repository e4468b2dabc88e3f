"""Numbers as Redis keeps them in strings: four bytes each."""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from sys import byteorder


def pack_numbers(numbers: Iterable[int]) -> bytes:
    """Return numbers as big-endian u32."""
    values = array("I", numbers)
    if byteorder == "little":
        values.byteswap()
    return values.tobytes()


def unpack_numbers(raw: bytes) -> array[int]:
    """Return the numbers `pack_numbers` made."""
    values = array("I", raw)
    if byteorder == "little":
        values.byteswap()
    return values
