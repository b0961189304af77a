"""Numbers take as many bits as they have, and no more."""

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sado.sync.wire import radix

DIGITS = st.integers(1, 1 << 64).flatmap(lambda size: st.tuples(st.integers(0, size - 1), st.just(size)))


def sizes(digits: list[tuple[int, int]]) -> list[int]:
    return [size for _, size in digits]


def values(digits: list[tuple[int, int]]) -> list[int]:
    return [value for value, _ in digits]


def unpacked(packed: bytes, sizes: list[int]) -> list[int]:
    reader = radix.Reader(packed)
    found = [number for size in sizes for number in reader.take(1, size)]
    reader.close()
    return found


@given(st.lists(DIGITS, max_size=200))
def test_any_numbers_come_back(digits: list[tuple[int, int]]) -> None:
    assert unpacked(radix.pack(digits), sizes(digits)) == values(digits)


@pytest.mark.parametrize(
    ("digits", "size"),
    [
        ([], 0),
        ([(0, 1)], 0),
        ([(0, 1)] * 5000, 0),
        ([(1, 2)], 1),
        ([(1, 2)] * 8, 1),
        ([(1, 2)] * 9, 2),
        ([(255, 256)], 1),
        ([(255, 257)], 2),
        ([(256, 257)], 2),
        ([(59, 60), (999_999_999, 10**9)], 5),
    ],
)
def test_they_take_the_bits_that_they_have(digits: list[tuple[int, int]], size: int) -> None:
    packed = radix.pack(digits)
    assert len(packed) == size
    assert unpacked(packed, sizes(digits)) == values(digits)


@pytest.mark.parametrize("count", [2047, 2048, 2049, 2050, 4096, 4097, 4099])
def test_a_long_list_is_cut_into_blocks_at_any_length(count: int) -> None:
    chance = random.Random(count)
    digits = [(chance.randrange(2), 2) for _ in range(count)]
    assert unpacked(radix.pack(digits), sizes(digits)) == values(digits)


def test_the_blocks_cost_less_than_a_byte_in_a_hundred() -> None:
    digits = [(number, 1000) for number in range(1000)]
    assert len(radix.pack(digits)) < 1.01 * 1000 * math.log2(1000) / 8


@given(st.binary(max_size=40), st.lists(st.integers(1, 1000), max_size=40))
def test_hostile_bytes_are_numbers_within_their_sizes_or_refused(packed: bytes, said: list[int]) -> None:
    try:
        found = unpacked(packed, said)
    except ValueError:
        return
    assert all(0 <= value < size for value, size in zip(found, said, strict=True))


@pytest.mark.parametrize("packed", [b"", b"\x01", b"\x01\x02\x03"])
def test_another_number_of_bytes_is_refused(packed: bytes) -> None:
    assert unpacked(b"\x01\x02", [256, 256]) == [1, 2]
    with pytest.raises(ValueError, match="another number of bytes"):
        unpacked(packed, [256, 256])


def test_bytes_behind_a_full_block_are_refused() -> None:
    digits = [(number, 256) for number in range(radix.BLOCK_BYTES)]
    packed = radix.pack(digits)
    assert (len(packed), unpacked(packed, sizes(digits))) == (radix.BLOCK_BYTES, values(digits))
    with pytest.raises(ValueError, match="another number of bytes"):
        unpacked(packed + b"\0", sizes(digits))
