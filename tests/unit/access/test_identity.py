"""Signed cookies and links: each for one purpose, none forgeable, keys that rotate."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from datetime import timedelta

import pytest
from hypothesis import given, strategies as st
from itsdangerous import TimestampSigner

from surge_app.services.access import signed_values
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
    return visitor.id, by.with_place(visitor)


def _all(by: Identity) -> dict[str, tuple[Cookie, Callable[[str], object]]]:
    visitor_id, visitor = _newcomer(by)
    return {
        "visitor": (visitor, by.visitor),
        "pass": (by.with_pass(_sent(visitor), visitor_id, "gala"), by.passes),
        "booking": (by.with_booking("", REF), by.bookings),
        "admin": (by.admin_session("organizer"), by.admin),
    }


def test_what_was_signed_is_read_back() -> None:
    visitor_id, visitor = _newcomer(identity)
    header = _sent(visitor)
    assert identity.visitor(header) == visitor_id
    assert len(base64.urlsafe_b64decode(visitor_id + "==")) == 16
    shopping = identity.with_pass(header, visitor_id, "gala")
    assert identity.passes(_sent(visitor, shopping)) == ["gala"]
    assert identity.bookings(_sent(identity.with_booking("", REF))) == [REF]
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
    shopping = identity.with_pass(_sent(mine), visitor_id, "gala")
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
        assert identity.visitor(text) is None
        assert identity.passes(text) == []
        assert identity.bookings(text) == []
        assert identity.admin(text) is None
    assert not identity.opens_booking(header, REF)


def test_a_value_of_the_wrong_shape_is_nothing_even_if_signed() -> None:
    def signed(purpose: str, value: object) -> str:
        return f"surge_{purpose}={identity._signer(purpose).dumps(value)}"

    assert identity.visitor(signed("visitor", 7)) is None
    assert identity.passes(signed("pass", ["gala"])) == []
    assert identity.bookings(signed("booking", {"ref": REF})) == []
    assert identity.bookings(signed("booking", [REF, 7])) == [REF]
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
        monkeypatch.setattr(signed_values, "time", lambda at=later: float(at))
        assert bool(read(header)) == is_valid


@pytest.mark.parametrize("purpose", ["visitor", "pass", "booking", "admin"])
@pytest.mark.parametrize(("seconds", "is_valid"), [(600, True), (7200, False)])
def test_a_cookie_of_a_node_whose_clock_is_somewhat_ahead_is_no_forgery(
    purpose: str, seconds: int, *, is_valid: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = _all(identity)
    cookie, read = made[purpose]
    header = _sent(cookie) if purpose != "pass" else _sent(made["visitor"][0], cookie)
    now = signed_values.time()
    monkeypatch.setattr(signed_values, "time", lambda: now - seconds)
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
        header = _sent(visitor, identity.with_pass(header, visitor_id, f"event-{number}"))
    assert identity.passes(header) == [f"event-{number}" for number in range(3, 8)]
    again = _sent(visitor, identity.with_pass(header, visitor_id, "event-4"))
    assert identity.passes(again)[-1] == "event-4"
    assert len(identity.passes(again)) == 5
    header = ""
    for number in range(25):
        header = _sent(identity.with_booking(header, f"SRG-{number}"))
    assert identity.bookings(header) == [f"SRG-{number}" for number in range(5, 25)]


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
        header = _sent(identity.with_place(visitor, f"event-{number}", number))
        visitor = identity.who(header) or Visitor("nobody")
    assert visitor.id == "someone"
    assert visitor.places == {f"event-{number}": number for number in range(3, 8)}
    without = identity.who(_sent(identity.with_place(visitor, "event-4")))
    assert without is not None
    assert set(without.places) == {"event-3", "event-5", "event-6", "event-7"}


def test_a_cookie_from_before_places_were_in_it_still_names_its_visitor() -> None:
    old = identity._signer("visitor").dumps("someone")
    assert identity.who(f"a=b; surge_visitor={old}; c=d") == Visitor("someone")


@given(
    value=st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_what_the_library_signs_is_opened_byte_for_byte(value: object) -> None:
    signed = identity._signer("visitor").dumps(value)
    fast = signed_values.SignedValue((OTHER, KEY), salt="surge.visitor")
    opened = fast.opened(signed)
    assert opened is not None
    assert opened[0] == value
    assert signed_values.is_current(opened[1], age=timedelta(days=1))
    assert signed_values.SignedValue((OTHER,), salt="surge.visitor").opened(signed) is None
    assert fast.opened(signed[:-1] + "é") is None


def test_what_the_line_answers_changes_only_the_cookies_it_concerns() -> None:
    def changed(visitor: Visitor, number: int | None, *, is_admitted: bool = False) -> list[str]:
        header = _sent(identity.with_place(visitor))
        cookies = identity.after_line(
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
        assert by.who(f"surge_visitor=forged{number}.x.y") is None
    assert by.who("surge_visitor=" + "x" * 100_000) is None
    assert by._visitor_of.cache_info().currsize == 0
    visitor_id, cookie = _newcomer(by)
    assert by.visitor(_sent(cookie)) == visitor_id
    assert by._visitor_of.cache_info().currsize == 1


def test_the_fullest_visitor_cookie_is_short_enough() -> None:
    visitor, value = identity.new_visitor(), ""
    for at in range(6):
        # Digits of a hash, which no compression makes shorter than a real name would be.
        slug = hashlib.sha256(bytes([at])).hexdigest()[:60]
        cookie = identity.with_place(visitor, slug, 10_000_000 + at)
        visitor, value = identity.who(_sent(cookie)) or visitor, _value(cookie)
    assert len(visitor.places) == 5
    assert len(value) <= 1024


def test_a_visitor_cookie_over_a_kilobyte_is_not_even_verified(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    by = Identity((KEY,), secure=False)

    def opened(_self: signed_values.SignedValue, _value: str) -> None:
        raise AssertionError

    monkeypatch.setattr(signed_values.SignedValue, "opened", opened)
    assert by.who("surge_visitor=" + "x" * 1025) is None
