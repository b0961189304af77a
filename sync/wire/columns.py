"""Many events as columns: each field of all events of one shape in a run of its own.

Events of one kind have the same fields in the same order, so the names of the fields are written once, and values that
resemble each other stand together. The encoding of a column is chosen by its values; nothing here knows a kind of
event. Where both sides have earlier events, they also know what encodings suited those (*schemas*), and a column that
still fits its schema says nothing of its encoding. Bodies come back byte for byte. docs/wire.md has an example.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sado.sync.wire import encodings, radix
from sado.sync.wire.encodings import Column, Encoding, Numbered, Reader, Writer
from sado.sync.wire.records import Shape, Wired, event_of, raw_row_of, row_of

MOST_EVENTS = 4096
# More letters than the events of one exchange have in all.
MOST_LETTERS = 4 << 20

# The encodings of the columns of each shape, as earlier events had them.
Schemas = Mapping[Shape, Sequence[Encoding]]
NO_SCHEMAS: Schemas = {}


@dataclass(frozen=True)
class Columns:
    """Events as two runs of bytes, of which only the content is worth compressing."""

    content: bytes
    numbers: bytes


def pack(events: Sequence[Wired], sent_at: int, schemas: Schemas = NO_SCHEMAS) -> Columns:
    """The events as columns. `sent_at` is the time of the frame, in milliseconds since 1970 UTC, from which it is told
    how long ago each was made; `schemas` are what the reader has too."""
    out = _written(events, sent_at, schemas)
    return Columns(bytes(out.content), radix.pack(out.digits))


def content_of(events: Sequence[Wired]) -> bytes:
    """What is compressed of events that were made before 1970 by their `ago`, without schemas."""
    return bytes(_written(events, 0, NO_SCHEMAS).content)


def _written(events: Sequence[Wired], sent_at: int, schemas: Schemas) -> Writer:
    """The number of shapes; the columns of each; for each event, the place of its shape among them."""
    shapes, order = _by_shape(events, sent_at)
    out = Writer()
    out.number(len(shapes))
    for shape, columns in shapes.items():
        _write(out, shape, columns, sent_at, schemas)
    places = {shape: place for place, shape in enumerate(shapes)}
    out.numbers((places[shape] for shape in order), len(shapes) or 1)
    return out


def unpack(columns: Columns, sent_at: int, schemas: Schemas = NO_SCHEMAS) -> list[Wired]:
    """The events, in their order, as they were packed for this time with these schemas. Raises ValueError for bytes
    that `pack` did not make."""
    reader = Reader(columns.content, columns.numbers)
    parts: list[Iterator[Wired]] = []
    counts: list[int] = []
    for _ in range(reader.number()):
        counts.append(reader.number())
        if not counts[-1] or sum(counts) > MOST_EVENTS:
            raise ValueError("More events than one exchange may carry, or none.")
        parts.append(_read(reader, counts[-1], sent_at, schemas))
    order = reader.numbers(sum(counts), len(parts) or 1)
    reader.close()
    if Counter(order) != Counter(dict(enumerate(counts))):
        raise ValueError("The events are not in the order that they say.")
    return list(_bounded(next(parts[place]) for place in order))


def schemas_of(events: Sequence[Wired]) -> Schemas:
    """The encodings that suit these events, and would suit others after them."""
    shapes, _ = _by_shape(events, 0)
    return {shape: [_usual(columns, at) for at in range(shape.width)] for shape, columns in sorted(shapes.items())}


def _usual(columns: list[Column], at: int) -> Encoding:
    encoding = encodings.cheapest(_travelling(columns[at], at, 0), columns[:at])
    if isinstance(encoding, Numbered):
        return Numbered(encoding.prefix, int(columns[at][-1][len(encoding.prefix) :]))
    return encoding


def _write(out: Writer, shape: Shape, columns: list[Column], sent_at: int, schemas: Schemas) -> None:
    """How many events; the place of the shape among the schemas, from 1, and a bit for each column that does not fit
    its schema, or else 0 and the shape; the encodings that are news; and the columns."""
    earlier = schemas.get(shape)
    travelling = [_travelling(column, at, sent_at) for at, column in enumerate(columns)]
    chosen = [
        earlier[at] if earlier and earlier[at].fits(column, columns[:at]) else encodings.cheapest(column, columns[:at])
        for at, column in enumerate(travelling)
    ]
    news = [at for at, encoding in enumerate(chosen) if earlier is None or encoding is not earlier[at]]
    out.number(len(columns[0]))
    if earlier is None:
        out.number(0)
        out.struct(shape)
    else:
        out.number(list(schemas).index(shape) + 1)
        out.number(sum(1 << at for at in news))
    if news:
        out.struct([chosen[at] for at in news])
    for column, encoding in zip(travelling, chosen, strict=True):
        encoding.encode(column, out)


def _read(reader: Reader, count: int, sent_at: int, schemas: Schemas) -> Iterator[Wired]:
    """What `_write` wrote behind the count."""
    place = reader.number()
    if place > len(schemas):
        raise ValueError("A shape that is not known here.")
    if place:
        shape, earlier = list(schemas.items())[place - 1]
        news = reader.number()
    else:
        shape, earlier, news = reader.struct(Shape), (), -1
    declared: list[Encoding] = reader.struct(list[Encoding]) if news else []
    places = [at for at in range(shape.width) if news >> at & 1]
    schema = dict(enumerate(earlier)) | dict(zip(places, declared, strict=True))
    columns: list[Column] = []
    for at in range(shape.width):
        column = schema[at].decode(reader, count, columns)
        if at == 0 and type(column[0]) is not int:
            raise ValueError("A time is a number.")
        columns.append(_travelling(column, at, sent_at))
    return (event_of(shape, row, sent_at) for row in zip(*columns, strict=True))


def _travelling(column: Column, at: int, sent_at: int) -> Column:
    """The column as it is written, or that as the column: of the times, which come first, how long ago they were."""
    return column if at else [sent_at - time for time in column]


def _bounded(events: Iterable[Wired]) -> Iterator[Wired]:
    """The events, as long as they are not larger than those of an exchange: what is listed once may be in each."""
    letters = 0
    for event in events:
        letters += len(event.kind) + len(event.reference) + len(event.body)
        if letters > MOST_LETTERS:
            raise ValueError("The events grow too large.")
        yield event


def _by_shape(events: Iterable[Wired], sent_at: int) -> tuple[dict[Shape, list[Column]], list[Shape]]:
    """The columns of each shape, and the shape of each event. A column is all texts or all numbers: an event that has a
    number where the first of its shape has a text is of another shape."""
    rows: dict[Shape, list[Any]] = {}
    order = []
    for event in events:
        shape, row = row_of(event, sent_at)
        if shape in rows and list(map(type, row)) != list(map(type, rows[shape][0])):
            shape, row = raw_row_of(event, sent_at)
        order.append(shape)
        rows.setdefault(shape, []).append(row)
    return {shape: list(map(list, zip(*rows[shape], strict=True))) for shape in rows}, order
