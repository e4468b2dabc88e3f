"""The OpenAPI document: what FastAPI writes, with refusals as they are really sent."""

from __future__ import annotations

import json
from typing import Any, cast

from fastapi import APIRouter, FastAPI, Response

from surge_app.api.dependencies import Problems
from surge_app.api.problems import PROBLEM

_PROBLEM_CONTENT = {PROBLEM: {"schema": {"$ref": "#/components/schemas/ProblemOut"}}}
# Our own, and the one FastAPI documents for its own refusals; `create_api` answers both.
_REFUSALS = {"#/components/schemas/ProblemOut", "#/components/schemas/HTTPValidationError"}
_ALWAYS = {"503": "The database or the queue is busy; nothing was lost"}
_WITH_QUERY = {"414": "The address is too long"}
_WITH_BODY = {
    "400": "The body cannot be read",
    "413": "The body is too large",
    "422": "The body is not what is asked for",
}


class DocumentedApi(FastAPI):
    """FastAPI, whose document tells the media type of problems, and those any call may meet."""

    _encoded = b""

    def add_routes(self, router: APIRouter) -> None:
        """Add the routes themselves: each request would search an included router twice."""
        self.router.routes.extend(router.routes)

    def prepare(self) -> None:
        """Write the document and build the routes, so that no request waits half a second for it.

        FastAPI would build the routes of a router with the first request that meets it.
        """
        self._encoded = json.dumps(self.openapi(), separators=(",", ":")).encode()

    async def document(self) -> Response:
        """Send the document."""
        if not self._encoded:
            self.prepare()
        return Response(self._encoded, media_type="application/json")

    def openapi(self) -> dict[str, Any]:
        """Return the document, made once."""
        is_new = self.openapi_schema is None
        document = super().openapi()
        if is_new:
            for path in document["paths"].values():
                for operation in path.values():
                    _tell_refusals(operation)
            document["components"]["schemas"].pop("HTTPValidationError", None)
            document["components"]["schemas"].pop("ValidationError", None)
        return document


def shows(*media_types: str) -> Problems:
    """Describe a call that answers with a file."""
    return {200: {"content": {media_type: {} for media_type in media_types}}}


def form_body(*fields: str, also: str | None = None) -> dict[str, Any]:
    """Describe the body of a call that parses its form itself.

    Args:
        *fields: Their names; all are text.
        also: Another media type that may carry them.
    """
    schema = {
        "type": "object",
        "properties": {name: {"type": "string"} for name in fields},
        "required": list(fields),
    }
    media = ["application/x-www-form-urlencoded", *([also] if also else [])]
    return {"requestBody": {"content": {name: {"schema": schema} for name in media}}}


def _tell_refusals(operation: dict[str, Any]) -> None:
    responses = cast("dict[str, dict[str, Any]]", operation["responses"])
    has_query = any(one["in"] == "query" for one in operation.get("parameters", []))
    common = {
        **_ALWAYS,
        **(_WITH_QUERY if has_query else {}),
        **(_WITH_BODY if "requestBody" in operation else {}),
    }
    for status, description in common.items():
        responses.setdefault(status, {"description": description, "content": _PROBLEM_CONTENT})
    for response in responses.values():
        content = cast("dict[str, dict[str, Any]]", response.get("content", {}))
        if any(one.get("schema", {}).get("$ref") in _REFUSALS for one in content.values()):
            response["content"] = _PROBLEM_CONTENT
