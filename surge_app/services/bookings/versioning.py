"""One organizer at a time: a booking is acted on as it was seen, or not at all."""

from __future__ import annotations

from surge_app.errors import EditConflict
from surge_app.models import Booking


def bump_version(booking: Booking, version: int | None) -> None:
    """Check the optimistic-lock version of a locked booking, then increment it.

    Raises:
        ChangedMeanwhile: If someone else changed it since.
    """
    if version is not None and booking.version != version:
        raise EditConflict
    booking.version += 1
