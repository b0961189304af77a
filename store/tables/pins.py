"""How often the PIN of a case was renewed, and of which key it is. The PIN itself is nowhere."""

from __future__ import annotations

from sado.store.transaction import Transaction


def find(tx: Transaction, reference: str) -> tuple[int, int]:
    """The generation of this case's PIN and its key: 0 and the first for one of which nothing is kept."""
    row = tx.one("SELECT generation, key FROM pins WHERE reference = :reference", reference=reference)
    return (0, 1) if row is None else (row[0], row[1])


def save(tx: Transaction, reference: str, generation: int, key: int) -> None:
    """Keep them."""
    tx.run(
        "INSERT INTO pins (reference, generation, key) VALUES (:reference, :generation, :key)"
        " ON CONFLICT (reference) DO UPDATE SET generation = excluded.generation, key = excluded.key",
        reference=reference,
        generation=generation,
        key=key,
    )
