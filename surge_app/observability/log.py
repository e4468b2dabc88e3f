"""Structured logging: one event name, then key-value pairs.

Lines are `key=value` in development and JSON in production. Surge's own lines go
straight to the stream: through the standard library each would cost three times as much. Its
loggers (SQLAlchemy, APScheduler, vendors) end in the same renderer.
"""

from __future__ import annotations

import logging
import sys
from contextlib import suppress
from typing import TextIO, cast

import structlog


class _LossyStream:
    """Loses a line that cannot be written: a full disk must not fail the request that logs."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> None:
        with suppress(OSError):
            self._stream.write(text)

    def flush(self) -> None:
        with suppress(OSError):
            self._stream.flush()


def configure_logging(
    *, json: bool, level: int = logging.INFO, stream: TextIO | None = None
) -> None:
    """Set up logging for this process; safe to call again.

    Args:
        json: JSON lines if true, else coloured key-value lines.
        level: The lowest level that is written.
        stream: Where to; standard error if None.
    """
    to = stream or sys.stderr
    lossy = cast("TextIO", _LossyStream(to))
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    last: list[structlog.typing.Processor] = (
        [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
        if json
        # Its own tracebacks print local variables: slow, and a leak of secrets.
        else [
            structlog.dev.ConsoleRenderer(
                colors=to.isatty(), exception_formatter=structlog.dev.plain_traceback
            )
        ]
    )
    structlog.configure(
        processors=[*shared, *last],
        logger_factory=structlog.WriteLoggerFactory(lossy),
        wrapper_class=structlog.make_filtering_bound_logger(level),
        # A logger made before this call must follow it.
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(lossy)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.stdlib.add_logger_name],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last],
        )
    )
    root = logging.getLogger("surge_app")
    root.handlers[:] = [handler]
    root.propagate = False
    root.setLevel(level)
    # A job skips a run while its previous run is still busy; that is intended.
    logging.getLogger("apscheduler").setLevel(logging.ERROR)
    # At DEBUG the mail client logs headers, the API key among them.
    logging.getLogger("python_http_client").setLevel(logging.WARNING)


def get_logger(name: str) -> structlog.typing.FilteringBoundLogger:
    """Return the logger of a module; call it as `get_logger(__name__)`."""
    return cast("structlog.typing.FilteringBoundLogger", structlog.get_logger(module=name))
