"""The secrets of a station: sealing values at rest and finding them by keyed hash.

The key file lies outside the database, so a copied database, a backup or a lost disk shows no number,
name or text. A value is sealed with AES-256-GCM (NIST SP 800-38D), carries the id of its key, and is bound
to its table, column and row: moved to another row it does not open.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import secrets
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from sado.store.errors import KeyFileError, SealError

NONCE_BYTES = 12
DIGEST_BYTES = 16
KEY_BYTES = 32


class Keyring:
    """The sealing keys by id, the one now in use, and the root of the keyed hashes."""

    def __init__(self, keys: dict[int, bytes], current: int, root: bytes) -> None:
        self._ciphers = {key_id: AESGCM(key) for key_id, key in keys.items()}
        self._current = current
        self._prefix = bytes([current])
        self._root = root

    @classmethod
    def create(cls, path: Path) -> Keyring:
        """Mint new keys into `path` (mode 0600), on disk before this returns. Refuses to replace a key file:
        without the old one nothing that it sealed can be read again."""
        content = {
            "current": 1,
            "keys": {"1": base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode()},
            "root": base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode(),
        }
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            raise KeyFileError(f"{path} exists; a key file is never replaced.") from None
        with os.fdopen(handle, "w") as file:
            json.dump(content, file)
            file.flush()
            os.fsync(file.fileno())
        return cls.load(path)

    @classmethod
    def load(cls, path: Path) -> Keyring:
        """Read the key file. Raises KeyFileError with what to do when it is missing or damaged."""
        try:
            content = json.loads(path.read_text())
            keys = {int(key_id): base64.b64decode(key) for key_id, key in content["keys"].items()}
            current, root = int(content["current"]), base64.b64decode(content["root"])
            if current not in keys or len(root) != KEY_BYTES:
                raise ValueError("the current key or the root is missing")
            return cls(keys, current, root)
        except FileNotFoundError:
            raise KeyFileError(
                f"No key file at {path}: put the one that the station had there, or set SADO_KEY_FILE."
            ) from None
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise KeyFileError(f"The key file {path} cannot be read ({type(error).__name__}).") from error

    def seal(self, text: str, place: str) -> bytes:
        """Encrypt `text` for `place` ("table.column:row"): key id, nonce, ciphertext and tag in one value."""
        return self.seal_bytes(text.encode(), place)

    def unseal(self, sealed: bytes, place: str) -> str:
        """The text sealed for `place`. Raises SealError: never shows damaged or moved data as true."""
        try:
            return self.unseal_bytes(sealed, place).decode()
        except UnicodeDecodeError:
            raise SealError(f"{place} holds bytes that are no text.") from None

    def seal_bytes(self, content: bytes, place: str) -> bytes:
        """As `seal`, for what is no text."""
        nonce = os.urandom(NONCE_BYTES)
        return self._prefix + nonce + self._ciphers[self._current].encrypt(nonce, content, place.encode())

    def unseal_bytes(self, sealed: bytes, place: str) -> bytes:
        """What `seal_bytes` sealed for `place`. Raises SealError."""
        cipher = self._ciphers.get(sealed[0]) if sealed else None
        if cipher is None:
            raise SealError(f"{place} was sealed with a key that this key file does not hold.")
        try:
            return cipher.decrypt(sealed[1 : 1 + NONCE_BYTES], sealed[1 + NONCE_BYTES :], place.encode())
        except (InvalidTag, ValueError):
            raise SealError(f"{place} does not open: wrong key, another row's value, or a damaged disk.") from None

    def digest(self, purpose: str, value: str) -> bytes:
        """A 16-byte keyed hash of `value` (BLAKE2b as a MAC, RFC 7693), different for each purpose."""
        return hashlib.blake2b(
            value.encode(), digest_size=DIGEST_BYTES, key=self._root, person=purpose.encode()
        ).digest()

    def lookup(self, value: str) -> bytes:
        """What a sealed value is found by: equal values give equal hashes, only with the key at hand."""
        return self.digest("lookup", value)

    def derive(self, purpose: str) -> bytes:
        """A 32-byte key for one purpose (HMAC-SHA-256 as the expansion step of RFC 5869)."""
        return hmac.digest(self._root, purpose.encode(), "sha256")
