"""Signed cookies and links: each for one purpose, none forgeable, keys that rotate."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, strategies as st
from itsdangerous import TimestampSigner

from surge_app.services.access import identity as identity_module
from surge_app.services.access.identity import Cookie, Identity, Visitor, parse_cookies

KEY, OTHER = "k" * 40, "o" * 40
identity = Identity((KEY,), secure=False)
REF = "SRG-ABCDEFGH"


def _sent(*cookies: Cookie) -> str:
    """The `Cookie` header a browser sends back."""
    return "; ".join(cookie.header.partition(";")[0] for cookie in cookies)


def _value(cookie: Cookie) -> str:
    return cookie.header.partition(";")[0].partition("=")[2]


def _newcomer(by: Identity) -> tuple[str, Cookie]:
    """A new visitor's id and cookie."""
    visitor = by.new_visitor()
    return visitor.id, by.set_queue_cookie(visitor)


def _all(by: Identity) -> dict[str, tuple[Cookie, Callable[[str], object]]]:
    visitor_id, visitor = _newcomer(by)
    return {
        "visitor": (visitor, by.visitor),
        "pass": (by.set_pass_cookie(_sent(visitor), visitor_id, "gala"), by.passes),
        "booking": (by.add_booking_cookie("", REF), by.bookings),
        "admin": (by.admin_session("organizer"), by.admin),
    }


def test_what_was_signed_is_read_back() -> None:
    visitor_id, visitor = _newcomer(identity)
    header = _sent(visitor)
    assert identity.visitor_id(header) == visitor_id
    assert len(base64.urlsafe_b64decode(visitor_id + "==")) == 16
    shopping = identity.set_pass_cookie(header, visitor_id, "gala")
    assert identity.passes(_sent(visitor, shopping)) == ["gala"]
    assert identity.bookings(_sent(identity.add_booking_cookie("", REF))) == {REF: None}
    assert identity.admin(_sent(identity.admin_session("organizer"))) == "organizer"
    assert identity.opens_booking(identity.booking_token(REF), REF)


def test_every_visitor_is_another() -> None:
    assert len({identity.new_visitor().id for _ in range(500)}) == 500


def test_no_purpose_can_be_exchanged_for_another() -> None:
    made = _all(identity)
    values = {purpose: _value(cookie) for purpose, (cookie, _) in made.items()}
    values["booking-link"] = identity.booking_token(REF)
    for purpose, (_, read) in made.items():
        for other, value in values.items():
            if other != purpose:
                assert not read(f"surge_{purpose}={value}"), f"{other} was read as {purpose}"
    assert not any(
        identity.opens_booking(value, REF)
        for purpose, value in values.items()
        if purpose != "booking-link"
    )


def test_a_pass_belongs_to_one_visitor() -> None:
    visitor_id, mine = _newcomer(identity)
    _, another = _newcomer(identity)
    shopping = identity.set_pass_cookie(_sent(mine), visitor_id, "gala")
    assert identity.passes(_sent(another, shopping)) == []
    assert identity.passes(_sent(shopping)) == []


def test_a_booking_link_opens_its_booking_alone() -> None:
    token = identity.booking_token(REF)
    assert not identity.opens_booking(token, "SRG-ZZZZZZZZ")
    assert not identity.opens_booking("", REF)
    assert not identity.opens_booking("forged", REF)


@given(st.data())
def test_a_changed_character_anywhere_spoils_a_cookie(data: st.DataObject) -> None:
    purpose = data.draw(st.sampled_from(["visitor", "booking", "admin"]))
    cookie, read = _all(identity)[purpose]
    value = _value(cookie)
    # The last character of a signature carries two unused bits, so others may mean the same.
    place = data.draw(st.integers(0, len(value) - 2))
    letter = data.draw(st.sampled_from("ABCxyz019-_."))
    changed = value[:place] + letter + value[place + 1 :]
    expected = read(f"surge_{purpose}={value}")
    assert read(f"surge_{purpose}={changed}") == (expected if changed == value else read(""))


