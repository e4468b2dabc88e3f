"""The credentials of the vendors' stand-ins, shared by the adapters and the sandbox.

They are derived from the install's own secret: a constant in public source would let anyone
sign a payment for any install that was left in sandbox mode.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import dataclass
from typing import TYPE_CHECKING

from surge_app.errors import ConfigurationError

if TYPE_CHECKING:
    from surge_app.settings import Settings

_RAZORPAY_ID_LENGTH = 14
# Of P-256, the curve SendGrid signs its events with.
_CURVE_ORDER_LESS_ONE = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632550


@dataclass(frozen=True, slots=True)
class SandboxKeys:
    """Sandbox credentials in the format of each vendor.

    Attributes:
        razorpay_key_id: Public: the checkout in the browser gets it.
        razorpay_webhook_secrets: One for each secret key of the install; the first signs.
        sendgrid_event_key: The private number of a P-256 key.
    """

    razorpay_key_id: str
    razorpay_key_secret: str
    razorpay_webhook_secrets: tuple[str, ...]
    sendgrid_api_key: str
    sendgrid_event_key: int
    twilio_account_sid: str
    twilio_auth_token: str


def sandbox_keys(settings: Settings) -> SandboxKeys:
    """Derive the credentials; every worker of an install derives the same.

    Args:
        settings: Only `secret_key` matters.

    Raises:
        ConfigurationError: If there is no secret key to derive from.
    """
    if not settings.secret_key or not all(settings.secret_key):
        raise ConfigurationError("SURGE_SECRET_KEY must be set before the sandbox can be used.")
    secret = settings.secret_key[0]
    return SandboxKeys(
        razorpay_key_id=f"rzp_test_{_letters(secret, 'razorpay key id')[:_RAZORPAY_ID_LENGTH]}",
        razorpay_key_secret=_hex(secret, "razorpay key secret"),
        razorpay_webhook_secrets=tuple(
            _hex(key, "razorpay webhook secret") for key in settings.secret_key
        ),
        sendgrid_api_key=f"SG.sandbox.{_hex(secret, 'sendgrid api key')}",
        sendgrid_event_key=1 + int(_hex(secret, "sendgrid event key"), 16) % _CURVE_ORDER_LESS_ONE,
        twilio_account_sid=f"AC{_hex(secret, 'twilio account sid')[:32]}",
        twilio_auth_token=_hex(secret, "twilio auth token")[:32],
    )


def _derive(secret: str, purpose: str) -> bytes:
    label = f"surge sandbox: {purpose}".encode()
    return hmac.new(secret.encode(), label, hashlib.sha256).digest()


def _hex(secret: str, purpose: str) -> str:
    return _derive(secret, purpose).hex()


def _letters(secret: str, purpose: str) -> str:
    return base64.b32encode(_derive(secret, purpose)).decode()


def sandbox_url(settings: Settings) -> str:
    """Return the address of the stand-ins: of their own process, or else of this node."""
    port = settings.sandbox_port
    return f"http://127.0.0.1:{port}" if port else settings.local_url
