"""The headers that responses carry."""

from __future__ import annotations

from surge_app.edge.http import NO_STORE, Headers, encode
from surge_app.edge.routes import Kind, Route
from surge_app.settings import Settings

_RAZORPAY = "https://*.razorpay.com"
# UPI applications are opened through these schemes from inside the checkout's frame.
_UPI = "upi: tez: gpay: phonepe: paytmmp: credpay:"
_OF_EVERY_FILE = {"x-content-type-options", "strict-transport-security"}

CAMERA = "camera=(self), microphone=(), geolocation=(), payment=(self)"
"""The permissions policy of the one page that reads codes with a camera."""


class EdgeHeaders:
    """The sets of headers of one installation, encoded once.

    A page's policy is 0.8 kB. Scripts and fonts do without it, for no browser reads it there;
    polls carry one that allows nothing, for they are never shown or run.
    """

    def __init__(self, settings: Settings) -> None:
        page = security_headers(settings)
        file = [header for header in page if header[0] in _OF_EVERY_FILE]
        policy = ("content-security-policy", "default-src 'none'; frame-ancestors 'none'")
        self.poll = encode((policy, *file))
        self._page = encode(page)
        self._file = encode(file)
        # Personal data stays out of caches unless an endpoint says otherwise.
        self._api = encode((*page, NO_STORE))

    def of(self, route: Route) -> tuple[Headers, Headers | None]:
        """Return the headers of a route's responses, and those of a success if they differ."""
        if route.kind is Kind.QUEUE:
            return self.poll, None
        if route.kind is Kind.API:
            return self._api, None
        if route.cache:
            own = [("cache-control", route.cache)]
            if route.worker_scope:
                own.append(("service-worker-allowed", route.worker_scope))
            return self._page, (*self._file, *encode(own))
        return self._page, None


def security_headers(settings: Settings) -> tuple[tuple[str, str], ...]:
    """Return the security headers of a page.

    Pages hydrate from inline scripts, hence `unsafe-inline`. No other host but the payment
    provider may serve a script.
    """
    policy = "; ".join(
        (
            "default-src 'self'",
            "base-uri 'none'",
            "object-src 'none'",
            "frame-ancestors 'none'",
            f"script-src 'self' 'unsafe-inline' {_RAZORPAY}",
            "style-src 'self' 'unsafe-inline'",
            f"img-src 'self' data: {_RAZORPAY}",
            "font-src 'self' data:",
            f"connect-src 'self' {_sockets(settings)} {_RAZORPAY}",
            f"frame-src 'self' {_RAZORPAY} {_UPI}",
            f"form-action 'self' {_RAZORPAY}",
        )
    )
    headers = (
        ("content-security-policy", policy),
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "strict-origin-when-cross-origin"),
        ("cross-origin-opener-policy", "same-origin-allow-popups"),
        ("permissions-policy", "camera=(), microphone=(), geolocation=(), payment=(self)"),
    )
    if settings.has_secure_cookies:
        return (*headers, ("strict-transport-security", "max-age=31536000"))
    return headers


def _sockets(settings: Settings) -> str:
    # Older browsers do not take 'self' for ws: and wss: of the same host.
    if not settings.is_production:
        return "ws: wss:"
    return settings.base_url.replace("http", "ws", 1)
