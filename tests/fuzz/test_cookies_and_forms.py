"""What a browser sends by itself or by a form: cookies, forms and bodies of any content."""

from __future__ import annotations

import json
from collections.abc import Generator

import httpx
import pytest
from hypothesis import given, strategies as st

from surge_app.container import Container
from tests.conftest import Surge
from tests.fuzz.bounds import ANY_JSON, NOT_JSON, bounded, internal_names, raw, spoiled
from tests.fuzz.conftest import Somebody

NAMES = ("surge_visitor", "surge_pass", "surge_booking", "surge_admin", "surge_signed_out")
PURPOSES = {"surge_pass": "pass", "surge_booking": "booking", "surge_admin": "admin"}
TEXT = st.text(st.characters(min_codepoint=0x20, max_codepoint=0xFF), max_size=40)
FORM_TYPES = st.sampled_from(
    [
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "multipart/form-data",
        "application/json",
        "text/plain; charset=utf-7",
        "",
    ]
)


@pytest.fixture
def http(surge: Surge) -> Generator[httpx.Client]:
    with httpx.Client(base_url=surge.url, timeout=30) as client:
        yield client


def _is_utf8(value: object) -> bool:
    return "\\ud800" not in json.dumps(value)


def _sound(answer: httpx.Response) -> None:
    assert answer.status_code < 500, answer.text
    assert internal_names(answer.text) == []


def test_no_cookie_breaks_a_page_or_a_call(
    http: httpx.Client, somebody: Somebody, services: Container
) -> None:
    calls = [
        ("GET", f"/api/queue/{somebody.slug}"),
        ("POST", f"/api/queue/{somebody.slug}"),
        ("GET", f"/api/intents/{somebody.intent}"),
        ("POST", f"/api/events/{somebody.slug}/intents"),
        ("GET", f"/api/bookings/{somebody.ref}"),
        ("GET", f"/api/admin/events/{somebody.slug}/stats"),
        ("GET", f"/queue/{somebody.slug}"),
        ("GET", f"/book/{somebody.slug}"),
        ("GET", f"/bookings/{somebody.ref}"),
        ("GET", "/admin"),
        ("GET", "/_event/?EIO=4&transport=polling"),
    ]
    pairs = st.lists(st.tuples(st.sampled_from(NAMES) | TEXT, TEXT), max_size=4)
    headers = TEXT | pairs.map(lambda found: "; ".join(f"{name}={value}" for name, value in found))

    @bounded(40)
    @given(call=st.sampled_from(calls), header=headers)
    def send(call: tuple[str, str], header: str) -> None:
        method, path = call
        _sound(http.request(method, path, headers=[(b"cookie", header.encode("latin-1"))]))

    send()


def test_nor_does_one_that_we_signed_with_something_else_in_it(
    http: httpx.Client, somebody: Somebody, services: Container
) -> None:
    """A key outlives many versions, so what was signed long ago may have had another shape."""
    paths = [f"/book/{somebody.slug}", f"/bookings/{somebody.ref}", "/admin"]
    paths += [f"/api/bookings/{somebody.ref}", f"/api/admin/events/{somebody.slug}/stats"]

    @bounded(40)
    @given(
        path=st.sampled_from(paths),
        name=st.sampled_from(sorted(PURPOSES)),
        value=ANY_JSON.filter(_is_utf8),
    )
    def send(path: str, name: str, value: object) -> None:
        signed = services.identity._signer(PURPOSES[name]).dumps(value)
        if len(signed) < 6_000:
            answer = http.get(path, headers={"cookie": f"{name}={signed}"})
            _sound(answer)
            assert answer.status_code in {303, 401, 404}, "nobody gets in by that"

    send()


def test_no_form_breaks_what_reads_it(http: httpx.Client, somebody: Somebody) -> None:
    paths = [
        "/api/bookings/find",
        "/api/payments/razorpay/callback",
        f"/api/queue/{somebody.slug}",
        f"/api/events/{somebody.slug}/visits",
        "/admin/logout",
    ]
    words = st.text(max_size=30) | st.sampled_from(["\0", "x" * 3_000, somebody.ref, "🎟"])
    razorpay = ("razorpay_order_id", "razorpay_payment_id", "razorpay_signature")
    names = st.sampled_from(["ref", "contact", "leave", "website", "error[metadata]", *razorpay])
    forms = st.dictionaries(names | words, words, max_size=5).map(
        lambda fields: str(httpx.QueryParams(fields)).encode()
    )

    @bounded(50)
    @given(path=st.sampled_from(paths), body=forms | NOT_JSON | ANY_JSON.map(raw), kind=FORM_TYPES)
    def send(path: str, body: bytes, kind: str) -> None:
        _sound(http.post(path, content=body, headers={"content-type": kind}))

    send()


def test_no_body_breaks_a_hold_or_a_payment(http: httpx.Client, somebody: Somebody) -> None:
    http.cookies.update(somebody.holder.http.cookies)
    lines = {"lines": [{"tier_id": somebody.tier, "quantity": 1}]}
    contact = {"name": "Asha", "email": "asha@example.com", "phone": "+919800000000"}
    calls = {
        ("PUT", f"/api/intents/{somebody.intent}/lines"): lines,
        ("POST", f"/api/events/{somebody.slug}/intents"): lines,
        ("POST", f"/api/intents/{somebody.intent}/payment"): {
            **contact,
            "attendees": {somebody.tier: ["Asha"]},
        },
        ("POST", f"/api/bookings/{somebody.ref}/resend"): {"email": "a@example.com", "phone": "1"},
    }

    @bounded(60)
    @given(call=st.sampled_from(sorted(calls)), data=st.data())
    def send(call: tuple[str, str], data: st.DataObject) -> None:
        body = data.draw(spoiled(calls[call]).map(raw) | ANY_JSON.map(raw) | NOT_JSON)
        headers = {"content-type": "application/json"}
        _sound(http.request(*call, content=body, headers=headers))

    send()
