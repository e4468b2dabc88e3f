"""What people type into name, email and phone: India first, the world understood."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, strategies as st

from surge_app.errors import InvalidContact
from surge_app.services.checkout.contacts import (
    Contacts,
    ascii_address,
    missing_attendees,
    unlinked,
)

contacts = Contacts()
GOOD = {"name": "Asha Rao", "email": "asha@example.com", "phone": "+919876543210"}


def _check(**typed: object) -> tuple[str, str, str]:
    contact = contacts.check(**{**GOOD, **typed})
    return contact.name, contact.email, contact.phone


def _refused(**typed: object) -> dict[str, str]:
    with pytest.raises(InvalidContact) as caught:
        contacts.check(**{**GOOD, **typed})
    return caught.value.fields


@pytest.mark.parametrize(
    "typed",
    [
        "98765 43210",
        "9876543210",
        "098765 43210",
        "098765-43210",
        "+91 98765 43210",
        "+919876543210",
        "0091 98765 43210",
        "+91 (98765) 43210",
        "  98765 43210  ",
        "91 9876543210",
        "(+91) 98765-43210",
        "٩٨٧٦٥٤٣٢١٠",
        "९८७६५४३२१०",
        "９８７６５４３２１０",
        "\u202a+91\u00a098765\u201043210\u202c",  # as copied from a list of contacts
        "＋９１ （９８７６５） ４３２１０",
        "tel:+919876543210",
        "98765\t43210,",
        "98765\N{MINUS SIGN}43210",
        "98765\u034f43210\ufe0f",
        "'+919876543210",  # as copied from a spreadsheet
        "Mobile: 98765 43210",
        "Ph. 98765 43210",
    ],
)
def test_an_indian_mobile_is_understood_as_people_write_it(typed: str) -> None:
    assert _check(phone=typed)[2] == "+919876543210"


@pytest.mark.parametrize(
    ("typed", "e164"),
    [
        ("+44 7400 123456", "+447400123456"),
        ("+1 650 253 0000", "+16502530000"),
        ("+971 50 123 4567", "+971501234567"),
        ("+65 8123 4567", "+6581234567"),
    ],
)
def test_a_foreign_mobile_needs_its_country_code(typed: str, e164: str) -> None:
    assert _check(phone=typed)[2] == e164


@pytest.mark.parametrize(
    "typed",
    [
        "022 2345 6789",  # a landline in Mumbai: it takes no SMS
        "+91 80 2345 6789",
        "+44 20 7946 0958",
        "1800 123 4567",  # toll-free
        "12345",
        "98765 4321",
        "98765 432100",
        "98765 43210 ext 5",
        "9876543210\N{ARABIC-INDIC DIGIT ONE}",
        "call me",
        "98765 HELLO",
        "",
        "   ",
        None,
        9876543210,
        ["98765 43210"],
    ],
)
def test_what_takes_no_sms_is_refused_with_one_sentence(typed: object) -> None:
    fields = _refused(phone=typed)
    assert set(fields) == {"phone"}
    assert fields["phone"].endswith(".")


def test_the_numbers_the_sentence_proposes_are_accepted() -> None:
    sentence = _refused(phone="12345")["phone"]
    proposed = [text.strip() for text in re.findall(r"\+?\d[\d ]{8,}", sentence)]
    assert len(proposed) == 2
    assert [contacts.check_field("phone", text) for text in proposed] == ["", ""]


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("Asha@Example.COM", "Asha@example.com"),
        ("  asha@example.com ", "asha@example.com"),
        ("asha\u200b@example.com\ufeff", "asha@example.com"),
        ("mailto:asha@example.com", "asha@example.com"),
        ("Asha Rao <asha@example.com>", "asha@example.com"),
        ("asha@example.com.", "asha@example.com"),
        ("asha@example.com,", "asha@example.com"),
        ("\u00a0asha@example.com\t\n", "asha@example.com"),
        ("<mailto:Asha@example.com?subject=Tickets>", "Asha@example.com"),
        ('"Rao, Asha" <asha@example.com.>;', "asha@example.com"),
        ("asha＠example．com", "asha@example.com"),
        ("what?@example.com", "what?@example.com"),
        ("asha\ufe0f@example.com\u034f", "asha@example.com"),
        ("“asha@example.com”!", "asha@example.com"),
        ("(asha@example.com)", "asha@example.com"),
        # The mail provider delivers to mailboxes of any script.
        ("आशा@example.com", "आशा@example.com"),
        ("asha+tickets@gmail.com", "asha+tickets@gmail.com"),
        ("a.b-c_d@sub.domain.co.in", "a.b-c_d@sub.domain.co.in"),
    ],
)
def test_the_domain_of_a_mail_address_is_lower_cased_and_the_rest_kept(
    typed: str, kept: str
) -> None:
    assert _check(email=typed)[1] == kept


@pytest.mark.parametrize(
    ("kept", "sent"),
    [
        ("asha@example.com", "asha@example.com"),
        ("asha@दिवाली.भारत", "asha@xn--j2byi0bdj.xn--h2brj9c"),
        ("asha@faß.de", "asha@xn--fa-hia.de"),
        ("", ""),
        ("no address", "no address"),
    ],
)
def test_a_domain_of_any_script_is_sent_as_punycode(kept: str, sent: str) -> None:
    assert ascii_address(kept) == sent


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "asha",
        "asha@",
        "@example.com",
        "asha@example",
        "asha@@example.com",
        "asha@exa mple.com",
        "asha@example.com, other@example.com",
        "asha@example.com\nBcc: all@example.com",
        "a" * 250 + "@example.com",
        None,
        {"address": "asha@example.com"},
    ],
)
def test_what_is_no_mail_address_is_refused(typed: object) -> None:
    assert set(_refused(email=typed)) == {"email"}


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("  Asha   Rao ", "Asha Rao"),
        ("आशा राव", "आशा राव"),
        ("அருண்", "அருண்"),
        ("O'Brien-D'Souza", "O'Brien-D'Souza"),
        ("A", "A"),
        ("Asha\tRao\n", "Asha Rao"),
        ("x" * 100, "x" * 100),
        ("നന്\u200dമ", "നന്\u200dമ"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("As\u200bha\ufeff", "Asha"),
        ("a\u202eb", "ab"),
        ("Jose\u0301", "Jos\u00e9"),
        ("M.S.Dhoni", "M.S.Dhoni"),
        ("Dr.Anil Kumar S/O K.Ramesh", "Dr.Anil Kumar S/O K.Ramesh"),
    ],
)
def test_a_name_keeps_its_letters_and_loses_its_spare_spaces(typed: str, kept: str) -> None:
    assert _check(name=typed)[0] == kept


@pytest.mark.parametrize(
    "typed", ["", "   ", "\u200d", "\u3164", "\u2800", "x" * 101, "a\x00b", "a\x1b[31m", None, 7]
)
def test_what_is_no_name_is_refused(typed: object) -> None:
    assert set(_refused(name=typed)) == {"name"}


@pytest.mark.parametrize(
    "typed",
    [
        *("Win ₹500 at http://evil.example", "Claim at WWW.evil.example"),
        *("write to win@evil.example", "Win at evil.example/win", "asha＠example.com"),
    ],
)
def test_an_address_in_the_field_of_the_name_is_told(typed: str) -> None:
    assert _refused(name=typed) == {"name": "Enter a name without web or email addresses."}


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        ("Asha Rao", "Asha Rao"),
        ("J.R.Tolkien", "J. R. Tolkien"),
        ("Dr.Anil S/O M. Rao", "Dr. Anil S/O M. Rao"),
        ("J.-P. O'Neil Jr.", "J.-P. O'Neil Jr."),
        ("अनिल.कुमार", "अनिल. कुमार"),
        ("Claim at evil.dev", "Claim at evil. dev"),
        ("bit.ly now", "bit. ly now"),
        ("приз.рф", "приз. рф"),
        ("例え。テスト", "例え。 テスト"),
        ("evil．com", "evil． com"),
        ("evil｡com", "evil｡ com"),
        ("evil․com", "evil․ com"),
        ("10.0.0.1", "10. 0. 0. 1"),
        ("https://evil", "https evil"),
        ("mailto:win@evil", "mailto: win (at) evil"),
        ("Win＠evil.dev", "Win (at) evil. dev"),
        ("Call 98765 43210", "Call ***** *****"),
        ("Call ९८७६५४३२१०", "Call **********"),
        ("Louis 14", "Louis 14"),
    ],
)
def test_nothing_makes_a_link_or_a_call_of_a_name_in_a_message(typed: str, shown: str) -> None:
    assert unlinked(typed) == shown
    assert unlinked(shown) == shown


@given(st.text(max_size=100))
def test_no_dot_of_a_name_in_a_message_joins_two_words(typed: str) -> None:
    assert not re.search(r"\w[.。．｡]\w|://|@", unlinked(typed))


def test_all_wrong_fields_are_told_at_once() -> None:
    fields = _refused(name="", email="x", phone="1")
    assert set(fields) == {"name", "email", "phone"}
    assert all(sentence.endswith(".") for sentence in fields.values())


def test_one_field_is_checked_as_all_of_them_are() -> None:
    assert contacts.check_field("phone", "98765 43210") == ""
    assert contacts.check_field("phone", "12345") == _refused(phone="12345")["phone"]
    assert contacts.check_field("nonsense", "12345") == ""


@given(st.from_regex(r"[6-9][0-9]{9}", fullmatch=True))
def test_checking_a_checked_phone_changes_nothing(digits: str) -> None:
    if contacts.check_field("phone", digits):
        return
    once = _check(phone=digits)[2]
    assert once == f"+91{digits}"
    assert _check(phone=once)[2] == once


@given(st.text(max_size=200))
def test_nothing_typed_breaks_a_field(typed: str) -> None:
    for field in ("name", "email", "phone"):
        problem = contacts.check_field(field, typed)
        assert problem == "" or problem.endswith(".")


def test_names_of_attendees_are_normalized_and_told_apart_by_their_place() -> None:
    names = {"tier": ["  Asha   Rao", "", "x" * 101]}
    with pytest.raises(InvalidContact) as caught:
        contacts.check(**GOOD, attendees=names)
    assert set(caught.value.fields) == {"attendees.tier.2"}
    contact = contacts.check(**GOOD, attendees={"tier": ["  Asha   Rao", ""]})
    assert contact.attendees == (("tier", ("Asha Rao", "")),)
    assert set(missing_attendees(contact, {"tier": 3, "other": 1})) == {
        "attendees.tier.1",
        "attendees.tier.2",
        "attendees.other.0",
    }
