"""Blobs as rows: content found by its SHA-256, for what is too large to be an event. The rules are in
sync/blobs/publish.py; what is published and what is wanted have files of their own.

Content lies in compressed pieces, each sealed: a register about persons is one blob like any other. A blob is there
once its row in `blobs` is; pieces without one are of a write that was broken off.
"""

from __future__ import annotations

from collections.abc import Iterator

import zstandard

from sado.store.transaction import Transaction

PIECE_BYTES = 64 * 1024
PIECE = "blob_pieces.content"


def pieces_of(content: bytes) -> Iterator[tuple[int, bytes]]:
    """The numbered pieces that content is kept as."""
    packed = zstandard.compress(content)
    for number, start in enumerate(range(0, len(packed), PIECE_BYTES)):
        yield number, packed[start : start + PIECE_BYTES]


def save_piece(tx: Transaction, blob: bytes, number: int, piece: bytes) -> None:
    """Keep one piece of the blob with this hash."""
    tx.run(
        "INSERT INTO blob_pieces (hash, number, content) VALUES (:hash, :number, :content)"
        " ON CONFLICT (hash, number) DO UPDATE SET content = excluded.content",
        hash=blob,
        number=number,
        content=tx.seal_bytes(piece, PIECE, f"{blob.hex()} {number}"),
    )


def finish(tx: Transaction, blob: bytes, size: int) -> None:
    """Every piece is kept: the blob is there."""
    tx.run(
        "INSERT INTO blobs (hash, size) VALUES (:hash, :size) ON CONFLICT (hash) DO NOTHING",
        hash=blob,
        size=size,
    )


def is_here(tx: Transaction, blob: bytes) -> bool:
    """Whether the blob with this hash is kept here."""
    return tx.one("SELECT 1 FROM blobs WHERE hash = :hash", hash=blob) is not None


def size_of(tx: Transaction, blob: bytes) -> int:
    """The bytes of a blob that is here."""
    return int(tx.value("SELECT size FROM blobs WHERE hash = :hash", hash=blob))


def content_of(tx: Transaction, blob: bytes) -> bytes | None:
    """The content, or None where it is not here. Raises SealError for a piece that a damaged disk changed."""
    if not is_here(tx, blob):
        return None
    rows = tx.all("SELECT number, content FROM blob_pieces WHERE hash = :hash ORDER BY number", hash=blob)
    packed = b"".join(tx.unseal_bytes(piece, PIECE, f"{blob.hex()} {number}") for number, piece in rows)
    return zstandard.decompress(packed)


def forget_unused(tx: Transaction) -> None:
    """Delete the blobs that are neither published nor wanted nor held."""
    unused = (
        "SELECT hash FROM blobs WHERE hash NOT IN (SELECT hash FROM published_blobs)"
        " AND hash NOT IN (SELECT hash FROM wanted_blobs)"
        " AND hash NOT IN (SELECT held FROM wanted_blobs WHERE held IS NOT NULL)"
    )
    for (blob,) in tx.all(unused):
        tx.run("DELETE FROM blob_pieces WHERE hash = :hash", hash=blob)
        tx.run("DELETE FROM blobs WHERE hash = :hash", hash=blob)


def recover(tx: Transaction) -> None:
    """Delete the pieces of writes that were broken off: called once at the start, when no write can be under way."""
    tx.run("DELETE FROM blob_pieces WHERE hash NOT IN (SELECT hash FROM blobs)")
    forget_unused(tx)
