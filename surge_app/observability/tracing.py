"""Traces for whoever collects them: from a request or a webhook to the message it ends in.

Off unless a collector is configured. Then nothing of the SDK is imported, and a span costs one
look at a variable.

A trace does not end with its request. A stored webhook and a message keep where they came from
(`here`), and whatever process goes on with them later goes on with their trace (`continues`).
"""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Literal, ParamSpec, Protocol, TypeVar

_Given = ParamSpec("_Given")
_Result = TypeVar("_Result")

Kind = Literal["server", "consumer", "internal"]
Value = str | int | float | bool | None


class Tracing(Protocol):
    """What makes spans and sends them away; `provider` is the SDK's own, for frameworks."""

    provider: Any

    def span(
        self, name: str, *, kind: Kind, continues: str | None, attributes: dict[str, Value]
    ) -> AbstractContextManager[object]:
        """Return a span that lasts as long as its block."""
        ...

    def here(self) -> str | None:
        """Return the span that is open here as a W3C `traceparent`, None without one."""
        ...

    def end(self) -> None:
        """Send what was not sent yet."""
        ...


_NOTHING: AbstractContextManager[object] = nullcontext()
_tracing: Tracing | None = None


def begin(endpoint: str | None, *, process: str) -> None:
    """Begin to trace, if there is a collector.

    Args:
        endpoint: The base address of a collector that takes OTLP over HTTP.
        process: What runs here, such as `web`.
    """
    global _tracing  # noqa: PLW0603  one for the process
    if endpoint and _tracing is None:
        from surge_app.observability.otlp import Collector  # noqa: PLC0415  only where it is wanted

        _tracing = Collector(endpoint, process=process)


def provider() -> Any:
    """Return the SDK's provider of tracers, None if nothing is traced."""
    return None if _tracing is None else _tracing.provider


def end() -> None:
    """Send what was not sent yet, and trace no more."""
    global _tracing  # noqa: PLW0603  as above
    if _tracing is not None:
        _tracing.end()
        _tracing = None


def span(
    name: str, *, kind: Kind = "internal", continues: str | None = None, **attributes: Value
) -> AbstractContextManager[object]:
    """Trace a block as one span.

    Args:
        name: One of few: what happens, not to whom.
        kind: Whether it answers somebody outside, takes up stored work, or is a part of either.
        continues: The `traceparent` of what this goes on with; what is open here if None.
        **attributes: Ids that find it again. No names, addresses or secrets.
    """
    if _tracing is None:
        return _NOTHING
    return _tracing.span(name, kind=kind, continues=continues, attributes=attributes)


def event(name: str, **attributes: Value) -> AbstractContextManager[object]:
    """Trace a block as a part of something; nothing if it is a part of nothing."""
    if _tracing is None or _tracing.here() is None:
        return _NOTHING
    return _tracing.span(name, kind="internal", continues=None, attributes=attributes)


def current_traceparent() -> str | None:
    """Return the span that is open here, to go on with later; None if there is none."""
    return None if _tracing is None else _tracing.here()


def traced(
    name: str,
) -> Callable[[Callable[_Given, Awaitable[_Result]]], Callable[_Given, Awaitable[_Result]]]:
    """Trace each call of a coroutine function as a step."""

    def decorate(
        call: Callable[_Given, Awaitable[_Result]],
    ) -> Callable[_Given, Awaitable[_Result]]:
        @functools.wraps(call)
        async def wrapped(*args: _Given.args, **kwargs: _Given.kwargs) -> _Result:
            with event(name):
                return await call(*args, **kwargs)

        return wrapped

    return decorate
