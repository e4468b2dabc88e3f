"""Convert errors to problem documents (RFC 9457)."""

from __future__ import annotations

from fastapi.responses import JSONResponse

from surge_app.errors import SurgeError

PROBLEM = "application/problem+json"


def problem_response(error: SurgeError) -> JSONResponse:
    """Return the problem document of an error."""
    headers = {"Cache-Control": "no-store", **error.headers()}
    return JSONResponse(
        error.document(), status_code=error.status, headers=headers, media_type=PROBLEM
    )
