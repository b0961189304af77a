"""Events become columns and come back byte for byte; bytes that nobody packed do no harm."""

import dataclasses
import tracemalloc
from collections.abc import Sequence

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.training import events
from sado.sync.wire import columns, radix, records
from sado.sync.wire.columns import NO_SCHEMAS, Columns, Schemas
from sado.sync.wire.encodings import Constant, Digits, Encoding, Listed, Same, Writer
from sado.sync.wire.records import Wired

SENT_AT = events.BEGIN_MS + events.DAY_MS
# What a receiver may need for the worst content of one frame.
MOST_BYTES = 200 << 20


def as_json(value: object) -> str:
    return msgspec.json.encode(value).decode()


FIELD = st.sampled_from(["event", "at", "text", "msisdn", "place"])
CELL = st.one_of(
    st.sampled_from(["", "water", "KT-YOV", "Об нест", "+992900000001", "007.life.9", "007.life.10"]),
    st.text(max_size=12),
    st.integers(-5, 5),
    st.integers(events.BEGIN_MS, SENT_AT),
    st.integers(-(1 << 70), 1 << 70).filter(lambda number: abs(number) < 1 << 63),
)
BODY = st.one_of(st.dictionaries(FIELD, CELL, max_size=4).map(as_json), st.text(max_size=12))
EVENT = st.builds(
    Wired,
    kind=st.sampled_from(["case.opened", "case.moved", "later.kind", ""]),
    reference=st.one_of(st.sampled_from(["", "0070000012"]), st.text(max_size=12)),
    body=BODY,
    ago=st.one_of(st.integers(-9, 9), st.integers(-(1 << 50), 1 << 50)),
    slip=st.sampled_from([0, 0, 0, 5, -5_000_000]),
    id=st.sampled_from(["", "", "0123456789abcdef"]),
    hops=st.integers(0, 2),
)
EVENTS = st.lists(EVENT, max_size=12)


def crossed(said: Sequence[Wired], schemas: Schemas = NO_SCHEMAS) -> list[Wired]:
    return columns.unpack(columns.pack(said, SENT_AT, schemas), SENT_AT, schemas)


def size_of(packed: Columns) -> int:
    return len(packed.content) + len(packed.numbers)


@pytest.fixture(scope="module")
def many() -> list[Wired]:
    """Events as stations make them, of two batches."""
    maker = events.Maker(1, 400)
    return maker.batch(200) + maker.batch(200)


def test_nothing_comes_back_as_nothing() -> None:
    assert crossed([]) == []


@given(EVENTS, EVENTS)
def test_any_events_come_back_whatever_the_schemas(said: list[Wired], before: list[Wired]) -> None:
    assert crossed(said, columns.schemas_of(before)) == said


@pytest.mark.parametrize("bodies", [('{"at":5}', '{"at":"5"}', '{"at":6}'), ('{"at":"5"}', '{"at":5}', '{"at":"6"}')])
def test_a_field_that_is_now_a_text_and_now_a_number_comes_back(bodies: tuple[str, ...]) -> None:
    said = [Wired("later.kind", "", body) for body in bodies]
    assert crossed(said) == said
    for before in (said, said[1:], said[::-1]):
        assert crossed(said, columns.schemas_of(before)) == said


def test_events_of_real_stations_come_back_with_and_without_schemas(many: list[Wired]) -> None:
    assert crossed(many) == many
    assert crossed(many[200:], columns.schemas_of(many[:200])) == many[200:]


def test_most_events_of_one_exchange_come_back() -> None:
    said = [Wired("case.moved", "", as_json({"at": number})) for number in range(columns.MOST_EVENTS)]
    assert crossed(said) == said
    packed = columns.pack([*said, said[0]], SENT_AT)
    with pytest.raises(ValueError, match="More"):
        columns.unpack(packed, SENT_AT)


def test_the_time_of_an_event_is_said_once() -> None:
    # At irregular times, so that no rhythm says them.
    agos = [number * number * 7919 % 86_400_000 for number in range(50)]
    once = [Wired("case.moved", "", as_json({"at": SENT_AT - ago}), ago) for ago in agos]
    twice = [Wired("case.moved", "", as_json({"at": SENT_AT - ago - ago % 60_000}), ago) for ago in agos]
    assert size_of(columns.pack(once, SENT_AT)) < 0.7 * size_of(columns.pack(twice, SENT_AT))
    assert crossed(once) == once


