"""The two codes that move a place to another device: a link to scan, and a short code to type.

Redis holds digests that cannot be computed without the secret of the installation, so nothing that
is stored there opens a place.
"""

from __future__ import annotations

import base64
import hmac
import json
import secrets
import unicodedata
from collections.abc import Mapping

from cryptography.fernet import Fernet, InvalidToken

_LINK_BYTES = 24
_LINK_LENGTH = 32
# Without letters and digits that look alike.
_ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
_SHORT_LENGTH = 8


class MoveCodes:
    """Creates codes, and what is stored in place of them.

    Args:
        secret_keys: The install's secrets; a code outlives no change of the first.
    """

    def __init__(self, secret_keys: tuple[str, ...]) -> None:
        self._key = secret_keys[0].encode()

    @staticmethod
    def new_link() -> str:
        """Return a code of 192 bits for a link."""
        return secrets.token_urlsafe(_LINK_BYTES)

    @staticmethod
    def new_short() -> str:
        """Return a code of 39 bits to type; it is safe only where wrong ones are counted."""
        return "".join(secrets.choice(_ALPHABET) for _ in range(_SHORT_LENGTH))

    @staticmethod
    def parse(sent: str) -> tuple[str, bool]:
        """Return a code as it was made, and whether it is of a link."""
        text = sent.strip()
        if len(text) == _LINK_LENGTH:
            return text, True
        # Keyboards of some languages write their own digits.
        letters = (str(unicodedata.decimal(one, one)) for one in text.upper())
        return "".join(one for one in letters if one.isalnum()), False

    def digest(self, slug: str, code: str) -> str:
        """Return what is stored in place of a code."""
        return self._derive("digest", f"{slug}:{code}").hex()

    def seal(self, code: str, typed: Mapping[str, str]) -> str:
        """Return what was typed into a form, readable with the code alone; nothing for nothing."""
        if not typed:
            return ""
        return self._cipher(code).encrypt(json.dumps(dict(typed)).encode()).decode()

    def unseal(self, code: str, sealed: str) -> dict[str, str]:
        """Return what `seal` got."""
        try:
            return json.loads(self._cipher(code).decrypt(sealed)) if sealed else {}
        except InvalidToken:
            return {}

    def _cipher(self, code: str) -> Fernet:
        return Fernet(base64.urlsafe_b64encode(self._derive("seal", code)))

    def _derive(self, purpose: str, text: str) -> bytes:
        return hmac.digest(self._key, f"surge.move-{purpose}:{text}".encode(), "sha256")
