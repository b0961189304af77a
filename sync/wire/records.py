"""An event as a row of values: when it was made, what every event has, and the fields of its body."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import msgspec

from sado.sync.wire import text

Value = str | int
MOST_FIELDS = 50
# So many values stand before those of the body: time, reference, slip, hops, id.
META = 5
# A difference of two numbers, and its double, is then still below 2^63 (sync/wire/varint.py).
LARGEST = 1 << 60
# What all events of a frame may take together: as the content of the frame, and as letters once they are read. A few
# bytes say much where residents write alike, so this is the same for short frames and long ones.
MOST_BYTES = 512 * 1024
# What the texts of one may take: the largest of each lane fit into a frame together.
MOST_BYTES_OF_ONE = 160 * 1024
# What the row of an event takes beside its texts, at most.
ROW_BYTES = 96


class Shape(msgspec.Struct, frozen=True, order=True, array_like=True):
    """The kind of an event and the names of the fields of its body; none where the body is one value, whatever it
    holds."""

    kind: str
    fields: Annotated[tuple[str, ...], msgspec.Meta(max_length=MOST_FIELDS)] = ()

    @property
    def width(self) -> int:
        """How many values a row has."""
        return META + (len(self.fields) or 1)


class Wired(msgspec.Struct, frozen=True, array_like=True):
    """An event as it is on the wire. `ago` is how long ago it was made by its station's wall clock, in milliseconds,
    and `slip` by how much that clock was set since. `id` is empty where the receiver makes it itself."""

    kind: str
    reference: str
    body: str
    ago: int = 0
    slip: int = 0
    id: Annotated[str, msgspec.Meta(pattern=r"^([0-9a-f]{16})?\Z")] = ""
    hops: Annotated[int, msgspec.Meta(ge=0)] = 0


def text_size(kind: str, reference: str, body: str) -> int:
    """How many bytes these texts of an event take in a frame at most, in whichever way they are written, before any
    compressor; no less than they have letters."""
    whole = f"{kind}{reference}{body}"
    return max(len(text.pack(whole)), len(whole.encode()))


def row_of(event: Wired, sent_at: int) -> tuple[Shape, tuple[Value, ...]]:
    """The shape of an event, and its values."""
    fields = _fields(event.body)
    if fields is None:
        return raw_row_of(event, sent_at)
    return Shape(event.kind, tuple(fields)), (*_meta(event, sent_at), *fields.values())


def raw_row_of(event: Wired, sent_at: int) -> tuple[Shape, tuple[Value, ...]]:
    """The same with the body as one value, whatever it holds."""
    return Shape(event.kind), (*_meta(event, sent_at), event.body)


def _meta(event: Wired, sent_at: int) -> tuple[Value, ...]:
    return sent_at - event.ago, event.reference, event.slip, event.hops, event.id


def event_of(shape: Shape, row: Sequence[Value], sent_at: int) -> Wired:
    """The event that has these values, its body byte for byte. Raises ValueError when a value is none for its field."""
    time, reference, slip, hops, name = row[:META]
    values = row[META:]
    if type(time) is not int or not all(map(_is_value, row)):
        raise ValueError("A number is too large, or none.")
    body = _as_json(dict(zip(shape.fields, values, strict=True))) if shape.fields else values[0]
    return msgspec.convert((shape.kind, reference, body, sent_at - time, slip, name, hops), Wired)


def _fields(body: str) -> dict[str, Value] | None:
    """The fields of a body that is written as we write it, and nothing else."""
    try:
        fields = msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError):
        return None
    if not isinstance(fields, dict) or not 0 < len(fields) <= MOST_FIELDS or not all(map(_is_value, fields.values())):
        return None
    return fields if _as_json(fields) == body else None


def _is_value(value: object) -> bool:
    return type(value) is str or (type(value) is int and abs(value) < LARGEST)


def _as_json(fields: dict[str, Value]) -> str:
    return msgspec.json.encode(fields).decode()
