"""What a frame may cost: whatever it holds, made by who has the key, it is read or refused in little memory."""

import random
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.connection import Pipe

import pytest

from bench.training import events
from sado.store.tables.lanes import HASH_BYTES
from sado.sync.wire import columns, compression, frame, head, radix, records, varint
from sado.sync.wire.columns import Columns
from sado.sync.wire.encodings import Constant, Digits, Encoding, Integers, Listed, Numbered, Same, Texts, Writer
from sado.sync.wire.frame import Message, Run
from sado.sync.wire.records import MOST_BYTES, MOST_FIELDS, Shape
from tests.support.proofs import TIMES

KEY, STATION, NOW = bytes(32), 7, events.BEGIN_MS + events.DAY_MS
# What a process may need beside what it has when it is ready to read.
ROOM = 16 << 20
READ, REFUSED = "read", "refused"
CHILD = """
import resource, sys
from multiprocessing.connection import Connection
from sado.sync.wire import compression, frame
compression.unpack(compression.pack(b"ready"), b"", 9)
pages = int(open("/proc/self/statm").read().split()[0])
most = pages * resource.getpagesize() + int(sys.argv[2])
resource.setrlimit(resource.RLIMIT_AS, (most, most))
pipe = Connection(int(sys.argv[1]))
while packed := pipe.recv_bytes():
    try:
        said = frame.unpack(frame.UP, bytes(32), packed)
    except frame.FrameError as error:
        pipe.send_bytes(b"refused: " + str(error.__cause__).encode())
    else:
        pipe.send_bytes(b"read: %d" % said.count)
"""
ZERO, EMPTY = Constant(0), Listed([""])
META: list[Encoding] = [ZERO, EMPTY, ZERO, ZERO, EMPTY]
# A letter that takes six in JSON.
CONTROL = "\x01"


@contextmanager
def reader(room: int = ROOM) -> Iterator[Callable[[bytes], str]]:
    """A process that reads frames with so much memory; what became of a frame. It dies of what is too much."""
    ours, theirs = Pipe()
    with theirs:
        command = [sys.executable, "-c", CHILD, str(theirs.fileno()), str(room)]
        process = subprocess.Popen(command, pass_fds=[theirs.fileno()], stderr=subprocess.DEVNULL)

    def read(packed: bytes) -> str:
        ours.send_bytes(packed)
        return ours.recv_bytes().decode()

    try:
        yield read
    finally:
        ours.close()
        process.kill()
        process.wait()


def sealed(written: Columns, count: int) -> bytes:
    """A frame of these columns, with a MAC that is right, as one would make it who has the key."""
    said = {"sent at": (1,), "run u": (1, bytes(HASH_BYTES), count), "incarnation": (b"8 bytes.",)}
    start = bytes([frame.VERSION]) + varint.pack(STATION) + head.pack(1, said)
    numbers = varint.pack(len(written.numbers)) + written.numbers
    return frame.sealed(frame.UP, KEY, start + numbers + compression.pack(written.content))


def table(
    fields: Sequence[str], encodings: Sequence[Encoding], count: int = 1, text: bytes = b"", numbers: bytes = b""
) -> bytes:
    """A frame with one shape, written in full, and `text` behind it."""
    out = Writer()
    out.number(1)
    out.number(count)
    out.number(0)
    out.struct(Shape("kind", tuple(fields)))
    out.struct([*META, *encodings])
    return sealed(Columns(bytes(out.content) + text, numbers), count)


def names(count: int) -> list[str]:
    return [f"{number}" for number in range(count)]


def meant_by_many(letters: int, sign: str) -> bytes:
    """One event whose fields are all the same long text, which is listed once."""
    return table(names(MOST_FIELDS), [Listed([sign * letters]), *[Same(5)] * (MOST_FIELDS - 1)])


def many_shapes() -> bytes:
    out = Writer()
    out.number(columns.MOST_EVENTS)
    for number in range(columns.MOST_EVENTS):
        out.number(1)
        out.number(0)
        out.struct(Shape(f"{number}", ()))
        out.struct([*META, Texts()])
        out.texts(["x" * 9])
    digits = radix.pack((number, columns.MOST_EVENTS) for number in range(columns.MOST_EVENTS))
    return sealed(Columns(bytes(out.content), digits), columns.MOST_EVENTS)


