"""The frame that one exchange carries each way: authenticated, compressed, small. docs/wire.md has every byte of one.

    version u8 | station | head (sync/wire/head.py) | events, where there are any | MAC 16 bytes
    events = length of the numbers | numbers | content, compressed (sync/wire/columns.py, sync/wire/compression.py)

The MAC is HMAC-SHA-256, cut to 16 bytes, over the direction and all before it, with the key that this station shares
with its upstream. A frame cut at any byte, or with any byte changed, or sent back, is refused as a whole. There is no
length: HTTP has one, and what is not whole has another MAC. The version, the station behind it and the MAC at the end
stay where they are in every version, so that one which is unknown is refused as what it is.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import islice

from sado.store.tables.lanes import HASH_BYTES, LANES, SHORT_BYTES, short
from sado.sync.codes import Cause, CausedError
from sado.sync.wire import columns, compression, head, records, shared_history, varint
from sado.sync.wire.columns import Columns
from sado.sync.wire.records import Wired
from sado.sync.wire.shared_history import NO_HISTORY, Recall, SharedHistory, nothing

VERSION = 1
MAC_BYTES = 16
SHORTEST = 2 + MAC_BYTES
LARGEST = 1 << 20
# Where an upstream takes frames, by POST.
PATH = "/x"
UP, DOWN = b"U", b"D"


class FrameError(CausedError):
    """These bytes are not a whole frame from a station that we share a key with."""


class VersionError(FrameError):
    """A whole frame from a station that we share a key with, of a version that this release does not speak."""

    def __init__(self, version: int) -> None:
        super().__init__(Cause.OTHER_VERSION, f"{version} / {VERSION}")


class HistoryLostError(FrameError):
    """The frame of this exchange is compressed with events that we do not have, or not as the sender has them. It has
    to be sent again without."""

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
    hello and behind a shared history, else short."""

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
    def events(self) -> list[Wired]:
        """The events of all lanes, in the order in which they travel."""
        return [event for lane in LANES if lane in self.runs for event in self.runs[lane].events]

    @property
    def count(self) -> int:
        """How many events it carries."""
        return len(self.events)


def size_of(runs: Mapping[str, Run]) -> int:
    """How many letters the bodies of these events have."""
    return sum(len(event.body) for run in runs.values() for event in run.events)


def pack(direction: bytes, station: int, key: bytes, message: Message, history: SharedHistory | None = None) -> bytes:
    """The frame of a message, compressed with the history where that makes it smaller."""
    return sealed(direction, key, content(station, message, history))


def content(station: int, message: Message, history: SharedHistory | None = None) -> bytes:
    """All of a frame but its MAC."""
    body = _body(message, NO_HISTORY)
    if history is not None and history.events and shared_history.LANE in message.runs:
        body = min(body, _body(message, history), key=len)
    return bytes([VERSION]) + varint.pack(station) + body


def sealed(direction: bytes, key: bytes, content: bytes) -> bytes:
    """The frame that has this content."""
    return content + _mac(direction, key, content)


def station_of(frame: bytes) -> int:
    """The station that a frame says it is from, whatever its version; nothing is known to be true before `unpack`.
    Raises FrameError."""
    try:
        if len(frame) < SHORTEST:
            raise ValueError
        return varint.Reader(frame, 1).number()
    except ValueError:
        raise FrameError(Cause.NOT_A_FRAME) from None


def unpack(direction: bytes, key: bytes, frame: bytes, recall: Recall = nothing) -> Message:
    """The message in a frame; `recall` gives the history of these numbers. Raises FrameError."""
    station_of(frame)
    content, mac = frame[:-MAC_BYTES], frame[-MAC_BYTES:]
    is_whole = hmac.compare_digest(mac, _mac(direction, key, content))
    if frame[0] != VERSION:
        raise VersionError(frame[0]) if is_whole else FrameError(Cause.NOT_A_FRAME)
    if not is_whole:
        raise FrameError(Cause.MAC_WRONG)
    reader = varint.Reader(content, 1)
    try:
        reader.number()
        return _message(reader, recall)
    except ValueError as error:
        raise FrameError(Cause.FRAME_UNREADABLE) from error


