"""What came from another station and could not be applied, kept whole for a person: so much of each peer, no more."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sado.store.tables.events import Event
from sado.store.transaction import Row, Transaction

BODY = "quarantine.body"
# What is left of an event whose words were deleted.
EMPTY = "{}"
# What is kept of one peer: more than a release that is behind its stations fails to understand in some weeks.
MOST, MOST_BYTES = 1000, 16 << 20
COLUMNS = "id, peer, kind, reference, reason, at, happened_at, body"


@dataclass(frozen=True)
class Quarantined:
    """An event that was received but could not be applied, kept whole for a person to look at. `at` is when it came,
    `happened_at` when it was made, both by this station's clock. In a list the body is left sealed."""

    id: int
    peer: str
    kind: str
    reference: str
    reason: str
    at: int
    happened_at: int
    body: str = ""

    @property
    def event(self) -> Event:
        """The event as its handler takes it."""
        return Event(self.kind, self.reference, self.body, happened_at=self.happened_at)


def keep(tx: Transaction, peer_name: str, event: Event, reason: str) -> None:
    """Keep an event aside; the lane goes on. Whoever does it asks `is_full` before."""
    number = tx.next_number("quarantine")
    tx.run(
        "INSERT INTO quarantine (id, peer, kind, reference, body, reason, at, happened_at)"
        " VALUES (:id, :peer, :kind, :reference, :body, :reason, :at, :happened_at)",
        id=number,
        peer=peer_name,
        kind=event.kind,
        reference=event.reference,
        body=tx.seal(event.body, BODY, number),
        reason=reason,
        at=tx.now,
        happened_at=event.happened_at,
    )


def is_full(tx: Transaction, peer_name: str) -> bool:
    """Whether no more of this peer is kept."""
    row = tx.one("SELECT COUNT(*), SUM(LENGTH(body)) FROM quarantine WHERE peer = :peer", peer=peer_name)
    return row is not None and (row[0] >= MOST or (row[1] or 0) >= MOST_BYTES)


def full_peers(tx: Transaction) -> list[str]:
    """The peers of which no more is kept, by name."""
    rows = tx.all(
        "SELECT peer FROM quarantine GROUP BY peer HAVING COUNT(*) >= :most OR SUM(LENGTH(body)) >= :most_bytes"
        " ORDER BY peer",
        most=MOST,
        most_bytes=MOST_BYTES,
    )
    return [row[0] for row in rows]


def count(tx: Transaction) -> int:
    """How many lie aside."""
    return int(tx.value("SELECT COUNT(*) FROM quarantine"))


def listed(tx: Transaction, limit: int) -> list[Quarantined]:
    """What lies aside, newest first."""
    rows = tx.all(f"SELECT {COLUMNS} FROM quarantine ORDER BY id DESC LIMIT :limit", limit=limit)  # noqa: S608
    return [Quarantined(*row[:-1]) for row in rows]


def find(tx: Transaction, number: int) -> Quarantined | None:
    """What lies aside under this number, with its body, or None."""
    row = tx.one(f"SELECT {COLUMNS} FROM quarantine WHERE id = :id", id=number)  # noqa: S608
    return None if row is None else _opened(tx, row)


def about(tx: Transaction, reference: str) -> list[Quarantined]:
    """What lies aside about one case, oldest first, with its bodies."""
    rows = tx.all(
        f"SELECT {COLUMNS} FROM quarantine WHERE reference = :reference ORDER BY id",  # noqa: S608
        reference=reference,
    )
    return [_opened(tx, row) for row in rows]


def all_of_them(tx: Transaction) -> Iterator[Quarantined]:
    """Everything that lies aside, with its bodies."""
    rows = tx.all("SELECT id FROM quarantine ORDER BY id")
    return (kept for (number,) in rows if (kept := find(tx, number)))


def set_reason(tx: Transaction, number: int, reason: str) -> None:
    """It was tried again, and this is why it could not be applied."""
    tx.run("UPDATE quarantine SET reason = :reason WHERE id = :id", id=number, reason=reason)


def empty(tx: Transaction, number: int) -> None:
    """Delete the words of an event; that it came stays."""
    tx.run("UPDATE quarantine SET body = :body WHERE id = :id", id=number, body=tx.seal(EMPTY, BODY, number))


def delete(tx: Transaction, number: int) -> bool:
    """Delete what lies aside under this number; False where nothing does."""
    return tx.one("DELETE FROM quarantine WHERE id = :id RETURNING id", id=number) is not None


def _opened(tx: Transaction, row: Row) -> Quarantined:
    return Quarantined(*(*row[:-1], tx.unseal(row[-1], BODY, row[0])))
