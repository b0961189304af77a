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
from typing import Annotated, Any

import msgspec

from sado.sync.wire import encodings, radix
from sado.sync.wire.encodings import Column, Encoding, Numbered, Reader, Writer
from sado.sync.wire.records import META, MOST_BYTES, MOST_FIELDS, Shape, Wired, event_of, raw_row_of, row_of

MOST_EVENTS = encodings.MOST_LISTED
# What is counted of each event beside its texts, no more than its sender counts (records.ROW_BYTES): its id, and what
# its numbers take here.
ROW_LETTERS = 64
# The signs about a field of a body: two quotation marks, colon, comma.
FIELD_LETTERS = 4
Declared = Annotated[list[Encoding], msgspec.Meta(max_length=META + MOST_FIELDS)]

# The encodings of the columns of each shape, as earlier events had them.
Schemas = Mapping[Shape, Sequence[Encoding]]
NO_SCHEMAS: Schemas = {}


@dataclass(frozen=True)
class Columns:
    """Events as two runs of bytes, of which only the content is worth compressing."""

    content: bytes
    numbers: bytes


class Capacity:
    """The letters that the events of a frame may still have. It is asked before they are made of their columns: what
    is listed once may stand in each."""

    def __init__(self) -> None:
        self._left = MOST_BYTES

    def take(self, letters: int) -> None:
        """So many more. Raises ValueError where there are too many."""
        self._left -= letters
        if self._left < 0:
            raise ValueError("The events grow too large.")


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
    capacity = Capacity()
    parts: list[Iterator[Wired]] = []
    counts: list[int] = []
    for _ in range(reader.number()):
        counts.append(reader.number())
        if not counts[-1] or sum(counts) > MOST_EVENTS:
            raise ValueError("More events than one exchange may carry, or none.")
        parts.append(_read(reader, counts[-1], sent_at, schemas, capacity))
    order = reader.numbers(sum(counts), len(parts) or 1)
    reader.close()
    if Counter(order) != Counter(dict(enumerate(counts))):
        raise ValueError("The events are not in the order that they say.")
    return [next(parts[place]) for place in order]


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


def _read(reader: Reader, count: int, sent_at: int, schemas: Schemas, capacity: Capacity) -> Iterator[Wired]:
    """What `_write` wrote behind the count."""
    place = reader.number()
    if place > len(schemas):
        raise ValueError("A shape that is not known here.")
    if place:
        shape, earlier = list(schemas.items())[place - 1]
        news = reader.number()
    else:
        shape, earlier, news = reader.struct(Shape), (), -1
    declared: list[Encoding] = reader.struct(Declared) if news else []
    capacity.take(count * _letters_about(shape))
    places = [at for at in range(shape.width) if news >> at & 1]
    schema = dict(enumerate(earlier)) | dict(zip(places, declared, strict=True))
    columns: list[Column] = []
    for at in range(shape.width):
        column = schema[at].decode(reader, count, columns)
        if at == 0 and type(column[0]) is not int:
            raise ValueError("A time is a number.")
        capacity.take(_letters_in(column, is_field=at >= META and bool(shape.fields)))
        columns.append(_travelling(column, at, sent_at))
    return (event_of(shape, row, sent_at) for row in zip(*columns, strict=True))


def _travelling(column: Column, at: int, sent_at: int) -> Column:
    """The column as it is written, or that as the column: of the times, which come first, how long ago they were."""
    return column if at else [sent_at - time for time in column]


def _letters_about(shape: Shape) -> int:
    """The letters of each event of a shape that are in none of its columns."""
    return ROW_LETTERS + len(shape.kind) + sum(FIELD_LETTERS + len(name) for name in shape.fields)


def _letters_in(column: Column, is_field: bool) -> int:
    """The letters of the texts in a column; of a field as its body has them, where one may take six."""
    if type(column[0]) is not str:
        return 0
    sizes = {text: len(msgspec.json.encode(text)) - 2 if is_field else len(text) for text in set(column)}
    return sum(sizes[text] for text in column)


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
