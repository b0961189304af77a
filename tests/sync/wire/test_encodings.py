"""A column is written in the encoding that suits its values, and read as it was."""

import os
from collections.abc import Sequence

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sado.sync.wire import encodings, radix, records, text, varint
from sado.sync.wire.encodings import (
    Column,
    Constant,
    Digits,
    Encoding,
    Integers,
    Listed,
    Numbered,
    Reader,
    Same,
    Texts,
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


def written(encoding: Encoding, column: Column) -> Writer:
    out = Writer()
    out.struct(encoding)
    encoding.encode(column, out)
    return out


def read(out: Writer, count: int, earlier: Sequence[Column] = ()) -> tuple[Encoding, Column]:
    """The encoding that was written, and the column."""
    reader = Reader(bytes(out.content), radix.pack(out.digits))
    encoding: Encoding = reader.struct(Encoding)
    column = encoding.decode(reader, count, earlier)
    reader.close()
    return encoding, column


@given(ANY_COLUMN, st.lists(ANY_COLUMN, max_size=3))
def test_any_column_is_read_as_it_was_written(column: Column, earlier: list[Column]) -> None:
    encoding = encodings.cheapest(column, earlier)
    assert encoding.fits(column, earlier)
    assert read(written(encoding, column), len(column), earlier) == (encoding, column)


PHONES = [f"+99290{number:07}" for number in range(0, 5_000_000, 123_456)]
STEADY = [1_800_000_000_000 + 400 * number for number in range(40)]


@pytest.mark.parametrize(
    ("column", "encoding"),
    [
        ([7, 7, 7], Constant(7)),
        ([-7], Constant(-7)),
        ([0, 1], Integers()),
        (STEADY, Integers()),
        (PHONES, Digits("+99290", 7)),
        (["+992900000001"], Digits("+", 12)),
        (["007000001", "007000002"], Digits("", 9)),
        (["Об нест"], Texts()),
        (["Об нест", "Об нест"], Listed(["Об нест"])),
        (["7.life.9", "7.life.10", "7.life.11"], Numbered("7.life.")),
        (["", ""], Listed([""])),
        (["water", "roads", "water"] * 9, Listed(["roads", "water"])),
        (["Об нест", "Роҳ вайрон аст"], Texts()),
        (["a1", "a01"], Texts()),
    ],
)
def test_the_encoding_suits_the_values(column: Column, encoding: Encoding) -> None:
    assert encodings.cheapest(column, []) == encoding
    assert read(written(encoding, column), len(column)) == (encoding, column)


def test_what_equals_an_earlier_column_is_not_written() -> None:
    words = ["Об нест", "Роҳ вайрон аст"]
    assert encodings.cheapest(words, [[1, 2], words]) == Same(1)
    out = written(Same(1), words)
    assert (len(out.content), out.digits) == (len(written(Same(0), [1]).content), [])
    assert read(out, 2, [[1, 2], words]) == (Same(1), words)


def test_steps_that_vary_less_than_the_values_take_their_place() -> None:
    steady, leaping = written(Integers(), STEADY), written(Integers(), [0, 1 << 40] * 20)
    assert not radix.pack(steady.digits)
    assert len(leaping.digits) == 40


@pytest.mark.parametrize(
    ("encoding", "column"),
    [
        (Constant(1), [1, 2]),
        (Constant(1), ["1"]),
        (Integers(), ["1"]),
        (Digits("+", 3), ["+123", "+12"]),
        (Digits("+", 3), ["+12x"]),
        (Digits("+", 3), ["-123"]),
        (Digits("+", 3), ["+\N{SUPERSCRIPT TWO}12"]),
        (Digits("+", 3), [123]),
        (Numbered("7."), ["7.01"]),
        (Numbered("7."), ["7."]),
        (Numbered("7."), ["8.1"]),
        (Numbered("7."), ["7." + "1" * 19]),
        (Numbered("7."), [7]),
        (Listed(["a"]), ["b"]),
        (Listed(["a"]), [1]),
        (Texts(), [1]),
        (Same(0), ["5"]),
    ],
)
def test_an_encoding_that_was_usual_is_left_where_it_does_not_fit(encoding: Encoding, column: Column) -> None:
    assert not encoding.fits(column, [[5]])


@pytest.mark.parametrize(
    ("encoding", "column"),
    [
        (Constant(1), [1, 1]),
        (Integers(), [1, -1]),
        (Digits("+", 3), ["+123", "+000"]),
        (Numbered("7.", 5), ["7.0", "7." + "9" * 18]),
        (Listed(["a", "b"]), ["b", "b"]),
        (Texts(), ["", "a"]),
        (Same(0), [5]),
    ],
)
def test_an_encoding_fits_what_it_can_write(encoding: Encoding, column: Column) -> None:
    assert encoding.fits(column, [[5]])


def reader_of(content: bytes, numbers: bytes = b"") -> Reader:
    return Reader(content, numbers)


def packed(*fields: object) -> bytes:
    """Any structure as `Writer.struct` writes one."""
    content = msgspec.msgpack.encode(fields)
    return varint.pack(len(content)) + content


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\0",
        b"\1c",
        packed(),
        packed("z"),
        packed("s"),
        packed("s", -1),
        packed("s", "0"),
        packed("c", "1"),
        packed("d", "+", 0),
        packed("d", "+", encodings.MOST_DIGITS + 1),
        packed("d", "+" * (encodings.LONGEST_PREFIX + 1), 1),
        packed("n", "+" * (encodings.LONGEST_PREFIX + 1), 0),
        packed("l", []),
        packed("l", [1]),
        packed("t")[:-1],
    ],
)
def test_an_encoding_of_a_later_release_or_without_sense_is_refused(content: bytes) -> None:
    with pytest.raises(ValueError, match="."):
        reader_of(content).struct(Encoding)


@pytest.mark.parametrize(
    "encoding",
    [
        Same(2),
        Constant(-(1 << 62)),
        Integers(),
        Digits("+" * encodings.LONGEST_PREFIX, encodings.MOST_DIGITS),
        Numbered("+" * encodings.LONGEST_PREFIX, 5),
        Listed(["об"]),
        Texts(),
    ],
)
def test_the_encodings_of_this_release_are_known(encoding: Encoding) -> None:
    out = Writer()
    out.struct(encoding)
    assert reader_of(bytes(out.content)).struct(Encoding) == encoding


def test_a_column_that_comes_later_is_refused() -> None:
    assert Same(0).decode(reader_of(b""), 1, [[5]]) == [5]
    with pytest.raises(ValueError, match="later"):
        Same(1).decode(reader_of(b""), 1, [[5]])


def test_numbers_without_a_size_are_refused() -> None:
    assert Integers().decode(reader_of(b"\2\0"), 1, []) == [0]
    with pytest.raises(ValueError, match="no size"):
        Integers().decode(reader_of(b"\0\0"), 1, [])


def test_a_prefix_is_cut_where_it_would_be_too_long() -> None:
    column = [f"{'0' * 100}{number}" for number in range(5)]
    assert len(os.path.commonprefix(column)) > encodings.LONGEST_PREFIX
    encoding = encodings.cheapest(column, [])
    assert read(written(encoding, column), len(column)) == (encoding, column)


def test_text_that_ends_too_early_is_refused() -> None:
    content = text.pack("об") + text.END
    assert Texts().decode(reader_of(content), 1, []) == ["об"]
    with pytest.raises(ValueError, match="too early"):
        Texts().decode(reader_of(content[:-1]), 1, [])