def test_with_schemas_the_same_is_said_in_fewer_bytes(many: list[Wired]) -> None:
    before, after = many[:195], many[195:200]
    usual = columns.pack(after, SENT_AT, columns.schemas_of(before))
    assert size_of(usual) < 0.8 * size_of(columns.pack(after, SENT_AT))


def test_schemas_do_not_depend_on_the_order_of_what_made_them(many: list[Wired]) -> None:
    of_one_kind = [one for one in many if one.kind == "case.opened"]
    other = [one for one in many if one.kind != "case.opened"]
    first, second = columns.schemas_of(of_one_kind + other), columns.schemas_of(other + of_one_kind)
    assert list(first) == list(second)
    assert columns.pack(many, SENT_AT, first) == columns.pack(many, SENT_AT, second)


def test_what_was_packed_with_other_schemas_is_refused_or_other_events(many: list[Wired]) -> None:
    packed = columns.pack(many[200:], SENT_AT, columns.schemas_of(many[:200]))
    for schemas in (NO_SCHEMAS, columns.schemas_of(many[:3]), columns.schemas_of(many[100:200])):
        assert outcome(packed, schemas) != many[200:]


def outcome(packed: Columns, schemas: Schemas = NO_SCHEMAS) -> list[Wired] | None:
    """The events, or None where the bytes are refused; anything else fails the test."""
    try:
        return columns.unpack(packed, SENT_AT, schemas)
    except ValueError:
        return None


RUNS = [field.name for field in dataclasses.fields(Columns)]
CHANGES = st.lists(
    st.tuples(st.sampled_from(RUNS), st.integers(0, 1 << 30), st.integers(0, 255), st.sampled_from("sid")),
    min_size=1,
    max_size=4,
)


def changed(packed: Columns, changes: list[tuple[str, int, int, str]]) -> Columns:
    """The runs with bytes set, inserted or deleted."""
    for name, place, byte, how in changes:
        run = bytearray(getattr(packed, name))
        at = place % (len(run) + 1)
        run[at : at + (how != "i")] = b"" if how == "d" else bytes([byte])
        packed = dataclasses.replace(packed, **{name: bytes(run)})
    return packed


@settings(max_examples=400)
@given(CHANGES, st.booleans())
def test_changed_bytes_are_refused_or_other_events(changes: list[tuple[str, int, int, str]], has_schemas: bool) -> None:
    said = events.Maker(2, 40).batch(20)
    schemas = columns.schemas_of(said[:10]) if has_schemas else NO_SCHEMAS
    found = outcome(changed(columns.pack(said[10:], SENT_AT, schemas), changes), schemas)
    # What came out of it can be packed again: it is no worse than what a station may say.
    assert found is None or crossed(found) == found


@given(st.binary(max_size=100), st.binary(max_size=20))
def test_any_bytes_are_refused_or_events(content: bytes, numbers: bytes) -> None:
    found = outcome(Columns(content, numbers))
    assert found is None or crossed(found) == found


def test_an_encoding_of_a_later_release_is_refused() -> None:
    packed = columns.pack([Wired("case.moved", "", as_json({"at": 1}))], SENT_AT)
    assert packed.content.endswith(b"\x92\xa1c\1\0\0")
    with pytest.raises(ValueError, match="'z'"):
        columns.unpack(dataclasses.replace(packed, content=packed.content[:-4] + b"z\1\0\0"), SENT_AT)


def test_a_shape_that_is_not_known_is_refused() -> None:
    said = [Wired("case.moved", "", as_json({"at": 1}))]
    packed = columns.pack(said, SENT_AT, columns.schemas_of(said))
    with pytest.raises(ValueError, match="not known here"):
        columns.unpack(packed, SENT_AT)


@pytest.mark.parametrize("run", RUNS)
def test_something_behind_a_run_is_refused(run: str) -> None:
    packed = columns.pack([Wired("case.moved", "", as_json({"at": 1}))], SENT_AT)
    with pytest.raises(ValueError, match="."):
        columns.unpack(dataclasses.replace(packed, **{run: getattr(packed, run) + b"\0"}), SENT_AT)


