"""Votes by subject, choice and who counted them, and apart from them a mark for each phone that has voted on a subject.

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


def add(tx: Transaction, subject: str, choice: str, source: str = "") -> None:
    """Count one vote more; `source` is the station that counted it, empty for this one."""
    tx.run(
        "INSERT INTO tallies (subject, choice, source, votes) VALUES (:subject, :choice, :source, 1)"
        " ON CONFLICT (subject, choice, source) DO UPDATE SET votes = tallies.votes + 1",
        subject=subject,
        choice=choice,
        source=source,
    )


def is_known(tx: Transaction, subject: str, choice: str, source: str) -> bool:
    """Whether this station has counted a vote for this choice already."""
    vote = "SELECT 1 FROM tallies WHERE subject = :subject AND choice = :choice AND source = :source"
    return tx.one(vote, subject=subject, choice=choice, source=source) is not None


def choices(tx: Transaction, source: str) -> int:
    """For how many choices this station has counted votes."""
    return int(tx.value("SELECT COUNT(*) FROM tallies WHERE source = :source", source=source))


def tallies(tx: Transaction) -> list[Tally]:
    """Every count, by subject and choice."""
    counted = "SELECT subject, choice, SUM(votes) FROM tallies GROUP BY subject, choice ORDER BY subject, choice"
    return [Tally(subject, choice, int(votes)) for subject, choice, votes in tx.all(counted)]


def by_source(tx: Transaction) -> list[tuple[str, str, int]]:
    """How many votes each station counted on each subject: subject, source, votes; the most first."""
    counted = "SELECT subject, source, SUM(votes) AS votes FROM tallies GROUP BY subject, source"
    rows = tx.all(f"{counted} ORDER BY votes DESC, source")
    return [(subject, source, int(votes)) for subject, source, votes in rows]


def remove(tx: Transaction, source: str) -> int:
    """Count the votes of this station no more; how many they were."""
    removed = tx.all("DELETE FROM tallies WHERE source = :source RETURNING votes", source=source)
    return sum(votes for (votes,) in removed)
