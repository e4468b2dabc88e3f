"""The organizer's side: who gets in, what they see, what they do, and what is written down."""

from __future__ import annotations

import asyncio
import csv
import io
import secrets
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from sqlalchemy import text

from surge_app.clock import utc_now
from surge_app.container import Container
from tests.conftest import NewBuyer, NewSale, Surge, eventually


async def _ask(surge: Surge, method: str, path: str, **request: Any) -> httpx.Response:
    jar = request.pop("cookies", {})
    async with httpx.AsyncClient(base_url=surge.url, cookies=jar, timeout=30) as http:
        return await http.request(method, path, **request)


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": "http://localhost.evil.example"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
    ],
)
async def test_a_change_asked_by_another_site_is_refused(
    headers: dict[str, str], organizer: httpx.AsyncClient, surge: Surge, new_sale: NewSale
) -> None:
    slug = await new_sale()
    path = f"/api/admin/events/{slug}"
    for request in ({}, {"auth": surge.organizer}):
        pause = await organizer.post(f"{path}/queue/pause", headers=headers, **request)
        assert (pause.status_code, pause.json()["code"]) == (403, "foreign_origin")
        change = await organizer.patch(path, json={"name": "X"}, headers=headers, **request)
        assert change.status_code == 403
    assert not (await organizer.get(f"{path}/stats")).json()["is_paused"]


async def test_a_change_asked_by_our_own_pages_is_done(
    organizer: httpx.AsyncClient, surge: Surge, new_sale: NewSale
) -> None:
    path = f"/api/admin/events/{await new_sale()}/queue/pause"
    for headers in ({"origin": surge.url}, {"sec-fetch-site": "same-origin"}, {}):
        assert (await organizer.post(path, headers=headers)).status_code == 204


async def test_the_figures_of_a_sale_add_up(
    organizer: httpx.AsyncClient, new_sale: NewSale, new_buyer: NewBuyer
) -> None:
    slug = await new_sale(units=10, concurrent_buyers=2)
    await new_buyer(slug).buy(quantity=2)
    holder, idle, waiting, gone = (new_buyer(slug) for _ in range(4))
    for buyer in (holder, idle, waiting, gone):
        await buyer.join()
    await holder.hold(quantity=3)
    await gone.http.delete(f"/api/queue/{slug}")
    stats = (await organizer.get(f"/api/admin/events/{slug}/stats")).json()
    counts = {name: stats[name] for name in ("capacity", "sold", "held", "available", "bookings")}
    assert counts == {"capacity": 10, "sold": 2, "held": 3, "available": 5, "bookings": 1}
    assert (stats["revenue_paise"], stats["fees_paise"]) == (102_500, 2_500)
    queue = stats["queue"]
    assert {name: queue[name] for name in ("waiting", "inside", "admitted", "left")} == {
        "waiting": 1,
        "inside": 2,
        "admitted": 3,
        "left": 1,
    }
    assert not stats["is_paused"]
    assert stats["tiers"][0] == {
        "name": "General",
        "capacity": 10,
        "available": 5,
        "held": 3,
        "sold": 2,
    }


async def _participants(organizer: httpx.AsyncClient, slug: str) -> list[dict[str, str]]:
    answer = await organizer.get(f"/api/admin/events/{slug}/participants.csv")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert f'filename="{slug}-participants.csv"' in answer.headers["content-disposition"]
    assert answer.headers["cache-control"] == "private, no-store"
    assert answer.content.startswith(b"\xef\xbb\xbf")
    content = answer.content.decode("utf-8-sig")
    for line in content.splitlines():
        assert line.startswith('"')
        assert line.endswith('"')
    return list(csv.DictReader(io.StringIO(content, newline="")))


