"""Who published a blob: an Ed25519 signature (RFC 8032) by a key that need not be at the hub. A station takes what the
publisher signed whose public key it holds, whoever it came through; what it knows of its upstream does not matter.

An edition numbers what is published and only grows, so what was signed once cannot be offered as news again.
"""

from __future__ import annotations

from typing import Annotated

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from msgspec import Meta

KEY_BYTES = 32
HASH_BYTES = 32
LONGEST_NAME = 100
# What another station may say, before anything is made of it.
Name = Annotated[str, Meta(max_length=LONGEST_NAME)]
Hash = Annotated[str, Meta(max_length=2 * HASH_BYTES)]


class SignatureError(ValueError):
    """It is not signed as it has to be; the message says what to do."""


class Statement(msgspec.Struct, frozen=True):
    """What a publisher signs: that in this edition the name stands for the content with this SHA-256 (hexadecimal)."""

    name: Name
    edition: Annotated[int, Meta(ge=1, le=1 << 60)]
    hash: Hash

    def sign(self, key: bytes) -> Signed:
        """The statement with the signature of this private key."""
        signature = Ed25519PrivateKey.from_private_bytes(key).sign(self._as_bytes())
        return Signed(self.name, self.edition, self.hash, signature.hex())

    def _as_bytes(self) -> bytes:
        return f"Sado publishes\n{self.edition}\n{self.hash}\n{self.name}".encode()


class Signed(Statement, frozen=True):
    """A statement and the signature under it, in hexadecimal."""

    signature: Annotated[str, Meta(max_length=128)]

    def check(self, publisher: bytes | None) -> None:
        """Nothing, where this public key signed it. Raises SignatureError."""
        if publisher is None:
            raise SignatureError(
                "No publisher's key is held here: at a station it is the second line of upstream.key, a hub makes one"
                " with `sado publisher new`."
            )
        try:
            Ed25519PublicKey.from_public_bytes(publisher).verify(bytes.fromhex(self.signature), self._as_bytes())
        except (InvalidSignature, ValueError):
            raise SignatureError("It is not signed by the publisher whose key is held here.") from None


def new_key() -> bytes:
    """A private key."""
    return Ed25519PrivateKey.generate().private_bytes_raw()


def public_of(key: bytes) -> bytes:
    """The public key of a private one."""
    return Ed25519PrivateKey.from_private_bytes(key).public_key().public_bytes_raw()
