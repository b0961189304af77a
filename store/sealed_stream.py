"""Chunks of one long secret, sealed so that each proves its place: the STREAM construction of Hoang, Reyhanitabar,
Rogaway and Vizár, 2015, with AES-256-GCM.

A chunk's nonce is its number with a mark on the last, and each is bound to the header of its file. One that is changed,
missing, moved or of another file does not open, nor does a file that was cut, between two chunks as well. The key
has to be that of one file alone."""

from __future__ import annotations

import hmac
import itertools
from collections.abc import Iterable, Iterator

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

NONCE_BYTES, TAG_BYTES, CHECK_BYTES = 12, 16, 8


class DamagedChunkError(Exception):
    """The chunk with this number, counted from 0, does not open, or one behind it is missing."""

    def __init__(self, number: int) -> None:
        super().__init__(f"chunk {number} does not open")
        self.number = number


def check(key: bytes) -> bytes:
    """What tells another key from a damaged file."""
    return hmac.digest(key, b"check", "sha256")[:CHECK_BYTES]


def seal(key: bytes, header: bytes, chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The chunks, each sealed and TAG_BYTES longer."""
    cipher = AESGCM(key)
    for nonce, chunk in _numbered(chunks):
        yield cipher.encrypt(nonce, chunk, header)


def unseal(key: bytes, header: bytes, chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The chunks as they were before `seal`; only when the last has come is it sure that none is missing. Raises
    DamagedChunkError."""
    cipher = AESGCM(key)
    for number, (nonce, chunk) in enumerate(_numbered(chunks)):
        try:
            yield cipher.decrypt(nonce, chunk, header)
        except (InvalidTag, ValueError):
            raise DamagedChunkError(number) from None


def _numbered(chunks: Iterable[bytes]) -> Iterator[tuple[bytes, bytes]]:
    """Each chunk with its nonce; one that is empty where there are none, so that an empty file opens nothing."""
    waiting = iter(chunks)
    chunk = next(waiting, b"")
    for number in itertools.count():
        following = next(waiting, None)
        yield number.to_bytes(NONCE_BYTES - 1) + bytes([following is None]), chunk
        if following is None:
            return
        chunk = following