async def test_the_participants_are_listed_one_row_a_ticket_and_as_text(
    organizer: httpx.AsyncClient, new_sale: NewSale, new_buyer: NewBuyer
) -> None:
    slug = await new_sale()
    buyer = new_buyer(slug)
    await buyer.join()
    held = (await buyer.hold(quantity=2)).json()
    started = await buyer.start_payment(
        held["id"], name='=HYPERLINK("evil.example";"x")', phone="98765 43210"
    )
    outcome = await buyer.callback(await buyer.attempt(started.json()["order_id"]))
    ref = outcome.json()["booking_ref"]
    rows = await _participants(organizer, slug)
    assert [(row["booking_ref"], row["ticket"]) for row in rows] == [(ref, "1"), (ref, "2")]
    tickets = (await buyer.http.get(f"/api/bookings/{ref}")).json()["tickets"]
    # A code may begin with a hyphen, which no spreadsheet may take for a formula.
    codes = {row["code"].removeprefix("'") for row in rows}
    assert codes == {ticket["code"] for ticket in tickets}
    for row in rows:
        assert row["name"] == '\'=HYPERLINK("evil.example";"x")'
        assert row["phone"] == "'+919876543210"
        assert (row["ticket_price_paise"], row["currency"]) == ("50000", "INR")
        assert row["payment_id"].startswith("pay_")
        assert row["booked_at"].endswith("+05:30")
        assert (row["ticket_status"], row["booking_status"]) == ("valid", "confirmed")
    # What belongs to the booking stands there once, so that a column adds up.
    assert [row["booking_fee_paise"] for row in rows] == ["2500", ""]
    assert [row["booking_total_paise"] for row in rows] == ["102500", ""]


async def test_the_list_of_a_sale_without_bookings_is_its_heading(
    organizer: httpx.AsyncClient, new_sale: NewSale
) -> None:
    assert await _participants(organizer, await new_sale()) == []
    missing = await organizer.get("/api/admin/events/nothing-there/participants.csv")
    assert (missing.status_code, missing.json()["code"]) == (404, "not_found")


async def test_a_pause_is_seen_by_the_queue_and_resuming_lets_people_in(
    organizer: httpx.AsyncClient, new_sale: NewSale, new_buyer: NewBuyer
) -> None:
    slug = await new_sale(concurrent_buyers=1)
    inside, waiting, late = (new_buyer(slug) for _ in range(3))
    await inside.join()
    await waiting.join()
    path = f"/api/admin/events/{slug}"
    assert (await organizer.post(f"{path}/queue/pause")).status_code == 204
    await organizer.patch(path, json={"queue_message": "Back in ten minutes."})
    await inside.http.delete(f"/api/queue/{slug}")

    async def is_shown() -> bool:
        line = await waiting.poll()
        shown = (line["state"], line["position"], line["message"])
        return shown == ("paused", 1, "Back in ten minutes.")

    await eventually(is_shown, about="the pause with the organizer's words")
    assert (await late.join())["state"] == "paused"
    assert (await waiting.hold()).json()["code"] == "not_admitted"

    async def is_told() -> bool:
        return (await late.http.get(f"/api/events/{slug}")).json()["status"] == "paused"

    await eventually(is_told, about="the pause in the catalog")
    assert (await organizer.get(f"{path}/stats")).json()["is_paused"]
    assert (await organizer.post(f"{path}/queue/resume")).status_code == 204

    async def is_called() -> bool:
        return (await waiting.poll())["state"] == "admitted"

    await eventually(is_called, about="the turn of who waited")
    assert (await late.poll())["state"] == "waiting"


async def test_a_raised_cap_lets_more_in_at_once(
    organizer: httpx.AsyncClient, new_sale: NewSale, new_buyer: NewBuyer
) -> None:
    slug = await new_sale(concurrent_buyers=1)
    buyers = [new_buyer(slug) for _ in range(3)]
    assert [(await one.join())["state"] for one in buyers] == ["admitted", "waiting", "waiting"]
    answer = await organizer.patch(f"/api/admin/events/{slug}", json={"concurrent_buyers": 3})
    assert answer.status_code == 200
    assert [(await one.poll())["state"] for one in buyers] == ["admitted"] * 3


