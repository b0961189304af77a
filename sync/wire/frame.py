"""The frame that one exchange carries each way: authenticated, compressed, small.

    version 2 and flags, u8 | station | memory | message | MAC 16 bytes
    memory    = how many events, check 4 bytes    where a flag says that the content is compressed with one
    message   = head, columns of the events (sync/wire/columns.py), compressed (sync/wire/compression.py)

The MAC is HMAC-SHA-256, cut to 16 bytes, over the direction and all before it, with the key that this station shares
with its upstream. A frame cut at any byte, or with any byte changed, or sent back, is refused as a whole. There is no
length: HTTP has one, and what is not whole has another MAC.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import msgspec

from sado.store.tables.lanes import HASH_BYTES, LANES, SHORT_BYTES, short
from sado.sync.codes import Cause, CausedError
from sado.sync.wire import columns, compression, records, varint
from sado.sync.wire.columns import Columns
from sado.sync.wire.records import Wired

VERSION = 2
VERSION_BITS = 0x0F
WITH_MEMORY, WITH_WANT = 1 << 4, 1 << 5
MAC_BYTES, CHECK_BYTES = 16, 4
SHORTEST = 2 + MAC_BYTES
LARGEST = 1 << 20
# Where an upstream takes frames, by POST.
PATH = "/x"
# So much of a memory goes behind the shipped dictionary.
MOST_WORDS = 96 * 1024
# A number below this stands for a fault, with what is wanted in one byte.
FAULTS = 8
UP, DOWN = b"U", b"D"
# A memory is of the events before those of this lane.
MEMORY_LANE = "u"
# As many events as a memory has at most: they fill MOST_WORDS. Said is how many fewer, mostly none.
MOST_REMEMBERED = 600


class FrameError(CausedError):
    """These bytes are not a whole frame from a station that we share a key with."""


class MemoryLostError(FrameError):
    """The frame of this exchange is compressed with events that we do not have, or not as the sender has them. It has
    to be sent again without a memory."""

    def __init__(self, exchange: int) -> None:
        super().__init__(Cause.MEMORY_LOST)
        self.exchange = exchange


@dataclass(frozen=True)
class Mark:
    """How far a lane has come: a number, and the rolling hash at it, whole in a hello, else short
    (store/tables/lanes.py)."""

    upto: int
    hash: bytes


@dataclass(frozen=True)
class Run:
    """A run of a lane's events numbered from `first` without a gap, that come after the rolling hash `base`: whole in a
    hello and behind a memory, else short."""

    first: int
    base: bytes
    events: list[Wired]

    @property
    def last(self) -> int:
        """The number of its last event."""
        return self.first + len(self.events) - 1


@dataclass(frozen=True)
class Message:
    """What one side says to the other.

    `exchange` is the number of the round trip, `marks` what was received by lane. A hello also carries the incarnation
    under which this side numbers its events. `sent_at` is the time by this side's clock, said in a hello and where
    there are events. A station says how many KiB it wants to get, or nothing where its line takes any; an upstream the
    number of a `fault` for which nothing was taken."""

    exchange: int
    sent_at: int = 0
    marks: dict[str, Mark] = field(default_factory=dict)
    runs: dict[str, Run] = field(default_factory=dict)
    incarnation: bytes = b""
    want: int = 0
    fault: int = 0

    @property
    def count(self) -> int:
        """How many events it carries."""
        return sum(len(run.events) for run in self.runs.values())


@dataclass(frozen=True)
class Memory:
    """The events after one number of the sender's urgent lane, up to another, as far as they are here, and the lane's
    rolling hash there."""

    after: int
    upto: int
    events: list[Wired]
    hash: bytes = b""

    @cached_property
    def check(self) -> bytes:
        """What tells whether the other side has the same."""
        known = msgspec.msgpack.encode((self.hash, self.events))
        return hashlib.blake2b(known, digest_size=CHECK_BYTES).digest()

    @cached_property
    def words(self) -> bytes:
        """What they said, for the compressor."""
        return columns.pack(self.events, 0).text[-MOST_WORDS:]

    @cached_property
    def habits(self) -> columns.Habits:
        """How they were said, for the columns."""
        return columns.habits_of(self.events)

    @property
    def time(self) -> int:
        """When the last of them was made, by its station's clock: what comes now is not long after."""
        return -self.events[-1].ago if self.events else 0


def size_of(runs: Mapping[str, Run]) -> int:
    """How many letters the bodies of these events have."""
    return sum(len(event.body) for run in runs.values() for event in run.events)


NO_MEMORY = Memory(0, 0, [])

Recall = Callable[[int, int], Memory]


def nothing(after: int, upto: int) -> Memory:
    """What is recalled where nothing was heard."""
    return Memory(after, upto, [])


def pack(direction: bytes, station: int, key: bytes, message: Message, memory: Memory | None = None) -> bytes:
    """The frame of a message, compressed with the memory where that makes it smaller."""
    return sealed(direction, key, content(station, message, memory))


def content(station: int, message: Message, memory: Memory | None = None) -> bytes:
    """All of a frame but its MAC."""
    flags = VERSION | (WITH_WANT if message.want or message.fault else 0)
    plain = bytes([flags]) + varint.pack(station) + _encoded(message, NO_MEMORY)
    if memory is not None and memory.events and MEMORY_LANE in message.runs:
        said = varint.pack(MOST_REMEMBERED - (memory.upto - memory.after)) + memory.check
        begin = bytes([flags | WITH_MEMORY]) + varint.pack(station) + said
        plain = min(plain, begin + _encoded(message, memory), key=len)
    return plain


def sealed(direction: bytes, key: bytes, content: bytes) -> bytes:
    """The frame that has this content."""
    return content + _mac(direction, key, content)


