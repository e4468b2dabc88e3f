"""The positions of a queue that wait, as bits, read from Redis by parts.

A look reads the bits near the head and those at the end, where visitors are called and join. In
between they only leave, so each look reads one more part: a long queue costs a look no more.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

# As in `snapshot.lua`.
_BLOCK = 512
_NEAR, _PART = 32 * _BLOCK, 32 * _BLOCK
_EMPTY = bytes(_BLOCK)


class WaitingBits:
    """Bit n stands for position `first * 8 + n`; offsets count bytes from the first.

    Two looks share the blocks that did not change, so that millions of positions are not copied.
    """

    def __init__(
        self, first: int, blocks: list[bytes], counts: list[int], *, epoch: bytes, part: int
    ) -> None:
        self.first = first
        self._blocks, self._counts = blocks, counts
        self._size = (len(blocks) - 1) * _BLOCK + len(blocks[-1]) if blocks else 0
        self._before = [*accumulate(counts, initial=0)]
        self._epoch, self._part = epoch, part

    @classmethod
    def of(cls, first: int, bits: bytes, *, epoch: bytes = b"", part: int = 0) -> WaitingBits:
        """Return the bits of a whole queue; `merge` replaces them if they are of no epoch."""
        blocks = _blocks(bits)
        return cls(first, blocks, _counts(blocks), epoch=epoch, part=part)

    def count_ahead(self, position: int) -> int | None:
        """Return how many wait before a position; None if it does not wait."""
        offset, bit = (position >> 3) - self.first, 7 - (position & 7)
        inside = 0 <= offset < self._size
        byte = self._blocks[offset // _BLOCK][offset % _BLOCK] if inside else 0
        if not byte >> bit & 1:
            return None
        # With this position's own bit and all behind it shifted out.
        return self.count_before(offset) + (byte >> (bit + 1)).bit_count()

    def read(self, offset: int, size: int) -> bytes:
        """Return bytes from an offset on, zero where none are known."""
        start, end = max(offset, 0), max(offset + size, 0)
        block = start // _BLOCK
        found = b"".join(self._blocks[block : -(-end // _BLOCK)])
        missing = bytes(min(max(-offset, 0), size))
        return (missing + found[start - block * _BLOCK : end - block * _BLOCK]).ljust(size, b"\0")

    def count_before(self, offset: int) -> int:
        """Return how many bits are set before a byte; of all if there is none such."""
        offset = min(max(offset, 0), self._size)
        block, rest = divmod(offset, _BLOCK)
        part = int.from_bytes(self._blocks[block][:rest], "big") if rest else 0
        return self._before[block] + part.bit_count()

    def first_set(self) -> int | None:
        """Return the offset of the first bit that is set, in bits."""
        block = next((at for at, count in enumerate(self._counts) if count), None)
        if block is None:
            return None
        bits = self._blocks[block]
        byte = len(bits) - len(bits.lstrip(b"\0"))
        return (block * _BLOCK + byte) * 8 + 8 - bits[byte].bit_length()

    def arguments(self) -> tuple[bytes | int, ...]:
        """Return what `snapshot.lua` has to know of these bits."""
        return self._epoch, self._part, self._tail(), _NEAR, _PART

    def merge(self, raw: Sequence[bytes]) -> WaitingBits:
        """Return the bits after an answer of `snapshot.lua`."""
        epoch, first, near, part, tail = raw[0], int(raw[1]), *raw[2:]
        if epoch != self._epoch:
            return WaitingBits.of(first, near, epoch=epoch, part=first + _NEAR)
        skipped = (first - self.first) // _BLOCK
        missing, skipped = max(-skipped, 0), max(skipped, 0)
        blocks = [_EMPTY] * missing + self._blocks[skipped:]
        counts = [0] * missing + self._counts[skipped:]
        _replace(blocks, counts, self._part - first, part)
        _replace(blocks, counts, max(self._tail(), first + len(near)) - first, tail)
        _replace(blocks, counts, 0, near)
        following, nearest = self._part + _PART, first + _NEAR
        is_inside = nearest < following < first + len(blocks) * _BLOCK
        part_after = following if is_inside else nearest
        return WaitingBits(first, blocks, counts, epoch=epoch, part=part_after)

    def _tail(self) -> int:
        """Return where the last block begins; bits from there on may have been set since."""
        return self.first + max(0, len(self._blocks) - 1) * _BLOCK


def _replace(blocks: list[bytes], counts: list[int], offset: int, piece: bytes) -> None:
    """Put a piece in, which begins where a block does and ends there or at the end of all."""
    fresh = _blocks(piece[max(-offset, 0) :])
    if not fresh:
        return
    at = max(offset, 0) // _BLOCK
    missing = at - len(blocks)
    if missing >= 0:
        blocks[-1:] = [block.ljust(_BLOCK, b"\0") for block in blocks[-1:]]
        blocks += [_EMPTY] * missing
        counts += [0] * missing
    blocks[at : at + len(fresh)] = fresh
    counts[at : at + len(fresh)] = _counts(fresh)


def _blocks(bits: bytes) -> list[bytes]:
    return [bits[at : at + _BLOCK] for at in range(0, len(bits), _BLOCK)]


def _counts(blocks: list[bytes]) -> list[int]:
    """Return how many bits are set in each block."""
    return [int.from_bytes(block, "big").bit_count() for block in blocks]
