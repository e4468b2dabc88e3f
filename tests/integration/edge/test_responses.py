"""What every answer has in common: its headers, its problem documents, and no mistake of ours."""

from __future__ import annotations

import json

import httpx
import pytest

from tests.architecture import snapshots
from tests.conftest import NewBuyer, NewSale, Surge

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
        assert "strict-transport-security" not in answer.headers
    assert len(numbers) == len(paths)
    assert not surge.settings.has_secure_cookies


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
