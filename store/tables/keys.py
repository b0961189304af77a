"""Which keys this database has been sealed with, and how far it has come to the newest (store/rotation.py).

A key is noted before anything is sealed with it. Keyed hashes are brought to another key in their order, and the last
one that was is noted with it: so of each it is known which key it has.
"""

from __future__ import annotations

from dataclasses import dataclass

from sado.store.errors import KeyFileError
from sado.store.transaction import Transaction


@dataclass(frozen=True)
class Use:
    """The key that the keyed hashes have, and the one with which every value is sealed. While the hashes are brought to
    another, `target` is that one, and `moved` the last that has come there."""

    hashes: int
    target: int
    moved: bytes | None
    sealed: int

    def is_whole(self, newest: int) -> bool:
        """Whether everything has this key."""
        return self.hashes == self.sealed == newest


def check(tx: Transaction) -> None:
    """Raises KeyFileError where the key file is not the one of this database."""
    for key_id, proof in tx.all("SELECT id, proof FROM keys ORDER BY id"):
        if key_id not in tx.keys:
            raise KeyFileError(
                f"The key file lacks key {key_id} of this database: put the one in its place that `sado keys rotate` "
                "wrote then, or a copy of it. Nothing was changed."
            )
        if tx.keys.proof(key_id) != proof:
            raise KeyFileError(
                "The key file is not the one of this database: put the one that the station had in its place, or set "
                "SADO_KEY_FILE. Nothing was changed."
            )


def are_noted(tx: Transaction) -> bool:
    """Whether the database knows all the keys of the key file."""
    return bool(tx.value("SELECT COUNT(*) FROM keys") >= tx.keys.current)


def note(tx: Transaction) -> None:
    """Keep what the keys are known by. A new database begins with the newest."""
    for key_id in range(1, tx.keys.current + 1):
        tx.run(
            "INSERT INTO keys (id, proof) VALUES (:id, :proof) ON CONFLICT (id) DO NOTHING",
            id=key_id,
            proof=tx.keys.proof(key_id),
        )
    if tx.value("SELECT COUNT(*) FROM key_use") == 0:
        tx.run("INSERT INTO key_use (hashes, target, sealed) VALUES (:id, :id, :id)", id=tx.keys.current)


def use(tx: Transaction) -> Use:
    """Which key has what."""
    return Use(*tx.one("SELECT hashes, target, moved, sealed FROM key_use"))  # type: ignore[misc]


def set_moving(tx: Transaction, target: int, moved: bytes) -> None:
    """The hashes up to `moved` have come to this key."""
    tx.run("UPDATE key_use SET target = :target, moved = :moved", target=target, moved=moved)


def set_moved(tx: Transaction, target: int) -> None:
    """All the hashes have come to this key."""
    tx.run("UPDATE key_use SET hashes = :target, target = :target, moved = NULL", target=target)


def set_sealed(tx: Transaction, key_id: int) -> None:
    """Every value is sealed with this key."""
    tx.run("UPDATE key_use SET sealed = :id", id=key_id)
