"""An event as a row of cells: strings and whole numbers under the names of its fields."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import msgspec

Value = str | int
Shape = tuple[str, str]
# The names of the fields of a body, joined; RAW stands for a body that is not made of fields as we write them.
KEY_END, RAW = "\x01", "\x02"
META = ("reference", "ago", "slip", "hops", "id")
AGO = META.index("ago")
# What is said of numbers, their differences, their doubles, is then still below 2^63 (sync/wire/varint.py).
LARGEST = 1 << 60
MOST_FIELDS = 50


class Wired(msgspec.Struct, frozen=True):
    """An event as it is on the wire. `ago` is how long ago it was made by its station's wall clock, in milliseconds,
    and `slip` by how much that clock was set since. `id` is empty where the receiver makes it itself."""

    kind: str
    reference: str
    body: str
    ago: int = 0
    slip: int = 0
    id: Annotated[str, msgspec.Meta(pattern=r"^([0-9a-f]{16})?\Z")] = ""
    hops: Annotated[int, msgspec.Meta(ge=0)] = 0


def row_of(event: Wired) -> tuple[Shape, tuple[Value, ...]]:
    """The shape of an event, its kind and the names of its fields, and its cells."""
    fields = _flat(event.body)
    if fields is None:
        return raw_row_of(event)
    return (event.kind, KEY_END.join(fields)), (*_meta(event), *fields.values())


def raw_row_of(event: Wired) -> tuple[Shape, tuple[Value, ...]]:
    """The same with the body as one cell, whatever it is made of."""
    return (event.kind, RAW), (*_meta(event), event.body)


def _meta(event: Wired) -> tuple[Value, ...]:
    return tuple(getattr(event, name) for name in META)


def width_of(shape: Shape) -> int:
    """How many cells a row of this shape has. Raises ValueError where it has more than an event."""
    fields = 1 + shape[1].count(KEY_END)
    if fields > MOST_FIELDS:
        raise ValueError("An event has more fields than any.")
    return len(META) + fields


def event_of(shape: Shape, row: Sequence[Value]) -> Wired:
    """The event that has these cells, its body byte for byte. Raises ValueError when a cell holds what its field
    cannot."""
    if not all(map(_is_cell, row)):
        raise ValueError("A number is too large.")
    kind, keys = shape
    reference, ago, slip, hops, name = row[: len(META)]
    values = row[len(META) :]
    body = values[0] if keys == RAW else _as_json(dict(zip(keys.split(KEY_END), values, strict=True)))
    fields = {"kind": kind, "reference": reference, "body": body, "ago": ago, "slip": slip, "id": name, "hops": hops}
    return msgspec.convert(fields, Wired)


def _flat(body: str) -> dict[str, Value] | None:
    """The fields of a body that is written as we write it, and nothing else."""
    try:
        fields = msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError):
        return None
    if not isinstance(fields, dict) or not 0 < len(fields) <= MOST_FIELDS or "" in fields or RAW in fields:
        return None
    if not all(_is_cell(value) and KEY_END not in key for key, value in fields.items()):
        return None
    return fields if _as_json(fields) == body else None


def _is_cell(value: object) -> bool:
    return type(value) is str or (type(value) is int and abs(value) < LARGEST)


def _as_json(fields: dict[str, Value]) -> str:
    return msgspec.json.encode(fields).decode()
