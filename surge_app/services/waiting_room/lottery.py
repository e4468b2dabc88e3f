"""Drawing the order of those who came before the opening, so that anyone can check it.

With the seed and the number of early arrivals, which are public from the opening on:

    from hashlib import sha256
    key = lambda number: sha256(f"{seed}:{number}".encode()).digest()
    print(sorted(range(1, early + 1), key=key))  # the numbers in the order of their turns
"""

from __future__ import annotations

import secrets
from hashlib import sha256

FIFO, RANDOM = "fifo", "random"


def new_seed() -> str:
    """Return an unguessable seed."""
    return secrets.token_hex(16)


def commitment(seed: str) -> str:
    """Return what is published before the opening: it tells nothing of the seed, but fixes it."""
    return sha256(seed.encode()).hexdigest()


def shuffle(seed: str, early: int) -> list[int]:
    """Return the numbers 1 to `early` in the order of their turns."""
    return sorted(
        range(1, early + 1), key=lambda number: sha256(f"{seed}:{number}".encode()).digest()
    )


def positions(numbers: list[int]) -> list[int]:
    """Return the position of number 1, 2 and so on, for numbers in the order of their turns."""
    found = [0] * len(numbers)
    for position, number in enumerate(numbers, start=1):
        found[number - 1] = position
    return found
