"""The account at Razorpay the adapters are tested with, and someone who pays."""

from __future__ import annotations

from typing import TYPE_CHECKING

from surge_app.providers import RazorpayGateway
from surge_app.services.vendors.sandbox_credentials import sandbox_keys

if TYPE_CHECKING:
    from surge_app.services.vendors.ports import GatewayOrder, PaymentGateway
    from tests.contract.serving import Stand

RECEIPT = "01JD9Z6W5T8QK3M2R7V4X1C0BN"


def razorpay(stand: Stand, **changes: object) -> RazorpayGateway:
    """Return the real adapter before the stand-in.

    Args:
        stand: Where it runs.
        **changes: What `RazorpayGateway` is given instead.
    """
    keys = sandbox_keys(stand.settings)
    wanted = {
        "key_id": keys.razorpay_key_id,
        "key_secret": keys.razorpay_key_secret,
        "webhook_secrets": keys.razorpay_webhook_secrets,
        "base_url": f"{stand.settings.local_url}/sandbox/razorpay",
        "checkout_script_url": "/sandbox/razorpay/checkout.js",
    }
    return RazorpayGateway(**(wanted | changes))  # type: ignore[arg-type]


async def new_order(gateway: PaymentGateway, receipt: str = RECEIPT) -> GatewayOrder:
    """Make an order of ₹525."""
    return await gateway.create_order(receipt=receipt, amount_paise=52500, currency="INR")


async def paid(stand: Stand, gateway: RazorpayGateway, outcome: str = "captured") -> str:
    """Pay an order and return the payment's id."""
    order = await new_order(gateway)
    answer = await stand.attempt(order.id, outcome=outcome, webhook="none")
    return answer.json()["razorpay_payment_id"]
