"""Demo events of a fresh development install."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from surge_app.clock import utc_now
from surge_app.services.events.new_event import NewEvent, NewTier

_ZONE = "Asia/Kolkata"
_REFUNDS = "Full refund if the event is cancelled. Otherwise tickets are not refundable."
_CONTACT = "tickets@example.com"


def demo_events() -> list[NewEvent]:
    """Return the demo events, dated relative to today."""
    return [
        NewEvent(
            slug="monsoon-beats",
            name="Monsoon Beats, Goa",
            venue="Vagator Hilltop, Goa",
            description=(
                "One night above the sea: eight acts, two stages, and the first rain of the year "
                "if we are lucky. Doors open an hour before the first act. Bring a raincoat; "
                "umbrellas stay outside."
            ),
            city="Goa",
            category="Music",
            starts_at=_evening(days=104, hour=19),
            doors_open_at=_evening(days=104, hour=18),
            ends_at=_evening(days=104, hour=23),
            address="Vagator Hilltop, Vagator Beach Road, Bardez, Goa 403509",
            age_limit=18,
            what_to_bring="A photo ID and a raincoat. Umbrellas and bottles stay outside.",
            accessibility=(
                "A level path leads from the road to the standing area and to a raised platform. "
                "Write to us and we keep a place for you and the person with you."
            ),
            tiers=(
                NewTier("General, standing", 100_000, 400),
                NewTier("Balcony, seated", 225_000, 80),
                NewTier("Front row", 450_000, 20),
            ),
            concurrent_buyers=200,
            refund_policy=_REFUNDS,
            organizer_name="Surge Demo Events",
            organizer_email=_CONTACT,
        ),
        NewEvent(
            slug="indie-night",
            name="Indie Night at the Mill",
            venue="The Old Mill, Bengaluru",
            description=(
                "Forty places, three bands, one room. Small on purpose: one person buys at a "
                "time, so this is the event to see the waiting room with."
            ),
            city="Bengaluru",
            category="Music",
            starts_at=_evening(days=40, hour=20),
            doors_open_at=_evening(days=40, hour=19),
            ends_at=_evening(days=40, hour=22),
            tiers=(NewTier("Seat", 50_000, 40),),
            concurrent_buyers=1,
            max_per_person=4,
            refund_policy=_REFUNDS,
            organizer_name="Surge Demo Events",
            organizer_email=_CONTACT,
        ),
        NewEvent(
            slug="kite-festival",
            name="Kite Festival Finals",
            venue="Sabarmati Riverfront, Ahmedabad",
            description="The finals on the river bank. The sale opens in a week.",
            city="Ahmedabad",
            category="Sport",
            starts_at=_evening(days=60, hour=16),
            ends_at=_evening(days=60, hour=19),
            what_to_bring="A hat and water. Kites are at the gates.",
            sales_open_at=_evening(days=7, hour=12),
            tiers=(NewTier("Day ticket", 30_000, 1_000),),
            refund_policy=_REFUNDS,
            organizer_name="Surge Demo Events",
            organizer_email=_CONTACT,
        ),
    ]


def _evening(*, days: int, hour: int) -> datetime:
    local = utc_now().astimezone(ZoneInfo(_ZONE)) + timedelta(days=days)
    return local.replace(hour=hour, minute=0, second=0, microsecond=0)