async def test_a_changed_event_keeps_what_was_not_sent(
    organizer: httpx.AsyncClient, new_sale: NewSale, new_buyer: NewBuyer
) -> None:
    slug = await new_sale(description="Long.", max_per_person=4)
    opens = (utc_now() + timedelta(hours=2)).isoformat()
    path = f"/api/admin/events/{slug}"
    changed = await organizer.patch(path, json={"name": "New name", "sales_open_at": opens})
    assert changed.status_code == 200
    body = changed.json()
    assert (body["name"], body["description"], body["max_per_person"]) == ("New name", "Long.", 4)
    assert body["status"] == "scheduled"
    assert (await new_buyer(slug).join())["state"] == "scheduled"
    opened = await organizer.patch(path, json={"sales_open_at": None})
    assert (opened.json()["sales_open_at"], opened.json()["status"]) == (None, "on_sale")


@pytest.mark.parametrize(
    "body",
    [
        {"name": None},
        {"name": ""},
        {"venue": ""},
        {"max_per_person": 0},
        {"concurrent_buyers": 0},
        {"admissions_per_minute": 0},
        {"starts_at": None},
        {"starts_at": "2027-03-06T19:00:00"},
        {"slug": "other"},
        {"fee_paise": 0},
        {"phase": "draft"},
        {"is_paused": True},
        {"hold_seconds": 1},
        [],
        "text",
    ],
)
async def test_a_change_that_makes_no_sense_changes_nothing(
    body: object, organizer: httpx.AsyncClient, new_sale: NewSale
) -> None:
    slug = await new_sale()
    before = (await organizer.get(f"/api/events/{slug}")).json()
    answer = await organizer.patch(f"/api/admin/events/{slug}", json=body)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
    assert (await organizer.get(f"/api/events/{slug}")).json() == before


@pytest.mark.parametrize("name", ["   ", "\t", "\u00a0"])
async def test_an_event_cannot_lose_its_name_to_blanks(
    name: str, organizer: httpx.AsyncClient, new_sale: NewSale
) -> None:
    slug = await new_sale()
    answer = await organizer.patch(f"/api/admin/events/{slug}", json={"name": name})
    assert answer.status_code == 422


def _new_event(**values: object) -> dict[str, object]:
    return {
        "slug": f"made-{secrets.token_hex(4)}",
        "name": "Made by an organizer",
        "venue": "The hall",
        "starts_at": (utc_now() + timedelta(days=20)).isoformat(),
        "tiers": [
            {"name": "Front", "price_paise": 90_000, "units": 3},
            {"name": "Rear", "price_paise": 40_000, "units": 5},
        ],
        **values,
    }


async def test_an_event_made_by_the_organizer_can_be_bought_at_once(
    organizer: httpx.AsyncClient, new_buyer: NewBuyer
) -> None:
    wanted = _new_event()
    made = await organizer.post("/api/admin/events", json=wanted)
    assert made.status_code == 201
    tiers = [(one["name"], one["all_in_paise"], one["available"]) for one in made.json()["tiers"]]
    assert tiers == [("Front", 92_500, 3), ("Rear", 42_500, 5)]
    assert made.json()["status"] == "on_sale"
    again = await organizer.post("/api/admin/events", json=wanted)
    assert (again.status_code, again.json()["code"]) == (409, "slug_taken")
    assert (await new_buyer(str(wanted["slug"])).buy()).startswith("SRG-")


async def test_of_ten_who_want_the_same_address_at_once_one_gets_it(
    organizer: httpx.AsyncClient,
) -> None:
    wanted = _new_event(name=f"Wanted {secrets.token_hex(6)}")
    answers = await asyncio.gather(
        *(organizer.post("/api/admin/events", json=wanted) for _ in range(10))
    )
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 9
    listed = (await organizer.get("/api/events", params={"q": str(wanted["name"])})).json()
    assert [event["slug"] for event in listed].count(wanted["slug"]) == 1


