"""The waiting room and the gate, as a browser meets them over HTTP."""

from __future__ import annotations

import asyncio
import base64
import json
import secrets
from collections.abc import Awaitable, Callable
from datetime import timedelta
from itertools import pairwise
from urllib.parse import urlsplit

import httpx
import pytest

from surge_app.clock import utc_now
from surge_app.container import Container
from surge_app.kv import keys
from surge_app.services.identity import Identity
from tests.architecture import snapshots
from tests.conftest import Buyer, NewBuyer, NewSale, Surge, eventually

SECURITY = (
    "content-security-policy",
    "x-content-type-options",
    "referrer-policy",
    "cross-origin-opener-policy",
    "permissions-policy",
    "x-request-id",
)
ABOUT_DOCUMENTS = {"referrer-policy", "cross-origin-opener-policy", "permissions-policy"}
NO_SOCKET = "backend-enabled=false"


def _passes(slug: str) -> str:
    return keys.part(slug, "passes")


def _visitor(services: Container, buyer: Buyer) -> str:
    header = "; ".join(f"{name}={value}" for name, value in buyer.http.cookies.items())
    visitor_id = services.identity.visitor(header)
    assert visitor_id is not None
    return visitor_id


def _pass_of(identity: Identity, visitor_id: str, slug: str) -> str:
    _, visitor = identity.new_visitor()
    header = f"{visitor.name}={identity._signer('visitor').dumps(visitor_id)}"
    return identity.with_pass(header, visitor_id, slug).header.partition(";")[0].partition("=")[2]


def _is_admitted(buyer: Buyer) -> Callable[[], Awaitable[bool]]:
    async def look() -> bool:
        return (await buyer.poll())["state"] == "admitted"

    return look


def _is_at(buyer: Buyer, position: int) -> Callable[[], Awaitable[bool]]:
    async def look() -> bool:
        line = await buyer.poll()
        assert line["position"] >= position, "somebody was overtaken"
        return line["position"] == position

    return look


async def _two(new_sale: NewSale, new_buyer: NewBuyer, **settings: object) -> tuple[Buyer, Buyer]:
    """One buyer inside, one waiting."""
    slug = await new_sale(concurrent_buyers=1, **settings)
    first, second = new_buyer(slug), new_buyer(slug)
    assert (await first.join())["state"] == "admitted"
    assert (await second.join())["state"] == "waiting"
    return first, second


async def test_the_second_buyer_waits_and_is_let_in_when_the_first_leaves(
    new_sale: NewSale, new_buyer: NewBuyer
) -> None:
    first, second = await _two(new_sale, new_buyer)
    line = await second.poll()
    assert (line["state"], line["position"], line["ahead"]) == ("waiting", 1, 0)
    assert (await second.hold()).status_code == 403
    page = await second.http.get(f"/book/{second.slug}")
    assert (page.status_code, page.headers["location"]) == (303, f"/queue/{second.slug}")
    assert (await first.http.delete(f"/api/queue/{first.slug}")).status_code == 204
    await eventually(_is_admitted(second), about="the admission")
    assert (await second.http.get(f"/book/{second.slug}")).status_code == 200
    assert (await second.hold()).status_code == 201
    assert (await first.hold()).status_code == 403


async def test_the_second_buyer_is_let_in_when_the_first_has_bought(
    new_sale: NewSale, new_buyer: NewBuyer
) -> None:
    first, second = await _two(new_sale, new_buyer)
    held = (await first.hold()).json()
    order = (await first.start_payment(held["id"])).json()
    outcome = await first.callback(await first.attempt(order["order_id"]))
    assert outcome.json()["status"] == "confirmed"
    await eventually(_is_admitted(second), about="the admission")


async def test_the_second_buyer_is_let_in_when_the_pass_of_the_first_ends(
    new_sale: NewSale, new_buyer: NewBuyer, services: Container
) -> None:
    first, second = await _two(new_sale, new_buyer)
    await services.redis.zadd(_passes(first.slug), {_visitor(services, first): 1}, xx=True)
    await eventually(_is_admitted(second), about="the admission")
    assert (await first.poll())["state"] == "not_joined"


