"""Refunds as an organizer and an operator meet them: over HTTP and on the command line."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from typing import Any

import httpx
import pytest
import pytest_asyncio
from sqlalchemy import text

from surge_app.container import Container
from surge_app.services.vendors.sandbox_credentials import sandbox_keys
from tests.conftest import Customer, NewBuyer, NewSale, Surge, eventually

_NO_PAUSE = text(
    "UPDATE refunds r SET next_attempt_at = now() FROM payments p, bookings b "
    "WHERE p.id = r.payment_id AND b.intent_id = p.intent_id AND b.ref = :ref "
    "AND r.next_attempt_at > now() + interval '1 second' AND r.status = 'failed'"
)
_NO_REFUND = "01ARZ3NDEKTSV4RRFFQ69G5FAV"


@pytest_asyncio.fixture
async def organizer(surge: Surge) -> AsyncGenerator[httpx.AsyncClient]:
    """An organizer's program, with HTTP Basic."""
    async with httpx.AsyncClient(base_url=surge.url, auth=surge.organizer, timeout=30) as http:
        yield http


async def _refund(organizer: httpx.AsyncClient, ref: str, **wanted: object) -> httpx.Response:
    return await organizer.post(f"/api/admin/bookings/{ref}/refund", json=wanted)


async def _tickets(buyer: Customer, ref: str) -> list[str]:
    booking = (await buyer.http.get(f"/api/bookings/{ref}")).json()
    return [ticket["status"] for ticket in booking["tickets"]]


async def _is_returned(services: Container, ref: str, amount_paise: int) -> None:
    """Wait until the gateway has given back so much of a booking's payment, and no more."""
    keys = sandbox_keys(services.settings)
    payment_id = (await services.tickets.view(ref)).payment_id
    url = f"{services.settings.local_url}/sandbox/razorpay/v1/payments/{payment_id}"
    auth = (keys.razorpay_key_id, keys.razorpay_key_secret)
    async with httpx.AsyncClient(auth=auth, timeout=30) as http:

        async def is_so() -> bool:
            return (await http.get(url)).json()["amount_refunded"] == amount_paise

        await eventually(is_so, about=f"a refund of {amount_paise} paise")


async def _has_status(buyer: Customer, ref: str, status: str) -> None:
    async def is_so() -> bool:
        return (await buyer.http.get(f"/api/bookings/{ref}")).json()["status"] == status

    await eventually(is_so, about=f"a booking that is {status}")


async def _let_refunds(buyer: Customer, services: Container, ref: str, outcome: str) -> None:
    payment_id = (await services.tickets.view(ref)).payment_id
    path = f"/sandbox/razorpay/payments/{payment_id}/refund-outcome"
    (await buyer.http.post(path, json={"outcome": outcome})).raise_for_status()


async def _stuck(
    buyer: Customer, organizer: httpx.AsyncClient, services: Container, ref: str
) -> dict[str, Any]:
    """Refund a booking where the bank refuses it, and wait until an operator is asked."""
    await _let_refunds(buyer, services, ref, "failed")
    assert (await _refund(organizer, ref)).status_code == 202
    found: list[dict[str, Any]] = []

    async def is_listed() -> bool:
        # What is tested is where the retries end, not how long they pause.
        async with services.database.transaction() as session:
            await session.execute(_NO_PAUSE, {"ref": ref})
        listed = (await organizer.get("/api/admin/refunds")).json()["refunds"]
        found[:] = [one for one in listed if one["booking_ref"] == ref]
        return bool(found)

    await eventually(is_listed, about="a stuck refund")
    assert len(found) == 1
    return found[0]


async def test_some_tickets_go_back_and_the_others_stay_valid(
    organizer: httpx.AsyncClient, new_sale: NewSale, new_buyer: NewBuyer, services: Container
) -> None:
    slug = await new_sale(units=3)
    buyer = new_buyer(slug)
    ref = await buyer.buy(quantity=3)
    answer = await _refund(organizer, ref, tickets=[2])
    assert (answer.status_code, answer.json()) == (
        202,
        {"ref": ref, "status": "confirmed", "amount_paise": 50_000, "tickets": [2]},
    )
    assert await _tickets(buyer, ref) == ["valid", "void", "valid"]
    await _is_returned(services, ref, 50_000)
    rest = (await _refund(organizer, ref, tickets=[1, 3])).json()
    # The convenience fee goes back with the last ticket.
    assert (rest["amount_paise"], rest["tickets"]) == (102_500, [1, 3])
    await _is_returned(services, ref, 152_500)
    await _has_status(buyer, ref, "refunded")
    assert await _tickets(buyer, ref) == ["void"] * 3
    again = await _refund(organizer, ref)
    assert (again.status_code, again.json()["code"]) == (409, "already_refunded")
    assert all(finding.holds for finding in await services.audit.run(slug=slug))


