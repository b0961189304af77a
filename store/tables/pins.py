"""How often the PIN of a case was renewed. The PIN itself is nowhere."""

from __future__ import annotations

from sado.store.transaction import Transaction


def generation(tx: Transaction, reference: str) -> int:
    """The generation of this case's PIN; 0 for one that was never renewed."""
    return int(tx.value("SELECT generation FROM pins WHERE reference = :reference", reference=reference) or 0)


def set_generation(tx: Transaction, reference: str, number: int) -> None:
    """Keep the generation."""
    tx.run(
        "INSERT INTO pins (reference, generation) VALUES (:reference, :generation)"
        " ON CONFLICT (reference) DO UPDATE SET generation = excluded.generation",
        reference=reference,
        generation=number,
    )