def test_an_order_that_is_not_that_of_the_events_is_refused() -> None:
    said = [Wired("one", "", "{}"), Wired("two", "", "{}")]
    packed = columns.pack(said, SENT_AT)
    assert packed.numbers == radix.pack([(0, 2), (1, 2)])
    swapped = dataclasses.replace(packed, numbers=radix.pack([(1, 2), (0, 2)]))
    assert columns.unpack(swapped, SENT_AT) == said[::-1]
    with pytest.raises(ValueError, match="in the order"):
        columns.unpack(dataclasses.replace(packed, numbers=radix.pack([(1, 2), (1, 2)])), SENT_AT)


# Few bytes that say much: each is refused, or stays small.


EMPTY, ZERO = Listed([""]), Constant(0)
META: list[Encoding] = [ZERO, EMPTY, ZERO, ZERO, EMPTY]


def written(fields: tuple[str, ...], encodings_of_fields: list[Encoding], text: bytes = b"", parts: int = 1) -> Columns:
    """Shapes that are written in full, with as many events as may be."""
    out = Writer()
    out.number(parts)
    for _ in range(parts):
        out.number(columns.MOST_EVENTS)
        out.number(0)
        out.struct(records.Shape("kind", fields))
        out.struct([*META, *encodings_of_fields])
    return Columns(bytes(out.content) + text, b"")


def listed(size: int) -> Columns:
    """One long text, listed once and meant by every event."""
    return written(("text",), [Listed(["a" * size])])


def prefixed(size: int) -> Columns:
    """One long prefix of every number."""
    return dataclasses.replace(written(("text",), [Digits("a" * size, 1)]), numbers=bytes(10**4))


def wide(fields: int) -> Columns:
    """Very many fields, each a constant."""
    return written(tuple(map(str, range(fields))), [ZERO] * fields)


def parted(parts: int) -> Columns:
    """Very many shapes, each with very many events."""
    return written(("0",), [ZERO], parts=parts)


def same(fields: int, size: int = 1000) -> Columns:
    """One long text, and many fields that equal it."""
    return written(tuple(map(str, range(fields))), [Listed(["a" * size]), *[Same(5)] * (fields - 1)])


@pytest.mark.parametrize(
    "packed",
    [
        listed(1 << 20),
        prefixed(1 << 20),
        wide(300_000),
        wide(records.MOST_FIELDS + 1),
        parted(columns.MOST_EVENTS),
        same(50),
    ],
    ids=["listed", "prefixed", "wide", "one too wide", "parted", "same"],
)
def test_few_bytes_cannot_fill_the_memory(packed: Columns) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match="."):
            columns.unpack(packed, SENT_AT)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < MOST_BYTES


@pytest.mark.parametrize(
    "packed", [listed(10), wide(3), parted(1), same(2, 10)], ids=["listed", "wide", "parted", "same"]
)
def test_the_same_content_in_an_ordinary_size_is_read(packed: Columns) -> None:
    assert len(columns.unpack(packed, SENT_AT)) == columns.MOST_EVENTS


def test_a_time_that_is_a_text_is_refused() -> None:
    zero, empty = written(("0",), [ZERO]), written(("0",), [ZERO])
    assert columns.unpack(zero, SENT_AT)
    zeros, texts = (msgspec.msgpack.encode(encoding) for encoding in (ZERO, EMPTY))
    content = empty.content.replace(zeros, texts, 1)
    at = content.index(texts) - 2
    content = content[:at] + bytes([content[at] + len(texts) - len(zeros)]) + content[at + 1 :]
    with pytest.raises(ValueError, match="time is a number"):
        columns.unpack(Columns(content, b""), SENT_AT)


def test_too_few_encodings_and_too_many_are_refused() -> None:
    for change in ([], [ZERO, ZERO]):
        with pytest.raises(ValueError, match="."):
            columns.unpack(written(("0",), list(change)), SENT_AT)
    assert columns.unpack(written(("0",), [ZERO]), SENT_AT)
