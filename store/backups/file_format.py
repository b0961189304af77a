"""A file of one long secret: a header that anybody may read, then compressed and sealed chunks.

    header   magic, version, station, when it was made, salt, and by what a key that fits is known
    chunk    64 KiB of the compressed stream under AES-256-GCM, one after another; the last may be shorter

The key is made of the key file's root and the file's salt, so no two files share one, and a chunk's nonce is its
number with a mark on the last (the STREAM construction of Hoang, Reyhanitabar, Rogaway and Vizár, 2015): a chunk that
is changed, missing, moved or of another file does not open, nor does a file that was cut, between chunks as well."""

from __future__ import annotations

import hmac
import secrets
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import BinaryIO

import zstandard
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from sado.store.errors import BackupError, KeyFileError
from sado.store.keys import Keyring

MAGIC, VERSION = b"SadoBack", 1
HEADER = struct.Struct(">8sBHQ16s8s")
CHUNK, TAG, NONCE_BYTES = 1 << 16, 16, 12
SALT_BYTES, CHECK_BYTES = 16, 8


@dataclass(frozen=True)
class Header:
    """What is said openly: the station's number and when the copy was made (milliseconds since 1970 UTC)."""

    station: int
    made_at: int
    salt: bytes


def write(file: BinaryIO, keys: Keyring, station: int, made_at: int, pieces: Iterable[bytes]) -> None:
    """Compress and seal the pieces into the file."""
    header = Header(station, made_at, secrets.token_bytes(SALT_BYTES))
    key = _key(keys, header.salt)
    packed = HEADER.pack(MAGIC, VERSION, station, made_at, header.salt, _check(key))
    file.write(packed)
    for chunk in _sealed(_compressed(pieces), AESGCM(key), packed):
        file.write(chunk)


def read_header(file: BinaryIO) -> Header:
    """The header of the file. Raises BackupError for a file of another kind."""
    _, _, station, made_at, salt, _ = _header(file.read(HEADER.size))
    return Header(station, made_at, salt)


def read(file: BinaryIO, keys: Keyring) -> Iterator[bytes]:
    """The pieces as they were before `write`; only when the last has come is it sure that the file is whole.

    Raises BackupError for a file that is no backup, damaged or cut, KeyFileError when it was sealed with another
    station's keys."""
    packed = file.read(HEADER.size)
    _, _, station, _, salt, check = _header(packed)
    key = _key(keys, salt)
    if not hmac.compare_digest(check, _check(key)):
        raise KeyFileError(
            f"The key file does not fit this backup of station {station:03}: put the key file that this station had "
            "when the copy was made in its place."
        )
    decompressor = zstandard.ZstdDecompressor().decompressobj()
    for chunk in _opened(file, AESGCM(key), packed):
        yield decompressor.decompress(chunk)


def _header(packed: bytes) -> tuple[bytes, int, int, int, bytes, bytes]:
    if len(packed) < HEADER.size or not packed.startswith(MAGIC):
        raise BackupError("This file is not a backup of Sado, or its beginning is damaged.")
    fields: tuple[bytes, int, int, int, bytes, bytes] = HEADER.unpack(packed)
    if fields[1] != VERSION:
        raise BackupError(f"This backup is of version {fields[1]}: restore it with the release that made it.")
    return fields


def _key(keys: Keyring, salt: bytes) -> bytes:
    return hmac.digest(keys.derive("backup"), salt, "sha256")


def _check(key: bytes) -> bytes:
    return hmac.digest(key, b"check", "sha256")[:CHECK_BYTES]


def _nonce(number: int, is_last: bool) -> bytes:
    return number.to_bytes(NONCE_BYTES - 1) + bytes([is_last])


def _compressed(pieces: Iterable[bytes]) -> Iterator[bytes]:
    compressor = zstandard.ZstdCompressor().compressobj()
    for piece in pieces:
        yield compressor.compress(piece)
    yield compressor.flush()


def _sealed(pieces: Iterable[bytes], cipher: AESGCM, header: bytes) -> Iterator[bytes]:
    waiting, number = bytearray(), 0
    for piece in pieces:
        waiting += piece
        while len(waiting) > CHUNK:
            yield cipher.encrypt(_nonce(number, False), bytes(waiting[:CHUNK]), header)
            del waiting[:CHUNK]
            number += 1
    yield cipher.encrypt(_nonce(number, True), bytes(waiting), header)


def _opened(file: BinaryIO, cipher: AESGCM, header: bytes) -> Iterator[bytes]:
    sealed, number, is_last = file.read(CHUNK + TAG), 0, False
    while not is_last:
        following = file.read(CHUNK + TAG)
        is_last = not following
        try:
            yield cipher.decrypt(_nonce(number, is_last), sealed, header)
        except InvalidTag:
            where = len(header) + number * (CHUNK + TAG)
            raise BackupError(
                f"The backup is cut or damaged, at byte {where} or after: take another one. Nothing was changed."
            ) from None
        sealed, number = following, number + 1