@given(st.text(max_size=300))
def test_no_cookie_header_breaks_the_reading(header: str) -> None:
    for purpose in ("visitor", "pass", "booking", "admin"):
        text = f"surge_{purpose}={header}"
        assert identity.visitor_id(text) is None
        assert identity.passes(text) == []
        assert identity.bookings(text) == {}
        assert identity.admin(text) is None
    assert not identity.opens_booking(header, REF)


def test_a_value_of_the_wrong_shape_is_nothing_even_if_signed() -> None:
    def signed(purpose: str, value: object) -> str:
        return f"surge_{purpose}={identity._signer(purpose).dumps(value)}"

    assert identity.visitor_id(signed("visitor", 7)) is None
    assert identity.passes(signed("pass", ["gala"])) == []
    assert identity.bookings(signed("booking", {"ref": REF})) == {}
    assert identity.bookings(signed("booking", [REF, 7])) == {REF: None}
    assert identity.admin(signed("admin", ["organizer"])) is None


@pytest.mark.parametrize(
    ("purpose", "days"), [("visitor", 30), ("pass", 2 / 24), ("booking", 400), ("admin", 8 / 24)]
)
def test_a_cookie_ends_with_its_age(
    purpose: str, days: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = _all(identity)
    cookie, read = made[purpose]
    header = _sent(cookie) if purpose != "pass" else _sent(made["visitor"][0], cookie)
    assert f"Max-Age={int(days * 86_400)};" in cookie.header
    now = TimestampSigner("any").get_timestamp()
    for seconds, is_valid in ((-60, True), (60, False)):
        later = now + int(days * 86_400) + seconds
        # The clock is the library's: what it says is signed into every value.
        monkeypatch.setattr(TimestampSigner, "get_timestamp", lambda _, at=later: at)
        monkeypatch.setattr(identity_module, "time", lambda at=later: float(at))
        assert bool(read(header)) == is_valid


@pytest.mark.parametrize("purpose", ["visitor", "pass", "booking", "admin"])
@pytest.mark.parametrize(("seconds", "is_valid"), [(600, True), (7200, False)])
def test_a_cookie_of_a_node_whose_clock_is_somewhat_ahead_is_no_forgery(
    purpose: str, seconds: int, *, is_valid: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = _all(identity)
    cookie, read = made[purpose]
    header = _sent(cookie) if purpose != "pass" else _sent(made["visitor"][0], cookie)
    now = identity_module.time()
    monkeypatch.setattr(identity_module, "time", lambda: now - seconds)
    assert bool(read(header)) == is_valid


def test_keys_rotate_without_signing_anybody_out() -> None:
    before = Identity((KEY,), secure=False)
    during = Identity((OTHER, KEY), secure=False)
    after = Identity((OTHER,), secure=False)
    old, new = before.admin_session("organizer"), during.admin_session("organizer")
    assert during.admin(_sent(old)) == "organizer"
    assert after.admin(_sent(new)) == "organizer"
    assert after.admin(_sent(old)) is None
    assert before.admin(_sent(new)) is None


def test_over_https_cookies_are_secure_and_bound_to_the_host() -> None:
    safe = Identity((KEY,), secure=True)
    for purpose, (cookie, _) in _all(safe).items():
        assert cookie.name == f"__Host-surge_{purpose}"
        assert cookie.header.startswith(f"__Host-surge_{purpose}=")
        attributes = cookie.header.split("; ")[1:]
        assert {"Path=/", "HttpOnly", "Secure"} <= set(attributes)
        assert not any(attribute.startswith("Domain") for attribute in attributes)
    # A cookie another sub-domain may have set, without the prefix, is not looked at.
    assert safe.admin(_sent(identity.admin_session("organizer"))) is None


def test_over_http_cookies_are_neither_secure_nor_prefixed() -> None:
    for purpose, (cookie, _) in _all(identity).items():
        assert cookie.name == f"surge_{purpose}"
        assert "Secure" not in cookie.header
        assert "; HttpOnly; " in cookie.header


def test_the_organizers_cookie_is_strict_and_the_others_lax() -> None:
    for purpose, (cookie, _) in _all(identity).items():
        wanted = "Strict" if purpose == "admin" else "Lax"
        assert f"SameSite={wanted}" in cookie.header
    assert "SameSite=Strict" in identity.end_admin_session().header
    assert "Max-Age=0" in identity.end_admin_session().header


def test_a_browser_keeps_the_newest_five_passes_and_twenty_bookings() -> None:
    visitor_id, visitor = _newcomer(identity)
    header = _sent(visitor)
    for number in range(8):
        header = _sent(visitor, identity.set_pass_cookie(header, visitor_id, f"event-{number}"))
    assert identity.passes(header) == [f"event-{number}" for number in range(3, 8)]
    again = _sent(visitor, identity.set_pass_cookie(header, visitor_id, "event-4"))
    assert identity.passes(again)[-1] == "event-4"
    assert len(identity.passes(again)) == 5
    header = ""
    for number in range(25):
        header = _sent(identity.add_booking_cookie(header, f"SRG-{number}"))
    assert list(identity.bookings(header)) == [f"SRG-{number}" for number in range(5, 25)]


def test_the_first_of_two_equal_cookies_wins() -> None:
    assert parse_cookies('a=1; b="2"; a=3; c; =x; d=e=f') == {
        "a": "1",
        "b": "2",
        "": "x",
        "d": "e=f",
    }


def test_places_travel_in_the_visitors_cookie_and_only_the_newest_five() -> None:
    visitor = Visitor("someone")
    for number in range(1, 8):
        header = _sent(identity.set_queue_cookie(visitor, f"event-{number}", number))
        visitor = identity.visitor(header) or Visitor("nobody")
    assert visitor.id == "someone"
    assert visitor.queue_numbers == {f"event-{number}": number for number in range(3, 8)}
    without = identity.visitor(_sent(identity.set_queue_cookie(visitor, "event-4")))
    assert without is not None
    assert set(without.queue_numbers) == {"event-3", "event-5", "event-6", "event-7"}


def test_a_cookie_from_before_places_were_in_it_still_names_its_visitor() -> None:
    old = identity._signer("visitor").dumps("someone")
    assert identity.visitor(f"a=b; surge_visitor={old}; c=d") == Visitor("someone")


def test_what_the_line_answers_changes_only_the_cookies_it_concerns() -> None:
    def changed(visitor: Visitor, number: int | None, *, is_admitted: bool = False) -> list[str]:
        header = _sent(identity.set_queue_cookie(visitor))
        cookies = identity.queue_cookies(
            header, visitor, "gala", number=number, is_admitted=is_admitted
        )
        return [cookie.name for cookie in cookies]

    assert changed(Visitor("a"), None) == []
    assert changed(Visitor("a"), 7) == ["surge_visitor"]
    assert changed(Visitor("a", {"gala": 7}), 7) == []
    assert changed(Visitor("a", {"gala": 7}), None) == ["surge_visitor"]
    assert changed(Visitor("a", {"gala": 7}), None, is_admitted=True) == [
        *("surge_visitor", "surge_pass"),
    ]


def test_only_genuine_visitor_cookies_are_remembered() -> None:
    by = Identity((KEY,), secure=False)
    for number in range(50):
        assert by.visitor(f"surge_visitor=forged{number}.x.y") is None
    assert by.visitor("surge_visitor=" + "x" * 100_000) is None
    assert by._visitor_of.cache_info().currsize == 0
    visitor_id, cookie = _newcomer(by)
    assert by.visitor_id(_sent(cookie)) == visitor_id
    assert by._visitor_of.cache_info().currsize == 1


def test_the_fullest_visitor_cookie_is_short_enough() -> None:
    visitor, value = identity.new_visitor(), ""
    for at in range(6):
        # Digits of a hash, which no compression makes shorter than a real name would be.
        slug = hashlib.sha256(bytes([at])).hexdigest()[:60]
        cookie = identity.set_queue_cookie(visitor, slug, 10_000_000 + at)
        visitor, value = identity.visitor(_sent(cookie)) or visitor, _value(cookie)
    assert len(visitor.queue_numbers) == 5
    assert len(value) <= 1024


def test_a_visitor_cookie_over_a_kilobyte_is_not_even_verified(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    by = Identity((KEY,), secure=False)

    def verify(_self: Identity, _purpose: str, _value: str) -> None:
        raise AssertionError

    monkeypatch.setattr(Identity, "_verify", verify)
    assert by.visitor("surge_visitor=" + "x" * 1025) is None


def test_a_link_opens_its_own_version_of_a_booking_alone() -> None:
    first, second = identity.booking_token(REF), identity.booking_token(REF, 1)
    assert len(first) == len(second) == 16
    assert identity.opens_booking(first, REF, 0)
    assert not identity.opens_booking(first, REF, 1)
    assert identity.opens_booking(second, REF, 1)
    assert not identity.opens_booking(second, REF, 2)


def test_a_browser_that_paid_stays_the_one_that_paid_and_a_link_does_not_make_it_so() -> None:
    by_link = _sent(identity.add_booking_cookie("", REF, link_version=3))
    assert identity.bookings(by_link) == {REF: 3}
    newer = _sent(identity.add_booking_cookie(by_link, REF, link_version=4))
    assert identity.bookings(newer) == {REF: 4}
    paid = _sent(identity.add_booking_cookie(by_link, REF))
    assert identity.bookings(paid) == {REF: None}
    again = _sent(identity.add_booking_cookie(paid, REF, link_version=4))
    assert identity.bookings(again) == {REF: None}


def test_a_contact_code_is_for_one_booking_one_version_and_some_minutes() -> None:
    sent_at = datetime(2026, 11, 28, 12, 0, tzinfo=UTC)
    code = identity.contact_code(REF, 1, sent_at)
    assert len(code) == 6
    spaced = f" {code[:3]} {code[3:]} "
    assert identity.is_contact_code(spaced, REF, 1, sent_at + timedelta(minutes=10))
    hindi = code.translate({ord("0") + digit: ord("०") + digit for digit in range(10)})
    assert identity.is_contact_code(hindi, REF, 1, sent_at)
    assert not identity.is_contact_code(code, REF, 1, sent_at + timedelta(minutes=20))
    assert not identity.is_contact_code(code, REF, 2, sent_at)
    assert not identity.is_contact_code(code, "SRG-ZZZZZZZZ", 1, sent_at)
    assert not identity.is_contact_code("", REF, 1, sent_at)


def test_a_device_is_known_for_those_who_signed_in_from_it() -> None:
    device = _sent(identity.add_device_cookie("", "organizer"))
    both = _sent(identity.add_device_cookie(device, "scanner"))
    assert identity.device(both, "organizer") == identity.device(both, "scanner") != ""
    assert identity.device(device, "scanner") == ""
    assert identity.device("surge_device=forged", "organizer") == ""


@pytest.mark.parametrize(
    ("purpose", "value"),
    [
        ("booking", ["SRG-AAAAAAAA.x", "SRG-BBBBBBBB.²", 7, None]),
        ("booking", {"SRG-AAAAAAAA": 1}),
        ("pass", {"events": 3}),
        ("device", {"users": 3, "id": []}),
        ("visitor", {"id": 1}),
        ("visitor", {"id": "v", "places": []}),
    ],
)
def test_a_signed_cookie_of_another_shape_names_nothing(purpose: str, value: object) -> None:
    identity = Identity((KEY,), secure=False)
    header = f"surge_{purpose}={identity._signer(purpose).dumps(value)}"
    assert identity.bookings(header) == {}
    assert identity.passes(header) == []
    assert identity.device(header, "organizer") == ""
    assert identity.visitor(header) is None
