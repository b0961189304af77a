"""Numbers in as few bits as they have: each is below a size, and is one digit of a large number.

A phone number is one of 10^9 and takes 29.9 bits, a district one of 60 and takes 5.9: as digits of one number, each in
the base that is its size, nothing is lost to whole bytes. A compressor could only make them larger. A block holds as
many digits as its 256 bytes have room for, the first digit the least, the least byte first; the last block is as short
as its digits allow.
"""

from __future__ import annotations

from collections.abc import Iterable

BLOCK_BYTES = 256
# To divide a longer number again and again would cost the square.
BLOCK = 1 << 8 * BLOCK_BYTES


def pack(digits: Iterable[tuple[int, int]]) -> bytes:
    """The bytes of these numbers, each with its size."""
    packed = bytearray()
    block, capacity = 0, 1
    for number, size in digits:
        if capacity * size > BLOCK:
            packed += block.to_bytes(BLOCK_BYTES, "little")
            block, capacity = 0, 1
        block, capacity = block + number * capacity, capacity * size
    return bytes(packed) + block.to_bytes(_bytes_for(capacity), "little")


class Reader:
    """Reads numbers in the order in which they were packed."""

    def __init__(self, packed: bytes) -> None:
        self._packed = packed
        self._at = 0
        self._block: int
        self._capacity: int
        self._begin()

    def take(self, count: int, size: int) -> list[int]:
        """The next `count` numbers, all below `size`, which is at least 1."""
        numbers = []
        for _ in range(count):
            if self._capacity * size > BLOCK:
                self._begin()
            self._capacity *= size
            self._block, number = divmod(self._block, size)
            numbers.append(number)
        return numbers

    def close(self) -> None:
        """Raises ValueError unless the bytes are those of the numbers that were taken."""
        if self._at < len(self._packed) or self._length != _bytes_for(self._capacity):
            raise ValueError("The numbers take another number of bytes.")

    def _begin(self) -> None:
        block = self._packed[self._at : self._at + BLOCK_BYTES]
        self._at += BLOCK_BYTES
        self._block = int.from_bytes(block, "little")
        self._length = len(block)
        self._capacity = 1


def _bytes_for(capacity: int) -> int:
    return ((capacity - 1).bit_length() + 7) // 8
