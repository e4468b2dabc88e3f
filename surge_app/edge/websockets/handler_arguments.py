"""The arguments that pages send to event handlers."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

ArgumentsOf = Callable[[str], frozenset[str] | None]
"""Returns the names of a handler's arguments; None for a name that no handler has."""


def arguments_of(handlers: Mapping[str, Any]) -> ArgumentsOf:
    """Return a reader of the signatures of Reflex's registered handlers; each is read once."""
    found: dict[str, frozenset[str]] = {}

    def read(name: str) -> frozenset[str] | None:
        if name not in found and name in handlers:
            _state, *names = inspect.signature(handlers[name].handler.fn).parameters
            found[name] = frozenset(names)
        return found.get(name)

    return read
