"""docs/wire.md says what the code does: the code makes its examples, and a reader written from the page alone reads
them."""

import hashlib
import hmac
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import zstandard

from sado.store.tables import lanes
from sado.sync.wire import columns, compression, frame
from sado.sync.wire.frame import DOWN, UP, Mark, Message, Run
from sado.sync.wire.records import Wired
from sado.sync.wire.shared_history import SharedHistory

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "wire.md").read_text("utf-8")
HEX = re.compile(r"^    ((?:[0-9a-f]{2} )*[0-9a-f]{2})(?:  +.*)?$", re.MULTILINE)
KEY, STATION, NOW = bytes(range(32)), 7, 1_800_000_000_000
INCARNATION = bytes.fromhex("1a2b3c4d5e6f7081")


def example(title: str) -> bytes:
    """The bytes under a heading of the page."""
    section = PAGE.split(f"### {title}\n")[1].split("\n#")[0]
    return bytes.fromhex(" ".join(HEX.findall(section)))


def moved(reference: str, made_at: int, ago: int) -> Wired:
    return Wired("case.moved", reference, f'{{"kind":"closed","at":{made_at}}}', ago)


BEFORE = lanes.beginning(INCARNATION, "u")
EVENTS = [moved("0070000012", NOW - 5000, 5000), moved("0070000029", NOW - 2000, 2000)]


def hash_after(rolling: bytes, events: list[Wired]) -> bytes:
    for event in events:
        rolling = lanes.hash_after(rolling, lanes.event_id(rolling, event.kind, event.reference, event.body))
    return rolling


HISTORY = SharedHistory(
    0, 2, [msgspec.structs.replace(event, ago=event.ago - NOW) for event in EVENTS], hash_after(BEFORE, EVENTS)
)
MESSAGES: dict[str, tuple[bytes, Message, SharedHistory | None]] = {
    "Example: a hello": (UP, Message(1, NOW, incarnation=INCARNATION, want=64), None),
    "Example: an answer": (DOWN, Message(2, marks={"u": Mark(2, HISTORY.hash)}), None),
    "Example: a frame with two events": (UP, Message(2, NOW, {}, {"u": Run(1, BEFORE, EVENTS)}, want=64), None),
    "Example: a frame behind a history": (
        UP,
        Message(3, NOW + 60_000, {}, {"u": Run(3, HISTORY.hash, [moved("0070000036", NOW + 60_000, 0)])}, b"", want=64),
        HISTORY,
    ),
}


@pytest.mark.parametrize("title", MESSAGES)
def test_the_code_reads_each_frame_of_the_page(title: str) -> None:
    direction, message, history = MESSAGES[title]
    said = frame.unpack(direction, KEY, example(title), lambda after, upto: history or SharedHistory(after, upto, []))
    assert (said.exchange, said.want, said.events) == (message.exchange, message.want, message.events)
    assert said.sent_at == message.sent_at
    assert all(lanes.is_same(message.marks[lane].hash, mark.hash) for lane, mark in said.marks.items())
    assert all(lanes.is_same(message.runs[lane].base, run.base) for lane, run in said.runs.items())


@pytest.mark.parametrize("title", MESSAGES)
def test_the_code_makes_each_frame_of_the_page(title: str) -> None:
    direction, message, history = MESSAGES[title]
    made, shown = frame.pack(direction, STATION, KEY, message, history), example(title)
    if message.events:
        # Another release of zstd may make other bytes of the content.
        packed = columns.pack(message.events, message.sent_at, history.schemas if history else columns.NO_SCHEMAS)
        compressed = compression.pack(packed.content, history.text if history else b"")
        before = made.index(compressed)
        assert shown[:before] == made[:before]
    else:
        assert shown == made


def test_the_content_of_the_page_is_what_is_compressed() -> None:
    assert columns.pack(EVENTS, NOW).content == example("Its content")


