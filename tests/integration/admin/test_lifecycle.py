"""An event from draft to cancelled, and the organizer's inbox, whose actions work once."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import httpx
import pytest
from sqlalchemy import text

from surge_app.clock import new_id, utc_now
from surge_app.container import Container
from surge_app.errors import AlreadyResolved, InvalidRequest
from surge_app.services.events.facts import EDITABLE_FACTS
from tests.conftest import NewBuyer, NewSale, Surge, add_action_item, eventually

_MAIL_HAS_LEFT = text(
    "SELECT m.status = 'sent' FROM message_outbox m JOIN bookings b ON b.id = m.booking_id"
    " WHERE m.channel = 'email' AND b.ref = :ref"
)


async def test_a_draft_is_seen_by_nobody_until_it_is_published(
    surge: Surge, new_sale: NewSale
) -> None:
    slug = await new_sale(is_draft=True)
    async with httpx.AsyncClient(base_url=surge.url, auth=surge.organizer, timeout=30) as http:
        assert (await http.get(f"/api/events/{slug}")).status_code == 404
        assert (await http.get(f"/api/admin/events/{slug}/stats")).json()["sold"] == 0
        assert (await http.post(f"/api/admin/events/{slug}/publish")).status_code == 204

        async def is_seen() -> bool:
            return (await http.get(f"/api/events/{slug}")).status_code == 200

        await eventually(is_seen, about="the published event")


async def test_a_copy_is_a_draft_with_the_same_tiers_and_no_bookings(
    surge: Surge, services: Container, new_sale: NewSale, new_buyer: NewBuyer
) -> None:
    slug = await new_sale(units=7, max_per_person=3)
    await new_buyer(slug).buy()
    copy = f"{slug}-again"
    starts_at = (utc_now() + timedelta(days=60)).isoformat()
    async with httpx.AsyncClient(base_url=surge.url, auth=surge.organizer, timeout=30) as http:
        path = f"/api/admin/events/{slug}/duplicate"
        made = await http.post(path, json={"slug": copy, "starts_at": starts_at})
        assert (made.status_code, made.json()) == (201, {"slug": copy})
        again = await http.post(path, json={"slug": copy, "starts_at": starts_at})
        assert (again.status_code, again.json()["code"]) == (409, "slug_taken")
    stats = await services.dashboard.stats(copy)
    assert (stats.phase, stats.capacity, stats.sold, stats.bookings) == ("draft", 7, 0, 0)


async def test_a_copy_has_every_fact_that_can_be_copied(
    services: Container, new_sale: NewSale
) -> None:
    slug = await new_sale(units=3)
    values: dict[str, object] = {}
    for name, one in EDITABLE_FACTS.items():
        if one.fact.is_copied and not one.is_time and name != "queue_order":
            free = (one.fact.least or 1) + 1 if one.is_number else f"Some {name}"
            free = not one.default if one.type is bool else free
            # Another name of India's time: browsers shorten other zones in their own way.
            free = "Asia/Calcutta" if name == "time_zone" else free
            free = "hi name: कुछ" if name == "translations" else free
            values[name] = one.choices[-1] if one.choices else free
    await services.organizer.change(slug, values, actor="test")
    copy = await services.lifecycle.copy_event(
        slug, new_slug=f"{slug}-copy", starts_at=utc_now() + timedelta(days=90), actor="test"
    )
    copied = await services.organizer.settings(copy)
    assert {name: getattr(copied, name) for name in values} == values


async def test_a_cancelled_event_sells_nothing_and_gives_every_rupee_back_once(
    surge: Surge, services: Container, new_sale: NewSale, new_buyer: NewBuyer
) -> None:
    slug = await new_sale(units=10)
    refs = [await new_buyer(slug).buy(quantity=2) for _ in range(2)]
    holder, late = new_buyer(slug), new_buyer(slug)
    _, order = await holder.order()
    async with httpx.AsyncClient(base_url=surge.url, auth=surge.organizer, timeout=30) as http:
        answers = await asyncio.gather(
            *(http.post(f"/api/admin/events/{slug}/cancel") for _ in range(3))
        )
        assert [one.status_code for one in answers] == [202] * 3
        # Whoever pays in this moment gets the money back as well.
        await holder.callback(await holder.attempt(str(order["order_id"])))

        async def is_done() -> bool:
            told = (await http.get(f"/api/admin/events/{slug}/cancellation")).json()
            return told == {"waiting": 0, "on_their_way": 0, "done": 2, "refundable_paise": 0}

        await eventually(is_done, about="the refunds")
        assert (await http.post(f"/api/admin/events/{slug}/publish")).status_code == 422
    await late.http.post(f"/api/queue/{slug}")
    assert (await late.hold()).status_code >= 400
    async with services.database.transaction() as session:
        refunds = await session.scalar(
            text(
                "SELECT count(*) FROM refunds r JOIN payments p ON p.id = r.payment_id"
                " JOIN intents i ON i.id = p.intent_id JOIN events e ON e.id = i.event_id"
                " WHERE e.slug = :slug"
            ),
            {"slug": slug},
        )
    assert refunds == len(refs) + 1
    assert all(finding.holds for finding in await services.audit.run(slug=slug))


async def test_what_waits_for_a_person_is_listed_and_mended_once(
    surge: Surge, services: Container, new_sale: NewSale, new_buyer: NewBuyer
) -> None:
    ref = await new_buyer(await new_sale()).buy()
    payment_id = f"pay_{new_id()}"

    async def has_left() -> bool:
        async with services.database.transaction() as session:
            return bool(await session.scalar(_MAIL_HAS_LEFT, {"ref": ref}))

    # What is on its way would be marked as sent after all.
    await eventually(has_left, about="the confirmation")
    async with services.database.transaction() as session:
        dead = await session.scalar(
            text(
                "UPDATE message_outbox SET status = 'dead', last_error = 'no such mailbox'"
                " WHERE channel = 'email' AND booking_id ="
                " (SELECT id FROM bookings WHERE ref = :ref) RETURNING id"
            ),
            {"ref": ref},
        )
        await session.execute(
            text(
                "INSERT INTO unmatched_payments (id, order_id, amount_paise, currency, status)"
                " VALUES (:id, 'order_of_nobody', 70000, 'INR', 'captured')"
            ),
            {"id": payment_id},
        )
    async with httpx.AsyncClient(base_url=surge.url, auth=surge.organizer, timeout=30) as http:
        items = (await http.get("/api/admin/inbox")).json()["items"]
        mine = {one["id"]: one for one in items if one["id"] in {dead, payment_id}}
        assert mine[dead]["subject"] == ref
        assert "no such mailbox" in mine[dead]["detail"]
        assert mine[payment_id]["amount_paise"] == 70_000
        for kind, item_id in (("dead_message", dead), ("unmatched_payment", payment_id)):
            answers = await asyncio.gather(
                *(http.post(f"/api/admin/inbox/{kind}/{item_id}") for _ in range(5))
            )
            assert sorted(one.status_code for one in answers) == [204] + [409] * 4, kind
        left = {one["id"] for one in (await http.get("/api/admin/inbox")).json()["items"]}
        assert not left & {dead, payment_id}
        assert (await http.post("/api/admin/inbox/anything/x")).status_code == 422
    with pytest.raises(AlreadyResolved):
        await services.action_items.resolve("stuck_refund", "nothing", actor="test")
    with pytest.raises(InvalidRequest):
        await services.action_items.resolve("", "nothing", actor="test")
    async with services.database.transaction() as session:
        written = await session.scalar(
            text("SELECT count(*) FROM audit_log WHERE subject IN (:first, :second)"),
            {"first": dead, "second": payment_id},
        )
    assert written == 2


async def test_an_event_can_be_unpublished_until_someone_holds_its_tickets(
    surge: Surge, services: Container, new_sale: NewSale, new_buyer: NewBuyer
) -> None:
    slug, wanted = await new_sale(), await new_sale()
    await services.lifecycle.unpublish(slug, actor="test")
    assert (await services.dashboard.stats(slug)).status == "draft"
    async with httpx.AsyncClient(base_url=surge.url, timeout=30) as http:

        async def is_gone() -> bool:
            return (await http.get(f"/api/events/{slug}")).status_code == 404

        await eventually(is_gone, about="the unpublished event")
    with pytest.raises(InvalidRequest):
        await services.lifecycle.unpublish(slug, actor="test")
    await services.lifecycle.publish(slug, actor="test")
    await services.lifecycle.unpublish(slug, actor="test")
    await services.lifecycle.delete_draft(slug, actor="test")

    buyer = new_buyer(wanted)
    await buyer.join()
    held = (await buyer.hold()).json()
    with pytest.raises(InvalidRequest, match="Nothing was unpublished"):
        await services.lifecycle.unpublish(wanted, actor="test")
    await buyer.http.delete(f"/api/intents/{held['id']}")
    await services.lifecycle.unpublish(wanted, actor="test")
    with pytest.raises(InvalidRequest, match="Nothing was deleted"):
        await services.lifecycle.delete_draft(wanted, actor="test")


async def test_a_draft_that_has_begun_is_not_published(
    services: Container, new_sale: NewSale
) -> None:
    slug = await new_sale(is_draft=True)
    begun = text("UPDATE events SET starts_at = now() - interval '1 minute' WHERE slug = :slug")
    async with services.database.transaction() as session:
        await session.execute(begun, {"slug": slug})
    with pytest.raises(InvalidRequest, match="Nothing was published"):
        await services.lifecycle.publish(slug, actor="test")


async def test_the_menu_counts_what_needs_attention(services: Container) -> None:
    items, payment = services.action_items, await add_action_item(services)
    # What was resolved here is gone from the count at once.
    await items.resolve("unmatched_payment", payment, actor="test")
    assert all(one.id != payment for one in await items.recent())
