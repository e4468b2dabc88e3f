"""Structured data of an event (schema.org) and the description under a shared link."""

from __future__ import annotations

from typing import Any

from surge_app.formatting import prices, when
from surge_app.services.events.views import EventView, TierView

_LONGEST = 200
_PAISE = 100
_AVAILABILITY = {"on_sale": "InStock", "scheduled": "PreOrder", "all_held": "LimitedAvailability"}


def description(event: EventView) -> str:
    """Return when, where, for how much and what, in at most two hundred letters."""
    begins = f"{when(event.starts_at, event.time_zone)}, {event.venue}"
    cost = prices(event.from_paise, event.to_paise)
    text = f"{begins}. {cost[0].upper()}{cost[1:]}. {event.description}"
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1].rstrip()}…"


def event_data(event: EventView, *, url: str, image: str) -> dict[str, Any]:
    """Return the event as schema.org has it; prices are what an attendee pays for one ticket."""
    status = "EventCancelled" if event.status == "cancelled" else "EventScheduled"
    data: dict[str, Any] = {
        "@context": "https://schema.org",
        "@type": "Event",
        "name": event.name,
        "description": event.description or event.name,
        "startDate": event.starts_at.isoformat(),
        "eventStatus": f"https://schema.org/{status}",
        "eventAttendanceMode": "https://schema.org/OfflineEventAttendanceMode",
        "location": {
            "@type": "Place",
            "name": event.venue,
            "address": event.address or event.city or event.venue,
        },
        "image": [image],
        "url": url,
        "offers": {
            "@type": "AggregateOffer",
            "lowPrice": _rupees(event.from_paise),
            "highPrice": _rupees(event.to_paise),
            "priceCurrency": event.currency,
            "offerCount": len(event.tiers),
            "offers": [_offer(tier, event, url) for tier in event.tiers],
        },
    }
    for name, moment in (("endDate", event.ends_at), ("doorTime", event.doors_open_at)):
        if moment:
            data[name] = moment.isoformat()
    if event.age_limit:
        data["typicalAgeRange"] = f"{event.age_limit}-"
    if event.organizer_name:
        data["organizer"] = {"@type": "Organization", "name": event.organizer_name, "url": url}
    return data


def _offer(tier: TierView, event: EventView, url: str) -> dict[str, Any]:
    opens = tier.sales_open_at or event.sales_open_at
    offer: dict[str, Any] = {
        "@type": "Offer",
        "name": tier.name,
        "price": _rupees(tier.all_in_paise),
        "priceCurrency": event.currency,
        "availability": f"https://schema.org/{_word(tier, event)}",
        "url": url,
    }
    return {**offer, "validFrom": opens.isoformat()} if opens else offer


def _rupees(amount: int) -> str:
    return f"{amount // _PAISE}.{amount % _PAISE:02d}"


def _word(tier: TierView, event: EventView) -> str:
    if event.status in {"cancelled", "ended"}:
        return "SoldOut"
    return _AVAILABILITY.get(tier.status, "SoldOut")
