"""What an upstream publishes: the blobs that names stand for, and what became of the offers of them."""

from __future__ import annotations

from dataclasses import dataclass

from sado.store.tables import blobs
from sado.store.tables.wanted_blobs import TAKEN
from sado.store.transaction import Transaction

# Versions of one name that are kept: a station that was away for the last few can still be sent a difference.
KEPT = 4
OFFERED = "offered"
EDITIONS = "editions"
# More than are published between two backups.
LEFT_OUT = 1000


@dataclass(frozen=True)
class Offered:
    """How an offer stands at the station that it was made to."""

    station: int
    name: str
    hash: bytes
    state: str
    reason: str
    at: int


@dataclass(frozen=True)
class Published:
    """What a name stands for, and what the publisher signed of it."""

    hash: bytes
    edition: int
    signature: str


def publish(tx: Transaction, name: str, published: Published) -> None:
    """Let the name stand for this blob from now on. The last few before it stay, to make differences against."""
    number = tx.next_number("published")
    tx.run(
        "INSERT INTO published_blobs (name, number, hash, edition, signature, at)"
        " VALUES (:name, :number, :hash, :edition, :signature, :at)",
        name=name,
        number=number,
        hash=published.hash,
        edition=published.edition,
        signature=published.signature,
        at=tx.now,
    )
    kept = "SELECT number FROM published_blobs WHERE name = :name ORDER BY number DESC LIMIT :kept"
    tx.run(f"DELETE FROM published_blobs WHERE name = :name AND number NOT IN ({kept})", name=name, kept=KEPT)  # noqa: S608
    blobs.forget_unused(tx)


def next_edition(tx: Transaction) -> int:
    """A number for what is published next, greater than all before."""
    return tx.next_number(EDITIONS)


def leave_out(tx: Transaction) -> None:
    """Pass over the next LEFT_OUT editions: this database went back in time, and stations may have them already."""
    tx.skip_to(EDITIONS, next_edition(tx) + LEFT_OUT)


def withdraw(tx: Transaction, name: str) -> None:
    """Let the name stand for nothing any more, and offer it to nobody."""
    tx.run("DELETE FROM published_blobs WHERE name = :name", name=name)
    tx.run("DELETE FROM offered_blobs WHERE name = :name", name=name)
    blobs.forget_unused(tx)


def find(tx: Transaction, name: str) -> Published | None:
    """What a name stands for, or None."""
    latest = "SELECT hash, edition, signature FROM published_blobs WHERE name = :name ORDER BY number DESC LIMIT 1"
    row = tx.one(latest, name=name)
    return None if row is None else Published(*row)


def published(tx: Transaction) -> dict[str, Published]:
    """Every published name with what it stands for, in the order of publishing."""
    rows = tx.all(
        "SELECT name, hash, edition, signature FROM published_blobs p WHERE number ="
        " (SELECT MAX(number) FROM published_blobs WHERE name = p.name) ORDER BY number"
    )
    return {name: Published(*rest) for name, *rest in rows}


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
