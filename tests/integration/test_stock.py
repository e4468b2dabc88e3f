"""What is on sale, when, and how much of it: tiers with rules of their own, stock that changes."""

from __future__ import annotations

import secrets
from datetime import timedelta

from surge_app.clock import utc_now
from surge_app.container import Container
from surge_app.services.offers import NewTier
from tests.conftest import NewBuyer, NewSale, Surge, eventually

HOUR = timedelta(hours=1)


async def test_the_line_lets_nobody_in_for_a_tier_that_is_not_open(
    new_sale: NewSale, new_buyer: NewBuyer
) -> None:
    now = utc_now()
    slug = await new_sale(
        tiers=(
            NewTier("Early", 40_000, 3, sales_close_at=now - HOUR),
            NewTier("Now", 50_000, 1),
            NewTier("Late", 60_000, 5, sales_open_at=now + HOUR),
        )
    )
    first, second = new_buyer(slug), new_buyer(slug)
    assert (await first.join())["state"] == "admitted"
    held = await first.hold(tier=1)
    assert held.status_code == 201
    assert (await second.join())["state"] == "waiting"
    event = (await first.http.get(f"/api/events/{slug}")).json()
    words = [tier["status"] for tier in event["tiers"]]
    assert words[0] == "ended"
    assert words[1] in {"on_sale", "all_held"}
    assert words[2] == "scheduled"


async def test_a_sale_whose_open_tiers_are_gone_waits_for_the_next(
    new_sale: NewSale, new_buyer: NewBuyer
) -> None:
    slug = await new_sale(
        tiers=(
            NewTier("Now", 50_000, 1),
            NewTier("Late", 60_000, 5, sales_open_at=utc_now() + HOUR),
        )
    )
    buyer, later = new_buyer(slug), new_buyer(slug)
    await buyer.buy()

    async def waits() -> bool:
        return (await later.join())["state"] == "scheduled"

    await eventually(waits, about="waiting for the next tier")
    event = (await buyer.http.get(f"/api/events/{slug}")).json()
    assert event["status"] == "scheduled"


async def test_a_limit_per_person_below_what_a_booking_needs_is_refused(
    new_sale: NewSale, new_buyer: NewBuyer, surge: Surge
) -> None:
    slug = await new_sale(tiers=(NewTier("Pair", 50_000, 10, min_per_booking=2),))
    http = new_buyer(slug).http
    answer = await http.patch(
        f"/api/admin/events/{slug}", json={"max_per_person": 1}, auth=surge.organizer
    )
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
    assert "Pair" in answer.json()["title"]


async def test_the_command_line_and_the_api_take_the_same_rules_of_a_tier(
    new_buyer: NewBuyer, surge: Surge, services: Container
) -> None:
    slug = f"rules-{secrets.token_hex(4)}"
    opens, closes = "2027-01-02T10:00:00+05:30", "2027-02-02T10:00:00+05:30"
    made = surge.command(
        *("event", "create", "--slug", slug, "--name", "Rules", "--venue", "Hall"),
        *("--starts-at", "2027-03-06T19:00:00+05:30"),
        *("--tier", f"Early: bird:0:5:min=2:max=4:opens={opens}:closes={closes}"),
        *("--tier", "General:50000:10"),
    )
    assert made.returncode == 2, "a name may not hold the separator"
    made = surge.command(
        *("event", "create", "--slug", slug, "--name", "Rules", "--venue", "Hall"),
        *("--starts-at", "2027-03-06T19:00:00+05:30"),
        *("--tier", f"Early:0:5:min=2:max=4:opens={opens}:closes={closes}"),
        *("--tier", "General:50000:10"),
    )
    assert made.returncode == 0, made.stderr
    http = new_buyer(slug).http
    body = {
        "slug": f"{slug}-api",
        "name": "Rules",
        "venue": "Hall",
        "starts_at": "2027-03-06T19:00:00+05:30",
        "tiers": [
            {
                "name": "Early",
                "price_paise": 0,
                "units": 5,
                "min_per_booking": 2,
                "max_per_booking": 4,
                "sales_open_at": opens,
                "sales_close_at": closes,
            },
            {"name": "General", "price_paise": 50_000, "units": 10},
        ],
    }
    answer = await http.post("/api/admin/events", json=body, auth=surge.organizer)
    assert answer.status_code == 201, answer.text
    by_api = [_rules(tier) for tier in answer.json()["tiers"]]
    services.catalog.forget()
    by_command = (await http.get(f"/api/events/{slug}")).json()["tiers"]
    assert by_api == [_rules(tier) for tier in by_command]
    assert by_api[0]["all_in_paise"] == 0
    assert (by_api[0]["min_per_booking"], by_api[0]["max_per_booking"]) == (2, 4)
    assert by_api[0]["status"] == "scheduled"


def _rules(tier: dict[str, object]) -> dict[str, object]:
    return {name: value for name, value in tier.items() if name != "id"}
