"""A frame says what was meant, or is refused as a whole."""

from collections.abc import Callable
from dataclasses import replace

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.training import events
from sado.store.tables import lanes
from sado.sync.wire import frame, head, records, varint
from sado.sync.wire.frame import DOWN, UP, FrameError, HistoryLostError, Mark, Message, Run, VersionError
from sado.sync.wire.records import Wired
from sado.sync.wire.shared_history import Recall, SharedHistory, nothing

STATION = 7
KEY, OTHER_KEY = b"k" * 32, b"K" * 32
NOW = events.BEGIN_MS
WHOLE = bytes(range(8))
MOST = (1 << 63) - 1
# Numbers of an exchange go up by one from 1.
MANY = 1 << 50


def said(count: int, seed: int = 1) -> list[Wired]:
    """Events as a station makes them."""
    return events.Maker(seed, 100).batch(count)


def remembered(count: int, upto: int) -> SharedHistory:
    """A history of so many events, the last with this number; each knows when it was made."""
    made = [replace_ago(one, -(NOW - one.ago)) for one in said(count, seed=2)]
    return SharedHistory(upto - count, upto, made, WHOLE)


def replace_ago(event: Wired, ago: int) -> Wired:
    return msgspec.structs.replace(event, ago=ago)


HELLO = Message(5, NOW, {name: Mark(3, WHOLE) for name in lanes.LANES}, incarnation=b"12345678", want=64)
NEWS = Message(6, NOW, {"u": Mark(3, WHOLE)}, {"u": Run(11, WHOLE, said(4))}, want=64)
BARE = Message(7, want=1)


def packed(message: Message, direction: bytes = UP, known: SharedHistory | None = None) -> bytes:
    return frame.pack(direction, STATION, KEY, message, known)


def unpacked(content: bytes, direction: bytes = UP, recall: Recall = nothing) -> Message:
    return frame.unpack(direction, KEY, content, recall)


def has_history(content: bytes) -> bool:
    """Whether a frame is compressed with events that both sides have."""
    reader = varint.Reader(content, 1)
    reader.number()
    return "history" in head.unpack(reader)[1]


def is_refused(content: bytes, recall: Recall = nothing) -> bool:
    """Whether it is refused; anything but a FrameError fails the test."""
    try:
        unpacked(content, recall=recall)
    except FrameError:
        return True
    return False


NUMBER = st.integers(0, MANY)
RUN = st.builds(Run, NUMBER, st.binary(min_size=8, max_size=8), st.integers(1, 4).map(said))
MESSAGE = st.builds(
    Message,
    exchange=NUMBER,
    sent_at=st.integers(1, MANY),
    marks=st.dictionaries(st.sampled_from(lanes.LANES), st.builds(Mark, NUMBER, st.binary(min_size=8, max_size=8))),
    runs=st.dictionaries(st.sampled_from(lanes.LANES), RUN),
    incarnation=st.binary(min_size=8, max_size=8),
    want=NUMBER,
    fault=NUMBER,
)


def shortened(message: Message) -> Message:
    """The message as it is said where it is no hello: hashes short, the time where there are events."""
    return replace(
        message,
        incarnation=b"",
        sent_at=message.sent_at if message.runs else 0,
        marks={name: Mark(mark.upto, lanes.short(mark.hash)) for name, mark in message.marks.items()},
        runs={name: replace(run, base=lanes.short(run.base)) for name, run in message.runs.items()},
    )


@given(MESSAGE, st.sampled_from([UP, DOWN]))
def test_a_message_comes_back_in_both_directions(message: Message, direction: bytes) -> None:
    assert unpacked(packed(message, direction), direction) == message


@given(MESSAGE)
def test_what_is_no_hello_says_hashes_short(message: Message) -> None:
    assert unpacked(packed(replace(message, incarnation=b""))) == shortened(message)


@pytest.mark.parametrize("direction", [UP, DOWN])
@pytest.mark.parametrize("is_hello", [False, True])
def test_a_message_comes_back_with_a_shared_history(direction: bytes, is_hello: bool) -> None:
    known = remembered(30, upto=10)
    message = Message(6, NOW, {}, {"u": Run(11, WHOLE, said(4)), "b": Run(1, WHOLE, said(1, 3))}, want=64)
    if is_hello:
        message = replace(message, incarnation=b"12345678")
    asked = []

    def recall(after: int, upto: int) -> SharedHistory:
        asked.append((after, upto))
        return known

    content = packed(message, direction, known)
    assert has_history(content)
    found = unpacked(content, direction, recall)
    assert asked == [(-20, 10)]
    assert {name: (run.first, run.events) for name, run in found.runs.items()} == {
        name: (run.first, run.events) for name, run in message.runs.items()
    }
    assert found.runs["u"].base == WHOLE and lanes.is_same(WHOLE, found.runs["b"].base)
    assert (found.sent_at, found.exchange, found.incarnation) == (NOW, 6, message.incarnation)


