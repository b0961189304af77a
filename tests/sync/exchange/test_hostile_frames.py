"""Repeats, strangers and damage change nothing, and no content makes the hub stumble."""

import random
from dataclasses import replace

import pytest
import zstandard

from sado.store import Transaction
from sado.store.tables import lanes, stations
from sado.sync import outbox
from sado.sync.errors import UnknownStationError
from sado.sync.exchange import server
from sado.sync.wire import columns, compression, frame, varint
from sado.sync.wire.frame import FrameError, Mark, Message, Run
from sado.sync.wire.records import Wired
from tests.support.village_and_hub import LONG_AGO, VILLAGE, Pair, check_ledger, dump


def test_a_repeated_request_is_refused_and_changes_nothing(busy: Pair) -> None:
    packed = busy.request()
    busy.answer(packed)
    before = dump(busy.hub.store)
    down = busy.down(busy.answer(packed))
    number = busy.up(packed).exchange
    assert down == Message(number, 0, want=number, fault=server.REPEATED)
    assert dump(busy.hub.store) == before


def test_an_old_request_that_comes_late_is_refused(busy: Pair) -> None:
    late = busy.request()
    old = busy.up(late).exchange
    busy.file()
    taken = busy.settle()
    before = dump(busy.hub.store)
    down = busy.down(busy.answer(late))
    assert (down.fault, down.exchange, down.want) == (server.REPEATED, old, old + taken)
    assert (down.runs, down.marks) == ({}, {})
    assert dump(busy.hub.store) == before
    check_ledger(busy)


def test_a_station_whose_numbers_went_back_is_told_where_to_go_on(busy: Pair) -> None:
    def fall_back(tx: Transaction) -> None:
        tx.run("UPDATE counters SET value = 0 WHERE name = 'exchange'")

    for _ in range(5):
        busy.settle()
    busy.village.store.write(fall_back)
    busy.file()
    assert busy.call(), "the first exchange was a repeat, and brought only the number"
    assert busy.settle() == 1
    check_ledger(busy)


def test_the_answer_to_another_exchange_is_refused(busy: Pair) -> None:
    old = busy.answer(busy.request())
    with pytest.raises(FrameError, match="another exchange"):
        busy.call(lambda packed, timeout_s: old)
    busy.settle()
    check_ledger(busy)


def test_a_request_thrown_back_is_no_answer(busy: Pair) -> None:
    with pytest.raises(FrameError, match="MAC is wrong"):
        busy.call(lambda packed, timeout_s: packed)


@pytest.mark.parametrize("bit", [0, 7])
def test_a_request_changed_at_any_byte_is_refused(busy: Pair, bit: int) -> None:
    packed = busy.request()
    before = dump(busy.hub.store)
    for changed in changed_at_every_byte(packed, bit):
        with pytest.raises((FrameError, UnknownStationError)):
            busy.answer(changed)
    assert dump(busy.hub.store) == before
    assert is_taken(busy, packed)


def is_taken(pair: Pair, packed: bytes) -> bool:
    """Whether the hub takes a request and says what it has."""
    down = pair.down(pair.answer(packed))
    return down.fault == 0 and bool(down.marks)


def test_an_answer_changed_at_any_byte_is_refused(busy: Pair) -> None:
    answer = busy.answer(busy.request())
    for changed in changed_at_every_byte(answer, 0):
        with pytest.raises(FrameError):
            busy.down(changed)
    assert busy.down(answer).runs


def changed_at_every_byte(packed: bytes, bit: int) -> list[bytes]:
    """The frame with one bit turned, at each of its bytes."""
    return [packed[:at] + bytes([packed[at] ^ 1 << bit]) + packed[at + 1 :] for at in range(len(packed))]


@pytest.mark.parametrize("tail", [b"\0", b"SADO1", b"\2"])
def test_a_frame_with_something_behind_it_is_refused(busy: Pair, tail: bytes) -> None:
    packed = busy.request()
    with pytest.raises(FrameError):
        busy.answer(packed + tail)
    assert is_taken(busy, packed)