async def test_units_that_come_back_go_to_the_head_of_the_line(
    new_sale: NewSale, new_buyer: NewBuyer
) -> None:
    slug = await new_sale(units=1, concurrent_buyers=100)
    holder, next_one, last = (new_buyer(slug) for _ in range(3))
    await holder.join()
    intent = (await holder.hold()).json()

    async def is_known_as_held() -> bool:
        return (await new_buyer(slug).poll())["held"] == 1

    await eventually(is_known_as_held, about="the hold in the line")
    assert [(await one.join())["state"] for one in (next_one, last)] == ["waiting", "waiting"]
    await holder.http.delete(f"/api/intents/{intent['id']}")
    await holder.http.delete(f"/api/queue/{slug}")
    await eventually(_is_admitted(next_one), about="the admission")
    await eventually(_is_at(last, 1), about="the step forward")


async def test_positions_are_first_come_first_served(
    new_sale: NewSale, new_buyer: NewBuyer
) -> None:
    slug = await new_sale(concurrent_buyers=1)
    buyers = [new_buyer(slug) for _ in range(6)]
    joined = [await buyer.join() for buyer in buyers]
    assert [line["position"] for line in joined] == [None, 1, 2, 3, 4, 5]
    assert [line["number"] for line in joined] == [None, 2, 3, 4, 5, 6]
    # Whoever asks most gets nothing by it.
    await asyncio.gather(*(buyers[5].join() for _ in range(10)))
    for inside, following in pairwise(buyers):
        await inside.http.delete(f"/api/queue/{slug}")
        await eventually(_is_admitted(following), about="the admission")
        for position, buyer in enumerate(buyers[buyers.index(following) + 1 :], start=1):
            await eventually(_is_at(buyer, position), about="the step forward")


async def test_below_the_cap_nobody_sees_a_queue(new_sale: NewSale, new_buyer: NewBuyer) -> None:
    slug = await new_sale(units=50, concurrent_buyers=20)
    answers = await asyncio.gather(*(new_buyer(slug).join() for _ in range(20)))
    assert {answer["state"] for answer in answers} == {"admitted"}


async def test_the_answer_to_a_poll_has_every_field_of_the_contract(
    new_sale: NewSale, new_buyer: NewBuyer
) -> None:
    first, second = await _two(new_sale, new_buyer)
    inside, waiting = await first.poll(), await second.poll()
    names = {"state", "position", "ahead", "number", "eta_seconds", "retry_after_ms"}
    names |= {"available", "held", "message", "pass_expires_at", "waiting"}
    names |= {"note", "note_text", "opens_in_ms", "order"}
    assert set(inside) == set(waiting) == set(await first.join()) == names
    assert inside["pass_expires_at"]
    assert waiting["pass_expires_at"] is None
    assert set(waiting["eta_seconds"]) == {"low", "high"}
    assert 1_000 <= waiting["retry_after_ms"] <= 20_000


async def test_a_poll_without_a_cookie_has_not_joined_and_gets_none(
    new_sale: NewSale, new_buyer: NewBuyer
) -> None:
    buyer = new_buyer(await new_sale())
    answer = await buyer.http.get(f"/api/queue/{buyer.slug}")
    assert answer.json()["state"] == "not_joined"
    assert answer.headers.get("set-cookie") is None
    assert answer.headers["cache-control"] == "no-store"


async def test_the_cookies_of_the_line_are_out_of_reach_of_scripts_and_other_sites(
    new_sale: NewSale, new_buyer: NewBuyer
) -> None:
    buyer = new_buyer(await new_sale())
    answer = await buyer.http.post(f"/api/queue/{buyer.slug}")
    cookies = {value.partition("=")[0]: value for value in answer.headers.get_list("set-cookie")}
    assert set(cookies) == {"surge_visitor", "surge_pass"}
    for value in cookies.values():
        assert {"HttpOnly", "SameSite=Lax", "Path=/"} <= set(value.split("; "))


