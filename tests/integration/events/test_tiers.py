"""What is on sale and when: tiers with rules of their own, added, changed and closed."""

from __future__ import annotations

import secrets

import pytest

from surge_app.clock import utc_now
from surge_app.container import Container
from surge_app.services.events.new_event import NewTier
from tests.conftest import NewBuyer, NewSale, Surge, eventually
from tests.integration.inventory_helper import HOUR, is_clean, tier_of


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

    async def is_told() -> bool:
        event = (await buyer.http.get(f"/api/events/{slug}")).json()
        return event["status"] == "scheduled"

    await eventually(waits, about="waiting for the next tier")
    await eventually(is_told, about="the sale being told as scheduled")


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
    services.catalog.invalidate()
    by_command = (await http.get(f"/api/events/{slug}")).json()["tiers"]
    assert by_api == [_rules(tier) for tier in by_command]
    assert by_api[0]["all_in_paise"] == 0
    assert (by_api[0]["min_per_booking"], by_api[0]["max_per_booking"]) == (2, 4)
    assert by_api[0]["status"] == "scheduled"


def _rules(tier: dict[str, object]) -> dict[str, object]:
    return {name: value for name, value in tier.items() if name != "id"}


async def test_a_tier_is_added_and_closed_during_the_sale(
    new_sale: NewSale, new_buyer: NewBuyer, surge: Surge, services: Container
) -> None:
    slug = await new_sale(units=2)
    http = new_buyer(slug).http
    base = f"/api/admin/events/{slug}/tiers"
    body = {"name": "Balcony", "price_paise": 70_000, "units": 3, "max_per_booking": 2}
    made = await http.post(base, json=body, auth=surge.organizer)
    assert made.status_code == 201, made.text
    balcony = made.json()["tiers"][1]
    assert (balcony["name"], balcony["available"]) == ("Balcony", 3)
    twice = await http.post(base, json=body, auth=surge.organizer)
    assert (twice.status_code, twice.json()["code"]) == (422, "invalid_request")
    closed = await http.post(f"{base}/{balcony['id']}/close", auth=surge.organizer)
    assert [tier["status"] for tier in closed.json()["tiers"]] == ["on_sale", "ended"]
    opened = await http.patch(
        f"{base}/{balcony['id']}", json={"sales_close_at": None}, auth=surge.organizer
    )
    assert opened.json()["tiers"][1]["status"] == "on_sale"
    assert await is_clean(services, slug)


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"price_paise": 50}, 422, "invalid_request"),
        ({"units": -1}, 422, "invalid_request"),
        ({"units": 1_000_001}, 422, "invalid_request"),
        ({"min_per_booking": 7}, 422, "invalid_request"),
        ({"min_per_booking": 3, "max_per_booking": 2}, 422, "invalid_request"),
        ({"name": " "}, 422, "invalid_request"),
        ({"name": "Other"}, 422, "invalid_request"),
        ({"name": None}, 422, "invalid_request"),
        ({"capacity": 3}, 422, "invalid_request"),
        ({"sales_close_at": "2099-01-01T00:00:00Z"}, 422, "invalid_request"),
    ],
)
async def test_a_change_that_makes_no_sense_leaves_the_tier_as_it_was(
    new_sale: NewSale,
    new_buyer: NewBuyer,
    surge: Surge,
    services: Container,
    changes: dict[str, object],
    status: int,
    code: str,
) -> None:
    slug = await new_sale(tiers=(NewTier("General", 50_000, 5), NewTier("Other", 50_000, 5)))
    before = await tier_of(services, slug)
    answer = await new_buyer(slug).http.patch(
        f"/api/admin/events/{slug}/tiers/{before.id}", json=changes, auth=surge.organizer
    )
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert await tier_of(services, slug) == before
