"""Bound what costs nothing: a free ticket sends messages from our sender to any address."""

from __future__ import annotations

from collections.abc import Sequence

from surge_app.errors import RateLimited
from surge_app.kv.rate_limits import Limit, RateLimiter, networks
from surge_app.languages import N_
from surge_app.services.checkout.holds import subtotal_paise
from surge_app.services.checkout.views import OrderLine
from surge_app.services.events.views import Offer

# Loose for an IPv4 address, which hundreds of visitors may share behind their carrier.
_PER_IPV4 = Limit("free-address", per_minute=10, burst=500)
_PER_SUBSCRIBER = Limit("free-address", per_minute=1, burst=20)
_PER_WIDE_NETWORK = Limit("free-network", per_minute=40, burst=2_000)


class FreeTickets:
    """Counts bookings without a price by network and by event."""

    def __init__(self, limits: RateLimiter, *, per_hour: int) -> None:
        self._limits = limits
        self._per_event = Limit(
            "free-event", per_minute=max(1, per_hour // 60), burst=max(1, per_hour)
        )

    async def check(
        self, event: Offer, selection: Sequence[OrderLine], client_address: str | None
    ) -> None:
        """Count a selection that costs nothing; raises RateLimited."""
        if client_address is None or subtotal_paise(event, selection):
            return
        network = networks(client_address)
        try:
            await self._limits.check_all(
                "free",
                (_PER_IPV4 if network.is_shared else _PER_SUBSCRIBER, network.narrow),
                (_PER_WIDE_NETWORK, network.wide),
                (self._per_event, event.id),
            )
        except RateLimited as error:
            error.message = N_(
                "Very many free tickets are being booked right now. Nothing was booked for you. "
                "Please try again in a few minutes."
            )
            raise
