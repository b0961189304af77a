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

from sado.store.durable import folder_to_disk, private_file
from sado.store.errors import KeyFileError, SealError

NONCE_BYTES = 12
DIGEST_BYTES = 16
KEY_BYTES = 32
# Behind these ids a byte can be told from the first one of what is not sealed (store/sealed_values.py).
MOST_KEYS = 100
OTHERS = 0o077


class Keyring:
    """The station's keys by id, the one now in use, and the root.

    The root is the secret of the first key's hashes; every later key has a secret of its own. All keys stay: older
    backups need them, and a keyed hash is made with the first key and then hashed again with each that followed. So
    what was kept is brought to a new key without anybody knowing what it was made of (store/rotation.py)."""

    def __init__(self, keys: dict[int, bytes], current: int, root: bytes) -> None:
        self._keys: dict[int, bytes] = {}
        self._ciphers: dict[int, AESGCM] = {}
        self._secrets: dict[int, bytes] = {}
        self._root = root
        # Whether lookups have to ask the database which key they are made with: while it is exchanged.
        self.is_exchanged = False
        for key_id, key in keys.items():
            self._add(key_id, key)
        self._use(current)

    @classmethod
    def create(cls, path: Path) -> Keyring:
        """Mint new keys into `path` (mode 0600), on disk before this returns. Refuses to replace a key file:
        without the old one nothing that it sealed can be read again."""
        if path.exists():
            raise KeyFileError(f"{path} exists; a key file is never replaced.")
        path.resolve().parent.mkdir(parents=True, exist_ok=True)
        keys = cls({1: secrets.token_bytes(KEY_BYTES)}, 1, secrets.token_bytes(KEY_BYTES))
        keys.save(path)
        return keys

    @classmethod
    def load(cls, path: Path) -> Keyring:
        """Read the key file. Raises KeyFileError with what to do when it is missing, damaged or open to others."""
        try:
            _check_mode(path)
            content = json.loads(path.read_text())
            keys = {int(key_id): base64.b64decode(key) for key_id, key in content["keys"].items()}
            current, root = int(content["current"]), base64.b64decode(content["root"])
            if sorted(keys) != list(range(1, current + 1)) or len(root) != KEY_BYTES:
                raise ValueError("a key or the root is missing")
            return cls(keys, current, root)
        except FileNotFoundError:
            raise KeyFileError(
                f"No key file at {path.resolve()}: put the one that the station had there, or set SADO_KEY_FILE."
            ) from None
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise KeyFileError(f"The key file {path} cannot be read ({type(error).__name__}).") from error

    def save(self, path: Path) -> None:
        """Write the key file: the whole new one is on the disk before it takes the name of an old one."""
        path = path.resolve()
        draft = path.with_name(f"{path.name}.part")
        content = {
            "current": self.current,
            "keys": {str(key_id): base64.b64encode(key).decode() for key_id, key in self._keys.items()},
            "root": base64.b64encode(self._root).decode(),
        }
        with private_file(draft) as file:
            file.write(json.dumps(content).encode())
        draft.replace(path)
        folder_to_disk(path.parent)

    def with_another(self) -> Keyring:
        """These keys and a new one, which is the one in use. Raises KeyFileError after MOST_KEYS."""
        if self.current >= MOST_KEYS:
            raise KeyFileError(f"This station has had {MOST_KEYS} keys, and no more fit into its key file.")
        following = self.current + 1
        return Keyring({**self._keys, following: secrets.token_bytes(KEY_BYTES)}, following, self._root)

    def take(self, others: Keyring) -> None:
        """Use the keys of `others`, which has these and one more: what is sealed from now on is sealed with that."""
        self.is_exchanged = True
        self._add(others.current, others._keys[others.current])
        self._use(others.current)

    def proof(self, key_id: int) -> bytes:
        """What the database knows this key and the root by: it tells nothing about them."""
        return hmac.digest(self._keys[key_id], b"proof" + self._root, "sha256")[:DIGEST_BYTES]

    def __contains__(self, key_id: int) -> bool:
        return key_id in self._keys

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
        nonce, prefix = os.urandom(NONCE_BYTES), self._prefix
        return prefix + nonce + self._ciphers[prefix[0]].encrypt(nonce, content, place.encode())

    def unseal_bytes(self, sealed: bytes, place: str) -> bytes:
        """What `seal_bytes` sealed for `place`. Raises SealError."""
        cipher = self._ciphers.get(sealed[0]) if sealed else None
        if cipher is None:
            raise SealError(f"{place} was sealed with a key that this key file does not hold.")
        try:
            return cipher.decrypt(sealed[1 : 1 + NONCE_BYTES], sealed[1 + NONCE_BYTES :], place.encode())
        except (InvalidTag, ValueError):
            raise SealError(f"{place} does not open: wrong key, another row's value, or a damaged disk.") from None

    def digest(self, purpose: str, value: str, key_id: int = 1) -> bytes:
        """A 16-byte keyed hash of `value` (BLAKE2b as a MAC, RFC 7693), different for each purpose and key. With the
        first key, as long as nobody names another: such a hash stays the same when keys are exchanged."""
        return hashlib.blake2b(
            value.encode(), digest_size=DIGEST_BYTES, key=self._secrets[key_id], person=purpose.encode()
        ).digest()

    def lookup(self, value: str, key_id: int | None = None) -> bytes:
        """What a row is found by: equal values give equal hashes, only with the keys at hand. The first byte is the id
        of its last key, the one now in use unless another is named."""
        return self.rehashed(b"\x01" + self.digest("lookup", value)[1:], key_id)

    def rehashed(self, hashed: bytes, key_id: int | None = None) -> bytes:
        """What `lookup` made with an earlier key, as this one makes it of the same value."""
        for following in range(hashed[0] + 1, (key_id or self.current) + 1):
            digest = hashlib.blake2b(hashed, digest_size=DIGEST_BYTES - 1, key=self._secrets[following]).digest()
            hashed = bytes([following]) + digest
        return hashed

    def derive(self, purpose: str, key_id: int | None = None) -> bytes:
        """A 32-byte key for one purpose (HMAC-SHA-256 as the expansion step of RFC 5869), of the key now in use unless
        another is named."""
        return hmac.digest(self._secrets[key_id or self.current], purpose.encode(), "sha256")

    def _add(self, key_id: int, key: bytes) -> None:
        self._keys[key_id] = key
        self._ciphers[key_id] = AESGCM(key)
        self._secrets[key_id] = self._root if key_id == 1 else hmac.digest(key, b"hashes", "sha256")

    def _use(self, key_id: int) -> None:
        self._prefix = bytes([key_id])
        self.current = key_id


def _check_mode(path: Path) -> None:
    """Refuse a key file that others can read. Where files have no such modes nothing is looked at."""
    if os.name == "posix" and path.stat().st_mode & OTHERS:
        raise KeyFileError(
            f"Others can read the key file {path}: run `chmod 600 {path}`. A stick whose files have no modes is to be "
            "mounted with umask=077."
        )