async def test_who_comes_early_has_a_number_and_sees_when_it_opens(
    new_sale: NewSale, new_buyer: NewBuyer
) -> None:
    slug = await new_sale(sales_open_at=utc_now() + timedelta(hours=1), queue_order="random")
    buyer, second = new_buyer(slug), new_buyer(slug)
    for line in (await buyer.join(), await second.join(), await buyer.poll()):
        assert (line["state"], line["position"]) == ("scheduled", None)
        assert 3_500_000 < line["opens_in_ms"] <= 3_600_000
        order = line["order"]
        assert (order["rule"], order["seed"], order["early"]) == ("random", None, None)
        assert len(order["commitment"]) == 64
    assert [(await one.poll())["number"] for one in (buyer, second)] == [1, 2]
    assert (await buyer.hold()).json()["code"] == "not_admitted"


async def test_a_place_travels_signed_and_is_asked_for_once(
    new_sale: NewSale, new_buyer: NewBuyer, services: Container
) -> None:
    _, second = await _two(new_sale, new_buyer)
    signed = services.identity.who(f"surge_visitor={second.http.cookies['surge_visitor']}")
    assert signed is not None
    assert signed.places == {second.slug: 2}
    old = services.identity._signer("visitor").dumps(signed.id)
    second.http.cookies.clear()
    second.http.cookies.set("surge_visitor", old)
    first_poll = await second.http.get(f"/api/queue/{second.slug}")
    assert first_poll.json()["position"] == 1
    assert first_poll.headers["set-cookie"].startswith("surge_visitor=")
    value = first_poll.headers["set-cookie"].partition(";")[0].partition("=")[2]
    second.http.cookies.set("surge_visitor", value)
    assert (await second.http.get(f"/api/queue/{second.slug}")).headers.get("set-cookie") is None
    left = await second.http.delete(f"/api/queue/{second.slug}")
    assert left.headers["set-cookie"].startswith("surge_visitor=")


async def test_a_lost_line_returns_with_every_place_and_pass(
    new_sale: NewSale, new_buyer: NewBuyer, services: Container
) -> None:
    slug = await new_sale(concurrent_buyers=2)
    holder, shopper, early, late = (new_buyer(slug) for _ in range(4))
    for buyer in (holder, shopper, early, late):
        await buyer.join()
    assert (await holder.hold()).status_code == 201
    await services.redis.delete(*keys.line(slug))
    unavailable = {503}

    async def is_back() -> bool:
        answer = await late.http.get(f"/api/queue/{slug}")
        if answer.status_code in unavailable:
            assert answer.json()["code"] == "line_unavailable"
            assert int(answer.headers["retry-after"]) > 0
            return False
        return answer.json()["state"] == "waiting"

    await eventually(is_back, about="the line")
    assert (await holder.poll())["state"] == "admitted"
    assert (await shopper.poll())["state"] == "admitted"
    stranger = await new_buyer(slug).join()
    assert stranger["number"] > 100_000
    assert (await early.poll())["number"] == 3
    await eventually(_is_at(early, 1), about="the place of who came first")
    await eventually(_is_at(late, 2), about="the place of who came next")
    assert (await late.poll())["note"] == "recovering"


