"""The file that carries frames by hand: encrypted, and refused as a whole when anything in it is not as it was written.

    label    magic, version, direction, station, id of the file, check    in clear
    piece    length u32, a frame, sealed (store/sealed_stream.py)         a hello, then as many as there are

Its key is made of the key that the two stations share and of the label, so no two files have one key. The frames inside
have their own MAC with the shared key, which is the signature: it proves to each of the two that the other wrote it,
and nothing to a third.
"""

from __future__ import annotations

import contextlib
import hmac
import secrets
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from sado.store import StoreError, sealed_stream
from sado.store.durable import folder_to_disk, private_file
from sado.store.sealed_stream import CHECK_BYTES, DamagedChunkError

MAGIC, VERSION = b"SadoHand", 1
LABEL, LENGTH = struct.Struct(">8sBcH16s8s"), struct.Struct(">I")
PURPOSE = b"sado by hand 1"
FILE_BYTES = 16
# The largest file: a station takes it into memory whole. About 200,000 events.
MOST_BYTES = 16 << 20


class TransferError(StoreError):
    """A file that cannot be written or not be taken; the message says why and what to do."""


@dataclass(frozen=True)
class Label:
    """What a file says openly: which way it goes (frame.UP or DOWN), and the number of the lower of the two."""

    direction: bytes
    station: int


def write(path: Path, label: Label, key: bytes, frames: Sequence[bytes]) -> int:
    """Seal the frames into a new file, on the disk before it has its name; how many bytes it has. Raises TransferError:
    then there is no file."""
    part = path.with_name(f"{path.name}.part")
    try:
        with private_file(part) as file:
            file.writelines(_sealed(label, key, frames))
            size = file.tell()
        if path.exists():
            raise TransferError(f"{path} exists; an export never writes over a file.")
        part.rename(path)
        folder_to_disk(path.parent)
    except OSError as error:
        raise TransferError(
            f"{path} could not be written ({error.strerror}). Make room, or take another stick, and export again."
        ) from error
    finally:
        # The stick may be gone.
        with contextlib.suppress(OSError):
            part.unlink()
    return size


def read(path: Path) -> bytes:
    """The content of the file. Raises TransferError."""
    try:
        if path.stat().st_size > MOST_BYTES:
            raise TransferError(f"{path} is larger than any export: it is another file.")
        return path.read_bytes()
    except OSError as error:
        raise TransferError(f"{path} cannot be read ({error.strerror}). Nothing of it was taken.") from error


def label_of(content: bytes) -> Label:
    """What the file says openly; nothing is known to be true before `frames_of`. Raises TransferError."""
    if len(content) < LABEL.size or not content.startswith(MAGIC):
        raise TransferError("This file is not an export of Sado, or its beginning is damaged. Nothing of it was taken.")
    _, version, direction, station, _, _ = LABEL.unpack_from(content)
    if version != VERSION:
        raise TransferError(f"This file is of version {version}: upgrade this station first. Nothing of it was taken.")
    return Label(direction, station)


def frames_of(content: bytes, key: bytes) -> list[bytes]:
    """The frames in the file, all of them. Raises TransferError."""
    label, check = content[: LABEL.size - CHECK_BYTES], content[LABEL.size - CHECK_BYTES : LABEL.size]
    own = _key(key, label)
    if not hmac.compare_digest(check, sealed_stream.check(own)):
        raise TransferError(
            "The file was made with another key than the one that the two stations share now, or its beginning is "
            "damaged. Nothing of it was taken. Where the key was renewed, export again."
        )
    try:
        return list(sealed_stream.unseal(own, label, _pieces(content)))
    except DamagedChunkError as error:
        raise TransferError(
            f"The file is cut or damaged, in frame {error.number + 1} or after. Nothing of it was taken: copy it "
            "again, or export again."
        ) from None


def _sealed(label: Label, key: bytes, frames: Sequence[bytes]) -> Iterator[bytes]:
    file = secrets.token_bytes(FILE_BYTES)
    said = LABEL.pack(MAGIC, VERSION, label.direction, label.station, file, b"")[:-CHECK_BYTES]
    own = _key(key, said)
    yield said + sealed_stream.check(own)
    for piece in sealed_stream.seal(own, said, frames):
        yield LENGTH.pack(len(piece)) + piece


def _pieces(content: bytes) -> Iterator[bytes]:
    at = LABEL.size
    while at < len(content):
        begin = at + LENGTH.size
        at = begin + int.from_bytes(content[at:begin])
        yield content[begin:at] if at <= len(content) else b""


def _key(shared: bytes, label: bytes) -> bytes:
    """A key for this file alone (HMAC-SHA-256 as the expansion step of RFC 5869)."""
    return hmac.digest(shared, PURPOSE + label, "sha256")
