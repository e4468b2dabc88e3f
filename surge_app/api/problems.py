"""How an error of Surge becomes an answer of the API (RFC 9457)."""

from __future__ import annotations

from fastapi.responses import JSONResponse

from surge_app.errors import PaymentsPaused, QueueUnavailable, RateLimited, SurgeError, Unavailable

PROBLEM = "application/problem+json"


def problem_response(error: SurgeError) -> JSONResponse:
    """Return the problem document of an error, with `Retry-After` where there is a time to wait."""
    headers = {"Cache-Control": "no-store"}
    if isinstance(error, RateLimited | PaymentsPaused | QueueUnavailable | Unavailable):
        headers["Retry-After"] = str(error.retry_after_seconds)
    return JSONResponse(
        error.document(), status_code=error.status, headers=headers, media_type=PROBLEM
    )
