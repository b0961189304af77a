"""Blobs as rows: content found by its SHA-256, for what is too large to be an event. The rules are in
sync/blobs/publish.py.

Content lies in compressed pieces, each sealed: a register about persons is one blob like any other. A blob is there
once its row in `blobs` is; pieces without one are of a write that was broken off.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import zstandard

from sado.store.transaction import Row, Transaction

PIECE_BYTES = 64 * 1024
PIECE, RANGE = "blob_pieces.content", "blob_ranges.content"
# Versions of one name that are kept: a station that was away for the last few can still be sent a difference.
KEPT = 4
LONGEST_WAIT_MS = 3600 * 1000
WANTED, WHOLE, TAKEN, REFUSED = "wanted", "whole", "taken", "refused"
OFFERED = "offered"
WANTED_COLUMNS = "name, number, hash, size, state, reason, held, encoding, total, got, is_plain, due_at"


@dataclass(frozen=True)
class Wanted:
    """What the upstream offers under one name: a blob of `size` bytes with this hash. `held` is the hash of the one
    that was taken in before. Of the `total` bytes of its `encoding` the first `got` are here; where `is_plain` it is
    not asked for as a difference."""

    name: str
    number: int
    hash: bytes
    size: int
    state: str
    reason: str
    held: bytes | None
    encoding: bytes
    total: int
    got: int
    is_plain: bool
    due_at: int


@dataclass(frozen=True)
class Offered:
    """How an offer stands at the station that it was made to."""

    station: int
    name: str
    hash: bytes
    state: str
    reason: str
    at: int


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


# The upstream's side


def publish(tx: Transaction, name: str, blob: bytes) -> None:
    """Let the name stand for this blob from now on. The last few before it stay, to make differences against."""
    number = tx.next_number("published")
    tx.run(
        "INSERT INTO published_blobs (name, number, hash, at) VALUES (:name, :number, :hash, :at)",
        name=name,
        number=number,
        hash=blob,
        at=tx.now,
    )
    kept = "SELECT number FROM published_blobs WHERE name = :name ORDER BY number DESC LIMIT :kept"
    tx.run(f"DELETE FROM published_blobs WHERE name = :name AND number NOT IN ({kept})", name=name, kept=KEPT)  # noqa: S608
    forget_unused(tx)


def stands_for(tx: Transaction, name: str) -> bytes | None:
    """The hash of the blob that a name stands for, or None."""
    blob: bytes | None = tx.value(
        "SELECT hash FROM published_blobs WHERE name = :name ORDER BY number DESC LIMIT 1", name=name
    )
    return blob


def published(tx: Transaction) -> dict[str, bytes]:
    """Every published name with the hash that it stands for, in the order of publishing."""
    rows = tx.all(
        "SELECT name, hash FROM published_blobs p WHERE number ="
        " (SELECT MAX(number) FROM published_blobs WHERE name = p.name) ORDER BY number"
    )
    return dict(rows)


def is_version(tx: Transaction, name: str, blob: bytes) -> bool:
    """Whether the name stands for this blob, or did of late."""
    version = "SELECT 1 FROM published_blobs WHERE name = :name AND hash = :hash"
    return tx.one(version, name=name, hash=blob) is not None


def offer(tx: Transaction, station: int, name: str, blob: bytes) -> None:
    """Note that the station is offered this blob under the name."""
    tx.run(
        "INSERT INTO offered_blobs (station, name, hash, state, reason, at)"
        " VALUES (:station, :name, :hash, :state, '', :at)"
        " ON CONFLICT (station, name) DO UPDATE SET hash = excluded.hash, state = excluded.state, reason = '',"
        " at = excluded.at",
        station=station,
        name=name,
        hash=blob,
        state=OFFERED,
        at=tx.now,
    )


def settle(tx: Transaction, station: int, name: str, blob: bytes, state: str, reason: str) -> None:
    """The station says what became of an offer; of one that a later one replaced, nothing is noted."""
    tx.run(
        "UPDATE offered_blobs SET state = :state, reason = :reason, at = :at"
        " WHERE station = :station AND name = :name AND hash = :hash",
        station=station,
        name=name,
        hash=blob,
        state=state,
        reason=reason,
        at=tx.now,
    )


def offered_name(tx: Transaction, station: int, blob: bytes) -> str | None:
    """The name under which this station is offered the blob; None: it is not."""
    name: str | None = tx.value(
        "SELECT name FROM offered_blobs WHERE station = :station AND hash = :hash", station=station, hash=blob
    )
    return name


def takers(tx: Transaction, name: str, blob: bytes) -> set[int]:
    """The stations that took this blob in under the name."""
    rows = tx.all(
        "SELECT station FROM offered_blobs WHERE name = :name AND hash = :hash AND state = :taken",
        name=name,
        hash=blob,
        taken=TAKEN,
    )
    return {row[0] for row in rows}


def offers(tx: Transaction) -> list[Offered]:
    """Every offer, by station and name."""
    rows = tx.all("SELECT station, name, hash, state, reason, at FROM offered_blobs ORDER BY station, name")
    return [Offered(*row) for row in rows]


# The station's side


def want(tx: Transaction, name: str, blob: bytes, size: int) -> None:
    """The upstream offers this blob: it takes the place of an earlier offer of the name, whatever came of that."""
    tx.run(
        f"INSERT INTO wanted_blobs ({WANTED_COLUMNS})"  # noqa: S608
        " VALUES (:name, :number, :hash, :size, :state, '', NULL, :none, 0, 0, FALSE, 0)"
        " ON CONFLICT (name) DO UPDATE SET number = excluded.number, hash = excluded.hash, size = excluded.size,"
        " state = excluded.state, reason = '', is_plain = FALSE, due_at = 0",
        name=name,
        number=tx.next_number("wanted"),
        hash=blob,
        size=size,
        state=WANTED,
        none=b"",
    )
    _drop_ranges(tx, name)


def find(tx: Transaction, name: str) -> Wanted | None:
    """What is offered under this name, or None."""
    return _wanted(tx.one(f"SELECT {WANTED_COLUMNS} FROM wanted_blobs WHERE name = :name", name=name))  # noqa: S608


def all_wanted(tx: Transaction) -> list[Wanted]:
    """Everything that the upstream offered, the oldest offer first."""
    rows = tx.all(f"SELECT {WANTED_COLUMNS} FROM wanted_blobs ORDER BY number")  # noqa: S608
    return [Wanted(*row) for row in rows]


def next_in(tx: Transaction, state: str) -> Wanted | None:
    """The oldest offer in this state that is due, or None."""
    return _wanted(
        tx.one(
            f"SELECT {WANTED_COLUMNS} FROM wanted_blobs WHERE state = :state AND (due_at <= :now OR due_at > :latest)"  # noqa: S608
            " ORDER BY number LIMIT 1",
            state=state,
            now=tx.now,
            # What is to wait for longer than anything does was put off before the clock was set back.
            latest=tx.now + LONGEST_WAIT_MS,
        )
    )


def add_range(tx: Transaction, wanted: Wanted, content: bytes) -> None:
    """Keep the bytes that come after those that are here; `wanted` names the encoding and its total."""
    tx.run(
        "INSERT INTO blob_ranges (name, start, content) VALUES (:name, :start, :content)",
        name=wanted.name,
        start=wanted.got,
        content=tx.seal_bytes(content, RANGE, f"{wanted.name} {wanted.got}"),
    )
    tx.run(
        "UPDATE wanted_blobs SET encoding = :encoding, total = :total, got = :got WHERE name = :name",
        name=wanted.name,
        encoding=wanted.encoding,
        total=wanted.total,
        got=wanted.got + len(content),
    )


def ranges(tx: Transaction, name: str) -> bytes:
    """The bytes of the encoding that are here."""
    rows = tx.all("SELECT start, content FROM blob_ranges WHERE name = :name ORDER BY start", name=name)
    return b"".join(tx.unseal_bytes(content, RANGE, f"{name} {start}") for start, content in rows)


def start_over(tx: Transaction, name: str, is_plain: bool) -> None:
    """Throw away what came of this blob; from now on ask for it whole, where `is_plain`."""
    _drop_ranges(tx, name)
    tx.run("UPDATE wanted_blobs SET is_plain = :is_plain WHERE name = :name", name=name, is_plain=is_plain)


def move(tx: Transaction, wanted: Wanted, state: str, reason: str = "") -> bool:
    """Bring the offer to another state. False when a later one has replaced it meanwhile: then nothing changes."""
    row = tx.one(
        "UPDATE wanted_blobs SET state = :state, reason = :reason"
        " WHERE name = :name AND number = :number RETURNING name",
        name=wanted.name,
        number=wanted.number,
        state=state,
        reason=reason,
    )
    if row is None:
        return False
    _drop_ranges(tx, wanted.name)
    return True


def hold(tx: Transaction, wanted: Wanted) -> None:
    """This blob is what is used under its name from now on."""
    tx.run("UPDATE wanted_blobs SET held = :hash WHERE name = :name", name=wanted.name, hash=wanted.hash)
    forget_unused(tx)


def wait(tx: Transaction, name: str, until: int) -> None:
    """Do not ask for it before then, LONGEST_WAIT_MS ahead at most; 0 is at once."""
    tx.run("UPDATE wanted_blobs SET due_at = :until WHERE name = :name", name=name, until=until)


def retry_refused(tx: Transaction, beginning: str) -> None:
    """Let what was refused under names that begin so, and is kept aside whole, be looked at again."""
    tx.run(
        "UPDATE wanted_blobs SET state = :whole, reason = ''"
        " WHERE state = :refused AND substr(name, 1, length(:names)) = :names AND hash IN (SELECT hash FROM blobs)",
        whole=WHOLE,
        refused=REFUSED,
        names=beginning,
    )


def _drop_ranges(tx: Transaction, name: str) -> None:
    tx.run("DELETE FROM blob_ranges WHERE name = :name", name=name)
    tx.run(
        "UPDATE wanted_blobs SET encoding = :none, total = 0, got = 0 WHERE name = :name",
        name=name,
        none=b"",
    )


def _wanted(row: Row | None) -> Wanted | None:
    return None if row is None else Wanted(*row)
