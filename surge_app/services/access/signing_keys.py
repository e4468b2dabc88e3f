"""The Ed25519 keys of an installation: they sign tickets, and what a queue publishes."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

KEY_ID_LENGTH = 6
# Part of the keys of every ticket that was ever signed.
_PURPOSE = b"surge ticket signature"
# Nothing that is signed for a document can pass for a ticket, which begins with `SRG1.`.
_DOCUMENT = b"SRGD1."


@dataclass(frozen=True, slots=True)
class _Key:
    """A key pair and the name it goes by."""

    id: str
    private: Ed25519PrivateKey
    public: bytes


class SigningKeys:
    """Signs, and publishes the keys to verify with.

    Args:
        secret_keys: The install's secrets. The first signs; signatures of the others are still
            known.
    """

    def __init__(self, secret_keys: tuple[str, ...]) -> None:
        self._keys = [_derive(secret) for secret in secret_keys]
        self.id = self._keys[0].id
        self.public = {key.id: key.public for key in self._keys}

    def sign(self, data: bytes) -> bytes:
        """Return the 64 bytes of the signature of the first key."""
        return self._keys[0].private.sign(data)

    def sign_document(self, document: bytes) -> str:
        """Return `<key id>.<signature in base64url>`; see `is_signed`."""
        return f"{self.id}.{_base64url(self.sign(_DOCUMENT + document))}"

    def jwk_set(self) -> dict[str, list[dict[str, str]]]:
        """Return the public keys as a JWK set (RFC 7517, RFC 8037), the signing one first."""
        return {
            "keys": [
                {
                    "kty": "OKP",
                    "crv": "Ed25519",
                    "use": "sig",
                    "alg": "EdDSA",
                    "kid": key.id,
                    "x": _base64url(key.public),
                }
                for key in self._keys
            ]
        }


def is_signed(document: bytes, signature: str, public_keys: Mapping[str, bytes]) -> bool:
    """Return whether one of the keys signed a document; see `SigningKeys.sign_document`."""
    key_id, _, encoded = signature.partition(".")
    public = public_keys.get(key_id)
    if public is None:
        return False
    try:
        signed = base64.b64decode(encoded + "==", altchars=b"-_", validate=True)
        # A second spelling of the same bytes is a changed document too.
        if _base64url(signed) != encoded:
            return False
        Ed25519PublicKey.from_public_bytes(public).verify(signed, _DOCUMENT + document)
    except (InvalidSignature, ValueError):
        return False
    return True


def read_jwk_set(keys: Iterable[Mapping[str, str]]) -> dict[str, bytes]:
    """Return the public keys of a JWK set's `keys` by their ids."""
    return {key["kid"]: base64.urlsafe_b64decode(f"{key['x']}==") for key in keys}


def _derive(secret: str) -> _Key:
    seed = hmac.digest(secret.encode(), _PURPOSE, "sha256")
    private = Ed25519PrivateKey.from_private_bytes(seed)
    public = private.public_key().public_bytes_raw()
    name = base64.b32encode(hashlib.sha256(public).digest()).decode()
    return _Key(name[:KEY_ID_LENGTH], private, public)


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")
