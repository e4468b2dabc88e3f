"""What a pass opens, and that no other cookie does: pages, holds and the live connection."""

from __future__ import annotations

import httpx

from surge_app.container import Container
from surge_app.services.access.identity import Identity
from tests.conftest import NewBuyer, NewSale, Surge
from tests.integration.queue_helper import one_inside_one_waiting, passes, visitor_of
from tests.integration.raw_socket import handshake


def _pass_of(identity: Identity, visitor_id: str, slug: str) -> str:
    visitor = identity.set_queue_cookie(identity.new_visitor())
    header = f"{visitor.name}={identity._signer('visitor').dumps(visitor_id)}"
    return (
        identity.set_pass_cookie(header, visitor_id, slug)
        .header.partition(";")[0]
        .partition("=")[2]
    )


def _tampered(signed: str) -> str:
    """Change one letter of the signature, in which every bit counts."""
    body, _, signature = signed.rpartition(".")
    return f"{body}.{'B' if signature[0] == 'A' else 'A'}{signature[1:]}"


async def test_forged_foreign_and_outdated_passes_get_the_same_plain_refusal(
    new_sale: NewSale, new_buyer: NewBuyer, services: Container
) -> None:
    slug, elsewhere = await new_sale(), await new_sale()
    # Everybody inside, so that it is the cookie that decides.
    owner, other = new_buyer(slug), new_buyer(elsewhere)
    await owner.join()
    await other.join()
    genuine = services.identity
    stranger = Identity(("another installation's key, quite long",), secure=False)
    mine, theirs = visitor_of(services, other), visitor_of(services, owner)
    visitor = other.http.cookies["surge_visitor"]
    wrong = {
        "none": {},
        "empty": {"surge_visitor": "", "surge_pass": ""},
        "without a pass": {"surge_visitor": visitor},
        "of another event": {
            "surge_visitor": visitor,
            "surge_pass": other.http.cookies["surge_pass"],
        },
        "stolen from another visitor": {
            "surge_visitor": visitor,
            "surge_pass": owner.http.cookies["surge_pass"],
        },
        "without its visitor": {"surge_pass": owner.http.cookies["surge_pass"]},
        "signed elsewhere": {
            "surge_visitor": visitor,
            "surge_pass": _pass_of(stranger, mine, slug),
        },
        "wholly signed elsewhere": {
            "surge_visitor": stranger._signer("visitor").dumps(theirs),
            "surge_pass": _pass_of(stranger, theirs, slug),
        },
        "tampered with": {
            **dict(owner.http.cookies),
            "surge_pass": _tampered(owner.http.cookies["surge_pass"]),
        },
        "the visitor's cookie as a pass": {"surge_visitor": visitor, "surge_pass": visitor},
        "signed here, never admitted": {
            "surge_visitor": visitor,
            "surge_pass": _pass_of(genuine, mine, slug),
        },
    }
    event = (await owner.http.get(f"/api/events/{slug}")).json()
    body = {"lines": [{"tier_id": event["tiers"][0]["id"], "quantity": 1}]}
    refusals: set[tuple[int, str]] = set()
    pages: set[tuple[int, str, bytes]] = set()
    for cookies in wrong.values():
        async with httpx.AsyncClient(base_url=owner.http.base_url, cookies=cookies) as http:
            refused = await http.post(f"/api/events/{slug}/intents", json=body)
            refusals.add((refused.status_code, refused.text))
            page = await http.get(f"/book/{slug}")
            pages.add((page.status_code, page.headers.get("location", ""), page.content))
    assert len(refusals) == 1
    assert next(iter(refusals))[0] == 403
    assert pages == {(303, f"/queue/{slug}", b"")}
    assert (await services.dashboard.stats(slug)).held == 0
    assert (await owner.hold()).status_code == 201


async def test_a_pass_that_was_revoked_in_redis_opens_nothing(
    new_sale: NewSale, new_buyer: NewBuyer, services: Container
) -> None:
    slug = await new_sale()
    buyer = new_buyer(slug)
    await buyer.join()
    assert (await buyer.http.get(f"/book/{slug}")).status_code == 200
    await services.redis.zrem(passes(slug), visitor_of(services, buyer))
    page = await buyer.http.get(f"/book/{slug}")
    assert (page.status_code, page.headers["location"]) == (303, f"/queue/{slug}")
    assert (await buyer.hold()).json()["code"] == "not_admitted"


async def test_a_socket_needs_a_pass_a_booking_or_an_organizer(
    new_sale: NewSale, new_buyer: NewBuyer, surge: Surge, services: Container
) -> None:
    first, second = await one_inside_one_waiting(new_sale, new_buyer)
    waiting = dict(second.http.cookies)
    forged = {**waiting, "surge_pass": first.http.cookies["surge_pass"]}
    booking = services.identity.add_booking_cookie("", "SRG-ABCDEFGH").header
    name, _, made_up = services.identity.admin_session("organizer").header.partition("=")
    no_session = {name: made_up.partition(";")[0]}
    for cookies in ({}, waiting, forged, no_session, {"surge_admin": "x"}, {"surge_booking": "x"}):
        assert await handshake(surge.url, cookies) == 403
        # Socket.IO would fall back to HTTP, which no page of ours does.
        async with httpx.AsyncClient(base_url=surge.url, cookies=cookies) as http:
            answer = await http.get("/_event/", params={"EIO": "4", "transport": "polling"})
            assert answer.status_code == 404
    assert await handshake(surge.url, dict(first.http.cookies)) == 101
    name, _, value = booking.partition(";")[0].partition("=")
    assert await handshake(surge.url, {name: value}) == 101
