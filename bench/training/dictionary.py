"""The dictionary of the exchange: entropy tables trained by zstandard, and before them as content the most useful
pieces of invented events."""

from __future__ import annotations

from pathlib import Path

import zstandard

from bench.training import events
from sado.sync.wire import columns, compression
from sado.sync.wire.records import Wired

SEED, COUNT = 20261125, 24_000
SIZE = 96 * 1024


def write(path: Path = compression.FILE) -> int:
    """Train it and write it; its size in bytes. The same on every machine with the same release of zstandard."""
    trained = train(SEED, COUNT, SIZE)
    path.write_bytes(trained)
    return len(trained)


def train(seed: int, count: int, size: int) -> bytes:
    """A dictionary of at most `size` bytes from about `count` events."""
    samples: list[bytes | bytearray | memoryview[int]] = [_content(batch) for batch in events.batches(seed, count)]
    return zstandard.train_dictionary(size, samples, level=compression.LEVEL, threads=1, k=200, d=8).as_bytes()


def _content(batch: list[Wired]) -> bytes:
    """What a frame with these events compresses (sync/wire/frame.py)."""
    return columns.pack(batch, events.BEGIN_MS).content
