"""QR codes of tickets: signed, checked without asking anybody, keys that rotate."""

from __future__ import annotations

import base64
import secrets

import pytest
from hypothesis import given, strategies as st

from surge_app.clock import new_id
from surge_app.services.access.signing_keys import SigningKeys, read_jwk_set
from surge_app.services.bookings.qr import qr_modules
from surge_app.services.bookings.ticket_signing import (
    NotATicket,
    TicketCodes,
    TicketSignature,
    read_ticket,
)

KEY, OTHER = "k" * 40, "o" * 40
keys = SigningKeys((KEY,))
codes = TicketCodes(keys)
EVENT, CODE = new_id(), secrets.token_urlsafe(16)
_SIDE_OF_VERSION_7 = 45


def _codes(*secret_keys: str) -> TicketCodes:
    return TicketCodes(SigningKeys(secret_keys))


def test_a_signed_ticket_is_read_with_nothing_but_the_published_keys() -> None:
    found = read_ticket(codes.qr_text(EVENT, CODE), read_jwk_set(keys.jwk_set()["keys"]))
    assert (found.code, found.event_id, found.proof) == (CODE, EVENT, TicketSignature.SIGNED)


def test_the_published_keys_are_a_jwk_set() -> None:
    (key,) = keys.jwk_set()["keys"]
    assert (key["kty"], key["crv"], key["alg"], key["use"]) == ("OKP", "Ed25519", "EdDSA", "sig")
    assert len(base64.urlsafe_b64decode(key["x"] + "=")) == 32


def test_the_same_ticket_always_has_the_same_code() -> None:
    assert codes.qr_text(EVENT, CODE) == _codes(KEY).qr_text(EVENT, CODE)


def test_a_scanner_may_change_case_and_add_blanks() -> None:
    text = codes.qr_text(EVENT, CODE)
    assert codes.read(f"  {text.lower()}\r\n") == codes.read(text)


@given(st.integers(0, 10**6), st.sampled_from("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567."))
def test_no_character_can_be_changed_unnoticed(place: int, letter: str) -> None:
    text = codes.qr_text(EVENT, CODE)
    place %= len(text)
    changed = text[:place] + letter + text[place + 1 :]
    try:
        found = codes.read(changed)
    except NotATicket:
        return
    # What is left is no forgery: the same ticket, or one signed by nobody we know.
    same = found.code == CODE and found.event_id == EVENT
    assert found.proof == TicketSignature.UNKNOWN_KEY or same


@given(st.text(max_size=500))
def test_any_other_text_is_refused_or_proves_nothing(text: str) -> None:
    try:
        found = codes.read(text)
    except NotATicket:
        return
    assert found.proof == TicketSignature.NONE
    assert found.event_id is None


def test_a_ticket_of_another_install_proves_nothing() -> None:
    found = codes.read(_codes(OTHER).qr_text(EVENT, CODE))
    assert found.proof == TicketSignature.UNKNOWN_KEY


def test_a_forged_key_id_does_not_help() -> None:
    ours = codes.qr_text(EVENT, CODE).split(".")[1]
    theirs = _codes(OTHER).qr_text(EVENT, CODE).split(".")
    with pytest.raises(NotATicket):
        codes.read(".".join((theirs[0], ours, theirs[2])))


def test_tickets_stay_known_when_the_secret_rotates() -> None:
    text = codes.qr_text(EVENT, CODE)
    rotated = _codes(OTHER, KEY)
    assert rotated.read(text).proof == TicketSignature.SIGNED
    assert rotated.qr_text(EVENT, CODE) != text
    published = SigningKeys((OTHER, KEY)).jwk_set()["keys"]
    assert published[0]["kid"] == rotated.qr_text(EVENT, CODE).split(".")[1]


def test_codes_from_before_there_were_signatures_are_still_read() -> None:
    found = codes.read(CODE)
    assert (found.code, found.event_id, found.proof) == (CODE, None, TicketSignature.NONE)


def test_the_picture_stays_coarse_enough_for_a_cheap_phone() -> None:
    assert len(qr_modules(codes.qr_text(EVENT, CODE))) <= _SIDE_OF_VERSION_7
