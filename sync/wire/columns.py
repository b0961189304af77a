"""Many events as columns: each field of all events in a run of its own.

Events of one kind say the same things in the same order, so the names of the fields are said once, and values that
resemble each other stand together. How a field is said (sync/wire/encodings.py) is chosen by its values; nothing here
knows a kind of event. Where both sides have earlier events, they also know how those were said, which kinds and places
there are and how far was counted: these are *habits*, and what is as usual is not said again. Bodies come back byte for
byte.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sado.sync.wire import encodings, radix, varint
from sado.sync.wire.encodings import Column, Finish, Reader, Way, Writer
from sado.sync.wire.records import AGO, Shape, Value, Wired, event_of, raw_row_of, row_of, width_of

MOST_EVENTS = encodings.MOST


@dataclass(frozen=True)
class Columns:
    """Events as three runs of bytes: how to read the columns, their numbers, their text. Only text is worth
    compressing."""

    plan: bytes
    numbers: bytes
    text: bytes


Habits = Mapping[Shape, list[Way]]
NOTHING: Habits = {}


def pack(events: Sequence[Wired], sent_at: int, habits: Habits = NOTHING) -> Columns:
    """The events as columns. `sent_at` is the time of the frame, in milliseconds since 1970 UTC, from which each is so
    long ago; `habits` are what the reader has too."""
    shapes, order = _by_shape(events)
    usual = list(habits)
    out = Writer()
    out.number(len(shapes))
    for shape, rows in shapes.items():
        out.number(len(rows))
        out.number(usual.index(shape) + 1 if shape in habits else 0)
        if shape not in habits:
            out.words(shape)
        _write(out, rows, sent_at, habits.get(shape))
    names = {shape: number for number, shape in enumerate(shapes)}
    out.values((names[shape] for shape in order), len(shapes) or 1)
    return Columns(bytes(out.plan), radix.pack(out.digits), bytes(out.text))


def unpack(columns: Columns, sent_at: int, habits: Habits = NOTHING) -> list[Wired]:
    """The events, in their order, as they were packed for this time with these habits. Raises ValueError for bytes that
    `pack` did not make."""
    reader = Reader(varint.Reader(columns.plan), varint.Reader(columns.text))
    parts: list[_Part] = []
    total = 0
    for _ in range(reader.count()):
        parts.append(_Part.read(reader, habits, MOST_EVENTS - total))
        total += parts[-1].count
    if reader.plan.rest() or reader.text.rest():
        raise ValueError("The columns are not as many as they say.")
    numbers = list(radix.unpack(columns.numbers, reader.sizes + [len(parts) or 1] * total))
    order = numbers[len(reader.sizes) :]
    if Counter(order) != Counter({place: part.count for place, part in enumerate(parts)}):
        raise ValueError("The events are not in the order that they say.")
    taken = iter(numbers)
    rows = [part.rows(taken, sent_at) for part in parts]
    return list(_bounded(next(rows[place]) for place in order))


def _bounded(events: Iterable[Wired]) -> Iterator[Wired]:
    """The events, as long as they are not larger than those of an exchange: what is listed once may be in each."""
    room = encodings.MOST_LETTERS
    for event in events:
        room -= len(event.kind) + len(event.reference) + len(event.body)
        if room < 0:
            raise ValueError("The events grow too large.")
        yield event


def habits_of(events: Sequence[Wired]) -> Habits:
    """How these events are said, and how others after them would be."""
    shapes, _ = _by_shape(events)
    found: dict[Shape, list[Way]] = {}
    for shape, rows in sorted(shapes.items()):
        columns = [tuple(column) for column in zip(*rows, strict=True)]
        times = tuple(-ago for ago in columns[AGO])
        found[shape] = [_usual(columns, at, times) for at in range(len(columns))]
    return found


def _usual(columns: Sequence[Column], at: int, times: Column) -> Way:
    way = encodings.cheapest(columns[at], columns[:at], times if at > AGO else ())
    if isinstance(way, encodings.Counted):
        return replace(way, last=int(columns[at][-1][len(way.head) :]))
    return way


def _by_shape(events: Iterable[Wired]) -> tuple[dict[Shape, list[Any]], list[Shape]]:
    """The rows of each shape, and the shape of each event. A column is all texts or all numbers: an event that has a
    number where the first of its shape has a text is a row of another."""
    shapes: dict[Shape, list[Any]] = {}
    order = []
    for event in events:
        shape, row = row_of(event)
        if shape in shapes and not all(map(_is_alike, row, shapes[shape][0])):
            shape, row = raw_row_of(event)
        order.append(shape)
        shapes.setdefault(shape, []).append(row)
    return shapes, order


def _is_alike(cell: Value, other: Value) -> bool:
    return type(cell) is type(other)


def _write(out: Writer, rows: list[Any], sent_at: int, usual: list[Way] | None) -> None:
    """The columns of one shape; where there are habits, first which columns are not as usual."""
    columns = [tuple(column) for column in zip(*rows, strict=True)]
    times = tuple(sent_at - ago for ago in columns[AGO])
    chosen = [
        _chosen(columns, at, times if at > AGO else (), usual[at] if usual else None) for at in range(len(columns))
    ]
    if usual:
        out.number(sum(1 << at for at, way in enumerate(chosen) if way is not usual[at]))
    for at, (way, column) in enumerate(zip(chosen, columns, strict=True)):
        if usual is None or way is not usual[at]:
            out.plan += way.letter
            way.declare(out)
        way.say(out, column)


def _chosen(columns: Sequence[Column], at: int, times: Column, usual: Way | None) -> Way:
    if usual is not None and usual.fits(columns[at], columns[:at], times):
        return usual
    return encodings.cheapest(columns[at], columns[:at], times)


@dataclass(frozen=True)
class _Part:
    """The events of one shape: for each column how many numbers it takes and what makes its values of them."""

    shape: Shape
    count: int
    columns: list[tuple[int, Finish]]

    @classmethod
    def read(cls, reader: Reader, habits: Habits, most: int) -> _Part:
        """What the plan and the text say of the next shape, which has `most` events at most. Raises ValueError."""
        count, known = reader.count(), reader.number()
        if not 0 < count <= most:
            raise ValueError("More events than one exchange may carry, or none.")
        if known > len(habits):
            raise ValueError("A shape that is not known here.")
        if known:
            shape, usual = list(habits.items())[known - 1]
            unusual = reader.number()
        else:
            kind, keys = reader.words(2)
            shape, usual, unusual = (kind, keys), [], -1
        columns = []
        for at in range(width_of(shape)):
            way = encodings.declared(reader, at) if unusual >> at & 1 else usual[at]
            before = len(reader.sizes)
            finish = way.hear(reader, count)
            columns.append((len(reader.sizes) - before, finish))
        return cls(shape, count, columns)

    def rows(self, numbers: Iterator[int], sent_at: int) -> Iterator[Wired]:
        """Its events, in order, of the numbers that come next."""
        columns: list[Column] = []
        times: Column = []
        for at, (count, finish) in enumerate(self.columns):
            columns.append(finish([next(numbers) for _ in range(count)], columns, times))
            if at == AGO:
                times = [sent_at - ago for ago in columns[AGO]]
        return (event_of(self.shape, row) for row in zip(*columns, strict=True))
