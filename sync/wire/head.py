"""What a frame says beside its events: numbers and hashes, each only where it is needed.

    head = exchange | flags | the fields of the table whose bit is set in the flags, in the order of the table

A usual frame sets none but the first seven bits, so that its flags are one byte.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from sado.store.tables.lanes import HASH_BYTES, SHORT_BYTES
from sado.sync.wire import varint

MARKS = {"u": "mark u", "n": "mark n", "b": "mark b"}
RUNS = {"u": "run u", "n": "run n", "b": "run b"}

# The values of each field that is there.
Fields = Mapping[str, tuple[Any, ...]]


class Type(NamedTuple):
    """How a value is written and read."""

    write: Callable[[Any], bytes]
    read: Callable[[varint.Reader], Any]


def _bytes(size: int) -> Type:
    return Type(bytes, lambda reader: reader.take(size))


NUMBER = Type(varint.pack, varint.Reader.number)
WHOLE = Type(varint.pack_whole, varint.Reader.whole)


def _table(rolling: Type) -> dict[str, tuple[Type, ...]]:
    mark, run = (NUMBER, rolling), (NUMBER, rolling, NUMBER)
    return {
        "history": (NUMBER,),
        "want": (NUMBER,),
        "sent at": (WHOLE,),
        "mark u": mark,
        "run u": run,
        "mark n": mark,
        "run n": run,
        "mark b": mark,
        "run b": run,
        "fault": (NUMBER,),
        "incarnation": (_bytes(HASH_BYTES),),
    }


# A hello, which is a frame with an incarnation, has whole hashes.
USUAL, HELLO = _table(_bytes(SHORT_BYTES)), _table(_bytes(HASH_BYTES))
INCARNATION = 1 << list(HELLO).index("incarnation")


def pack(exchange: int, fields: Fields) -> bytes:
    """The bytes of these fields."""
    table = HELLO if "incarnation" in fields else USUAL
    flags = sum(1 << bit for bit, name in enumerate(table) if name in fields)
    values = (
        type_.write(value)
        for name, types in table.items()
        if name in fields
        for type_, value in zip(types, fields[name], strict=True)
    )
    return varint.pack(exchange) + varint.pack(flags) + b"".join(values)


def unpack(reader: varint.Reader) -> tuple[int, Fields]:
    """The number of the exchange, and the fields. Raises ValueError where the bytes are none."""
    exchange, flags = reader.number(), reader.number()
    table = HELLO if flags & INCARNATION else USUAL
    if flags >> len(table):
        raise ValueError("A field that is not known here.")
    return exchange, {
        name: tuple(type_.read(reader) for type_ in types)
        for bit, (name, types) in enumerate(table.items())
        if flags >> bit & 1
    }
