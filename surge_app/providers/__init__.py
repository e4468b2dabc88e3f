"""The vendors behind the ports, over their own SDKs.

Without keys the same adapter speaks over HTTP to the vendor's stand-in on this node.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from surge_app.errors import ConfigurationError
from surge_app.providers.delivery_reports import SendGridReports, TwilioReports, event_public_key
from surge_app.providers.razorpay import RazorpayGateway
from surge_app.providers.sendgrid import SendGridMail
from surge_app.providers.transport import close_connections
from surge_app.providers.twilio import TwilioSms
from surge_app.services.vendors.sandbox_credentials import sandbox_keys, sandbox_url

if TYPE_CHECKING:
    from surge_app.services.vendors.ports import (
        MailReports,
        MailSender,
        PaymentGateway,
        SmsReports,
        SmsSender,
    )
    from surge_app.settings import Settings

__all__ = [
    "RazorpayGateway",
    "SendGridMail",
    "TwilioSms",
    "build_gateway",
    "build_mail",
    "build_mail_reports",
    "build_sms",
    "build_sms_reports",
    "close_connections",
]

_CHECKOUT_SCRIPT_URL = "https://checkout.razorpay.com/v1/checkout.js"
_SANDBOX_CHECKOUT_PATH = "/sandbox/razorpay/checkout.js"
_SANDBOX_MAIL_SENDER = "Surge <tickets@surge.example>"
_SANDBOX_SMS_SENDER = "+15005550006"


def build_gateway(settings: Settings) -> PaymentGateway:
    """Return Razorpay, or its stand-in when no key is configured.

    Raises:
        ConfigurationError: If a credential is missing, or production would use the stand-in.
    """
    if not settings.uses_sandbox_payments:
        return RazorpayGateway(
            settings.razorpay_key_id or "",
            settings.razorpay_key_secret or "",
            settings.razorpay_webhook_secrets,
            settings.razorpay_base_url,
            _CHECKOUT_SCRIPT_URL,
        )
    _refuse_in_production(settings, "RAZORPAY_KEY_ID")
    keys = sandbox_keys(settings)
    # With hot reload pages come from another port than the sandbox; else they share one.
    origin = f"http://localhost:{settings.port}" if settings.frontend_url else ""
    return RazorpayGateway(
        keys.razorpay_key_id,
        keys.razorpay_key_secret,
        keys.razorpay_webhook_secrets,
        f"{sandbox_url(settings)}/sandbox/razorpay",
        f"{origin}{_SANDBOX_CHECKOUT_PATH}",
    )


def build_mail(settings: Settings) -> MailSender:
    """Return SendGrid, or its stand-in when no key is configured.

    Raises:
        ConfigurationError: If a credential is missing, or production would use the stand-in.
    """
    if not settings.uses_sandbox_mail:
        return SendGridMail(
            settings.sendgrid_api_key or "",
            settings.sendgrid_base_url,
            settings.sendgrid_from or "",
        )
    _refuse_in_production(settings, "SENDGRID_API_KEY")
    return SendGridMail(
        sandbox_keys(settings).sendgrid_api_key,
        f"{sandbox_url(settings)}/sandbox/sendgrid",
        settings.sendgrid_from or _SANDBOX_MAIL_SENDER,
    )


def build_sms(settings: Settings) -> SmsSender:
    """Return Twilio, or its stand-in when no account is configured.

    Raises:
        ConfigurationError: If a credential is missing, or production would use the stand-in.
    """
    if not settings.uses_sandbox_sms:
        return TwilioSms(
            settings.twilio_account_sid or "",
            settings.twilio_auth_token or "",
            settings.twilio_base_url,
            settings.twilio_from or "",
            callback_url=_sms_callback(settings) if settings.public_url else None,
        )
    _refuse_in_production(settings, "TWILIO_ACCOUNT_SID")
    keys = sandbox_keys(settings)
    return TwilioSms(
        keys.twilio_account_sid,
        keys.twilio_auth_token,
        f"{sandbox_url(settings)}/sandbox/twilio",
        settings.twilio_from or _SANDBOX_SMS_SENDER,
        callback_url=_sms_callback(settings),
    )


def build_mail_reports(settings: Settings) -> MailReports | None:
    """Return what verifies SendGrid's webhook, or None while there is no key to do that with.

    Raises:
        ConfigurationError: If a key is none.
    """
    if not settings.uses_sandbox_mail:
        keys = settings.sendgrid_webhook_public_keys
        return SendGridReports(keys) if keys else None
    return SendGridReports((event_public_key(sandbox_keys(settings).sendgrid_event_key),))


def build_sms_reports(settings: Settings) -> SmsReports:
    """Return what verifies Twilio's callback."""
    token = settings.twilio_auth_token
    if settings.uses_sandbox_sms:
        token = sandbox_keys(settings).twilio_auth_token
    return TwilioReports(token or "", _sms_callback(settings))


def _sms_callback(settings: Settings) -> str:
    # The stand-in calls this machine, the vendor the public address.
    base = settings.local_url if settings.uses_sandbox_sms else settings.base_url
    return f"{base}/api/webhooks/twilio"


def _refuse_in_production(settings: Settings, name: str) -> None:
    if settings.is_production:
        raise ConfigurationError(f"{name} must be set: production does not run on a stand-in.")