@pytest.mark.parametrize(
    "values",
    [
        {"slug": "Not A Slug"},
        {"slug": "../admin"},
        {"name": "  "},
        {"tiers": []},
        {"tiers": [{"name": "A", "price_paise": 99, "units": 1}]},
        {"tiers": [{"name": "A", "price_paise": 100, "units": 0}]},
        {"tiers": [{"name": "A", "price_paise": 100.5, "units": 1}]},
        {"tiers": [{"name": "A", "price_paise": 100, "units": 1}] * 2},
        {"tiers": [{"name": "A", "price_paise": 10**30, "units": 1}]},
        {"tiers": [{"name": "A", "price_paise": 2**63 - 1, "units": 1}]},
        {"starts_at": "tomorrow"},
        {"starts_at": "2027-03-06T19:00:00"},
        {"time_zone": "Mars/Olympus"},
        {"challenge": "maybe"},
        {"unknown": 1},
        {"name": "a\x00b"},
        {"description": "a\x00b"},
    ],
)
async def test_an_event_that_makes_no_sense_is_not_made(
    values: dict[str, object], organizer: httpx.AsyncClient
) -> None:
    wanted = _new_event(**values)
    answer = await organizer.post("/api/admin/events", json=wanted)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
    assert answer.json()["title"].endswith(".")
    address = f"/api/events/{quote(str(wanted['slug']), safe='')}"
    assert (await organizer.get(address)).status_code == 404


def _messages_of(surge: Surge, ref: str, wanted: list[str]) -> Callable[[], Awaitable[bool]]:
    async def look() -> bool:
        answer = await _ask(surge, "GET", "/sandbox/outbox.json")
        found = [one for one in answer.json()["messages"] if one["booking_ref"] == ref]
        return sorted(one["channel"] for one in found) == wanted

    return look


async def test_a_confirmation_is_sent_again_when_asked(
    organizer: httpx.AsyncClient, surge: Surge, new_sale: NewSale, new_buyer: NewBuyer
) -> None:
    ref = await new_buyer(await new_sale()).buy()
    await eventually(_messages_of(surge, ref, ["email", "sms"]), about="the confirmation")
    answer = await organizer.post(f"/api/admin/bookings/{ref}/resend")
    assert (answer.status_code, answer.json()) == (202, {"messages": 2})
    twice = ["email", "email", "sms", "sms"]
    await eventually(_messages_of(surge, ref, twice), about="the second confirmation")
    missing = await organizer.post("/api/admin/bookings/SRG-ABCDEFGH/resend")
    assert missing.status_code == 404


async def test_every_action_leaves_its_line_in_the_audit_log(
    organizer: httpx.AsyncClient, services: Container, surge: Surge, new_buyer: NewBuyer
) -> None:
    wanted = _new_event()
    slug = str(wanted["slug"])
    await organizer.post("/api/admin/events", json=wanted)
    path = f"/api/admin/events/{slug}"
    await organizer.patch(path, json={"name": "Another name"})
    await organizer.post(f"{path}/queue/pause")
    await organizer.post(f"{path}/queue/resume")
    # What is refused or only looked at is no action.
    await organizer.patch(path, json={"slug": "x"})
    await organizer.get(f"{path}/stats")
    ref = await new_buyer(slug).buy()
    await organizer.post(f"/api/admin/bookings/{ref}/resend")
    await organizer.post(f"/api/admin/bookings/{ref}/refund")
    await organizer.post(f"/api/admin/bookings/{ref}/refund")
    async with services.database.transaction() as session:
        rows = await session.execute(
            text(
                "SELECT actor, action, before, after FROM audit_log"
                " WHERE subject IN (:slug, :ref) ORDER BY at, id"
            ),
            {"slug": slug, "ref": ref},
        )
        entries = rows.all()
    assert [entry.action for entry in entries] == [
        "event.create",
        "event.change",
        "queue.pause",
        "queue.resume",
        "booking.resend",
        "booking.refund",
    ]
    assert {entry.actor for entry in entries} == {surge.settings.admin_user}
    assert entries[1].before == {"name": "Made by an organizer"}
    assert entries[1].after == {"name": "Another name"}
    assert (entries[2].before, entries[2].after) == ({"is_paused": False}, {"is_paused": True})
    assert all(finding.holds for finding in await services.audit.run(slug=slug))