async def test_an_organizer_revokes_passes_and_what_was_held_comes_back(
    new_sale: NewSale, new_buyer: NewBuyer, surge: Surge, services: Container
) -> None:
    first, second = await _two(new_sale, new_buyer)
    assert (await first.hold()).status_code == 201
    path = f"/api/admin/events/{first.slug}/queue/revoke"
    async with httpx.AsyncClient(base_url=surge.url, auth=surge.organizer) as http:
        for wrong in ({}, {"number": 1, "everyone": True}, {"number": 0}):
            assert (await http.post(path, json=wrong)).status_code == 422
        assert (await http.post(path, json={"everyone": True})).json() == {"passes": 1}
        queue = (await http.get(f"/api/admin/events/{first.slug}/stats")).json()["queue"]
    assert queue["admitted"] == 2
    assert (await services.organizer.stats(first.slug)).held == 0
    await eventually(_is_admitted(second), about="the admission")
    assert (await first.http.get(f"/book/{first.slug}")).status_code == 303
    async with httpx.AsyncClient(base_url=surge.url) as http:
        assert (await http.post(path, json={"everyone": True})).status_code == 401


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
    mine, theirs = _visitor(services, other), _visitor(services, owner)
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
            "surge_pass": owner.http.cookies["surge_pass"][:-2] + "AA",
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
    assert (await services.organizer.stats(slug)).held == 0
    assert (await owner.hold()).status_code == 201


async def test_a_pass_that_was_revoked_in_redis_opens_nothing(
    new_sale: NewSale, new_buyer: NewBuyer, services: Container
) -> None:
    slug = await new_sale()
    buyer = new_buyer(slug)
    await buyer.join()
    assert (await buyer.http.get(f"/book/{slug}")).status_code == 200
    await services.redis.zrem(_passes(slug), _visitor(services, buyer))
    page = await buyer.http.get(f"/book/{slug}")
    assert (page.status_code, page.headers["location"]) == (303, f"/queue/{slug}")
    assert (await buyer.hold()).json()["code"] == "not_admitted"


@pytest.mark.parametrize(
    ("path", "root"),
    [
        ("/events", "/events"),
        ("/events/", "/events"),
        ("/events/{slug}", "/events"),
        ("/queue/{slug}", "/queue"),
    ],
)
async def test_a_cold_page_is_told_to_open_no_socket(
    path: str, root: str, new_sale: NewSale, new_buyer: NewBuyer
) -> None:
    slug = await new_sale()
    page = await new_buyer(slug).http.get(path.format(slug=slug))
    assert page.status_code == 200
    assert page.headers["content-type"].startswith("text/html")
    if root == "/events":
        # A page that caches may keep sets no cookie by its head, but by its first script.
        assert page.headers.get_list("set-cookie") == []
        cookie = page.text.partition('document.cookie="')[2].partition('"')[0]
        assert page.text.index(cookie) < page.text.index('type="module"')
    else:
        (cookie,) = page.headers.get_list("set-cookie")
    assert cookie.startswith(f"{NO_SOCKET};")
    assert f"path={root}" in cookie.lower().split("; ")
    # The page's own script has to read it.
    assert "HttpOnly" not in cookie


async def test_hot_pages_the_root_and_the_api_are_told_nothing_about_sockets(
    new_sale: NewSale, new_buyer: NewBuyer, surge: Surge
) -> None:
    slug = await new_sale()
    buyer = new_buyer(slug)
    ref = await buyer.buy()
    await buyer.join()
    for path in (f"/book/{slug}", f"/bookings/{ref}", "/", "/api/events", f"/api/queue/{slug}"):
        answer = await buyer.http.get(path)
        cookies = answer.headers.get_list("set-cookie")
        assert not any(NO_SOCKET in cookie for cookie in cookies), path
    admin = await buyer.http.get("/admin", auth=surge.organizer)
    assert not any(NO_SOCKET in cookie for cookie in admin.headers.get_list("set-cookie"))


async def test_the_root_leads_to_the_events(surge: Surge) -> None:
    async with httpx.AsyncClient(base_url=surge.url) as http:
        answer = await http.get("/")
        assert (answer.status_code, answer.headers["location"]) == (307, "/events")


