"""The ways to say a column: what is a number becomes one, what repeats is listed once, what equals another column is
not said at all, and the rest is text.

A way is declared (its letter and what it needs to know) and then says the values. Declaring is spared where the other
side knows the way already (sync/wire/columns.py). Numbers go to a run of their own, in as few bits as they have
(sync/wire/radix.py); their sizes stand in the plan, so a reader hears all columns before it has any number.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol

from sado.sync.wire import text as letters
from sado.sync.wire import varint

MOST = 4096
NUMERAL = re.compile(r"0|[1-9][0-9]{0,17}")
WIDEST = 18
# More letters than the events of one exchange have in all.
MOST_LETTERS = 4 << 20
# What a letter of text costs after the compressor, about; a choice between ways of saying the same needs no more.
LETTER_COST = 0.4
# Of so few numbers the first digits are the same by chance.
FEW = 10

Column = Sequence[Any]


@dataclass
class Writer:
    """Three runs: how to read the columns, the numbers with their sizes, the text."""

    plan: bytearray = field(default_factory=bytearray)
    digits: list[tuple[int, int]] = field(default_factory=list)
    text: bytearray = field(default_factory=bytearray)

    def number(self, number: int) -> None:
        """A number that is not negative, in the plan."""
        self.plan += varint.pack(number)

    def whole(self, number: int) -> None:
        """Any whole number, in the plan."""
        self.plan += varint.pack_whole(number)

    def words(self, values: Iterable[str]) -> None:
        """Texts, each with its end."""
        for value in values:
            self.text += letters.pack(value) + letters.END

    def values(self, values: Iterable[int], size: int) -> None:
        """Numbers from 0 up to below `size`."""
        self.digits.extend((value, size) for value in values)


@dataclass
class Reader:
    """The plan and the text; `sizes` grows by those of the numbers that are heard. `room` is for letters that are said
    once and stand in every value: few bytes could else fill the memory."""

    plan: varint.Reader
    text: varint.Reader
    sizes: list[int] = field(default_factory=list)
    room: int = MOST_LETTERS

    def number(self) -> int:
        """The next number of the plan."""
        return self.plan.number()

    def whole(self) -> int:
        """The next whole number of the plan."""
        return self.plan.whole()

    def count(self) -> int:
        """A number of things that all have to be in these bytes."""
        number = self.plan.number()
        if number > MOST:
            raise ValueError("More than one exchange may carry.")
        return number

    def words(self, count: int) -> list[str]:
        """The next texts."""
        return [letters.unpack(self.text.until(letters.END)) for _ in range(count)]

    def values(self, count: int, size: int) -> None:
        """That many numbers below `size` come."""
        if size < 1:
            raise ValueError("A number has no size.")
        self.sizes += [size] * count

    def repeat(self, head: str, count: int) -> None:
        """That many values begin with `head`."""
        self.room -= len(head) * count
        if self.room < 0:
            raise ValueError("The values grow too large.")


# What makes the values of a column out of its numbers, the columns before it and the times of the events.
Finish = Callable[[list[int], list[Column], Column], Column]


class Way(Protocol):
    """One way to say a column."""

    letter: ClassVar[bytes]

    def fits(self, column: Column, earlier: Sequence[Column], times: Column) -> bool:
        """Whether the column can be said so."""

    def declare(self, out: Writer) -> None:
        """Write what this way needs to know."""

    def say(self, out: Writer, column: Column) -> None:
        """Write the values."""

    def hear(self, reader: Reader, count: int) -> Finish:
        """Read what `say` wrote, but for the numbers."""


@dataclass(frozen=True)
class Same:
    """The column is as an earlier one."""

    letter: ClassVar[bytes] = b"s"
    at: int

    def fits(self, column: Column, earlier: Sequence[Column], times: Column) -> bool:
        return column == earlier[self.at]

    def declare(self, out: Writer) -> None:
        out.number(self.at)

    def say(self, out: Writer, column: Column) -> None:
        pass

    def hear(self, reader: Reader, count: int) -> Finish:
        return lambda numbers, earlier, times: earlier[self.at]


@dataclass(frozen=True)
class Time:
    """The column is the time at which the event was made."""

    letter: ClassVar[bytes] = b"a"

    def fits(self, column: Column, earlier: Sequence[Column], times: Column) -> bool:
        return column == times

    def declare(self, out: Writer) -> None:
        pass

    def say(self, out: Writer, column: Column) -> None:
        pass

    def hear(self, reader: Reader, count: int) -> Finish:
        return lambda numbers, earlier, times: times


@dataclass(frozen=True)
class Constant:
    """One number, always."""

    letter: ClassVar[bytes] = b"c"
    value: int

    def fits(self, column: Column, earlier: Sequence[Column], times: Column) -> bool:
        return all(type(value) is int and value == self.value for value in column)

    def declare(self, out: Writer) -> None:
        out.whole(self.value)

    def say(self, out: Writer, column: Column) -> None:
        pass

    def hear(self, reader: Reader, count: int) -> Finish:
        return lambda numbers, earlier, times: [self.value] * count


@dataclass(frozen=True)
class Whole:
    """Whole numbers: how far each is from the least one, or from the one before where that varies less."""

    letter: ClassVar[bytes] = b"i"

    def fits(self, column: Column, earlier: Sequence[Column], times: Column) -> bool:
        return all(type(value) is int for value in column)

    def declare(self, out: Writer) -> None:
        pass

    def say(self, out: Writer, column: Column) -> None:
        steps = [after - before for before, after in zip(column, column[1:], strict=False)]
        has_steps = bool(steps) and max(steps) - min(steps) < max(column) - min(column)
        said = steps if has_steps else column
        least, size = min(said), max(said) - min(said) + 1
        # The size with the choice, since most are small.
        out.number(size * 2 + has_steps)
        out.whole(least)
        if has_steps:
            out.whole(column[0])
        out.values((value - least for value in said), size)

    def hear(self, reader: Reader, count: int) -> Finish:
        size, has_steps = divmod(reader.number(), 2)
        least = reader.whole()
        first = [reader.whole()] if has_steps else []
        reader.values(count - has_steps, size)

        def finish(numbers: list[int], earlier: list[Column], times: Column) -> Column:
            if not has_steps:
                return [least + number for number in numbers]
            values = list(first)
            for number in numbers:
                values.append(values[-1] + least + number)
            return values

        return finish


@dataclass(frozen=True)
class Numerals:
    """Texts of digits behind a common head, all equally long."""

    letter: ClassVar[bytes] = b"n"
    head: str
    width: int

    def fits(self, column: Column, earlier: Sequence[Column], times: Column) -> bool:
        return all(
            type(value) is str
            and len(value) == len(self.head) + self.width
            and value.startswith(self.head)
            and _is_digits(value[len(self.head) :])
            for value in column
        )

    def declare(self, out: Writer) -> None:
        out.number(self.width)
        out.words([self.head])

    def say(self, out: Writer, column: Column) -> None:
        out.values((int(value[len(self.head) :]) for value in column), 10**self.width)

    def hear(self, reader: Reader, count: int) -> Finish:
        reader.values(count, 10**self.width)
        reader.repeat(self.head, count)
        return lambda numbers, earlier, times: [f"{self.head}{number:0{self.width}}" for number in numbers]


@dataclass(frozen=True)
class Counted:
    """Texts that end in a number which counts on from `last`."""

    letter: ClassVar[bytes] = b"v"
    head: str
    last: int = 0

    def fits(self, column: Column, earlier: Sequence[Column], times: Column) -> bool:
        return all(
            type(value) is str and value.startswith(self.head) and NUMERAL.fullmatch(value[len(self.head) :])
            for value in column
        )

    def declare(self, out: Writer) -> None:
        out.words([self.head])

    def say(self, out: Writer, column: Column) -> None:
        Whole().say(out, [int(value[len(self.head) :]) - self.last for value in column])

    def hear(self, reader: Reader, count: int) -> Finish:
        finish = Whole().hear(reader, count)
        reader.repeat(self.head, count)
        return lambda numbers, earlier, times: [
            f"{self.head}{self.last + number}" for number in finish(numbers, earlier, times)
        ]


@dataclass(frozen=True)
class Listed:
    """Texts of which there are few different ones."""

    letter: ClassVar[bytes] = b"e"
    different: tuple[str, ...]

    def fits(self, column: Column, earlier: Sequence[Column], times: Column) -> bool:
        return set(column) <= set(self.different)

    def declare(self, out: Writer) -> None:
        out.number(len(self.different))
        out.words(self.different)

    def say(self, out: Writer, column: Column) -> None:
        places = {value: place for place, value in enumerate(self.different)}
        out.values((places[value] for value in column), len(self.different))

    def hear(self, reader: Reader, count: int) -> Finish:
        reader.values(count, len(self.different))
        return lambda numbers, earlier, times: [self.different[number] for number in numbers]


@dataclass(frozen=True)
class Text:
    """Texts as they are."""

    letter: ClassVar[bytes] = b"t"

    def fits(self, column: Column, earlier: Sequence[Column], times: Column) -> bool:
        return all(type(value) is str for value in column)

    def declare(self, out: Writer) -> None:
        pass

    def say(self, out: Writer, column: Column) -> None:
        out.words(column)

    def hear(self, reader: Reader, count: int) -> Finish:
        column = reader.words(count)
        return lambda numbers, earlier, times: column


def declared(reader: Reader, at: int) -> Way:
    """The way that is declared for the column at this place. Raises ValueError for one of a later release."""
    letter = reader.plan.take(1)
    if letter == Same.letter:
        earlier = reader.number()
        if earlier >= at:
            raise ValueError("A column cannot be as one that comes later.")
        return Same(earlier)
    if letter == Constant.letter:
        return Constant(reader.whole())
    if letter == Numerals.letter:
        width = reader.number()
        if not 0 < width <= WIDEST:
            raise ValueError("A numeral has no digits.")
        return Numerals(reader.words(1)[0], width)
    if letter == Counted.letter:
        return Counted(reader.words(1)[0])
    if letter == Listed.letter:
        return Listed(tuple(reader.words(reader.count())))
    plain: dict[bytes, Way] = {Time.letter: Time(), Whole.letter: Whole(), Text.letter: Text()}
    if letter not in plain:
        raise ValueError(f"Columns of the way {letter!r} are of a later release.")
    return plain[letter]


def cheapest(column: Column, earlier: Sequence[Column], times: Column) -> Way:
    """The way that says this column in the fewest bytes, about."""
    if column == times:
        return Time()
    if type(column[0]) is int:
        return Constant(column[0]) if len(set(column)) == 1 else Whole()
    if column in earlier and any(column):
        return Same(list(earlier).index(column))
    return _cheapest_words(list(column))


def _cheapest_words(column: list[str]) -> Way:
    different = tuple(sorted(set(column)))
    listed = sum(map(len, different)) * LETTER_COST + _bytes(len(column), len(different))
    spoken = sum(map(len, column)) * LETTER_COST
    numerals = _numerals(column)
    if numerals and _bytes(len(column), 10**numerals.width) < min(listed, spoken):
        return numerals
    if counted := _counted(column):
        return counted
    return Listed(different) if listed < spoken or len(different) == 1 else Text()


def _bytes(count: int, size: int) -> float:
    return count * math.log2(size) / 8


def _numerals(column: list[str]) -> Numerals | None:
    """What all values begin with, and how many digits each has behind it; None where they are not so."""
    head = os.path.commonprefix(column)
    if len(column) < FEW:
        head = head.rstrip("0123456789")
    found = Numerals(head, len(column[0]) - len(head))
    return found if 0 < found.width <= WIDEST and found.fits(column, (), ()) else None


def _is_digits(text: str) -> bool:
    return text.isascii() and text.isdigit()


def _counted(column: list[str]) -> Counted | None:
    """What all values begin with, when numbers stand behind it; None where they do not."""
    if len(set(column)) < 2:
        return None
    found = Counted(os.path.commonprefix(column).rstrip("0123456789"))
    return found if found.fits(column, (), ()) else None