def test_a_shared_history_makes_a_frame_smaller() -> None:
    again = SharedHistory(6, 10, [replace_ago(one, one.ago - NOW) for one in NEWS.runs["u"].events])
    assert len(packed(NEWS, known=again)) < 0.5 * len(packed(NEWS))


def test_a_history_that_gains_nothing_is_left_out() -> None:
    known = SharedHistory(9, 10, [Wired("x", "", "y", 1 << 55)])
    message = Message(6, NOW, {}, {"u": Run(11, WHOLE, [Wired("other.kind", "", "a")])})
    assert not has_history(packed(message, known=known))


@pytest.mark.parametrize("lost", ["all", "one", "order", "word", "hash"])
def test_a_history_that_is_not_as_the_sender_s_is_told_with_the_number_of_the_exchange(lost: str) -> None:
    known = remembered(30, upto=10)
    content = packed(NEWS, known=known)
    here = {
        "all": nothing(known.after, known.upto),
        "one": replace(known, events=known.events[1:]),
        "order": replace(known, events=known.events[::-1]),
        "word": replace(known, events=[*known.events[:-1], msgspec.structs.replace(known.events[-1], body="{}")]),
        "hash": replace(known, hash=WHOLE[:-1] + b"x"),
    }[lost]
    with pytest.raises(HistoryLostError) as caught:
        unpacked(content, recall=lambda after, upto: here)
    assert caught.value.exchange == NEWS.exchange
    assert unpacked(content, recall=lambda after, upto: known).exchange == NEWS.exchange


@pytest.mark.parametrize("message", [HELLO, NEWS, BARE], ids=["hello", "news", "bare"])
def test_a_frame_that_is_cut_at_any_byte_is_refused(message: Message) -> None:
    content = packed(message)
    assert [size for size in range(len(content)) if not is_refused(content[:size])] == []
    assert not is_refused(content)


@pytest.mark.parametrize("message", [HELLO, NEWS, BARE], ids=["hello", "news", "bare"])
@pytest.mark.parametrize("bit", [1, 0x80])
def test_a_frame_with_any_byte_changed_is_refused(message: Message, bit: int) -> None:
    content = packed(message)
    for at in range(len(content)):
        assert is_refused(content[:at] + bytes([content[at] ^ bit]) + content[at + 1 :]), at


@pytest.mark.parametrize("tail", [b"\0", b"more", packed(BARE)])
def test_a_frame_with_something_behind_it_is_refused(tail: bytes) -> None:
    assert is_refused(packed(NEWS) + tail)


def test_a_frame_thrown_back_is_refused() -> None:
    for sent, heard in ((UP, DOWN), (DOWN, UP)):
        assert unpacked(packed(BARE, sent), sent) == BARE
        with pytest.raises(FrameError, match="MAC"):
            unpacked(packed(BARE, sent), heard)


def test_another_key_is_refused() -> None:
    with pytest.raises(FrameError, match="MAC"):
        frame.unpack(UP, OTHER_KEY, packed(BARE), nothing)


def test_a_frame_of_another_station_has_another_mac() -> None:
    content = frame.pack(UP, STATION, KEY, BARE)
    other = frame.pack(UP, STATION + 1, KEY, BARE)
    assert other[: -frame.MAC_BYTES] == content[:1] + b"\x08" + content[2 : -frame.MAC_BYTES]
    assert is_refused(other[: -frame.MAC_BYTES] + content[-frame.MAC_BYTES :])


@pytest.mark.parametrize("station", [0, 7, 127, 128, 999, MOST])
def test_a_frame_says_whose_it_is_before_anything_is_known_to_be_true(station: int) -> None:
    assert frame.station_of(frame.pack(UP, station, KEY, BARE)) == station


@pytest.mark.parametrize(
    "content",
    [b"", b"\1", b"\1" * (frame.SHORTEST - 1), b"\1" + b"\xff" * 100, b"SADO" + bytes(100), b"<html>" * 10],
)
def test_what_is_no_frame_is_refused(content: bytes) -> None:
    with pytest.raises(FrameError, match="not a frame of this protocol"):
        unpacked(content)


@pytest.mark.parametrize("version", [0, 2, 255])
def test_a_whole_frame_of_another_version_is_refused_as_that(version: int) -> None:
    plain = bytes([version]) + packed(BARE)[1 : -frame.MAC_BYTES]
    assert frame.station_of(sealed(plain)) == STATION
    with pytest.raises(VersionError, match=f"update the upstream first and then its stations: {version} / 1"):
        unpacked(sealed(plain))
    with pytest.raises(FrameError, match="not a frame of this protocol"):
        unpacked(sealed(plain)[:-1] + b"?")


@pytest.mark.parametrize("now", [0, -1, -(10**12)])
def test_a_clock_before_1970_still_says_how_long_ago_it_was(now: int) -> None:
    found = unpacked(packed(replace(NEWS, sent_at=now)))
    assert found.sent_at == 1
    assert found.runs["u"].events == NEWS.runs["u"].events


# What a station that has the key may say: nothing that it says does harm.


def sealed(plain: bytes) -> bytes:
    """A frame with any content, well authenticated."""
    return plain + frame._mac(UP, KEY, plain)