async def _handshake(surge: Surge, cookies: dict[str, str], path: str = "/_event/") -> int:
    """Ask for a WebSocket by hand and return the status of the answer."""
    parts = urlsplit(surge.url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    try:
        header = "; ".join(f"{name}={value}" for name, value in cookies.items())
        lines = [
            f"GET {path}?EIO=4&transport=websocket HTTP/1.1",
            f"Host: {parts.netloc}",
            "Connection: Upgrade",
            "Upgrade: websocket",
            "Sec-WebSocket-Version: 13",
            f"Sec-WebSocket-Key: {base64.b64encode(secrets.token_bytes(16)).decode()}",
            *([f"Cookie: {header}"] if header else []),
        ]
        writer.write("\r\n".join([*lines, "", ""]).encode())
        await writer.drain()
        async with asyncio.timeout(15):
            status = await reader.readline()
        return int(status.split()[1])
    finally:
        writer.close()


async def test_a_socket_needs_a_pass_a_booking_or_an_organizer(
    new_sale: NewSale, new_buyer: NewBuyer, surge: Surge, services: Container
) -> None:
    first, second = await _two(new_sale, new_buyer)
    waiting = dict(second.http.cookies)
    forged = {**waiting, "surge_pass": first.http.cookies["surge_pass"]}
    booking = services.identity.with_booking("", "SRG-ABCDEFGH").header
    admin = services.identity.admin_session("organizer").header
    for cookies in ({}, waiting, forged, {"surge_admin": "x"}, {"surge_booking": "x"}):
        assert await _handshake(surge, cookies) == 403
        # The same over HTTP, which Reflex would fall back to.
        async with httpx.AsyncClient(base_url=surge.url, cookies=cookies) as http:
            answer = await http.get("/_event/", params={"EIO": "4", "transport": "polling"})
            assert (answer.status_code, answer.json()["code"]) == (403, "not_admitted")
    assert await _handshake(surge, dict(first.http.cookies)) == 101
    for header in (booking, admin):
        name, _, value = header.partition(";")[0].partition("=")
        assert await _handshake(surge, {name: value}) == 101


async def test_every_answer_carries_each_security_header_once_and_a_number_of_its_own(
    new_sale: NewSale, new_buyer: NewBuyer, surge: Surge
) -> None:
    slug = await new_sale()
    http = new_buyer(slug).http
    paths = ["/", "/events", f"/events/{slug}", f"/queue/{slug}", f"/book/{slug}", "/admin"]
    paths += ["/api/events", f"/api/queue/{slug}", "/api/nothing", "/nothing", "/surge.css"]
    paths += ["/sandbox/outbox", "/api/openapi.json", "/api/livez", "/bookings/SRG-ABCDEFGH"]
    numbers: set[str] = set()
    for path in paths:
        answer = await http.get(path)
        is_poll = path.startswith("/api/queue/")
        for name in SECURITY:
            # What is said of documents says nothing of an answer that never is one.
            expected = not (is_poll and name in ABOUT_DOCUMENTS)
            assert len(answer.headers.get_list(name)) == expected, (path, name)
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
        numbers.add(answer.headers["x-request-id"])
    assert len(numbers) == len(paths)
    assert not surge.settings.has_secure_cookies
    assert "strict-transport-security" not in answer.headers


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/api/nothing", 404),
        ("GET", "/api/events/no-such-event", 404),
        ("GET", "/api/queue/no-such-event", 404),
        ("POST", "/api/queue/no-such-event", 404),
        ("GET", "/api/bookings/SRG-ABCDEFGH", 404),
        ("PUT", "/api/events", 405),
        ("POST", "/api/events/no-such-event/intents", 403),
        ("GET", "/api/intents/01ARZ3NDEKTSV4RRFFQ69G5FAV", 404),
    ],
)
async def test_an_error_is_a_problem_document(
    method: str, path: str, status: int, surge: Surge
) -> None:
    async with httpx.AsyncClient(base_url=surge.url) as http:
        answer = await http.request(method, path)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert {"type", "title", "status", "code"} <= set(problem)
    assert problem["status"] == status
    assert "Traceback" not in answer.text