MOST = columns.MOST_EVENTS
HOSTILE = {
    "a megabyte meant by fifty fields": meant_by_many(1 << 20, CONTROL),
    "what a frame may hold, meant by fifty fields": meant_by_many(MOST_BYTES - 1000, CONTROL),
    "meant by fifty fields, just too often": meant_by_many(2 * MOST_BYTES // MOST_FIELDS, "a"),
    "a long text in each event": table(["a"], [Listed(["a" * 1000])], MOST),
    "a long prefix of each number": table(["a"], [Digits("\N{WATER WAVE}" * 64, 18)], MOST, numbers=bytes(1 << 16)),
    "a long name in each event": table(["a" * 1000], [ZERO], MOST),
    "very many numbers": table(names(MOST_FIELDS), [Integers()] * MOST_FIELDS, MOST),
    "fields without a name": table([""] * MOST_FIELDS, [ZERO] * MOST_FIELDS, MOST),
    "more fields than there may be": table(names(100_000), [ZERO] * 50),
    "more encodings than there are fields": table(["a"], [ZERO] * 150_000),
    "a list of very many texts": table(["a"], [Listed(["a"] * 200_000)]),
    "signs that are spelled out": table(["a"], [Texts()], text=b"\x1b1\x1b" * 150_000 + b"\0"),
    "wide signs in every field": meant_by_many(MOST_BYTES // 5, "\N{WATER WAVE}"),
    "a count of steps": table(["a"], [Numbered("a" * 64)], MOST, text=b"\x05\x02\x02"),
    "numbers that nobody asks for": table(["a"], [ZERO], numbers=bytes(900_000)),
}
SOUND = {
    "the most of one text": table(["a"], [Texts()], text=b"a" * (records.MOST_BYTES_OF_ONE - 100) + b"\0"),
    "meant by fifty fields": meant_by_many(MOST_BYTES // MOST_FIELDS - 100, "a"),
    "signs that are spelled out": table(["a"], [Texts()], text=b"\x1b1\x1b" * 20_000 + b"\0"),
    "many events of one shape": table(["a"], [Listed(["a" * 20])], MOST),
    "as many shapes as events": many_shapes(),
    "a day of appeals": frame.pack(
        frame.UP, STATION, KEY, Message(1, NOW, runs={"u": Run(1, bytes(HASH_BYTES), events.Maker(1, 300).batch(300))})
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_few_bytes_that_say_much_are_refused_in_little_memory(name: str) -> None:
    with reader() as read:
        assert read(HOSTILE[name]).startswith(REFUSED)
        assert read(SOUND["a day of appeals"]) == "read: 300", "the process lives and reads on"


def test_a_frame_of_two_hundred_bytes_is_refused_before_anything_is_built() -> None:
    assert len(HOSTILE["a megabyte meant by fifty fields"]) < 256
    with reader() as read:
        assert read(HOSTILE["a megabyte meant by fifty fields"]) == "refused: The content grows too large."
        assert read(HOSTILE["what a frame may hold, meant by fifty fields"]) == "refused: The events grow too large."


@pytest.mark.parametrize("name", SOUND)
def test_what_a_station_may_send_is_read_in_as_little(name: str) -> None:
    with reader() as read:
        assert read(SOUND[name]).startswith(READ)


def test_too_little_memory_is_noticed() -> None:
    with reader() as read, pytest.raises((EOFError, OSError)):
        read(bytes(2 * ROOM))


def hostile(chance: random.Random, sound: Sequence[Columns]) -> bytes:
    """Columns that were packed rightly, changed at some places, and sealed with the key all the same."""
    packed = chance.choice(sound)
    content, numbers = bytearray(packed.content), bytearray(packed.numbers)
    for _ in range(chance.randrange(1, 6)):
        run = content if chance.random() < 0.8 or not numbers else numbers
        at, length = chance.randrange(len(run)), chance.choice([0, 1, 1, 4])
        run[at : at + length] = chance.choice(
            [chance.randbytes(length or 1), b"\xff" * 8, b"\x7f", bytes(chance.randrange(2000)), run[at : at + 40] * 50]
        )
    return sealed(Columns(bytes(content), bytes(numbers)), chance.choice([30, 30, 1, MOST]))


def fuzz(frames: int, seed: int) -> dict[str, int]:
    """How many changed frames were read and refused by one process with little memory."""
    chance, found = random.Random(seed), {READ: 0, REFUSED: 0}
    sound = [columns.pack(events.Maker(number, 40).batch(30), 1) for number in range(8)]
    with reader() as read:
        for _ in range(frames):
            found[read(hostile(chance, sound)).partition(":")[0]] += 1
    return found


def test_changed_frames_with_a_right_mac_cost_little() -> None:
    found = fuzz(400, 1339)
    assert found[REFUSED] > 100 and found[READ] > 0


@pytest.mark.long
def test_very_many_changed_frames_with_a_right_mac_cost_little() -> None:
    found = fuzz(20_000 * TIMES, 7)
    print(f"frames changed and sealed again: {found}")
    assert found[REFUSED] > 5000 and found[READ] > 0