def test_the_hashes_of_the_page_are_those_of_the_lane() -> None:
    after = [hash_after(BEFORE, EVENTS[:count]) for count in range(3)]
    named = [
        lanes.event_id(rolling, event.kind, event.reference, event.body)
        for rolling, event in zip(after, EVENTS, strict=False)
    ]
    for digest in (*after, *named, lanes.short(after[0]), lanes.short(after[2])):
        assert f"`{digest.hex()}`" in PAGE


# A reader of its own, of what the page says and of nothing else.


class Bytes:
    """What is left of some bytes."""

    def __init__(self, content: bytes) -> None:
        self.content = content

    def take(self, count: int) -> bytes:
        taken, self.content = self.content[:count], self.content[count:]
        return taken

    def number(self) -> int:
        (byte,) = self.take(1)
        return byte if byte < 128 else byte - 128 + 128 * self.number()

    def whole(self) -> int:
        number = self.number()
        return -(number + 1) // 2 if number % 2 else number // 2

    def struct(self) -> Any:
        return msgspec.msgpack.decode(self.take(self.number()))


def column(encoding: list[Any], count: int, rest: Bytes, numbers: "Numbers", earlier: list[list[Any]]) -> list[Any]:
    tag, *parameters = encoding
    if tag == "s":
        return earlier[parameters[0]]
    if tag == "c":
        return parameters * count
    if tag == "d":
        return [f"{parameters[0]}{numbers.take(10 ** parameters[1]):0{parameters[1]}}" for _ in range(count)]
    if tag == "l":
        return [parameters[0][numbers.take(len(parameters[0]))] for _ in range(count)]
    assert tag == "i"
    size, has_steps = divmod(rest.number(), 2)
    least = rest.whole()
    if not has_steps:
        return [least + numbers.take(size) for _ in range(count)]
    values = [rest.whole()]
    while len(values) < count:
        values.append(values[-1] + least + numbers.take(size))
    return values


class Numbers:
    """A single block of numbers."""

    def __init__(self, packed: bytes) -> None:
        self.value = int.from_bytes(packed, "little")

    def take(self, size: int) -> int:
        self.value, number = divmod(self.value, size)
        return number


def events_of(packed: bytes) -> Iterator[dict[str, Any]]:
    """The events of a frame like the one with two events."""
    assert packed[-16:] == hmac.new(KEY, b"U" + packed[:-16], hashlib.sha256).digest()[:16]
    rest = Bytes(packed[:-16])
    assert (rest.take(1), rest.number()) == (b"\1", STATION)
    exchange, flags, want, sent_at = rest.number(), rest.number(), rest.number(), rest.whole()
    assert (exchange, flags, want) == (2, 2 + 4 + 16, 64)
    first, _, count = rest.number(), rest.take(4), rest.number()
    numbers = Numbers(rest.take(rest.number()))
    dictionary = zstandard.ZstdCompressionDict((ROOT / "sync" / "wire" / "dictionary.zstd").read_bytes())
    reader = zstandard.ZstdDecompressor(dict_data=dictionary, format=zstandard.FORMAT_ZSTD1_MAGICLESS)
    rest = Bytes(reader.decompress(rest.content))
    assert (rest.number(), rest.number(), rest.number()) == (1, count, 0)
    kind, names = rest.struct()
    columns: list[list[Any]] = []
    for encoding in rest.struct():
        columns.append(column(encoding, count, rest, numbers, columns))
        if len(columns) == 1:
            columns[0] = [sent_at - ago for ago in columns[0]]
    for number, (time, reference, _slip, _hops, _id, *values) in enumerate(zip(*columns, strict=True), first):
        yield {
            "number": number,
            "event": kind,
            "reference": reference,
            "time": time,
            **dict(zip(names, values, strict=True)),
        }


def test_a_reader_written_from_the_page_reads_the_two_events() -> None:
    closed = {"event": "case.moved", "kind": "closed"}
    first, second = events_of(example("Example: a frame with two events"))
    assert first == {"number": 1, **closed, "reference": "0070000012", "time": NOW - 5000, "at": NOW - 5000}
    assert second == {"number": 2, **closed, "reference": "0070000029", "time": NOW - 2000, "at": NOW - 2000}
