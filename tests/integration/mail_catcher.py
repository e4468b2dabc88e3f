"""What the sandbox's outbox says of a booking."""

from __future__ import annotations

from tests.conftest import Customer


async def channels_told(buyer: Customer, ref: str) -> list[str]:
    """Return the channels on which a booking was told, one for each message."""
    answer = await buyer.http.get("/sandbox/outbox.json")
    return sorted(
        message["channel"] for message in answer.json()["messages"] if message["booking_ref"] == ref
    )