def test_what_is_sealed_by_hand_is_read() -> None:
    assert unpacked(sealed(packed(NEWS)[: -frame.MAC_BYTES])) == shortened(NEWS)


KNOWN = remembered(30, upto=10)
PLAINS = [
    packed(HELLO)[:-16],
    packed(NEWS)[:-16],
    packed(BARE)[:-16],
    packed(NEWS, known=KNOWN)[:-16],
    packed(replace(HELLO, runs={name: Run(4, WHOLE, said(1)) for name in lanes.LANES}))[:-16],
]
CHANGES = st.lists(
    st.tuples(st.integers(0, 1 << 30), st.one_of(st.integers(0, 255), st.just(255)), st.sampled_from("sid")),
    min_size=1,
    max_size=5,
)


def changed(plain: bytes, changes: list[tuple[int, int, str]], most: int) -> bytes:
    """The content with bytes set, inserted or deleted within its first `most` bytes."""
    run = bytearray(plain)
    for place, byte, how in changes:
        at = 1 + place % min(len(run), most)
        run[at : at + (how != "i")] = b"" if how == "d" else bytes([byte])
    return bytes(run)


@settings(max_examples=600)
@given(st.sampled_from(PLAINS), CHANGES, st.sampled_from([12, 30, 10_000]))
def test_well_sealed_nonsense_is_refused_or_a_message(
    plain: bytes, changes: list[tuple[int, int, str]], most: int
) -> None:
    content = sealed(changed(plain, changes, most))
    for recall in (nothing, lambda after, upto: KNOWN):
        assert_refused_or_fits_a_database(content, recall)


@settings(max_examples=300)
@given(st.binary(max_size=80))
def test_any_well_sealed_bytes_are_refused_or_a_message(content: bytes) -> None:
    assert_refused_or_fits_a_database(sealed(bytes([frame.VERSION, STATION]) + content), lambda after, upto: KNOWN)


def assert_refused_or_fits_a_database(content: bytes, recall: Recall) -> None:
    try:
        message = unpacked(content, recall=recall)
    except FrameError:
        return
    numbers = [message.exchange, message.want, abs(message.sent_at)]
    numbers += [mark.upto for mark in message.marks.values()]
    for run in message.runs.values():
        numbers.append(run.first)
        numbers += [abs(message.sent_at - one.ago) for one in run.events]
        numbers += [abs(one.ago + one.slip) for one in run.events]
        for one in run.events:
            f"{one.kind}{one.reference}{one.body}".encode()
            assert len(bytes.fromhex(one.id)) in (0, 8)
            assert one.hops >= 0
    assert max(numbers) <= MOST


def whole(number: int) -> bytes:
    return varint.pack_whole(number)


def head_of(flags: int, *values: bytes, exchange: int = 5) -> bytes:
    return varint.pack(exchange) + varint.pack(flags) + b"".join(values)


WANT, SENT_AT, MARK, RUN_U, INCARNATION = (
    1 << list(head.USUAL).index(name) for name in ("want", "sent at", "mark u", "run u", "incarnation")
)
EIGHT = varint.pack(8)


@pytest.mark.parametrize(
    ("content", "is_taken"),
    [
        (head_of(WANT, EIGHT), True),
        (head_of(WANT, EIGHT, exchange=MOST), True),
        (head_of(WANT, EIGHT, exchange=MOST + 1), False),
        (head_of(MARK, varint.pack(MOST), bytes(4)), True),
        (head_of(MARK, varint.pack(MOST + 1), bytes(4)), False),
        (head_of(INCARNATION | SENT_AT, whole(records.LARGEST - 1), bytes(8)), True),
        (head_of(INCARNATION | SENT_AT, whole(records.LARGEST), bytes(8)), False),
        (head_of(INCARNATION | SENT_AT, whole(-records.LARGEST), bytes(8)), False),
        (head_of(INCARNATION | SENT_AT, whole(5), bytes(7)), False),
        (head_of(WANT, EIGHT, b"\0"), False),
        (head_of(SENT_AT | RUN_U, whole(5), varint.pack(1), bytes(4), varint.pack(1)), False),
        (head_of(1 << len(head.USUAL)), False),
        (head_of(1), False),
        (head_of(1, EIGHT), False),
        (b"", False),
    ],
)
def test_numbers_that_no_database_keeps_and_what_is_not_whole_are_refused(content: bytes, is_taken: bool) -> None:
    assert is_refused(sealed(bytes([frame.VERSION, STATION]) + content)) != is_taken


@pytest.mark.parametrize("change", [lambda count: count + 1, lambda count: count - 1, lambda count: 0])
def test_more_or_fewer_events_than_it_says_are_refused(change: Callable[[int], int]) -> None:
    plain = packed(Message(5, NOW, {}, {"u": Run(11, WHOLE, said(4))}))[:-16]
    at = plain.index(lanes.short(WHOLE)) + lanes.SHORT_BYTES
    assert plain[at] == 4
    assert is_refused(sealed(plain[:at] + bytes([change(4)]) + plain[at + 1 :]))
