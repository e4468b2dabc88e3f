"""Shared by the adapters: threads for SDK calls, and the meaning of a vendor's failure.

The SDKs lose the HTTP status, print to stdout and let raw exceptions of `requests` through.
Translating inside the HTTP session, below the SDK, gives one meaning to every failure.
"""

from __future__ import annotations

import json
import time
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, TypeVar, cast
from urllib.parse import urlsplit

import requests
from anyio import to_thread
from urllib3.exceptions import MaxRetryError, NewConnectionError, ProtocolError

from surge_app.observability import tracing
from surge_app.services.vendors.ports import (
    ProviderError,
    ProviderOutcomeUnknown,
    ProviderRejected,
    ProviderThrottled,
    ProviderUnavailable,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from anyio import CapacityLimiter

_T = TypeVar("_T")

TIMEOUTS = (3.0, 8.0)
"""Seconds to connect and to wait for an answer."""

CONCURRENT_CALLS = 16
"""Threads one adapter may use; a slow vendor must not take every thread of the process."""

_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
_SHOWN_CHARACTERS = 300
_SUCCESS_CLASS = 2


def storable_text(text: str, *, most: int) -> str:
    """Return what Postgres can keep of a vendor's text: no NUL, no half characters, not too long.

    Args:
        text: Anything a vendor said.
        most: How many characters stay.
    """
    return text[:most].replace("\0", "").encode(errors="replace").decode()


class VendorRefused(ProviderRejected):
    """A vendor's 4xx with its own words, for adapters that know some of them by heart."""

    def __init__(self, message: str, *, status: int) -> None:
        super().__init__(message)
        self.status = status


class VendorSession(requests.Session):
    """A `requests` session that raises `ProviderError` and nothing else.

    The SDKs catch `requests` exceptions only, to print them; ours pass through untouched.

    Args:
        vendor: Names the vendor in error messages.
        base_url: A loopback address is reached directly, whatever proxy is configured.
    """

    def __init__(self, vendor: str, base_url: str) -> None:
        super().__init__()
        self.trust_env = not is_loopback(base_url)
        self._vendor = vendor

    def send(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:
        """Send a request and return its answer, which is a 2xx with a JSON object."""
        mutates = request.method != "GET"
        # No vendor redirects an API call; following one would carry the credentials along.
        kwargs["allow_redirects"] = False
        try:
            response = super().send(request, **kwargs)
        except requests.RequestException as error:
            raise _transport_error(self._vendor, error, mutates=mutates) from error
        if response.status_code // 100 != _SUCCESS_CLASS:
            raise status_error(
                self._vendor,
                response.status_code,
                response.content,
                cast("Mapping[str, str]", response.headers),
                mutates=mutates,
            )
        if not _is_json_object(response.content):
            raise unreadable(self._vendor, mutates=mutates)
        return response


async def in_thread(limiter: CapacityLimiter, call: Callable[[], _T]) -> _T:
    """Run a blocking SDK call in a worker thread.

    A cancelled caller stops waiting at once; the call itself ends by its own time-outs.
    """
    with tracing.event("vendor"):
        return await to_thread.run_sync(call, abandon_on_cancel=True, limiter=limiter)


def is_loopback(url: str) -> bool:
    """Return whether a URL points at this machine, so that no proxy may stand between."""
    return urlsplit(url).hostname in _LOOPBACK


def unreadable(vendor: str, *, mutates: bool) -> ProviderError:
    """Return the error for an answer that cannot be understood."""
    msg = f"{vendor} sent an answer that cannot be read."
    return ProviderOutcomeUnknown(msg) if mutates else ProviderUnavailable(msg)


def status_error(
    vendor: str, status: int, body: bytes, headers: Mapping[str, str], *, mutates: bool
) -> ProviderError:
    """Return the error for an HTTP status outside 2xx.

    Args:
        vendor: Names the vendor in the message.
        status: The HTTP status.
        body: The answer; JSON of any vendor, or a proxy's HTML.
        headers: Case-insensitive headers, for the vendor's retry time.
        mutates: Whether the request could have changed something.
    """
    if status < HTTPStatus.BAD_REQUEST:
        # A redirect or less is no vendor's answer, but something that stands in between.
        return unreadable(vendor, mutates=mutates)
    msg = f"{vendor} answered {status}: {_error_text(body)}"
    if status == HTTPStatus.GATEWAY_TIMEOUT and mutates:
        return ProviderOutcomeUnknown(msg)
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return ProviderThrottled(msg, retry_after_seconds=_retry_after(headers))
    if status == HTTPStatus.REQUEST_TIMEOUT or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return ProviderUnavailable(msg, retry_after_seconds=_retry_after(headers))
    return VendorRefused(msg, status=status)


def _transport_error(
    vendor: str, error: requests.RequestException, *, mutates: bool
) -> ProviderError:
    if _never_sent(error):
        return ProviderUnavailable(
            f"{vendor} cannot be reached.", timed_out=isinstance(error, requests.ConnectTimeout)
        )
    if not mutates:
        return ProviderUnavailable(
            f"{vendor} did not answer.", timed_out=isinstance(error, requests.Timeout)
        )
    return ProviderOutcomeUnknown(f"{vendor} did not answer.")


def _never_sent(error: requests.RequestException) -> bool:
    if isinstance(
        error,
        (
            requests.ConnectTimeout,
            requests.exceptions.SSLError,
            requests.exceptions.ProxyError,
            requests.exceptions.InvalidURL,
        ),
    ):
        return True
    cause = error.args[0] if error.args else None
    if isinstance(cause, ProtocolError):
        return False
    return isinstance(cause, MaxRetryError) and isinstance(cause.reason, NewConnectionError)


def _retry_after(headers: Mapping[str, str]) -> float | None:
    retry_after = headers.get("Retry-After")
    if retry_after is not None:
        try:
            return max(0.0, float(retry_after))
        except ValueError:
            pass
        try:
            return max(0.0, parsedate_to_datetime(retry_after).timestamp() - time.time())
        except ValueError:
            return None
    reset = headers.get("X-RateLimit-Reset")
    try:
        return None if reset is None else max(0.0, float(reset) - time.time())
    except ValueError:
        return None


def _is_json_object(body: bytes) -> bool:
    try:
        return isinstance(json.loads(body), dict)
    except (ValueError, RecursionError):
        return False


def _error_text(body: bytes) -> str:
    """Return the sentence in an error body: Razorpay's, Twilio's or SendGrid's, else its start."""
    try:
        entity: Any = json.loads(body)
    except (ValueError, RecursionError):
        entity = None
    if isinstance(entity, dict):
        answer = cast("dict[str, Any]", entity)
        error: Any = answer.get("error")
        errors: Any = answer.get("errors")
        if isinstance(error, dict):
            return str(cast("dict[str, Any]", error).get("description", ""))[:_SHOWN_CHARACTERS]
        if isinstance(errors, list) and errors and isinstance(errors[0], dict):
            return str(cast("dict[str, Any]", errors[0]).get("message", ""))[:_SHOWN_CHARACTERS]
        if "message" in answer:
            text = f"{answer['message']} (code {answer.get('code')})"
            return text[:_SHOWN_CHARACTERS]
    return body[:_SHOWN_CHARACTERS].decode("utf-8", "replace").strip()
