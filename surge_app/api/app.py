"""Puts the API together."""

from __future__ import annotations

from itertools import islice

from fastapi import APIRouter, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from sqlalchemy.exc import InterfaceError, OperationalError
from starlette.exceptions import HTTPException
from starlette.routing import Match
from starlette.types import Receive, Scope, Send

from surge_app.api import queue
from surge_app.api.admin import events as admin_events, lifecycle, previews
from surge_app.api.admin.bookings import participants, refunds
from surge_app.api.admin.entrance import box_office, check_in
from surge_app.api.admin.site import audit_log, health as admin_health, rehearsals, site_texts
from surge_app.api.bookings import details, messages, tickets
from surge_app.api.checkout import intents, payments, webhooks
from surge_app.api.events import catalog, covers
from surge_app.api.openapi import DocumentedApi
from surge_app.api.operations import health, metrics
from surge_app.api.problems import PROBLEM, problem_response
from surge_app.container import current
from surge_app.errors import InvalidRequest, NotFound, SurgeError, Unavailable
from surge_app.languages import N_
from surge_app.observability.log import get_logger
from surge_app.services.request_body import FIELD_NAMES

_log = get_logger(__name__)
# Routes are searched in this order, so those of a purchase come first.
_PURCHASE = (webhooks, payments, intents)
_MODULES = (
    catalog,
    queue,
    messages,
    details,
    covers,
    tickets,
    admin_events,
    box_office,
    check_in,
    participants,
    admin_health,
    lifecycle,
    previews,
    refunds,
    rehearsals,
    audit_log,
    site_texts,
    health,
    metrics,
)
_MAX_COMPLAINTS = 20
_LONGEST_COMPLAINT = 200
_METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]


class InternalError(SurgeError, code="internal", status=500):
    """An unexpected exception reached the API."""

    message = N_("Something went wrong on our side. Nothing was lost. Please try again.")


def create_api(*vendors: APIRouter) -> DocumentedApi:
    """Return the API, which looks its services up in the container at each request.

    Args:
        *vendors: Stand-ins to serve beside it.
    """
    api = DocumentedApi(
        title="Surge",
        version="1",
        description="Waiting room, holds, payments and bookings. Errors are RFC 9457 problems.",
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
    )
    # The first route that matches answers, and this is the largest answer for everyone.
    api.add_api_route(
        "/api/openapi.json", api.document, methods=["GET", "HEAD"], include_in_schema=False
    )
    routers = (module.router for module in _MODULES)
    for router in (*(module.router for module in _PURCHASE), *vendors, *routers):
        api.add_routes(router)
    api.add_api_route("/api/{rest:path}", _no_such_call, methods=_METHODS, include_in_schema=False)
    api.add_exception_handler(SurgeError, _surge_error)
    api.add_exception_handler(RequestValidationError, _invalid)
    api.add_exception_handler(HTTPException, _http_error)
    # Postgres went away, is starting, takes no more connections or gave up on a statement.
    for kind in (OperationalError, InterfaceError):
        api.add_exception_handler(kind, _out_of_reach)
    api.add_exception_handler(Exception, _bug)
    return api


class DirectCalls:
    """Calls of vendors, and the callback, without FastAPI's layers around their endpoints.

    These endpoints read their request themselves; its layers would cost more than they do.
    """

    def __init__(self, api: DocumentedApi) -> None:
        self._api = api
        self._endpoints = {
            route.path: route.endpoint
            for module in (webhooks, payments)
            for route in module.router.routes
            if isinstance(route, APIRoute)
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        endpoint = self._endpoints.get(scope["path"]) if scope["type"] == "http" else None
        if endpoint is None or scope["method"] != "POST":
            await self._api(scope, receive, send)
            return
        request = Request(scope, receive)
        try:
            response = await endpoint(request, current())
        except SurgeError as error:
            response = await _surge_error(request, error)
        except (OperationalError, InterfaceError) as error:
            response = await _out_of_reach(request, error)
        except Exception as error:  # noqa: BLE001  no answer names what went wrong
            response = await _bug(request, error)
        await response(scope, receive, send)


async def _no_such_call(request: Request) -> None:
    is_other_method = any(
        route.matches(request.scope)[0] is Match.PARTIAL for route in request.app.router.routes
    )
    raise HTTPException(405 if is_other_method else 404)


async def _surge_error(_request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, SurgeError):
        raise error
    response = problem_response(error)
    if error.status == 401:  # noqa: PLR2004  the one status that needs a challenge
        response.headers["WWW-Authenticate"] = 'Basic realm="Surge organizer", charset="UTF-8"'
    return response


async def _invalid(_request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, RequestValidationError):
        raise error
    fields = {
        _location(item["loc"]): str(item["msg"])[:_LONGEST_COMPLAINT]
        for item in islice(error.errors(), _MAX_COMPLAINTS)
    }
    _drop_frames(error, *(item.get("ctx", {}).get("error") for item in error.errors()))
    return problem_response(InvalidRequest(fields=fields))


def _drop_frames(error: BaseException, *reasons: object) -> None:
    """Break the cycle between a refusal and the frames that it passed.

    The frames hold the body. The garbage collector counts objects rather than bytes, so thousands
    of refused bodies would wait for it.
    """
    for reason in (error.__cause__, error.__context__, *reasons):
        if isinstance(reason, BaseException):
            reason.__traceback__ = None


def _location(location: tuple[str | int, ...]) -> str:
    """Return where a complaint is, without any name a client made up."""
    parts = location[1:]
    if location[0] == "body":
        parts = tuple(part for part in parts if isinstance(part, int) or part in FIELD_NAMES)
    return ".".join(str(part) for part in parts) or "body"


async def _http_error(_request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, HTTPException):
        raise error
    if error.status_code == NotFound.status:
        return problem_response(NotFound())
    _drop_frames(error)
    problem = InvalidRequest(str(error.detail))
    body = {**problem.document(), "status": error.status_code}
    return JSONResponse(
        body, status_code=error.status_code, headers=error.headers, media_type=PROBLEM
    )


async def _out_of_reach(request: Request, error: Exception) -> JSONResponse:
    _log.warning("postgres_out_of_reach", path=request.url.path, error=str(error))
    return problem_response(Unavailable())


async def _bug(request: Request, error: Exception) -> JSONResponse:
    _log.error("unhandled_error", path=request.url.path, exc_info=error)
    return problem_response(InternalError())
