"""What each part of a frame is worth: the size of the same frame with one of them taken out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import msgspec
import zstandard

from bench.training import dictionary, events
from sado.sync.wire import columns, compression, frame, shared_history, varint
from sado.sync.wire.frame import Message
from sado.sync.wire.records import Wired
from sado.sync.wire.shared_history import SharedHistory

VILLAGE = 7


@dataclass(frozen=True)
class Sent:
    """What went up in one exchange: the size of its frame, what it said, and the history it was compressed with."""

    size: int
    message: Message
    history: SharedHistory | None

    @property
    def events(self) -> list[Wired]:
        """The events, in the order in which they are packed."""
        return self.message.events


def without_history(sent: Sent) -> int:
    """The size of the frame without the shared history."""
    return len(frame.pack(frame.UP, VILLAGE, b"", sent.message))


def without_dictionary(sent: Sent) -> int:
    """Its size without the dictionary that is shipped."""
    numbers, content = _parts(sent)
    words = sent.history.text if sent.history else b""
    return _around(sent) + len(numbers) + len(_squeezed(content, words, zstandard.DICT_TYPE_RAWCONTENT))


def without_columns(sent: Sent) -> int:
    """Its size with a line of JSON for each event."""
    earlier = _lines(sent.history.events) if sent.history else b""
    known = _json_dictionary() + earlier[-shared_history.MOST_BYTES :]
    return _around(sent) + len(_squeezed(_lines(sent.events), known, zstandard.DICT_TYPE_FULLDICT))


def _around(sent: Sent) -> int:
    """The bytes of the frame around its events."""
    numbers, content = _parts(sent)
    return sent.size - len(numbers) - len(compression.pack(content, sent.history.text if sent.history else b""))


def _parts(sent: Sent) -> tuple[bytes, bytes]:
    """The events as the frame has them (sync/wire/frame.py): what is compressed no more, and what is."""
    schemas = sent.history.schemas if sent.history else columns.NO_SCHEMAS
    packed = columns.pack(sent.events, sent.message.sent_at, schemas)
    return varint.pack(len(packed.numbers)) + packed.numbers, packed.content


def _squeezed(content: bytes, known: bytes, kind: int) -> bytes:
    held = zstandard.ZstdCompressionDict(known, dict_type=kind)
    wanted = zstandard.ZstdCompressionParameters.from_level(
        compression.LEVEL,
        source_size=len(content),
        dict_size=len(known),
        format=compression.FORMAT,
        write_dict_id=False,
    )
    return zstandard.ZstdCompressor(dict_data=held, compression_params=wanted).compress(content)


def _lines(said: Sequence[Wired]) -> bytes:
    rows = ((one.kind, one.reference, one.ago, one.id, one.hops, msgspec.Raw(one.body.encode())) for one in said)
    return b"\n".join(msgspec.json.encode(row) for row in rows)


@cache
def _json_dictionary() -> bytes:
    samples: list[bytes | bytearray | memoryview[int]] = [
        _lines(batch) for batch in events.batches(dictionary.SEED, dictionary.COUNT)
    ]
    return zstandard.train_dictionary(
        dictionary.SIZE, samples, level=compression.LEVEL, threads=1, k=200, d=8
    ).as_bytes()


PARTS = {
    "without_history": without_history,
    "without_dictionary": without_dictionary,
    "without_columns": without_columns,
}