def version_of(frame: bytes) -> int:
    """The version of the protocol that a frame is of; nothing is known to be true before `unpack`."""
    return frame[0] & VERSION_BITS if frame else 0


def station_of(frame: bytes) -> int:
    """The station that a frame says it is from. Raises FrameError."""
    if len(frame) < SHORTEST or version_of(frame) != VERSION:
        raise FrameError(Cause.NOT_A_FRAME)
    return _station(varint.Reader(frame, 1))


def unpack(direction: bytes, key: bytes, frame: bytes, recall: Recall) -> Message:
    """The message in a frame; `recall` gives the memory of these numbers. Raises FrameError."""
    station_of(frame)
    body, mac = frame[:-MAC_BYTES], frame[-MAC_BYTES:]
    if not hmac.compare_digest(mac, _mac(direction, key, body)):
        raise FrameError(Cause.MAC_WRONG)
    try:
        reader = varint.Reader(body, 1)
        _station(reader)
        return _decoded(reader, body[0], recall)
    except ValueError as error:
        raise FrameError(Cause.FRAME_UNREADABLE) from error


def _mac(direction: bytes, key: bytes, content: bytes) -> bytes:
    return hmac.digest(key, direction + content, "sha256")[:MAC_BYTES]


def _station(reader: varint.Reader) -> int:
    try:
        return reader.number()
    except ValueError:
        raise FrameError(Cause.NOT_A_FRAME) from None


def _recalled(exchange: int, upto: int, count: int, check: bytes, recall: Recall) -> Memory:
    memory = recall(upto - count, upto)
    if memory.check != check:
        raise MemoryLostError(exchange)
    return memory


# The head: what a lane says takes a bit of `shape` each, so that an ordinary frame has only what is new.

HELLO = 1 << 6


def _encoded(message: Message, memory: Memory) -> bytes:
    """The message: what is not worth compressing, and then what is."""
    shape = HELLO if message.incarnation else 0
    said = bytearray()
    # A clock may stand before 1970.
    sent_at = max(message.sent_at, 1)
    for bit, lane in enumerate(LANES):
        if mark := message.marks.get(lane):
            shape |= 1 << bit
            said += varint.pack(mark.upto) + _hash(message, mark.hash)
        if (run := message.runs.get(lane)) and run.events:
            shape |= 8 << bit
            is_known = lane == MEMORY_LANE and bool(memory.events)
            base = b"" if is_known else _hash(message, run.base)
            said += varint.pack(run.first) + base + varint.pack(len(run.events))
    events = [event for lane in LANES if lane in message.runs for event in message.runs[lane].events]
    head = bytes([shape]) + varint.pack(message.exchange)
    if message.want or message.fault:
        head += varint.pack(message.want * FAULTS + message.fault)
    if message.incarnation or events:
        head += varint.pack_whole(sent_at - memory.time) + message.incarnation
    if not events:
        return head + bytes(said)
    packed = columns.pack(events, sent_at, memory.habits)
    content = varint.pack(len(packed.plan)) + packed.plan + packed.text
    numbers = varint.pack(len(packed.numbers)) + packed.numbers
    return head + bytes(said) + numbers + compression.pack(content, memory.words)


def _decoded(reader: varint.Reader, flags: int, recall: Recall) -> Message:
    has_memory = bool(flags & WITH_MEMORY)
    count = MOST_REMEMBERED - reader.number() if has_memory else 0
    check = reader.take(CHECK_BYTES) if has_memory else b""
    shape = reader.take(1)[0]
    exchange = reader.number()
    want, fault = divmod(reader.number() if flags & WITH_WANT else 0, FAULTS)
    has_runs = bool(shape & 0b111000)
    sent_at = reader.whole() if has_runs or shape & HELLO else 0
    incarnation = reader.take(HASH_BYTES) if shape & HELLO else b""
    hash_bytes = HASH_BYTES if incarnation else SHORT_BYTES
    marks: dict[str, Mark] = {}
    said: dict[str, tuple[int, bytes, int]] = {}
    for bit, lane in enumerate(LANES):
        if shape & 1 << bit:
            marks[lane] = Mark(reader.number(), reader.take(hash_bytes))
        if shape & 8 << bit:
            is_known = lane == MEMORY_LANE and has_memory
            said[lane] = reader.number(), reader.take(0 if is_known else hash_bytes), reader.number()
    first = said[MEMORY_LANE][0] if MEMORY_LANE in said else 1
    known = _recalled(exchange, first - 1, count, check, recall) if has_memory else NO_MEMORY
    sent_at += known.time
    if abs(sent_at) >= records.LARGEST:
        raise ValueError("No clock says that.")
    events = _events(reader, known, sent_at) if said else []
    runs: dict[str, Run] = {}
    for lane, (first, base, count) in said.items():
        runs[lane], events = Run(first, base or known.hash, events[:count]), events[count:]
    if events or reader.rest() or any(len(run.events) != said[lane][2] for lane, run in runs.items()):
        raise ValueError("The events are not as many as it says.")
    return Message(exchange, sent_at, marks, runs, incarnation, want, fault)


def _hash(message: Message, rolling: bytes) -> bytes:
    """A rolling hash as this message says it. Behind a memory none is said: its check says it already."""
    return rolling if message.incarnation else short(rolling)


def _events(reader: varint.Reader, memory: Memory, sent_at: int) -> list[Wired]:
    numbers = reader.take(reader.number())
    content = varint.Reader(compression.unpack(reader.rest(), memory.words, LARGEST))
    plan = content.take(content.number())
    packed = Columns(plan, numbers, content.rest())
    return columns.unpack(packed, sent_at, memory.habits)
