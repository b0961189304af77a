"""A column is said in the way that suits its values, and heard as it was."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sado.sync.wire import encodings, radix, records, varint
from sado.sync.wire import text as letters
from sado.sync.wire.encodings import (
    Column,
    Constant,
    Counted,
    Listed,
    Numerals,
    Reader,
    Same,
    Text,
    Time,
    Way,
    Whole,
    Writer,
)

# A column is all texts or all whole numbers, as the columns of events are.
COUNT = st.shared(st.integers(1, 30), key="count")
NUMBER = st.one_of(st.integers(-3, 3), st.integers(1 - records.LARGEST, records.LARGEST - 1))
WORD = st.one_of(
    st.text(max_size=20),
    st.integers(0, 10**18).map(lambda number: f"7.{number}"),
    st.integers(0, 10**9 - 1).map(lambda number: f"+992{number:09}"),
    st.sampled_from(["water", "roads", ""]),
)


def columns_of(one: st.SearchStrategy[int] | st.SearchStrategy[str]) -> st.SearchStrategy[Column]:
    return COUNT.flatmap(lambda count: st.lists(one, min_size=count, max_size=count))


ANY_COLUMN = st.one_of(columns_of(NUMBER), columns_of(WORD))


def said(way: Way, column: Column) -> Writer:
    out = Writer()
    out.plan += way.letter
    way.declare(out)
    way.say(out, column)
    return out


def heard(out: Writer, count: int, earlier: Sequence[Column] = (), times: Column = ()) -> tuple[Way, Column]:
    """The way that was declared, and the column."""
    reader = Reader(varint.Reader(bytes(out.plan)), varint.Reader(bytes(out.text)))
    way = encodings.declared(reader, len(earlier))
    finish = way.hear(reader, count)
    numbers = list(radix.unpack(radix.pack(out.digits), reader.sizes))
    assert (reader.plan.rest(), reader.text.rest()) == (b"", b"")
    return way, list(finish(numbers, list(earlier), times))


def size_of(out: Writer) -> int:
    return len(out.plan) + len(out.text) + len(radix.pack(out.digits))


@given(ANY_COLUMN, st.lists(ANY_COLUMN, max_size=3), columns_of(NUMBER))
def test_any_column_is_heard_as_it_was_said(column: Column, earlier: list[Column], times: Column) -> None:
    way = encodings.cheapest(column, earlier, times)
    assert way.fits(column, earlier, times)
    assert heard(said(way, column), len(column), earlier, times) == (way, list(column))


PHONES = [f"+99290{number:07}" for number in range(0, 5_000_000, 123_456)]
STEADY = [1_800_000_000_000 + 400 * number for number in range(40)]


@pytest.mark.parametrize(
    ("column", "way"),
    [
        ([7, 7, 7], Constant(7)),
        ([-7], Constant(-7)),
        ([0, 1], Whole()),
        (STEADY, Whole()),
        (PHONES, Numerals("+99290", 7)),
        (["+992900000001"], Numerals("+", 12)),
        (["007000001", "007000002"], Text()),
        (["7.life.9", "7.life.10", "7.life.11"], Counted("7.life.")),
        (["", ""], Listed(("",))),
        (["water", "roads", "water"] * 9, Listed(("roads", "water"))),
        (["Об нест", "Роҳ вайрон аст"], Text()),
        (["a1", "a01"], Text()),
    ],
)
def test_the_way_suits_the_values(column: Column, way: Way) -> None:
    assert encodings.cheapest(column, [], ()) == way
    assert heard(said(way, column), len(column)) == (way, column)


def test_what_equals_another_column_is_not_said() -> None:
    words, times = ["Об нест", "Роҳ вайрон аст"], [5, 9]
    assert encodings.cheapest(words, [[1, 2], words], times) == Same(1)
    assert encodings.cheapest(times, [times], times) == Time()
    for way, column in ((Same(1), words), (Time(), times)):
        assert size_of(said(way, column)) <= 2
        assert heard(said(way, column), 2, [[1, 2], words], times) == (way, column)


def test_steps_that_vary_less_than_the_values_take_their_place() -> None:
    steady, leaping = said(Whole(), STEADY), said(Whole(), [0, 1 << 40] * 20)
    assert not radix.pack(steady.digits)
    assert len(leaping.digits) == 40


@pytest.mark.parametrize(
    ("way", "column"),
    [
        (Constant(1), [1, 2]),
        (Constant(1), ["1"]),
        (Constant(1), [True]),
        (Whole(), [1, "1"]),
        (Numerals("+", 3), ["+123", "+12"]),
        (Numerals("+", 3), ["+12x"]),
        (Numerals("+", 3), ["-123"]),
        (Numerals("+", 3), ["+\N{SUPERSCRIPT TWO}12"]),
        (Numerals("+", 3), [123]),
        (Counted("7."), ["7.01"]),
        (Counted("7."), ["7."]),
        (Counted("7."), ["8.1"]),
        (Counted("7."), ["7." + "1" * 19]),
        (Counted("7."), [7]),
        (Listed(("a",)), ["b"]),
        (Listed(("a",)), [1]),
        (Text(), [1]),
        (Time(), ["5"]),
    ],
)
def test_a_way_that_was_usual_is_left_where_it_does_not_fit(way: Way, column: Column) -> None:
    assert not way.fits(column, [], [5])


@pytest.mark.parametrize(
    ("way", "column"),
    [
        (Constant(1), [1, 1]),
        (Whole(), [1, -1]),
        (Numerals("+", 3), ["+123", "+000"]),
        (Counted("7.", 5), ["7.0", "7." + "9" * 18]),
        (Listed(("a", "b")), ["b", "b"]),
        (Text(), ["", "a"]),
        (Time(), [5]),
    ],
)
def test_a_way_fits_what_it_can_say(way: Way, column: Column) -> None:
    assert way.fits(column, [], [5])


def plan(*parts: bytes | int) -> bytes:
    return b"".join(part if isinstance(part, bytes) else varint.pack(part) for part in parts)


def reader_of(content: bytes, text: bytes = b"") -> Reader:
    return Reader(varint.Reader(content), varint.Reader(text))


@pytest.mark.parametrize(
    "declaration",
    [
        b"",
        b"z",
        plan(b"s", 3),
        plan(b"n", 0),
        plan(b"n", encodings.WIDEST + 1),
        plan(b"n", 1 << 62),
        plan(b"e", encodings.MOST + 1),
        plan(b"e", 2),
        b"c",
    ],
)
def test_a_way_of_a_later_release_or_without_sense_is_refused(declaration: bytes) -> None:
    with pytest.raises(ValueError, match="."):
        encodings.declared(reader_of(declaration, b"one\0"), 3)


@pytest.mark.parametrize(
    "declaration", [b"a", b"i", b"t", plan(b"s", 2), plan(b"n", encodings.WIDEST), plan(b"e", 1), b"c\2"]
)
def test_the_ways_of_this_release_are_known(declaration: bytes) -> None:
    assert encodings.declared(reader_of(declaration, b"one\0"), 3).letter == declaration[:1]


def test_a_list_of_nothing_has_no_values() -> None:
    with pytest.raises(ValueError, match="no size"):
        Listed(()).hear(reader_of(b""), 1)


@pytest.mark.parametrize("way", [Numerals("a" * 1000, 1), Counted("a" * 1000)])
def test_a_long_head_cannot_be_repeated_without_end(way: Way) -> None:
    content = plan(2, 0)
    way.hear(reader_of(content), encodings.MOST_LETTERS // 1000)
    with pytest.raises(ValueError, match="too large"):
        way.hear(reader_of(content), encodings.MOST_LETTERS // 1000 + 1)


def test_text_that_ends_too_early_is_refused() -> None:
    assert Text().hear(reader_of(b"", letters.pack("об") + letters.END), 1)([], [], ()) == ["об"]
    with pytest.raises(ValueError, match="too early"):
        Text().hear(reader_of(b"", letters.pack("об")), 1)
    with pytest.raises(ValueError, match="too early"):
        encodings.declared(reader_of(b"v", b"7."), 3)
