"""The positions of a queue that wait, as bits, read from Redis by parts.

A look reads the bits near the head and those at the end, where visitors are called and join. In
between they only leave, so each look reads one more part: a long queue costs a look no more.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

# As in `snapshot.lua`.
_BLOCK = 512
_NEAR, _PART = 32 * _BLOCK, 64 * _BLOCK


class WaitingBits:
    """Bit n stands for position `first * 8 + n`; offsets count bytes from the first."""

    def __init__(
        self,
        first: int,
        bits: bytes | bytearray,
        *,
        counts: list[int] | None = None,
        epoch: bytes = b"",
        part: int = 0,
    ) -> None:
        self.first = first
        self._bits = bits
        self._counts = _counts(bits) if counts is None else counts
        self._before = [*accumulate(self._counts, initial=0)]
        self._epoch, self._part = epoch, part

    def count_ahead(self, position: int) -> int | None:
        """Return how many wait before a position; None if it does not wait."""
        offset, bit = (position >> 3) - self.first, 7 - (position & 7)
        byte = self._bits[offset] if 0 <= offset < len(self._bits) else 0
        if not byte >> bit & 1:
            return None
        # With this position's own bit and all behind it shifted out.
        return self.count_before(offset) + (byte >> (bit + 1)).bit_count()

    def read(self, offset: int, size: int) -> bytes:
        """Return bytes from an offset on, zero where none are known."""
        missing = bytes(min(max(-offset, 0), size))
        found = missing + self._bits[max(offset, 0) : max(offset + size, 0)]
        return found.ljust(size, b"\0")

    def count_before(self, offset: int) -> int:
        """Return how many bits are set before a byte; of all if there is none such."""
        offset = min(max(offset, 0), len(self._bits))
        block = offset // _BLOCK
        part = int.from_bytes(self._bits[block * _BLOCK : offset], "big")
        return self._before[block] + part.bit_count()

    def first_set(self) -> int | None:
        """Return the offset of the first bit that is set, in bits."""
        block = next((at for at, count in enumerate(self._counts) if count), None)
        if block is None:
            return None
        bits = self._bits[block * _BLOCK : (block + 1) * _BLOCK]
        byte = len(bits) - len(bits.lstrip(b"\0"))
        return (block * _BLOCK + byte) * 8 + 8 - bits[byte].bit_length()

    def arguments(self) -> tuple[bytes | int, ...]:
        """Return what `snapshot.lua` has to know of these bits."""
        return self._epoch, self._part, self._tail(), _NEAR, _PART

    def merge(self, raw: Sequence[bytes]) -> WaitingBits:
        """Return the bits after an answer of `snapshot.lua`."""
        epoch, first, near, part, tail = raw[0], int(raw[1]), *raw[2:]
        if epoch != self._epoch:
            return WaitingBits(first, near, epoch=epoch, part=first + _NEAR)
        skipped = first - self.first
        missing, skipped = max(-skipped, 0), max(skipped, 0)
        bits = bytearray(missing)
        bits += memoryview(self._bits)[skipped:]
        counts = [0] * (missing // _BLOCK) + self._counts[skipped // _BLOCK :]
        _replace(bits, counts, self._part - first, part)
        _replace(bits, counts, max(self._tail(), first + len(near)) - first, tail)
        _replace(bits, counts, 0, near)
        following, nearest = self._part + _PART, first + _NEAR
        is_inside = nearest < following < first + len(bits)
        following = following if is_inside else nearest
        return WaitingBits(first, bits, counts=counts, epoch=epoch, part=following)

    def _tail(self) -> int:
        """Return where the last block begins; bits from there on may have been set since."""
        return self.first + max(0, len(self._bits) - 1) // _BLOCK * _BLOCK


def _replace(bits: bytearray, counts: list[int], offset: int, piece: bytes) -> None:
    piece, offset = piece[max(-offset, 0) :], max(offset, 0)
    if not piece:
        return
    bits.extend(bytes(max(0, offset - len(bits))))
    bits[offset : offset + len(piece)] = piece
    first, last = offset // _BLOCK, -(-(offset + len(piece)) // _BLOCK)
    counts[first:last] = _counts(bits[first * _BLOCK : last * _BLOCK])


def _counts(bits: bytes | bytearray) -> list[int]:
    """Return how many bits are set in each block."""
    return [
        int.from_bytes(bits[at : at + _BLOCK], "big").bit_count()
        for at in range(0, len(bits), _BLOCK)
    ]