NUL = "\x00"


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/api/events/%00", None),
        ("GET", "/api/queue/%00", None),
        ("POST", "/api/queue/%00", None),
        ("POST", "/api/queue/%F0%9F%8E%AB", None),
        ("DELETE", "/api/queue/%00", None),
        ("GET", "/api/intents/%00", None),
        ("DELETE", "/api/intents/%00", None),
        ("POST", "/api/intents/%00/heartbeat", None),
        ("GET", "/api/bookings/%00", None),
        ("GET", "/book/%00", None),
        ("GET", "/book/%E0%A4%9F", None),
        ("GET", "/book/%0d%0aset-cookie:%20x=1", None),
        ("GET", "/bookings/%00?token=%00", None),
        ("POST", "/api/events/{slug}/intents", {"lines": [{"tier_id": NUL, "quantity": 1}]}),
        ("POST", "/api/events/{slug}/intents", {"lines": [{"tier_id": "x", "quantity": 10**30}]}),
        ("POST", "/api/events/{slug}/intents", {"lines": [{"tier_id": "x", "quantity": 1}] * 99}),
        ("POST", "/api/events/{slug}/intents", [[[]]]),
        ("PUT", "/api/intents/{intent}/lines", {"lines": [{"tier_id": NUL, "quantity": 1}]}),
        ("PUT", "/api/intents/{intent}/lines", {"lines": [{"tier_id": "x", "quantity": 0}]}),
        ("POST", "/api/intents/{intent}/payment", {"name": NUL, "email": NUL, "phone": NUL}),
        (
            "POST",
            "/api/payments/razorpay/callback",
            {
                "razorpay_order_id": NUL,
                "razorpay_payment_id": "pay_1",
                "razorpay_signature": "0" * 64,
            },
        ),
        (
            "POST",
            "/api/payments/razorpay/callback",
            {
                "razorpay_order_id": "\ud800",
                "razorpay_payment_id": "\ud800",
                "razorpay_signature": "\ud800",
            },
        ),
        ("POST", "/api/webhooks/razorpay", {"event": NUL}),
    ],
)
async def test_nothing_a_stranger_sends_is_a_mistake_of_ours(
    method: str, path: str, body: object, new_sale: NewSale, new_buyer: NewBuyer
) -> None:
    slug = await new_sale()
    buyer = new_buyer(slug)
    await buyer.join()
    intent = (await buyer.hold()).json()["id"] if "{intent}" in path else ""
    content = None if body is None else json.dumps(body)
    headers = {"content-type": "application/json", "x-razorpay-signature": "0" * 64}
    address = path.format(slug=slug, intent=intent)
    answer = await buyer.http.request(method, address, content=content, headers=headers)
    assert answer.status_code < 500, answer.text
    if address.startswith("/api/") and answer.status_code >= 400:
        assert answer.headers["content-type"] == "application/problem+json"


def _sandbox(calls: set[str]) -> set[str]:
    return {call for call in calls if " /sandbox/" in call}


async def test_the_served_openapi_documents_every_call(surge: Surge) -> None:
    async with httpx.AsyncClient(base_url=surge.url) as http:
        answer = await http.get("/api/openapi.json")
    assert answer.status_code == 200
    served = {
        f"{method.upper()} {path}"
        for path, methods in answer.json()["paths"].items()
        for method in methods
    }
    assert {"GET /api/events", "POST /api/webhooks/razorpay"} <= served
    known = {line for line in snapshots.stored("api.txt") if "{rest:path}" not in line}
    undocumented = {"GET /metrics", "GET /api/openapi.json", "HEAD /api/openapi.json"}
    assert known - undocumented == served - _sandbox(served)


async def test_health_and_metrics_tell_what_is_so(new_sale: NewSale, surge: Surge) -> None:
    slug = await new_sale(units=7)
    async with httpx.AsyncClient(base_url=surge.url) as http:
        assert (await http.get("/api/livez")).json() == {"status": "live"}
        assert (await http.get("/api/readyz")).json() == {"status": "ready", "not_ready": []}
        metrics = (await http.get("/metrics")).text
    assert f'surge_units{{event="{slug}",status="available"}} 7.0' in metrics