def test_another_key_is_refused(busy: Pair) -> None:
    packed = frame.pack(frame.UP, VILLAGE, bytes(32), Message(LONG_AGO))
    before = dump(busy.hub.store)
    with pytest.raises(FrameError, match="MAC is wrong"):
        busy.answer(packed)
    assert dump(busy.hub.store) == before
    assert is_taken(busy, busy.request())


def test_the_old_key_is_refused_after_a_new_one(busy: Pair) -> None:
    packed = busy.request()
    busy.key = busy.hub.store.write(lambda tx: stations.add(tx, VILLAGE))
    with pytest.raises(FrameError, match="MAC is wrong"):
        busy.answer(packed)
    busy.restart()
    assert is_taken(busy, busy.request())


def test_under_a_new_key_a_station_goes_on_whatever_number_a_thief_said_last(busy: Pair) -> None:
    last = stations.LONGEST_JUMP
    assert busy.hub.store.write(lambda tx: stations.accept_exchange(tx, VILLAGE, last)) is None
    assert busy.hub.store.write(lambda tx: stations.accept_fetch(tx, VILLAGE, last)) is None
    busy.key = busy.hub.store.write(lambda tx: stations.add(tx, VILLAGE))
    busy.restart()
    busy.settle()
    assert busy.hub.store.write(lambda tx: stations.accept_fetch(tx, VILLAGE, 1)) is None


@pytest.mark.parametrize("number", [LONG_AGO + stations.LONGEST_JUMP + 9, 1 << 62, (1 << 63) - 1])
def test_a_number_far_ahead_shuts_the_honest_station_out_of_nothing(busy: Pair, number: int) -> None:
    busy.settle()
    before = dump(busy.hub.store)
    down = busy.down(busy.answer(frame.pack(frame.UP, VILLAGE, busy.key, Message(number))))
    assert (down.fault, dump(busy.hub.store) == before) == (server.REPEATED, True)
    assert busy.hub.store.write(lambda tx: stations.accept_fetch(tx, VILLAGE, number)) == 0
    busy.file()
    assert busy.settle() == 1
    check_ledger(busy)


def test_a_number_some_way_ahead_is_taken_and_the_honest_station_goes_on_behind_it(busy: Pair) -> None:
    busy.settle()
    packed = frame.pack(frame.UP, VILLAGE, busy.key, Message(stations.LONGEST_JUMP))
    assert busy.down(busy.answer(packed)).fault == 0
    busy.file()
    busy.settle()
    check_ledger(busy)


def test_answers_that_say_a_number_far_ahead_do_not_part_the_station_from_its_upstream(busy: Pair) -> None:
    def lie(packed: bytes, timeout_s: float) -> bytes:
        fault = Message(busy.up(packed).exchange, want=(1 << 63) - 1, fault=server.REPEATED)
        return frame.pack(frame.DOWN, VILLAGE, busy.key, fault)

    for _ in range(2):
        busy.call(lie)
    busy.settle()
    check_ledger(busy)


def test_a_station_that_is_not_admitted_is_refused(busy: Pair) -> None:
    packed = frame.pack(frame.UP, 8, busy.key, Message(LONG_AGO))
    with pytest.raises(UnknownStationError, match="sado station add 8"):
        busy.answer(packed)
    key = busy.hub.store.write(lambda tx: stations.add(tx, 8))
    assert busy.answer(frame.pack(frame.UP, 8, key, Message(LONG_AGO)))


PREFIX = bytes([frame.VERSION]) + varint.pack(VILLAGE)


def sealed(key: bytes, content: bytes) -> bytes:
    """A frame from the village with any content, well authenticated: `frame.pack` would not make it."""
    return frame.sealed(frame.UP, key, PREFIX + content)


