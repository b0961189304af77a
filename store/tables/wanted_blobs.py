"""What a station wants: the blobs that its upstream offers, how much of each is here, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass

from sado.store.tables import blobs
from sado.store.transaction import Row, Transaction

RANGE = "blob_ranges.content"
LONGEST_WAIT_MS = 3600 * 1000
WANTED, WHOLE, TAKEN, REFUSED = "wanted", "whole", "taken", "refused"
COLUMNS = (
    "name, number, hash, size, edition, signature, state, reason, held, encoding, total, got, is_plain, due_at, tried"
)


@dataclass(frozen=True)
class Wanted:
    """What the upstream offers under one name: a blob of `size` bytes with this hash, with what the publisher signed.
    `held` is the hash of the one that was taken in before. Of the `total` bytes of its `encoding` the first `got` are
    here; where `is_plain` it is not asked for as a difference. `tried` is the mark of who is taking it in, or died of
    it."""

    name: str
    number: int
    hash: bytes
    size: int
    edition: int
    signature: str
    state: str
    reason: str
    held: bytes | None
    encoding: bytes
    total: int
    got: int
    is_plain: bool
    due_at: int
    tried: str


def want(tx: Transaction, name: str, blob: bytes, size: int, edition: int, signature: str) -> None:
    """The upstream offers this blob: it takes the place of an earlier offer of the name, whatever came of that."""
    tx.run(
        f"INSERT INTO wanted_blobs ({COLUMNS})"  # noqa: S608
        " VALUES (:name, :number, :hash, :size, :edition, :signature, :state, '', NULL, :none, 0, 0, FALSE, 0, '')"
        " ON CONFLICT (name) DO UPDATE SET number = excluded.number, hash = excluded.hash, size = excluded.size,"
        " edition = excluded.edition, signature = excluded.signature,"
        " state = excluded.state, reason = '', is_plain = FALSE, due_at = 0, tried = ''",
        name=name,
        number=tx.next_number("wanted"),
        hash=blob,
        size=size,
        edition=edition,
        signature=signature,
        state=WANTED,
        none=b"",
    )
    _drop_ranges(tx, name)


def find(tx: Transaction, name: str) -> Wanted | None:
    """What is offered under this name, or None."""
    return _wanted(tx.one(f"SELECT {COLUMNS} FROM wanted_blobs WHERE name = :name", name=name))  # noqa: S608


def all_wanted(tx: Transaction) -> list[Wanted]:
    """Everything that the upstream offered, the oldest offer first."""
    rows = tx.all(f"SELECT {COLUMNS} FROM wanted_blobs ORDER BY number")  # noqa: S608
    return [Wanted(*row) for row in rows]


def next_in(tx: Transaction, state: str) -> Wanted | None:
    """The oldest offer in this state that is due, or None."""
    return _wanted(
        tx.one(
            f"SELECT {COLUMNS} FROM wanted_blobs WHERE state = :state AND (due_at <= :now OR due_at > :latest)"  # noqa: S608
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


def mark(tx: Transaction, wanted: Wanted, tried: str) -> None:
    """Note who is about to take it in."""
    tx.run(
        "UPDATE wanted_blobs SET tried = :tried WHERE name = :name AND number = :number",
        name=wanted.name,
        number=wanted.number,
        tried=tried,
    )


def move(tx: Transaction, wanted: Wanted, state: str, reason: str = "") -> bool:
    """Bring the offer to another state. False when a later one has replaced it meanwhile: then nothing changes."""
    row = tx.one(
        "UPDATE wanted_blobs SET state = :state, reason = :reason, tried = ''"
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
    blobs.forget_unused(tx)


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
