"""`/api/payments`: what the checkout hands over when it is done."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import cast
from urllib.parse import parse_qsl

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse, RedirectResponse

from surge_app.api.dependencies import Services
from surge_app.api.openapi import form_body
from surge_app.api.schemas import OutcomeOut, ProblemOut
from surge_app.container import Container
from surge_app.errors import BadSignature, InvalidRequest, PayloadTooLarge
from surge_app.services.request_body import MAX_FIELDS

router = APIRouter(prefix="/api/payments", tags=["payments"])

_LARGEST_BODY = 16 * 1024
_FIELDS = ("razorpay_order_id", "razorpay_payment_id", "razorpay_signature")


@router.post(
    "/razorpay/callback",
    response_model=OutcomeOut,
    responses={303: {"description": "To the booking, for a form"}, 400: {"model": ProblemOut}},
    openapi_extra=form_body(*_FIELDS, also="application/json"),
)
async def razorpay_callback(request: Request, services: Services) -> Response:
    """Verify the checkout's three fields and settle; JSON from the modal, a form from a redirect.

    A form comes from the gateway's site without our cookies: the signature alone identifies it.
    """
    is_form = not request.headers.get("content-type", "").startswith("application/json")
    fields = _read(await request.body(), is_form=is_form)
    order_id, payment_id, signature = (fields.get(name, "") for name in _FIELDS)
    failed = _failed_order(fields) if is_form and not signature else ""
    if failed:
        return await _to_checkout(services, failed, "?payment=failed")
    if not (order_id and payment_id and signature):
        raise BadSignature
    outcome = await services.payments.settle_callback(
        order_id=order_id, payment_id=payment_id, signature=signature
    )
    ref = outcome.booking_ref
    if is_form:
        # The browser may carry a booking cookie already, but not on a cross-site post: the
        # token adds this booking to it on the next, same-site, request.
        token = services.identity.booking_token(ref) if ref else ""
        if not ref:
            return await _to_checkout(services, order_id, "")
        return RedirectResponse(f"/bookings/{ref}?token={token}", status_code=303)
    response = JSONResponse(OutcomeOut.of(outcome).model_dump(mode="json"))
    if ref:
        cookies = request.headers.get("cookie", "")
        response.headers.append(
            "set-cookie", services.identity.add_booking_cookie(cookies, ref).header
        )
    response.headers["cache-control"] = "no-store"
    return response


async def _to_checkout(services: Container, order_id: str, query: str) -> Response:
    """Redirect a browser to its checkout, which reads the outcome itself."""
    slug = await services.payments.event_of_order(order_id)
    return RedirectResponse(f"/book/{slug}{query}" if slug else "/events", status_code=303)


def _failed_order(fields: Mapping[str, str]) -> str:
    """Return the order a redirect says was not paid; empty if it says nothing of the kind."""
    try:
        metadata: object = json.loads(fields.get("error[metadata]", ""))
    except (ValueError, RecursionError):
        return ""
    if not isinstance(metadata, dict):
        return ""
    named = cast("dict[str, object]", metadata).get("order_id")
    is_sound = isinstance(named, str) and named.isascii() and named.isprintable()
    return str(named) if is_sound else ""


def _form(body: bytes) -> dict[str, str]:
    return dict(parse_qsl(body.decode(), max_num_fields=MAX_FIELDS))


def _read(body: bytes, *, is_form: bool) -> dict[str, str]:
    if len(body) > _LARGEST_BODY:
        raise PayloadTooLarge
    try:
        parsed: object = _form(body) if is_form else json.loads(body)
    except (ValueError, RecursionError) as error:
        raise InvalidRequest from error
    if not isinstance(parsed, dict):
        raise InvalidRequest
    # The three fields are ASCII; Postgres could not even look for a NUL.
    return {
        str(key): value  # pyright: ignore[reportUnknownArgumentType]  any JSON object
        for key, value in parsed.items()  # pyright: ignore[reportUnknownVariableType]
        if isinstance(value, str) and value.isascii() and value.isprintable()
    }
