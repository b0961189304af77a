"""The frame that one exchange carries each way: authenticated, compressed, of known length.

    "SADO1" | direction "U" or "D" | station u16 | payload length u32 | payload | MAC 16 bytes
    payload = zstd(JSON)

The MAC is HMAC-SHA-256 over all before it, cut to 16 bytes, with the key that this station shares with its
upstream. A frame cut at any byte, or with any byte changed, is refused as a whole.
"""

from __future__ import annotations

import hmac
import struct
from typing import TypeVar

import msgspec
import zstandard

MAGIC = b"SADO1"
Message = TypeVar("Message")
HEAD = struct.Struct(">5scHI")
MAC_BYTES = 16
LARGEST = 1 << 20
UP, DOWN = b"U", b"D"


class FrameError(Exception):
    """These bytes are not a whole frame from a station that we share a key with."""


class Event(msgspec.Struct, array_like=True, frozen=True):
    """One event in a lane: its kind, the case it is about, and its body (JSON)."""

    kind: str
    reference: str
    body: str


class Run(msgspec.Struct, array_like=True, frozen=True):
    """A run of a lane's events numbered from `first` without a gap."""

    first: int
    events: list[Event]


class Up(msgspec.Struct, frozen=True):
    """What a station says: exchange number, what it has of ours by lane, and its events."""

    exchange: int
    seen: dict[str, int]
    lanes: dict[str, Run]


class Down(msgspec.Struct, frozen=True):
    """The answer to exchange number `exchange`: what we have by lane, our events, and whether more wait."""

    exchange: int
    ack: dict[str, int]
    lanes: dict[str, Run]
    more: bool = False


def pack(direction: bytes, station: int, key: bytes, message: Up | Down) -> bytes:
    """The frame of a message."""
    payload = zstandard.ZstdCompressor(level=9).compress(msgspec.json.encode(message))
    head = HEAD.pack(MAGIC, direction, station, len(payload))
    return head + payload + _mac(key, head + payload)


def station_of(frame: bytes) -> int:
    """The station that a frame says it is from; nothing is known to be true before `unpack`. Raises FrameError."""
    return _head(frame)[1]


def unpack_up(frame: bytes, key: bytes) -> Up:
    """A station's message. Raises FrameError."""
    return _decoded(frame, UP, key, Up)


def unpack_down(frame: bytes, key: bytes) -> Down:
    """The upstream's message. Raises FrameError."""
    return _decoded(frame, DOWN, key, Down)


def _decoded(frame: bytes, direction: bytes, key: bytes, kind: type[Message]) -> Message:
    claimed, _, length = _head(frame)
    end = HEAD.size + length
    if claimed != direction or len(frame) != end + MAC_BYTES:
        raise FrameError("The frame is cut or of the wrong direction.")
    if not hmac.compare_digest(frame[end:], _mac(key, frame[:end])):
        raise FrameError("The frame's MAC is wrong: another key, or bytes changed on the way.")
    try:
        # Not decompress(): it believes the size that the frame states, whatever limit it is given.
        plain = zstandard.ZstdDecompressor().stream_reader(frame[HEAD.size : end]).read(LARGEST + 1)
        if len(plain) > LARGEST:
            raise FrameError("The frame grows too large.")
        return msgspec.json.decode(plain, type=kind)
    except (zstandard.ZstdError, msgspec.MsgspecError) as error:
        raise FrameError(f"The frame's content cannot be read ({type(error).__name__}).") from error


def _head(frame: bytes) -> tuple[bytes, int, int]:
    if len(frame) < HEAD.size:
        raise FrameError("The frame is cut.")
    magic, direction, station, length = HEAD.unpack_from(frame)
    if magic != MAGIC:
        raise FrameError("These bytes are not a frame of this protocol.")
    return direction, station, length


def _mac(key: bytes, content: bytes) -> bytes:
    return hmac.digest(key, content, "sha256")[:MAC_BYTES]
