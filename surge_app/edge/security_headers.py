"""The security headers every answer carries."""

from __future__ import annotations

from surge_app.settings import Settings

_RAZORPAY = "https://*.razorpay.com"
# UPI applications are opened through these schemes from inside the checkout's frame.
_UPI = "upi: tez: gpay: phonepe: paytmmp: credpay:"

CAMERA = "camera=(self), microphone=(), geolocation=(), payment=(self)"
"""What the one page that reads codes with a camera may use."""


def is_cacheable(path: str) -> list[tuple[str, str]]:
    """Return how long a file of the pages may be kept; names of built files change with them."""
    ages = {"/assets/": "public, max-age=31536000, immutable", "/fonts/": "public, max-age=2592000"}
    return [("cache-control", age) for start, age in ages.items() if path.startswith(start)]


def headers_of_files(
    headers: tuple[tuple[str, str], ...],
) -> tuple[tuple[str, str], ...]:
    """Return what is left of a page's headers for a script, style or font of its own.

    The policy is the page's: no browser asks a script for one, and 0.8 kB with each of twenty
    files is a tenth of what a page weighs.
    """
    wanted = {"x-content-type-options", "strict-transport-security"}
    return tuple(header for header in headers if header[0] in wanted)


def headers_of_polls(
    headers: tuple[tuple[str, str], ...],
) -> tuple[tuple[str, str], ...]:
    """Return what an answer for programs carries instead of a page's headers.

    Nothing in it is ever shown or run, so its policy allows nothing. There are thousands of them
    a second, and what is said of documents would be most of each.
    """
    policy = ("content-security-policy", "default-src 'none'; frame-ancestors 'none'")
    return (policy, *headers_of_files(headers))


def security_headers(settings: Settings) -> tuple[tuple[str, str], ...]:
    """Return the headers for an installation.

    The pages hydrate from inline scripts, hence `unsafe-inline`; no other host may serve a
    script but the payment provider.
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
            f"connect-src 'self' ws: wss: {_RAZORPAY}",
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
