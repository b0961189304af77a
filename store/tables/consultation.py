"""Votes by subject and choice, and apart from them a mark for each phone that has voted on a subject.

A ballot has no time, and its place is drawn by lot, so the rows do not tell in which order people voted, nor what: in
SQLite an INTEGER PRIMARY KEY is the number that a row has anyway, and that would count up. PostgreSQL will need more:
there each row also has its place in the file (`ctid`) and the number of its transaction (`xmin`), which the ballot, the
tally and the session of one vote share. Freezing keeps both, so all marks will have to be written anew from time to
time, in one transaction and in the order of their places.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass

from sado.store.transaction import Transaction


def by_lot() -> int:
    """A place for a ballot."""
    return secrets.randbits(31)


@dataclass(frozen=True)
class Tally:
    """How often a choice was taken."""

    subject: str
    choice: str
    votes: int


def mark(tx: Transaction, subject: str, msisdn: str, draw: Callable[[], int] = by_lot) -> bool:
    """Note that this phone has voted on the subject. False when it had before."""
    ballot = tx.lookup(f"ballot {msisdn} {subject}")
    insert = "INSERT INTO ballots (place, hash) VALUES (:place, :hash) ON CONFLICT DO NOTHING RETURNING hash"
    while tx.one(insert, place=draw(), hash=ballot) is None:
        if tx.one("SELECT 1 FROM ballots WHERE hash = :hash", hash=ballot) is not None:
            return False
    return True


def add(tx: Transaction, subject: str, choice: str) -> None:
    """Count one vote more."""
    tx.run(
        "INSERT INTO tallies (subject, choice, votes) VALUES (:subject, :choice, 1)"
        " ON CONFLICT (subject, choice) DO UPDATE SET votes = tallies.votes + 1",
        subject=subject,
        choice=choice,
    )


def is_known(tx: Transaction, subject: str, choice: str) -> bool:
    """Whether there is a vote for this choice already."""
    vote = "SELECT 1 FROM tallies WHERE subject = :subject AND choice = :choice"
    return tx.one(vote, subject=subject, choice=choice) is not None


def choices(tx: Transaction) -> int:
    """How many choices have votes."""
    return int(tx.value("SELECT COUNT(*) FROM tallies"))


def tallies(tx: Transaction) -> list[Tally]:
    """Every count, by subject and choice."""
    return [Tally(*row) for row in tx.all("SELECT subject, choice, votes FROM tallies ORDER BY subject, choice")]
