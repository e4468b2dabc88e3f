"""Shared by the adapters: HTTP in the event loop below the SDKs, and the meaning of a failure.

The SDKs block, lose the HTTP status, print to stdout and let raw exceptions through. Below them
one client waits in the event loop instead of a thread, and gives one meaning to every failure.
"""

from __future__ import annotations

import asyncio
import json
import os
import ssl
import time
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, TypeVar, cast
from urllib.parse import urlsplit
from weakref import WeakKeyDictionary

import aiohttp
import certifi
from anyio import CapacityLimiter
from sqlalchemy.util import await_, greenlet_spawn

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

_T = TypeVar("_T")

TIMEOUTS = (3.0, 8.0)
"""Seconds to connect and to wait for an answer."""

_CONCURRENT_CALLS = 16
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
# Shorter than a server's own, so that no call uses a connection that is closing.
_KEEPALIVE_SECONDS, _LOCAL_KEEPALIVE_SECONDS = 15.0, 1.0
_SHOWN_CHARACTERS = 300
_SUCCESS_CLASS = 2
_NEVER_SENT = (
    aiohttp.ClientConnectorError,
    aiohttp.ConnectionTimeoutError,
    aiohttp.ClientHttpProxyError,
    aiohttp.InvalidURL,
)


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


@dataclass(frozen=True, slots=True)
class Answer:
    """A vendor's 2xx, with the names that SDKs read."""

    status_code: int
    content: bytes
    headers: Mapping[str, str]

    def json(self) -> dict[str, Any]:
        """Return the JSON object, which `VendorHttp` has seen."""
        return json.loads(self.content)


class VendorHttp:
    """HTTP to one vendor that raises `ProviderError` and nothing else.

    Args:
        vendor: Names the vendor in error messages.
        base_url: A loopback address is reached directly, whatever proxy is configured.
        timeouts: Seconds to connect, and to wait for an answer.
    """

    def __init__(
        self, vendor: str, base_url: str, timeouts: tuple[float, float] = TIMEOUTS
    ) -> None:
        self._vendor = vendor
        self._is_local = is_loopback(base_url)
        self._timeouts = timeouts
        # A slow vendor must not take every connection of the process.
        self._limiter = CapacityLimiter(_CONCURRENT_CALLS)

    async def request(
        self,
        method: str,
        url: str,
        *,
        data: bytes | str | None = None,
        params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        auth: tuple[str, str] | None = None,
        is_json: bool = True,
    ) -> Answer:
        """Send a request and return its answer, which is a 2xx.

        Args:
            method: In capitals; anything but GET may change something.
            headers: Besides those of HTTP itself.
            is_json: Whether the answer has to be a JSON object.
        """
        mutates = method != "GET"
        connect, read = self._timeouts
        sent = dict(headers or {})
        if auth:
            sent["Authorization"] = aiohttp.encode_basic_auth(*auth)
        with tracing.event("vendor"):
            async with self._limiter:
                try:
                    # No vendor redirects a call; following one would carry the credentials along.
                    async with _session(is_local=self._is_local).request(
                        method,
                        url,
                        data=data,
                        params=params,
                        headers=sent,
                        allow_redirects=False,
                        timeout=aiohttp.ClientTimeout(sock_connect=connect, sock_read=read),
                    ) as response:
                        answer = Answer(response.status, await response.read(), response.headers)
                except (aiohttp.ClientError, OSError) as error:
                    raise _transport_error(self._vendor, error, mutates=mutates) from error
        if answer.status_code // 100 != _SUCCESS_CLASS:
            raise status_error(
                self._vendor, answer.status_code, answer.content, answer.headers, mutates=mutates
            )
        if is_json and not _is_json_object(answer.content):
            raise unreadable(self._vendor, mutates=mutates)
        return answer

    def blocking_request(self, method: str, url: str, **options: Any) -> Answer:
        """Send a request from within `run_sdk`, for code that takes HTTP for a blocking call."""
        return await_(self.request(method, url, **options))


async def run_sdk(call: Callable[[], _T]) -> _T:
    """Run code of an SDK; the event loop goes on while `blocking_request` waits below it."""
    return await greenlet_spawn(call)


_sessions: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[bool, aiohttp.ClientSession]] = (
    WeakKeyDictionary()
)


def _session(*, is_local: bool) -> aiohttp.ClientSession:
    sessions = _sessions.setdefault(asyncio.get_running_loop(), {})
    if is_local not in sessions:
        certificates = ssl.create_default_context()
        # The bundles of SDKs are years old.
        certificates.load_verify_locations(os.environ.get("REQUESTS_CA_BUNDLE") or certifi.where())
        sessions[is_local] = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=0,
                keepalive_timeout=_LOCAL_KEEPALIVE_SECONDS if is_local else _KEEPALIVE_SECONDS,
                ssl=certificates,
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=not is_local,
        )
    return sessions[is_local]


async def close_connections() -> None:
    """Close the connections to vendors that this event loop opened."""
    for session in _sessions.pop(asyncio.get_running_loop(), {}).values():
        await session.close()


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


def _transport_error(vendor: str, error: Exception, *, mutates: bool) -> ProviderError:
    is_late = isinstance(error, TimeoutError)
    if isinstance(error, _NEVER_SENT):
        return ProviderUnavailable(f"{vendor} cannot be reached.", timed_out=is_late)
    if not mutates:
        return ProviderUnavailable(f"{vendor} did not answer.", timed_out=is_late)
    return ProviderOutcomeUnknown(f"{vendor} did not answer.")


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