async def test_goodwill_gives_money_back_and_leaves_every_ticket_valid(
    organizer: httpx.AsyncClient, new_sale: NewSale, new_buyer: NewBuyer, services: Container
) -> None:
    slug = await new_sale(units=2)
    buyer = new_buyer(slug)
    ref = await buyer.buy(quantity=2)
    given = await _refund(organizer, ref, amount_paise=10_000)
    assert given.status_code == 202
    assert given.json() == {
        "ref": ref,
        "status": "confirmed",
        "amount_paise": 10_000,
        "tickets": [],
    }
    assert await _tickets(buyer, ref) == ["valid", "valid"]
    await _is_returned(services, ref, 10_000)
    assert (await services.dashboard.stats(slug)).available == 0
    whole = (await _refund(organizer, ref)).json()
    assert (whole["amount_paise"], whole["tickets"]) == (92_500, [1, 2])
    await _is_returned(services, ref, 102_500)
    await _has_status(buyer, ref, "refunded")
    assert all(finding.holds for finding in await services.audit.run(slug=slug))


@pytest.mark.parametrize(
    "wanted",
    [
        {"amount_paise": 102_501},
        {"amount_paise": 102_401},
        {"amount_paise": 99},
        {"amount_paise": 0},
        {"amount_paise": -10_000},
        {"amount_paise": 100.5},
        {"tickets": [3]},
        {"tickets": [1, 3]},
        {"tickets": [0]},
        {"tickets": []},
        {"tickets": [1], "amount_paise": 10_000},
        {"unknown": 1},
    ],
)
async def test_what_cannot_go_back_is_refused_and_changes_nothing(
    organizer: httpx.AsyncClient,
    new_sale: NewSale,
    new_buyer: NewBuyer,
    services: Container,
    wanted: dict[str, object],
) -> None:
    slug = await new_sale(units=2)
    buyer = new_buyer(slug)
    ref = await buyer.buy(quantity=2)
    answer = await _refund(organizer, ref, **wanted)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
    assert answer.json()["title"].endswith(".")
    assert await _tickets(buyer, ref) == ["valid", "valid"]
    stats = await services.dashboard.stats(slug)
    assert (stats.sold, stats.available, stats.revenue_paise) == (2, 0, 102_500)
    assert all(finding.holds for finding in await services.audit.run(slug=slug))


async def test_an_amount_that_is_too_much_is_told_what_is_left(
    organizer: httpx.AsyncClient, new_sale: NewSale, new_buyer: NewBuyer
) -> None:
    ref = await new_buyer(await new_sale()).buy()
    assert (await _refund(organizer, ref, amount_paise=20_000)).status_code == 202
    answer = await _refund(organizer, ref, amount_paise=40_000)
    assert (answer.status_code, answer.json()["left_paise"]) == (422, 32_500)


async def test_a_booking_that_does_not_exist_cannot_be_refunded(
    organizer: httpx.AsyncClient,
) -> None:
    answer = await _refund(organizer, "SRG-ABCDEFGH")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


async def test_the_organizer_chooses_whether_a_ticket_is_sold_again(
    organizer: httpx.AsyncClient, new_sale: NewSale, new_buyer: NewBuyer, services: Container
) -> None:
    slug = await new_sale(units=2)
    buyer = new_buyer(slug)
    ref = await buyer.buy(quantity=2)
    await _refund(organizer, ref, tickets=[1], restock=False)
    assert (await services.dashboard.stats(slug)).available == 0
    next_one = new_buyer(slug)
    await next_one.join()
    # Whoever was let in before the line knew of it is refused by the tickets themselves.
    assert (await next_one.hold()).json()["code"] in {"not_admitted", "sold_out"}
    await _refund(organizer, ref, tickets=[2], restock=True)
    assert (await services.dashboard.stats(slug)).available == 1

    async def is_let_in() -> bool:
        return (await next_one.join())["state"] == "admitted"

    await eventually(is_let_in, about="the way to the ticket")
    assert (await next_one.buy()) != ref
    await _has_status(buyer, ref, "refunded")
    assert all(finding.holds for finding in await services.audit.run(slug=slug))


