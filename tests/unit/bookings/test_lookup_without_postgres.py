"""Whoever comes back is led to what they bought, and nobody needs Postgres to be led on."""

from __future__ import annotations

from typing import Any, cast

import pytest
from sqlalchemy.exc import OperationalError

from surge_app.errors import Busy
from surge_app.services.bookings.lookup import BookingLookup


class _Away:
    def __init__(self, error: Exception) -> None:
        self._error = error

    def transaction(self) -> None:
        raise self._error


@pytest.mark.parametrize("error", [Busy(), OperationalError("SELECT", {}, OSError("refused"))])
async def test_while_postgres_is_away_nobody_is_kept_from_the_line(error: Exception) -> None:
    finder = BookingLookup(cast("Any", _Away(error)), cast("Any", None), cast("Any", None))
    assert await finder.latest_for_event("gala", ["SRG-ABCDEFGH"], visitor_id="v") is None
    assert await finder.latest_for_event("gala", []) is None
