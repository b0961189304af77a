"""The encodings of a column: what is a number becomes one, what repeats is listed once, what equals an earlier column
is not written at all, and the rest is text.

An encoding is a tag with its parameters, which are written only where the reader does not know them already
(sync/wire/columns.py). The values then go to two streams: `numbers`, in as few bits as they have (sync/wire/radix.py),
and `content`, which is compressed. docs/wire.md shows the bytes of each.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Annotated, Any

import msgspec

from sado.sync.wire import radix, text, varint

# Texts or whole numbers, never both.
Column = list[Any]

MOST_DIGITS = 18
NUMERAL = re.compile(r"0|[1-9][0-9]{0,17}")
# A prefix stands in each value of its column: a few bytes must not fill the memory.
LONGEST_PREFIX = 64
# What a letter of text costs after the compressor, about; a choice between encodings needs no more.
LETTER_COST = 0.4
# No list is longer than the column that it is made of.
MOST_LISTED = 4096
# Of so few numbers the first digits are the same by chance.
FEW = 10

Prefix = Annotated[str, msgspec.Meta(max_length=LONGEST_PREFIX)]


@dataclass
class Writer:
    """The two streams, as they grow."""

    content: bytearray = field(default_factory=bytearray)
    digits: list[tuple[int, int]] = field(default_factory=list)

    def number(self, number: int) -> None:
        """A number that is not negative, in the content."""
        self.content += varint.pack(number)

    def whole(self, number: int) -> None:
        """Any whole number, in the content."""
        self.content += varint.pack_whole(number)

    def struct(self, struct: Any) -> None:
        """A structure in msgpack behind its length, in the content."""
        packed = msgspec.msgpack.encode(struct)
        self.content += varint.pack(len(packed)) + packed

    def texts(self, values: Iterable[str]) -> None:
        """Texts, each with its end, in the content."""
        for value in values:
            self.content += text.pack(value) + text.END

    def numbers(self, values: Iterable[int], size: int) -> None:
        """Numbers from 0 up to below `size`, in the numbers."""
        self.digits += [(value, size) for value in values]


class Reader(varint.Reader):
    """Reads what a Writer wrote, in the same order. Every method raises ValueError where it cannot."""

    def __init__(self, content: bytes, numbers: bytes) -> None:
        super().__init__(content)
        self._numbers = radix.Reader(numbers)

    def struct(self, kind: Any) -> Any:
        """A structure of this type."""
        return msgspec.msgpack.decode(self.take(self.number()), type=kind)

    def texts(self, count: int) -> list[str]:
        """So many texts."""
        return [text.unpack(self.until(text.END)) for _ in range(count)]

    def numbers(self, count: int, size: int) -> list[int]:
        """So many numbers below `size`."""
        return self._numbers.take(count, size)

    def close(self) -> None:
        """Raises ValueError unless both streams were read to their ends."""
        self._numbers.close()
        if self.rest():
            raise ValueError("There is more than the columns that it says.")


class _Encoding(msgspec.Struct, frozen=True, array_like=True):
    """Each has three methods: `fits` says whether it can write a column (`earlier` are those before it), `encode`
    writes one that fits, and `decode` reads so many values, or raises ValueError."""


class Same(_Encoding, frozen=True, tag="s"):
    """The values of an earlier column, which are not written."""

    at: Annotated[int, msgspec.Meta(ge=0)]

    def fits(self, column: Column, earlier: Sequence[Column]) -> bool:
        """Whether it equals the earlier one."""
        return column == earlier[self.at]

    def encode(self, column: Column, out: Writer) -> None:
        """Nothing."""

    def decode(self, reader: Reader, count: int, earlier: Sequence[Column]) -> Column:
        """The earlier one."""
        if self.at >= len(earlier):
            raise ValueError("A column cannot be as one that comes later.")
        return earlier[self.at]


class Constant(_Encoding, frozen=True, tag="c"):
    """One number, always, which is not written again."""

    value: int

    def fits(self, column: Column, earlier: Sequence[Column]) -> bool:
        """Whether all are that number."""
        return set(column) == {self.value}

    def encode(self, column: Column, out: Writer) -> None:
        """Nothing."""

    def decode(self, reader: Reader, count: int, earlier: Sequence[Column]) -> Column:
        """The number, as often."""
        return [self.value] * count


class Integers(_Encoding, frozen=True, tag="i"):
    """Whole numbers: by how much each is above the least; or the first, and by how much each step is above the least
    step, where steps differ less."""

    def fits(self, column: Column, earlier: Sequence[Column]) -> bool:
        """Whether they are whole numbers."""
        return type(column[0]) is int

    def encode(self, column: Column, out: Writer) -> None:
        """Content: twice the size, plus one for steps; the least; the first before steps. Numbers: the rest."""
        steps = [after - before for before, after in zip(column, column[1:], strict=False)]
        has_steps = bool(steps) and max(steps) - min(steps) < max(column) - min(column)
        values = steps if has_steps else column
        least, size = min(values), max(values) - min(values) + 1
        out.number(size * 2 + has_steps)
        out.whole(least)
        if has_steps:
            out.whole(column[0])
        out.numbers((value - least for value in values), size)

    def decode(self, reader: Reader, count: int, earlier: Sequence[Column]) -> Column:
        """The sums."""
        size, has_steps = divmod(reader.number(), 2)
        if not size:
            raise ValueError("A number has no size.")
        least = reader.whole()
        if not has_steps:
            return [least + number for number in reader.numbers(count, size)]
        steps = (least + number for number in reader.numbers(count - 1, size))
        return list(accumulate(steps, initial=reader.whole()))


class Digits(_Encoding, frozen=True, tag="d"):
    """Texts that are a prefix and so many digits."""

    prefix: Prefix
    width: Annotated[int, msgspec.Meta(ge=1, le=MOST_DIGITS)]

    def fits(self, column: Column, earlier: Sequence[Column]) -> bool:
        """Whether all are so."""
        pattern = re.compile(rf"{re.escape(self.prefix)}[0-9]{{{self.width}}}")
        return type(column[0]) is str and all(map(pattern.fullmatch, column))

    def encode(self, column: Column, out: Writer) -> None:
        """Numbers: the digits of each."""
        out.numbers((int(value[len(self.prefix) :]) for value in column), 10**self.width)

    def decode(self, reader: Reader, count: int, earlier: Sequence[Column]) -> Column:
        """The prefix before each, with leading zeros."""
        return [f"{self.prefix}{number:0{self.width}}" for number in reader.numbers(count, 10**self.width)]


class Numbered(_Encoding, frozen=True, tag="n"):
    """Texts that are a prefix and a number, without leading zeros, which is counted from `last`."""

    prefix: Prefix
    last: int = 0

    def fits(self, column: Column, earlier: Sequence[Column]) -> bool:
        """Whether all are so."""
        return type(column[0]) is str and all(
            value.startswith(self.prefix) and NUMERAL.fullmatch(value, len(self.prefix)) for value in column
        )

    def encode(self, column: Column, out: Writer) -> None:
        """How far each is from the last, as Integers."""
        Integers().encode([int(value[len(self.prefix) :]) - self.last for value in column], out)

    def decode(self, reader: Reader, count: int, earlier: Sequence[Column]) -> Column:
        """The prefix before each."""
        return [f"{self.prefix}{self.last + number}" for number in Integers().decode(reader, count, earlier)]


class Listed(_Encoding, frozen=True, tag="l"):
    """Texts of which there are few different ones."""

    values: Annotated[list[str], msgspec.Meta(min_length=1, max_length=MOST_LISTED)]

    def fits(self, column: Column, earlier: Sequence[Column]) -> bool:
        """Whether all are in the list."""
        return set(column) <= set(self.values)

    def encode(self, column: Column, out: Writer) -> None:
        """Numbers: the place of each in the list."""
        places = {value: place for place, value in enumerate(self.values)}
        out.numbers((places[value] for value in column), len(self.values))

    def decode(self, reader: Reader, count: int, earlier: Sequence[Column]) -> Column:
        """What stands at each place."""
        return [self.values[place] for place in reader.numbers(count, len(self.values))]


class Texts(_Encoding, frozen=True, tag="t"):
    """Texts as they are."""

    def fits(self, column: Column, earlier: Sequence[Column]) -> bool:
        """Whether they are texts."""
        return type(column[0]) is str

    def encode(self, column: Column, out: Writer) -> None:
        """Content: the texts."""
        out.texts(column)

    def decode(self, reader: Reader, count: int, earlier: Sequence[Column]) -> Column:
        """The texts."""
        return reader.texts(count)


Encoding = Same | Constant | Integers | Digits | Numbered | Listed | Texts


def cheapest(column: Column, earlier: Sequence[Column]) -> Encoding:
    """The encoding that writes this column in the fewest bytes, about. Both sides choose alike for a shared history:
    whoever changes this changes the version of the frame."""
    if any(column) and column in earlier:
        return Same(earlier.index(column))
    if type(column[0]) is int:
        return Constant(column[0]) if len(set(column)) == 1 else Integers()
    values = sorted(set(column))
    listed = sum(len(value.encode()) + 1 for value in values) * LETTER_COST + _bytes(len(column), len(values))
    written = sum(len(value) + 1 for value in column) * LETTER_COST
    prefix = os.path.commonprefix(column)[:LONGEST_PREFIX]
    before_digits = prefix.rstrip("0123456789")
    digits = _digits(column, before_digits if len(column) < FEW else prefix)
    if digits and _bytes(len(column), 10**digits.width) < min(listed, written):
        return digits
    if len(values) > 1 and (numbered := Numbered(before_digits)).fits(column, ()):
        return numbered
    return Listed(values) if listed < written else Texts()


def _digits(column: Column, prefix: str) -> Digits | None:
    digits = Digits(prefix, len(column[0]) - len(prefix))
    return digits if 0 < digits.width <= MOST_DIGITS and digits.fits(column, ()) else None


def _bytes(count: int, size: int) -> float:
    return count * math.log2(size) / 8
