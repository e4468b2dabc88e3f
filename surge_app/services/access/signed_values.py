"""Opening signed values fast: what `itsdangerous` signed, read with keys derived once.

Every poll opens one. The library derives the key anew each time and takes more than twice as
long; what it writes is read here byte by byte the same way, which a test holds against it.
"""

from __future__ import annotations

import hmac
import json
import zlib
from binascii import a2b_base64, b2a_base64
from datetime import timedelta
from time import time

# Base64 of 32 bytes without the padding.
_SIGNATURE = 43
_CLOCKS_APART_SECONDS = 3600
_TO_URL, _FROM_URL = bytes.maketrans(b"+/", b"-_"), bytes.maketrans(b"-_", b"+/")
_parsed = json.JSONDecoder().raw_decode


class SignedValue:
    """Reads the values of one purpose.

    Args:
        secret_keys: Any of them may have signed.
        salt: Of the purpose.
    """

    def __init__(self, secret_keys: tuple[str, ...], *, salt: str) -> None:
        self._keys = [hmac.digest(key.encode(), salt.encode(), "sha256") for key in secret_keys]

    def opened(self, value: str) -> tuple[object, int] | None:
        """Return what was signed, and when in seconds of the epoch; None if it is not genuine."""
        try:
            signed, _, signature = value.encode("ascii").rpartition(b".")
        except UnicodeEncodeError:
            return None
        for key in self._keys:
            expected = b2a_base64(hmac.digest(key, signed, "sha256"), newline=False)[:_SIGNATURE]
            if hmac.compare_digest(expected.translate(_TO_URL), signature):
                return _read(signed)
        return None


def is_current(signed_at: int, *, age: timedelta) -> bool:
    """Whether something signed at that moment may still be used.

    What seems to come from the future was signed by a node whose clock is ahead of ours.
    """
    return -_CLOCKS_APART_SECONDS <= time() - signed_at <= age.total_seconds()


def _read(signed: bytes) -> tuple[object, int]:
    # Genuine, so it is what we wrote.
    payload, _, stamp = signed.rpartition(b".")
    is_packed = payload.startswith(b".")
    text = zlib.decompress(_decoded(payload[1:])) if is_packed else _decoded(payload)
    return _parsed(text.decode())[0], int.from_bytes(_decoded(stamp), "big")


def _decoded(text: bytes) -> bytes:
    return a2b_base64(text.translate(_FROM_URL) + b"==")