async def test_a_stuck_refund_is_listed_and_paid_once_it_is_retried(
    organizer: httpx.AsyncClient, new_sale: NewSale, new_buyer: NewBuyer, services: Container
) -> None:
    slug = await new_sale()
    buyer = new_buyer(slug)
    ref = await buyer.buy()
    refund = await _stuck(buyer, organizer, services, ref)
    assert refund["payment_id"] == (await services.tickets.view(ref)).payment_id
    assert (refund["status"], refund["amount_paise"]) == ("failed", 52_500)
    assert refund["reason"] == "asked_by_organizer"
    assert refund["last_error"]
    assert refund["created_at"].endswith("Z")
    assert (await buyer.http.get(f"/api/bookings/{ref}")).json()["status"] == "refunding"
    await _let_refunds(buyer, services, ref, "processed")
    path = f"/api/admin/refunds/{refund['id']}/retry"
    assert (await organizer.post(path)).status_code == 204
    again = await organizer.post(path)
    assert (again.status_code, again.json()["code"]) == (409, "refund_not_stuck")
    await _has_status(buyer, ref, "refunded")
    await _is_returned(services, ref, 52_500)
    listed = (await organizer.get("/api/admin/refunds")).json()["refunds"]
    assert refund["id"] not in {one["id"] for one in listed}
    assert (await organizer.post(path)).status_code == 409
    async with services.database.transaction() as session:
        rows = await session.execute(
            text("SELECT action, actor FROM audit_log WHERE subject = :id"), {"id": refund["id"]}
        )
        assert [tuple(row) for row in rows] == [("refund.retry", services.settings.admin_user)]
    assert all(finding.holds for finding in await services.audit.run(slug=slug))


async def test_an_operator_lists_and_retries_a_refund_on_the_command_line(
    surge: Surge,
    organizer: httpx.AsyncClient,
    new_sale: NewSale,
    new_buyer: NewBuyer,
    services: Container,
) -> None:
    slug = await new_sale()
    buyer = new_buyer(slug)
    ref = await buyer.buy()
    refund = await _stuck(buyer, organizer, services, ref)
    listed = surge.command("refund", "list", "--json")
    assert listed.returncode == 0, listed.stderr
    mine = next(one for one in json.loads(listed.stdout) if one["id"] == refund["id"])
    told = {name: value for name, value in refund.items() if name != "created_at"}
    assert {name: mine[name] for name in told} == told
    shown = surge.command("refund", "list")
    assert shown.returncode == 0, shown.stderr
    assert "₹525" in shown.stdout
    await _let_refunds(buyer, services, ref, "processed")
    retried = surge.command("refund", "retry", refund["id"])
    assert retried.returncode == 0, retried.stderr
    await _has_status(buyer, ref, "refunded")
    await _is_returned(services, ref, 52_500)
    left = json.loads(surge.command("refund", "list", "--json").stdout)
    assert refund["id"] not in {one["id"] for one in left}
    again = surge.command("refund", "retry", refund["id"])
    assert (again.returncode, again.stdout) == (2, "")
    assert again.stderr.endswith("(refund_not_stuck)\n")
    database, sentence = again.stderr.splitlines()
    assert database.startswith("Database: ")
    assert sentence
    assert all(finding.holds for finding in await services.audit.run(slug=slug))


async def test_a_refund_that_is_not_there_cannot_be_retried(
    surge: Surge, organizer: httpx.AsyncClient
) -> None:
    answer = await organizer.post(f"/api/admin/refunds/{_NO_REFUND}/retry")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    done = surge.command("refund", "retry", _NO_REFUND)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.endswith("(not_found)\n")


async def test_without_the_organizers_credentials_no_refund_is_shown_made_or_retried(
    surge: Surge, new_sale: NewSale, new_buyer: NewBuyer, services: Container
) -> None:
    slug = await new_sale()
    buyer = new_buyer(slug)
    ref = await buyer.buy()
    calls = [
        ("GET", "/api/admin/refunds"),
        ("POST", f"/api/admin/refunds/{_NO_REFUND}/retry"),
        ("POST", f"/api/admin/bookings/{ref}/refund"),
    ]
    user, password = surge.organizer
    for method, path in calls:
        for credentials in (None, (user, password + "x"), ("root", password)):
            answer = await buyer.http.request(method, path, auth=credentials)
            assert (answer.status_code, answer.json()["code"]) == (401, "unauthorized")
    assert await _tickets(buyer, ref) == ["valid"]
    assert (await services.dashboard.stats(slug)).revenue_paise == 52_500


async def test_a_refund_that_the_gateway_refuses_for_low_balance_needs_attention_at_once(
    organizer: httpx.AsyncClient, new_sale: NewSale, new_buyer: NewBuyer, services: Container
) -> None:
    slug = await new_sale(units=2)
    buyer = new_buyer(slug)
    ref = await buyer.buy()
    await _let_refunds(buyer, services, ref, "low_balance")
    assert (await _refund(organizer, ref)).status_code == 202
    found: list[dict[str, Any]] = []

    async def is_listed() -> bool:
        items = (await organizer.get("/api/admin/inbox")).json()["items"]
        found[:] = [one for one in items if one["subject"] == ref]
        return bool(found)

    await eventually(is_listed, about="the refused refund")
    (item,) = found
    assert item["kind"] == "stuck_refund"
    assert "Add funds in its dashboard." in item["detail"]
    await _let_refunds(buyer, services, ref, "processed")
    answer = await organizer.post(f"/api/admin/inbox/stuck_refund/{item['id']}")
    assert answer.is_success
    await _has_status(buyer, ref, "refunded")
    await _is_returned(services, ref, 52_500)
