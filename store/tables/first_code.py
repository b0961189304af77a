"""The code that makes the first account: one at a time, kept as a hash."""

from __future__ import annotations

from sado.store.tables.token_hash import hash_of
from sado.store.transaction import Transaction

# A code has 128 random bits: what is guessed so often is no mistake in typing.
MOST_TRIES = 10


def save(tx: Transaction, code: str, expires_at: int) -> None:
    """Let this code be good until then, in place of an earlier one."""
    delete(tx)
    tx.run(
        "INSERT INTO first_code (hash, expires_at, tries) VALUES (:hash, :expires_at, 0)",
        hash=hash_of(code),
        expires_at=expires_at,
    )


def is_good(tx: Transaction, code: str) -> bool:
    """Whether this is the code, it is not too old, and there were not too many wrong ones."""
    row = tx.one(
        "SELECT hash FROM first_code WHERE hash = :hash AND expires_at > :now AND tries < :most",
        hash=hash_of(code),
        now=tx.now,
        most=MOST_TRIES,
    )
    return row is not None


def count_wrong(tx: Transaction) -> None:
    """Note a wrong one; beyond the most none is counted, so that guessing writes nothing."""
    tx.run("UPDATE first_code SET tries = tries + 1 WHERE tries < :most", most=MOST_TRIES)


def delete(tx: Transaction) -> None:
    """Let no code be good any more."""
    tx.run("DELETE FROM first_code")
