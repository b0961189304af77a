"""Whole numbers take as many bytes as they need, and a reader never reads past the end."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sado.sync.wire import varint
from sado.sync.wire.varint import Reader

MOST = (1 << 63) - 1


@pytest.mark.parametrize(
    ("number", "size"),
    [(0, 1), (1, 1), (127, 1), (128, 2), (16_383, 2), (16_384, 3), (1_800_000_000_000, 6), (MOST, 9)],
)
def test_a_number_takes_seven_bits_a_byte(number: int, size: int) -> None:
    packed = varint.pack(number)
    assert len(packed) == size
    assert Reader(packed).number() == number


@pytest.mark.parametrize(("number", "size"), [(0, 1), (-1, 1), (63, 1), (-64, 1), (64, 2), (-65, 2)])
def test_a_number_that_may_be_negative_takes_one_bit_more(number: int, size: int) -> None:
    packed = varint.pack_whole(number)
    assert len(packed) == size
    assert Reader(packed).whole() == number


@given(st.lists(st.integers(0, MOST)))
def test_numbers_behind_one_another_come_back_in_order(numbers: list[int]) -> None:
    reader = Reader(b"".join(varint.pack(number) for number in numbers))
    assert [reader.number() for _ in numbers] == numbers
    assert reader.rest() == b""


@given(st.integers(-(1 << 62), (1 << 62) - 1))
def test_any_whole_number_comes_back(number: int) -> None:
    assert Reader(varint.pack_whole(number)).whole() == number


def test_a_number_that_no_database_keeps_is_refused() -> None:
    with pytest.raises(ValueError, match="too long"):
        Reader(varint.pack(MOST + 1)).number()


@pytest.mark.parametrize("packed", [b"\x80" * 9, b"\xff" * 1000, b"\x80" * 9 + b"\0"])
def test_a_number_without_end_is_refused(packed: bytes) -> None:
    with pytest.raises(ValueError, match="too long"):
        Reader(packed).number()


@pytest.mark.parametrize("size", range(9))
def test_a_number_that_is_cut_is_refused(size: int) -> None:
    with pytest.raises(ValueError, match="too early"):
        Reader(varint.pack(MOST)[:size]).number()


@pytest.mark.parametrize("count", [4, 5, MOST])
def test_more_than_there_is_cannot_be_taken_and_then_nothing_is(count: int) -> None:
    reader = Reader(b"abc")
    with pytest.raises(ValueError, match="too early"):
        reader.take(count)
    assert reader.take(3) == b"abc"


def test_what_ends_with_a_mark_is_read_up_to_it() -> None:
    reader = Reader(b"ab\0\0c")
    assert [reader.until(b"\0"), reader.until(b"\0")] == [b"ab", b""]
    with pytest.raises(ValueError, match="too early"):
        reader.until(b"\0")
    assert reader.rest() == b"c"
    assert reader.rest() == b""
