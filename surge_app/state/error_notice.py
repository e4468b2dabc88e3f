"""Show unexpected errors of handlers."""

from __future__ import annotations

import uuid
from typing import cast

import reflex as rx
from reflex.event import EventSpec

from surge_app.observability.log import get_logger

_log = get_logger(__name__)

_LONGEST_PAGE_ERROR = 500


class ErrorNoticeState(rx.State):
    """The neutral notice about a bug. It holds no text from the error, only a number to quote."""

    number: str = ""

    @rx.event
    def show(self, number: object) -> None:
        """Show the notice."""
        text = number if isinstance(number, str) else ""
        self.number = text[:8] if text.isalnum() else "unknown"

    @rx.event
    def dismiss(self) -> None:
        """Take the notice away."""
        self.number = ""


async def clear_problem(state: rx.State) -> None:
    """Dismiss the notice from another state's handler, which holds the lock already."""
    notice = await state.get_state(ErrorNoticeState)
    # Reflex stores and sends what is assigned, also where it is the same.
    if notice.number:
        notice.number = ""


def report_page_error(exception: Exception) -> None:
    """Log what a page reports about itself; the app's `frontend_exception_handler`.

    The text is the client's, so it is short and one field of one line.
    """
    _log.warning("page_error", text=str(exception)[:_LONGEST_PAGE_ERROR])


def report(exception: Exception) -> EventSpec | None:
    """Log a bug and show a neutral notice; the app's `backend_exception_handler`.

    The notice carries a number that is in the log too, so a person can quote it.

    WARNING: Reflex evaluates the annotations by name in its own module; keep `EventSpec`.
    """
    number = uuid.uuid4().hex[:8]
    _log.error("handler_failed", number=number, exc_info=exception)
    return cast("EventSpec", ErrorNoticeState.show(number))
