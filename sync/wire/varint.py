"""Whole numbers as bytes, seven bits each (LEB128), and a reader for what was put behind one another."""

from __future__ import annotations

from dataclasses import dataclass

# So a number that is read is below 2^63, and a database can keep it.
LONGEST = 9


def pack(number: int) -> bytes:
    """The bytes of a number that is not negative."""
    packed = bytearray()
    while number > 0x7F:
        packed.append(number & 0x7F | 0x80)
        number >>= 7
    packed.append(number)
    return bytes(packed)


def pack_whole(number: int) -> bytes:
    """The bytes of any whole number."""
    return pack(number * 2 if number >= 0 else -number * 2 - 1)


@dataclass
class Reader:
    """Reads bytes from left to right. Every method raises ValueError when they end too early."""

    content: bytes
    at: int = 0

    def number(self) -> int:
        """The next number."""
        number = 0
        for place in range(LONGEST):
            byte = self.take(1)[0]
            number |= (byte & 0x7F) << 7 * place
            if byte < 0x80:
                return number
        raise ValueError("A number is too long.")

    def whole(self) -> int:
        """The next number of those that may be negative."""
        number = self.number()
        return number // 2 if number % 2 == 0 else -(number + 1) // 2

    def take(self, count: int) -> bytes:
        """The next `count` bytes."""
        taken = self.content[self.at : self.at + count]
        if len(taken) != count:
            raise ValueError("The bytes end too early.")
        self.at += count
        return taken

    def until(self, end: bytes) -> bytes:
        """The bytes up to the next `end`, which is passed over."""
        stop = self.content.find(end, self.at)
        if stop < 0:
            raise ValueError("The bytes end too early.")
        taken = self.content[self.at : stop]
        self.at = stop + len(end)
        return taken

    def rest(self) -> bytes:
        """Everything that is left."""
        return self.take(len(self.content) - self.at)
