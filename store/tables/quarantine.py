"""What came from another station and could not be applied."""

from __future__ import annotations

from dataclasses import dataclass

from sado.store.transaction import Transaction


@dataclass(frozen=True)
class Quarantined:
    """An event that was received but could not be applied, kept whole for a person to look at."""

    id: int
    peer: str
    kind: str
    reason: str
    at: int


def keep(tx: Transaction, peer_name: str, kind: str, body: str, reason: str) -> None:
    """Keep an event aside; the lane goes on."""
    number = tx.next_number("quarantine")
    tx.run(
        "INSERT INTO quarantine (id, peer, kind, body, reason, at) VALUES (:id, :peer, :kind, :body, :reason, :at)",
        id=number,
        peer=peer_name,
        kind=kind,
        body=tx.seal(body, "quarantine.body", number),
        reason=reason,
        at=tx.now,
    )


def count(tx: Transaction) -> int:
    """How many lie aside."""
    return int(tx.value("SELECT COUNT(*) FROM quarantine"))


def listed(tx: Transaction, limit: int) -> list[Quarantined]:
    """What lies aside, newest first."""
    rows = tx.all("SELECT id, peer, kind, reason, at FROM quarantine ORDER BY id DESC LIMIT :limit", limit=limit)
    return [Quarantined(*row) for row in rows]
