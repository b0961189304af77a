"""Votes by subject and choice, and apart from them a mark for each phone that has voted on a subject."""

from __future__ import annotations

from dataclasses import dataclass

from sado.store.transaction import Transaction


@dataclass(frozen=True)
class Tally:
    """How often a choice was taken."""

    subject: str
    choice: str
    votes: int


def mark(tx: Transaction, subject: str, msisdn: str) -> bool:
    """Note that this phone has voted on the subject. False when it had before."""
    row = tx.one(
        "INSERT INTO ballots (hash) VALUES (:hash) ON CONFLICT (hash) DO NOTHING RETURNING hash",
        hash=tx.keys.digest("ballot", f"{msisdn} {subject}"),
    )
    return row is not None


def add(tx: Transaction, subject: str, choice: str) -> None:
    """Count one vote more."""
    tx.run(
        "INSERT INTO tallies (subject, choice, votes) VALUES (:subject, :choice, 1)"
        " ON CONFLICT (subject, choice) DO UPDATE SET votes = tallies.votes + 1",
        subject=subject,
        choice=choice,
    )


def tallies(tx: Transaction) -> list[Tally]:
    """Every count, by subject and choice."""
    return [Tally(*row) for row in tx.all("SELECT subject, choice, votes FROM tallies ORDER BY subject, choice")]
