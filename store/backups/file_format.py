"""A file of one long secret: a header that anybody may read, then compressed and sealed chunks.

    header   magic, version, station, when it was made, until when it is kept, which key, salt, and by what a key that
             fits is known
    chunk    64 KiB of the compressed stream, sealed (store/sealed_stream.py); the last may be shorter

The key is made of the station's and the file's salt, so no two files share one."""

from __future__ import annotations

import hmac
import secrets
import struct
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

import zstandard

from sado.store import sealed_stream
from sado.store.errors import BackupError, KeyFileError
from sado.store.keys import Keyring
from sado.store.sealed_stream import TAG_BYTES, DamagedChunkError

MAGIC, VERSION = b"SadoBack", 2
HEADER = struct.Struct(">8sBHQQB16s8s")
CHUNK = 1 << 16
SALT_BYTES = 16


class Label(NamedTuple):
    """What a backup says openly: its station, when the copy was made, and until when it is to be kept (milliseconds
    since 1970 UTC)."""

    station: int
    made_at: int
    kept_until: int


def label_of(path: Path) -> Label:
    """What a file says of itself, to who has no key: so it may have been changed. Raises BackupError."""
    with path.open("rb") as file:
        return _header(file.read(HEADER.size))[0]


def write(file: BinaryIO, keys: Keyring, label: Label, pieces: Iterable[bytes]) -> None:
    """Compress and seal the pieces into the file, behind its label."""
    salt = secrets.token_bytes(SALT_BYTES)
    key = _key(keys, keys.current, salt)
    header = HEADER.pack(MAGIC, VERSION, *label, keys.current, salt, sealed_stream.check(key))
    file.write(header)
    file.writelines(sealed_stream.seal(key, header, _chunks(_compressed(pieces))))


def read(file: BinaryIO, keys: Keyring) -> Iterator[bytes]:
    """The pieces as they were before `write`; only when the last has come is it sure that the file is whole.

    Raises BackupError for a file that is no backup, damaged or cut, KeyFileError when it was sealed with another
    station's keys."""
    header = file.read(HEADER.size)
    (station, _, _), key_id, salt, check = _header(header)
    if key_id not in keys:
        raise KeyFileError(
            f"This backup of station {station:03} needs key {key_id}, which the key file lacks: put the one in its "
            "place that the station had when the copy was made, or a later one."
        )
    key = _key(keys, key_id, salt)
    if not hmac.compare_digest(check, sealed_stream.check(key)):
        raise KeyFileError(
            f"The key file does not fit this backup of station {station:03}: put the key file that this station had "
            "when the copy was made in its place."
        )
    decompressor = zstandard.ZstdDecompressor().decompressobj()
    try:
        for chunk in sealed_stream.unseal(key, header, iter(lambda: file.read(CHUNK + TAG_BYTES), b"")):
            yield decompressor.decompress(chunk)
    except DamagedChunkError as error:
        where = HEADER.size + error.number * (CHUNK + TAG_BYTES)
        raise BackupError(
            f"The backup is cut or damaged, at byte {where} or after: take another one. Nothing was changed."
        ) from None


def _header(header: bytes) -> tuple[Label, int, bytes, bytes]:
    """The label, the id of the key, the salt, and by what a key that fits is known."""
    if len(header) <= len(MAGIC) or not header.startswith(MAGIC):
        raise BackupError("This file is not a backup of Sado, or its beginning is damaged.")
    if (version := header[len(MAGIC)]) != VERSION:
        raise BackupError(f"This backup is of version {version}: restore it with the release that made it.")
    if len(header) < HEADER.size:
        raise BackupError("This file is not a backup of Sado, or its beginning is damaged.")
    _, _, station, made_at, kept_until, key_id, salt, check = HEADER.unpack(header)
    return Label(station, made_at, kept_until), key_id, salt, check


def _key(keys: Keyring, key_id: int, salt: bytes) -> bytes:
    return hmac.digest(keys.derive("backup", key_id), salt, "sha256")


def _compressed(pieces: Iterable[bytes]) -> Iterator[bytes]:
    compressor = zstandard.ZstdCompressor().compressobj()
    for piece in pieces:
        yield compressor.compress(piece)
    yield compressor.flush()


def _chunks(pieces: Iterable[bytes]) -> Iterator[bytes]:
    waiting = bytearray()
    for piece in pieces:
        waiting += piece
        while len(waiting) > CHUNK:
            yield bytes(waiting[:CHUNK])
            del waiting[:CHUNK]
    yield bytes(waiting)