def content_of(key: bytes, message: Message) -> bytes:
    """What `frame.pack` puts between the station and the MAC."""
    return frame.pack(frame.UP, VILLAGE, key, message)[len(PREFIX) : -frame.MAC_BYTES]


NOTHING = Message(LONG_AGO)
SAYS = Run(1, bytes(lanes.HASH_BYTES), [Wired("case.noise", "", "{}")])
ONE_EVENT = Message(LONG_AGO, 1, runs={outbox.URGENT: SAYS}, incarnation=bytes(lanes.HASH_BYTES))
BOMB = b"\0" + b" " * 4 * frame.LARGEST


def says_one_event() -> bytes:
    """The content of a frame that says that one event follows, without its text."""
    whole = content_of(b"", ONE_EVENT)
    said = columns.pack(ONE_EVENT.runs[outbox.URGENT].events, 1)
    text = compression.pack(said.content)
    assert whole.endswith(text), "a frame ends with what was compressed"
    return whole.removesuffix(text)


def test_a_frame_that_is_sealed_by_hand_is_read(pair: Pair) -> None:
    for message in (NOTHING, ONE_EVENT):
        assert pair.up(sealed(pair.key, content_of(pair.key, message))) == message


def squeezed(content: bytes, says_size: bool) -> bytes:
    """Compressed as `squeeze.pack` does, with and without the size that it will have."""
    wanted = zstandard.ZstdCompressionParameters.from_level(
        9, format=compression.FORMAT, write_content_size=says_size, write_dict_id=False
    )
    packer = zstandard.ZstdCompressor(dict_data=compression._dictionary(b""), compression_params=wanted)
    if says_size:
        return packer.compress(content)
    stream = packer.compressobj()
    return stream.compress(content) + stream.flush()


@pytest.mark.parametrize("says_size", [False, True])
def test_a_bomb_is_refused(pair: Pair, says_size: bool) -> None:
    packed = squeezed(BOMB, says_size)
    assert len(packed) < 4096
    dictionary = zstandard.ZstdCompressionDict(compression.FILE.read_bytes())
    reader = zstandard.ZstdDecompressor(dictionary, format=compression.FORMAT).stream_reader(packed)
    assert reader.read(len(BOMB)) == BOMB
    with pytest.raises(FrameError) as caught:
        pair.answer(sealed(pair.key, says_one_event() + packed))
    assert "grows too large" in str(caught.value.__cause__)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        content_of(b"", NOTHING)[:-1],
        content_of(b"", NOTHING) + b"\0",
        b"\x00" + b"\xff" * 20,
        content_of(b"", replace(NOTHING, marks={outbox.URGENT: Mark(1, bytes(lanes.HASH_BYTES))}))[:-1],
        content_of(b"", ONE_EVENT)[:-1],
        says_one_event(),
        says_one_event() + b"\xff",
        says_one_event() + compression.pack(b""),
        says_one_event() + compression.pack(b"\0"),
        says_one_event() + compression.pack(b"\xff" * 30),
        says_one_event() + compression.pack(b"\x01\x01[]"),
        says_one_event()[:-1] + b"\x7f" + compression.pack(b"\0"),
    ],
)
def test_content_of_another_shape_is_refused(pair: Pair, content: bytes) -> None:
    with pytest.raises(FrameError, match="cannot be read"):
        pair.answer(sealed(pair.key, content))


def test_no_content_at_all_makes_the_hub_stumble(busy: Pair) -> None:
    """Whatever a station that has the key may send, it is refused as a frame or answered."""
    chance = random.Random(1339)
    whole = busy.request()[len(PREFIX) : -frame.MAC_BYTES]
    refused = 0
    for _ in range(500):
        at = chance.randrange(len(whole))
        content = whole[:at] + chance.randbytes(chance.randrange(4)) + whole[at + chance.randrange(4) :]
        try:
            busy.answer(sealed(busy.key, content))
        except FrameError:
            refused += 1
    assert refused > 200
