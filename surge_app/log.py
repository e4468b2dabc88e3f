"""Structured logging: one event name, then key-value pairs.

Lines are `key=value` for people in development and JSON in production. Standard-library
loggers (SQLAlchemy, APScheduler, vendors) go through the same renderer.
"""

from __future__ import annotations

import logging
import sys

import structlog


def configure_logging(*, json: bool, level: int = logging.INFO) -> None:
    """Set up logging for this process; safe to call again.

    Args:
        json: JSON lines if true, else coloured key-value lines.
        level: The lowest level that is written.
    """
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer()
        if json
        # Its own tracebacks show local variables: secrets in a log, at seconds for each.
        else structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
        )
    )
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                renderer,
            ]
            if json
            else [structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    root = logging.getLogger("surge_app")
    root.handlers[:] = [handler]
    root.propagate = False
    root.setLevel(level)
    # A run that is skipped because the last one still works is how the jobs are meant to be.
    logging.getLogger("apscheduler").setLevel(logging.ERROR)
    # At DEBUG the mail client logs headers, the API key among them.
    logging.getLogger("python_http_client").setLevel(logging.WARNING)


def get_logger(name: str) -> structlog.stdlib.BoundLogger:
    """Return the logger of a module; call it as `get_logger(__name__)`."""
    return structlog.stdlib.get_logger(name)