def _mac(direction: bytes, key: bytes, content: bytes) -> bytes:
    return hmac.digest(key, direction + content, "sha256")[:MAC_BYTES]


def _body(message: Message, history: SharedHistory) -> bytes:
    """The head, and behind it the events."""
    # A clock may stand before 1970.
    sent_at = max(message.sent_at, 1)
    said = head.pack(message.exchange, _fields(message, sent_at, history))
    if not (events := message.events):
        return said
    packed = columns.pack(events, sent_at, history.schemas)
    numbers = varint.pack(len(packed.numbers)) + packed.numbers
    return said + numbers + compression.pack(packed.content, history.text)


def _fields(message: Message, sent_at: int, history: SharedHistory) -> head.Fields:
    """The fields of the head. What is nothing is left out, and read as nothing."""
    size = HASH_BYTES if message.incarnation else SHORT_BYTES
    fields: dict[str, tuple[int | bytes, ...]] = {
        "history": (history.upto - history.after,),
        "want": (message.want,),
        "fault": (message.fault,),
        "incarnation": (message.incarnation,),
        "sent at": (sent_at - history.time if message.incarnation or message.events else 0,),
    }
    for lane, mark in message.marks.items():
        fields[head.MARKS[lane]] = (mark.upto, _said(message, mark.hash))
    for lane, run in message.runs.items():
        # The check is also one of the hash where the history ends.
        is_shared = history.events and lane == shared_history.LANE
        base = history.check(size) if is_shared else _said(message, run.base)
        fields[head.RUNS[lane]] = (run.first, base, len(run.events)) if run.events else ()
    return {name: values for name, values in fields.items() if any(values)}


def _said(message: Message, rolling: bytes) -> bytes:
    """A rolling hash as this message says it."""
    return rolling if message.incarnation else short(rolling)


def _message(reader: varint.Reader, recall: Recall) -> Message:
    exchange, fields = head.unpack(reader)
    history = _recalled(exchange, fields, recall) if "history" in fields else NO_HISTORY

    def number(name: str) -> int:
        return int(fields[name][0]) if name in fields else 0

    sent_at = number("sent at") + history.time
    if abs(sent_at) >= records.LARGEST:
        raise ValueError("No clock says that.")
    marks = {lane: Mark(*fields[name]) for lane, name in head.MARKS.items() if name in fields}
    said = {lane: fields[name] for lane, name in head.RUNS.items() if name in fields}
    events = _events(reader, history, sent_at) if said else []
    if reader.rest() or len(events) != sum(count for _, _, count in said.values()):
        raise ValueError("The events are not as many as it says.")
    rest = iter(events)
    runs = {lane: Run(first, base, list(islice(rest, count))) for lane, (first, base, count) in said.items()}
    if history.events:
        runs[shared_history.LANE] = replace(runs[shared_history.LANE], base=history.hash)
    (incarnation,) = fields.get("incarnation", (b"",))
    return Message(exchange, sent_at, marks, runs, incarnation, number("want"), number("fault"))


def _recalled(exchange: int, fields: head.Fields, recall: Recall) -> SharedHistory:
    if head.RUNS[shared_history.LANE] not in fields:
        raise ValueError("A history of nothing.")
    (count,), (first, check, _) = fields["history"], fields[head.RUNS[shared_history.LANE]]
    history = recall(first - 1 - count, first - 1)
    if not history.events or history.check(len(check)) != check:
        raise HistoryLostError(exchange)
    return history


def _events(reader: varint.Reader, history: SharedHistory, sent_at: int) -> list[Wired]:
    numbers = reader.take(reader.number())
    content = compression.unpack(reader.rest(), history.text, records.MOST_BYTES)
    return columns.unpack(Columns(content, numbers), sent_at, history.schemas)
