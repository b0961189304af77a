"""Every version of the pack that this station used: sessions and drafts finish on the one they began on, and the
last good one serves while a newer is broken."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import msgspec
import zstandard

from store.transaction import Row, Transaction


@dataclass(frozen=True)
class PackRow:
    """One version: the name of its pack and the content of its files by path."""

    version: str
    name: str
    files: Mapping[str, bytes]


def save(tx: Transaction, version: str, name: str, files: Mapping[str, bytes]) -> None:
    """Keep this version as the latest one."""
    tx.run(
        "INSERT INTO packs (version, name, files, published_at) VALUES (:version, :name, :files, :at)"
        " ON CONFLICT (version) DO UPDATE SET published_at = excluded.published_at",
        version=version,
        name=name,
        files=zstandard.compress(msgspec.msgpack.encode(dict(files))),
        at=tx.now,
    )


def find(tx: Transaction, version: str) -> PackRow | None:
    """The version of this name, or None."""
    return _opened(tx.one("SELECT version, name, files FROM packs WHERE version = :version", version=version))


def latest(tx: Transaction) -> PackRow | None:
    """The version that was used last, or None on a new station."""
    return _opened(tx.one("SELECT version, name, files FROM packs ORDER BY published_at DESC LIMIT 1"))


def _opened(row: Row | None) -> PackRow | None:
    if row is None:
        return None
    files = msgspec.msgpack.decode(zstandard.decompress(row[2]), type=dict[str, bytes])
    return PackRow(row[0], row[1], files)
