"""Sign and verify the text of a ticket's QR code, so that a scanner can check it offline.

The text is `SRG1.<key id>.<payload>`. The payload is Base32 without padding, over the event's id
(16 bytes), the ticket's code (ASCII) and an Ed25519 signature (64 bytes) of all that stands before
it. Every character belongs to the alphanumeric set of QR codes, which keeps the picture coarse.
Nothing in it is about a person. A bare code, as on tickets from before there were signatures, is
read too, and proves nothing alone.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from ulid import ULID

from surge_app.errors import SurgeError
from surge_app.languages import N_
from surge_app.services.access.signing_keys import KEY_ID_LENGTH, SigningKeys

_VERSION = "SRG1"
_EVENT_BYTES = 16
_SIGNATURE_BYTES = 64
_LONGEST_TEXT = 400
_BARE_CODE = re.compile(r"[A-Za-z0-9_-]{10,64}")
_SIGNED = re.compile(rf"{_VERSION}\.([A-Z2-7]{{{KEY_ID_LENGTH}}})\.([A-Z2-7]{{100,300}})")


class NotATicket(SurgeError, code="not_a_ticket", status=422):
    """The scanned text is not a Surge ticket."""

    message = N_(
        "This is not a ticket of ours. No one was checked in. Ask for the original ticket."
    )


class TicketSignature(StrEnum):
    """The facts that the text of a QR code proves without a database."""

    SIGNED = "signed"
    """We made it; whether it is still valid and unused only the list of tickets knows."""
    UNKNOWN_KEY = "unknown_key"
    """Signed with a key that is no longer known here: the list of tickets has to decide."""
    NONE = "none"
    """A bare code: the list of tickets has to decide."""


@dataclass(frozen=True, slots=True)
class ScannedTicket:
    """The content of a scanned code.

    Attributes:
        code: As in the list of tickets.
        event_id: What it opens; None for a bare code.
    """

    code: str
    event_id: str | None
    proof: TicketSignature


class TicketCodes:
    """Signs tickets and reads what was scanned, with the keys of this install."""

    def __init__(self, keys: SigningKeys) -> None:
        self._keys = keys

    def qr_text(self, event_id: str, code: str) -> str:
        """Return what the QR of a ticket shows; the same for the same ticket and key."""
        body = ULID.from_str(event_id).bytes + code.encode("ascii")
        signature = self._keys.sign(_signed_bytes(self._keys.id, body))
        return f"{_VERSION}.{self._keys.id}.{_base32(body + signature)}"

    def read(self, text: str) -> ScannedTicket:
        """Read a scan with the keys of this install; raises NotATicket, see `read_ticket`."""
        return read_ticket(text, self._keys.public)


def read_ticket(text: str, public_keys: Mapping[str, bytes]) -> ScannedTicket:
    """Read and verify a scanned text without a database.

    Args:
        text: As scanned; blanks around it and the case of a signed one do not matter.
        public_keys: The 32 bytes of each Ed25519 key, by key id.

    Raises:
        NotATicket: If it is something else, or its signature is wrong.
    """
    trimmed = text.strip()
    if len(trimmed) > _LONGEST_TEXT:
        raise NotATicket
    if not trimmed.upper().startswith(f"{_VERSION}."):
        if not _BARE_CODE.fullmatch(trimmed):
            raise NotATicket
        return ScannedTicket(trimmed, None, TicketSignature.NONE)
    found = _SIGNED.fullmatch(trimmed.upper())
    if found is None:
        raise NotATicket
    key_id, payload = found[1], _from_base32(found[2])
    body, signature = payload[:-_SIGNATURE_BYTES], payload[-_SIGNATURE_BYTES:]
    code = body[_EVENT_BYTES:].decode("ascii", "replace")
    if not _BARE_CODE.fullmatch(code):
        raise NotATicket
    event_id = str(ULID.from_bytes(body[:_EVENT_BYTES]))
    public = public_keys.get(key_id)
    if public is None:
        return ScannedTicket(code, event_id, TicketSignature.UNKNOWN_KEY)
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, _signed_bytes(key_id, body))
    except InvalidSignature as error:
        raise NotATicket from error
    return ScannedTicket(code, event_id, TicketSignature.SIGNED)


def _signed_bytes(key_id: str, body: bytes) -> bytes:
    return f"{_VERSION}.{key_id}.".encode() + body


def _base32(data: bytes) -> str:
    return base64.b32encode(data).decode().rstrip("=")


def _from_base32(text: str) -> bytes:
    try:
        return base64.b32decode(text + "=" * (-len(text) % 8))
    except ValueError as error:
        raise NotATicket from error
