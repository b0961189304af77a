"""The frame of the first version of the exchange: stations that were not upgraded yet still speak it.

    "SADO1" | direction "U" or "D" | station u16 | payload length u32 | payload | MAC 16 bytes
    payload = zstd(JSON)

It knows no incarnations, no hashes and no times; what it says is put into the words of the present version. Only an
upstream reads it: upgrade the upstream first.
"""

from __future__ import annotations

import hmac
import struct
from typing import Annotated

import msgspec
import zstandard

from sado.store.tables import lanes
from sado.sync import outbox
from sado.sync.codes import Cause
from sado.sync.wire.frame import LARGEST, MAC_BYTES, FrameError, Mark, Message, Run
from sado.sync.wire.records import Wired

MAGIC = b"SADO1"
HEAD = struct.Struct(">5scHI")
UP, DOWN = b"U", b"D"
# It reads no answer that grows beyond LARGEST; this much of a present frame is 64 KiB of bodies.
MOST_KIB = 19
# What a database can keep.
Number = Annotated[int, msgspec.Meta(ge=0, lt=1 << 62)]


class OldEvent(msgspec.Struct, array_like=True, frozen=True):
    """One event in a lane."""

    kind: str
    reference: str
    body: str


class OldRun(msgspec.Struct, array_like=True, frozen=True):
    """A run of events numbered from `first`."""

    first: Number
    events: list[OldEvent]


class Up(msgspec.Struct, frozen=True):
    """What a station says."""

    exchange: Number
    seen: dict[str, Number]
    lanes: dict[str, OldRun]


class Down(msgspec.Struct, frozen=True):
    """The answer."""

    exchange: int
    ack: dict[str, int]
    lanes: dict[str, OldRun]
    more: bool = False


def is_v1(frame: bytes) -> bool:
    """Whether a frame is of this version."""
    return frame.startswith(MAGIC)


def station_of(frame: bytes) -> int:
    """The station that a frame says it is from. Raises FrameError."""
    return int(_head(frame)[1])


def unpack(key: bytes, frame: bytes) -> Message:
    """A station's message. Raises FrameError."""
    direction, _, length = _head(frame)
    end = HEAD.size + length
    if direction != UP or len(frame) != end + MAC_BYTES:
        raise FrameError(Cause.MAC_WRONG)
    if not hmac.compare_digest(frame[end:], _mac(key, frame[:end])):
        raise FrameError(Cause.MAC_WRONG)
    try:
        plain = zstandard.ZstdDecompressor().stream_reader(frame[HEAD.size : end]).read(LARGEST + 1)
        if len(plain) > LARGEST:
            raise FrameError(Cause.FRAME_TOO_LARGE)
        up = msgspec.json.decode(plain, type=Up)
    except (zstandard.ZstdError, msgspec.MsgspecError) as error:
        raise FrameError(Cause.FRAME_UNREADABLE) from error
    marks = {lane: Mark(upto, b"") for lane, upto in up.seen.items()}
    peer = outbox.station(station_of(frame))
    runs = {lane: Run(run.first, b"", _wired(peer, lane, run)) for lane, run in up.lanes.items()}
    return Message(up.exchange, 0, marks, runs, want=MOST_KIB)


def pack(station: int, key: bytes, message: Message) -> bytes:
    """The frame of an answer."""
    acks = {lane: mark.upto for lane, mark in message.marks.items()}
    lanes = {
        lane: OldRun(run.first, [OldEvent(one.kind, one.reference, one.body) for one in run.events])
        for lane, run in message.runs.items()
    }
    payload = msgspec.json.encode(Down(message.exchange, acks, lanes, bool(message.runs)))
    packed = zstandard.ZstdCompressor(level=9).compress(payload)
    head = HEAD.pack(MAGIC, DOWN, station, len(packed))
    return head + packed + _mac(key, head + packed)


def _wired(peer: str, lane: str, run: OldRun) -> list[Wired]:
    named = (
        (event, lanes.id_before_incarnations(peer, lane, number, event.kind, event.reference))
        for number, event in enumerate(run.events, run.first)
    )
    return [Wired(event.kind, event.reference, event.body, id=name.hex()) for event, name in named]


def _head(frame: bytes) -> tuple[bytes, int, int]:
    if len(frame) < HEAD.size:
        raise FrameError(Cause.NOT_A_FRAME)
    magic, direction, station, length = HEAD.unpack_from(frame)
    if magic != MAGIC:
        raise FrameError(Cause.NOT_A_FRAME)
    return direction, station, length


def _mac(key: bytes, content: bytes) -> bytes:
    return hmac.digest(key, content, "sha256")[:MAC_BYTES]
