"""How far the lanes from each peer have been received, and what could not be understood."""

from __future__ import annotations

from dataclasses import dataclass

from store.transaction import Transaction


def cursor(tx: Transaction, peer: str, lane: str) -> int:
    """The highest number received from the peer in this lane; all below it are here too."""
    return int(tx.value("SELECT received FROM lanes WHERE peer = :peer AND lane = :lane", peer=peer, lane=lane) or 0)


def cursors(tx: Transaction, peer: str) -> dict[str, int]:
    """The cursor of every lane that the peer has used."""
    return {row[0]: row[1] for row in tx.all("SELECT lane, received FROM lanes WHERE peer = :peer", peer=peer)}


def move_cursor(tx: Transaction, peer: str, lane: str, received: int) -> None:
    """Keep the cursor, in the transaction of the effects it stands for."""
    tx.run(
        "INSERT INTO lanes (peer, lane, received) VALUES (:peer, :lane, :received)"
        " ON CONFLICT (peer, lane) DO UPDATE SET received = excluded.received",
        peer=peer,
        lane=lane,
        received=received,
    )


@dataclass(frozen=True)
class Quarantined:
    """An event that was received but could not be applied, kept whole for a person to look at."""

    id: int
    peer: str
    kind: str
    reason: str
    at: int


def quarantine(tx: Transaction, peer: str, kind: str, body: str, reason: str) -> None:
    """Keep an event aside; the lane goes on."""
    number = tx.next_number("quarantine")
    tx.run(
        "INSERT INTO quarantine (id, peer, kind, body, reason, at) VALUES (:id, :peer, :kind, :body, :reason, :at)",
        id=number,
        peer=peer,
        kind=kind,
        body=tx.seal(body, "quarantine.body", number),
        reason=reason,
        at=tx.now,
    )


def quarantined(tx: Transaction, limit: int) -> list[Quarantined]:
    """What lies aside, newest first."""
    rows = tx.all("SELECT id, peer, kind, reason, at FROM quarantine ORDER BY id DESC LIMIT :limit", limit=limit)
    return [Quarantined(*row) for row in rows]
