"""Numbers in as few bits as they have: a list of (value, how many values there could be) as mixed-radix integers.

A phone number is one of 10^9 and takes 29.9 bits, a district one of 60 and takes 5.9: packed one after the other as
the digits of one big integer, nothing is lost to whole bytes. A compressor could only make them larger.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

# A group is closed when it has grown so large: dividing a very long integer again and again costs the square.
GROUP = 1 << 2048


def pack(digits: Iterable[tuple[int, int]]) -> bytes:
    """The bytes of these (value, radix); each value is below its radix."""
    packed = bytearray()
    number, size = 0, 1
    for value, radix in digits:
        number, size = number + value * size, size * radix
        if size > GROUP:
            packed += number.to_bytes(_bytes_for(size), "little")
            number, size = 0, 1
    return bytes(packed) + number.to_bytes(_bytes_for(size), "little")


def unpack(packed: bytes, radices: Sequence[int]) -> Iterator[int]:
    """The values that were packed with these radices. Raises ValueError when the bytes are not as many as it takes."""
    at = 0
    for group in _groups(radices):
        size = 1
        for radix in group:
            size *= radix
        number = int.from_bytes(packed[at : at + _bytes_for(size)], "little")
        at += _bytes_for(size)
        for radix in group:
            number, value = divmod(number, radix)
            yield value
    if at != len(packed):
        raise ValueError("The numbers take another number of bytes.")


def _groups(radices: Sequence[int]) -> Iterator[list[int]]:
    group: list[int] = []
    size = 1
    for radix in radices:
        group.append(radix)
        size *= radix
        if size > GROUP:
            yield group
            group, size = [], 1
    yield group


def _bytes_for(size: int) -> int:
    return ((size - 1).bit_length() + 7) // 8
