"""Distributed tracing, from a request or a webhook to the message it causes.

Without a configured collector the SDK is not imported, and a span costs one variable lookup.

A trace outlives its request: stored webhooks and messages keep a `traceparent`, and the process
that handles them later continues it.
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
    """The tracer behind this module; `provider` is the SDK's own, for frameworks."""

    provider: Any

    def span(
        self, name: str, *, kind: Kind, continues: str | None, attributes: dict[str, Value]
    ) -> AbstractContextManager[object]:
        """Return a span over a block."""
        ...

    def here(self) -> str | None:
        """Return the current span as a W3C `traceparent`, None without one."""
        ...

    def end(self) -> None:
        """Flush pending spans."""
        ...


_NOTHING: AbstractContextManager[object] = nullcontext()
_tracing: Tracing | None = None


def begin(endpoint: str | None, *, process: str) -> None:
    """Start tracing, if a collector is configured.

    Args:
        endpoint: Base URL of an OTLP/HTTP collector.
        process: The kind of process, such as `web`.
    """
    global _tracing  # noqa: PLW0603  one for the process
    if endpoint and _tracing is None:
        from surge_app.observability.otlp import Collector  # noqa: PLC0415  only with a collector

        _tracing = Collector(endpoint, process=process)


def provider() -> Any:
    """Return the SDK's tracer provider, None without a collector."""
    return None if _tracing is None else _tracing.provider


def end() -> None:
    """Flush pending spans and stop tracing."""
    global _tracing  # noqa: PLW0603  one for the process
    if _tracing is not None:
        _tracing.end()
        _tracing = None


def span(
    name: str, *, kind: Kind = "internal", continues: str | None = None, **attributes: Value
) -> AbstractContextManager[object]:
    """Trace a block as one span.

    Args:
        name: Low cardinality: the operation, never its subject.
        kind: `server` answers a client, `consumer` handles stored work, `internal` is a part.
        continues: A `traceparent` to continue; None continues the current span.
        **attributes: Ids only: no names, addresses or secrets.
    """
    if _tracing is None:
        return _NOTHING
    return _tracing.span(name, kind=kind, continues=continues, attributes=attributes)


def event(name: str, **attributes: Value) -> AbstractContextManager[object]:
    """Trace a block as a child of the current span; a no-op without one."""
    if _tracing is None or _tracing.here() is None:
        return _NOTHING
    return _tracing.span(name, kind="internal", continues=None, attributes=attributes)


def current_traceparent() -> str | None:
    """Return the `traceparent` to store for later work; None without a span."""
    return None if _tracing is None else _tracing.here()


def traced(
    name: str,
) -> Callable[[Callable[_Given, Awaitable[_Result]]], Callable[_Given, Awaitable[_Result]]]:
    """Trace each call of a coroutine function as a child of the current span."""

    def decorate(
        call: Callable[_Given, Awaitable[_Result]],
    ) -> Callable[_Given, Awaitable[_Result]]:
        @functools.wraps(call)
        async def wrapped(*args: _Given.args, **kwargs: _Given.kwargs) -> _Result:
            with event(name):
                return await call(*args, **kwargs)

        return wrapped

    return decorate
