"""What residents had deleted, for as long as a backup may hold it: a restored one has it deleted again.

A number or a case is noted by a keyed hash of its own, which no row is found by; and the backups that were made, each
with the day until which it is kept."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from sado.store.transaction import Transaction

# Counts the deletions since the file was written anew.
WIPED = "deletions"


@dataclass(frozen=True)
class Known:
    """The deletions and the backups that a database knows of: a hash and its moment, a moment and until when."""

    deletions: Collection[tuple[bytes, int]]
    backups: Collection[tuple[int, int]]


def note(tx: Transaction, what: str) -> None:
    """Note that this number, or the number of the case with this reference, was deleted now."""
    tx.run(
        "INSERT INTO deletions (hash, at) VALUES (:hash, :at) ON CONFLICT (hash) DO UPDATE SET at = excluded.at",
        hash=_hash(tx, what),
        at=tx.now,
    )
    wipe(tx)


def wipe(tx: Transaction) -> None:
    """What this work deletes is to leave the file: the journal at once, and all pages by the morning."""
    tx.wipes = True
    tx.next_number(WIPED)


def count(tx: Transaction) -> int:
    """How much was deleted since the file was written anew."""
    return int(tx.value("SELECT value FROM counters WHERE name = :name", name=WIPED) or 0)


def note_rewritten(tx: Transaction, counted: int) -> None:
    """The file was written anew when so much had been deleted."""
    tx.run("DELETE FROM counters WHERE name = :name AND value = :value", name=WIPED, value=counted)


def is_new(tx: Transaction, what: str) -> bool:
    """Whether it was deleted in this very moment."""
    return (
        tx.one("SELECT 1 FROM deletions WHERE hash = :hash AND at = :now", hash=_hash(tx, what), now=tx.now) is not None
    )


def known(tx: Transaction) -> Known:
    """All that is known; the hashes as the newest key makes them."""
    deletions = [(tx.keys.rehashed(row[0]), row[1]) for row in tx.all("SELECT hash, at FROM deletions")]
    return Known(deletions, [(row[0], row[1]) for row in tx.all("SELECT made_at, kept_until FROM backups")])


def newest_hash(tx: Transaction, what: str) -> bytes:
    """The hash of a number or a reference as in `known`."""
    return tx.keys.lookup(f"deleted {what}")


def note_backup(tx: Transaction, made_at: int, kept_until: int) -> None:
    """Note that a backup was made, and until when it is kept."""
    tx.run(
        "INSERT INTO backups (made_at, kept_until) VALUES (:made_at, :kept_until) ON CONFLICT (made_at) DO NOTHING",
        made_at=made_at,
        kept_until=kept_until,
    )


def held_until(tx: Transaction) -> int | None:
    """Until when a backup holds what was deleted since it was made; None where none does."""
    until: int | None = tx.value(
        "SELECT MAX(kept_until) FROM backups WHERE kept_until > :now AND made_at <= (SELECT MAX(at) FROM deletions)",
        now=tx.now,
    )
    return until


def forget(tx: Transaction, before: int) -> None:
    """Delete the backups that are kept no longer, and the deletions before this moment that no other one holds."""
    tx.run("DELETE FROM backups WHERE kept_until <= :now", now=tx.now)
    tx.run(
        "DELETE FROM deletions WHERE at < :before"
        " AND NOT EXISTS (SELECT 1 FROM backups WHERE backups.made_at <= deletions.at)",
        before=before,
    )


def _hash(tx: Transaction, what: str) -> bytes:
    return tx.lookup(f"deleted {what}")
