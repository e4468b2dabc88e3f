"""An error that asks for patience says for how long, whoever sends it."""

from __future__ import annotations

import pytest

from surge_app.api.problems import problem_response
from surge_app.edge.http import problem
from surge_app.errors import (
    NotFound,
    PaymentsPaused,
    QueueUnavailable,
    RateLimited,
    SurgeError,
    Unavailable,
)


@pytest.mark.parametrize(
    ("error", "seconds"),
    [
        (RateLimited(7), "7"),
        (PaymentsPaused(retry_after_seconds=9), "9"),
        (QueueUnavailable(), "5"),
        (Unavailable(), "2"),
        (NotFound(), None),
    ],
)
def test_api_and_edge_send_the_same_retry_after(error: SurgeError, seconds: str | None) -> None:
    assert problem_response(error).headers.get("retry-after") == seconds
    assert dict(problem(error).headers).get("retry-after") == seconds
