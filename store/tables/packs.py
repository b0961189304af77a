"""Every version of the pack that this station used: sessions and drafts finish on the one they began on, the last good
one serves while a newer is broken, and one from the upstream serves until the settings' own is newer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import msgspec
import zstandard

from sado.store.transaction import Row, Transaction


@dataclass(frozen=True)
class PackRow:
    """One version: the name of its pack and the content of its files by path."""

    version: str
    name: str
    files: Mapping[str, bytes]


def save(tx: Transaction, version: str, name: str, files: Mapping[str, bytes]) -> None:
    """Keep this version as the latest one. Versions are numbered as they come: a clock may be wrong."""
    tx.run(
        "INSERT INTO packs (version, name, files, published_at, served) VALUES (:version, :name, :files, :at, :served)"
        " ON CONFLICT (version) DO UPDATE SET published_at = excluded.published_at, served = excluded.served",
        version=version,
        name=name,
        files=zstandard.compress(msgspec.msgpack.encode(dict(files))),
        at=tx.now,
        served=tx.next_number("packs"),
    )


def set_base(tx: Transaction, version: str) -> None:
    """The latest version is the one that the settings name."""
    tx.run("UPDATE packs SET based = served WHERE version = :version", version=version)


def base(tx: Transaction) -> str:
    """The version that the settings named when they were looked at last; empty on a new station."""
    return str(tx.value("SELECT version FROM packs WHERE based > 0 ORDER BY based DESC LIMIT 1") or "")


def find(tx: Transaction, version: str) -> PackRow | None:
    """The version of this name, or None."""
    return _opened(tx.one("SELECT version, name, files FROM packs WHERE version = :version", version=version))


def latest(tx: Transaction) -> PackRow | None:
    """The version that was used last, or None on a new station."""
    return _opened(tx.one("SELECT version, name, files FROM packs ORDER BY served DESC LIMIT 1"))


def _opened(row: Row | None) -> PackRow | None:
    if row is None:
        return None
    files = msgspec.msgpack.decode(zstandard.decompress(row[2]), type=dict[str, bytes])
    return PackRow(row[0], row[1], files)
