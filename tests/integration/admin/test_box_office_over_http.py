"""The counter and the log over HTTP: once a press, and in words that can be read."""

from __future__ import annotations

import asyncio
import secrets

import httpx

from surge_app.container import Container
from tests.conftest import NewBuyer, NewSale, Surge

_PRICE = 50_000


def _client(surge: Surge) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=surge.url, auth=surge.organizer, timeout=30)


async def test_a_double_click_sells_once_and_the_tickets_are_printed(
    surge: Surge, services: Container, new_sale: NewSale
) -> None:
    slug = await new_sale(units=3)
    tier = (await services.catalog.event(slug)).tiers[0].id
    body = {"lines": [{"tier_id": tier, "quantity": 1}], "cash_paise": _PRICE, "name": "Bela"}
    path = f"/api/admin/events/{slug}/box-office"
    async with _client(surge) as http:
        assert (await http.post(path, json=body)).status_code == 422
        headers = {"Idempotency-Key": secrets.token_hex(8)}
        answers = await asyncio.gather(
            *(http.post(path, json=body, headers=headers) for _ in range(4))
        )
        assert sorted(one.status_code for one in answers) == [200, 200, 200, 201]
        assert len({one.json()["ref"] for one in answers}) == 1
        ref = answers[0].json()["ref"]
        paper = await http.get(f"/api/admin/bookings/{ref}/tickets.pdf")
        assert paper.content.startswith(b"%PDF")
        wrong = await http.post(
            path,
            json={**body, "cash_paise": _PRICE - 1},
            headers={"Idempotency-Key": secrets.token_hex(8)},
        )
        assert (wrong.status_code, wrong.json()["code"]) == (409, "price_changed")
        gift = await http.post(
            path,
            json={**body, "cash_paise": None},
            headers={"Idempotency-Key": secrets.token_hex(8)},
        )
        assert (gift.status_code, gift.json()["total_paise"]) == (201, 0)
        stats = (await http.get(f"/api/admin/events/{slug}/stats")).json()
        assert (stats["sold"], stats["cash_paise"], stats["fees_paise"]) == (2, _PRICE, 0)
        found = await http.get(
            f"/api/admin/events/{slug}/participants", params={"channel": "box_office"}
        )
        assert [one["ref"] for one in found.json()["participants"]] == [ref]
    assert surge.command("audit", "--event", slug).returncode == 0


async def test_of_two_who_refund_or_resend_over_the_api_one_is_told(
    surge: Surge, new_sale: NewSale, new_buyer: NewBuyer
) -> None:
    ref = await new_buyer(await new_sale()).buy()
    async with _client(surge) as http:
        path = f"/api/admin/bookings/{ref}"
        version = (await http.get(path)).json()["version"]
        refunds = await asyncio.gather(
            *(
                http.post(f"{path}/refund", json={"version": version, "amount_paise": 10_000})
                for _ in range(2)
            )
        )
        assert sorted(one.status_code for one in refunds) == [202, 409]
        late = await http.post(f"{path}/resend", json={"version": version})
        assert (late.status_code, late.json()["code"]) == (409, "changed_meanwhile")
        detail = (await http.get(path)).json()
        assert (detail["version"], detail["refundable_paise"]) == (version + 1, 42_500)
        again = await http.post(f"{path}/resend", json={"version": version + 1})
        assert again.json() == {"messages": 2}


async def test_the_log_is_narrowed_to_an_event_a_person_and_an_action(
    surge: Surge, services: Container, new_sale: NewSale, new_buyer: NewBuyer
) -> None:
    slug, other = await new_sale(), await new_sale()
    ref = await new_buyer(slug).buy()
    actor = f"actor-{secrets.token_hex(4)}"
    for name in (slug, other):
        await services.organizer.pause(name, actor=actor)
    await services.refunds.refund(ref, actor=actor, restock=True)
    async with _client(surge) as http:

        async def read(**asked: str) -> list[tuple[str, str]]:
            answer = (await http.get("/api/admin/log", params=asked)).json()
            return [(one["action"], one["event"]) for one in answer["entries"]]

        assert await read(actor=actor) == [
            ("booking.refund", slug),
            ("queue.pause", other),
            ("queue.pause", slug),
        ]
        assert await read(event=slug, actor=actor) == [
            ("booking.refund", slug),
            ("queue.pause", slug),
        ]
        assert await read(subject=ref) == [("booking.refund", slug)]
        assert await read(actor=actor, action="queue.pause", limit="1") == [("queue.pause", other)]
        first = (await http.get("/api/admin/log", params={"actor": actor, "limit": "2"})).json()
        rest = await read(actor=actor, before=first["next_before"])
        assert rest == [("queue.pause", slug)]
        assert (await http.get("/api/admin/log", params={"limit": "0"})).status_code == 422
    words = await services.audit_log.words()
    assert actor in words.actors
    assert {"booking.refund", "queue.pause"} <= set(words.actions)
