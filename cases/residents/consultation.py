"""Consultation: polls and ratings, counted without a name.

Two things are kept, in two tables with nothing between them: how often each choice was taken, and for each phone that
voted a mark, so that it counts once. The mark is a keyed hash of the subject and the number, without a time or a
number of its own.

What can still be inferred: who holds the database and its key file can ask whether a given phone has voted on a
subject, though not what. For as long as they are kept, the sealed state of her session (a week) and, by its time, the
entry for the upstream (two weeks) tell what a phone chose to one who opens them with the key. The bytes of the file,
read below SQL, may tell in which order marks came; so do copies of it taken before and after a vote, which also show
the choice, as does a results page that is watched meanwhile.

What can be forged: who has a station's key can count votes that nobody gave, for what comes up tells of no phone and
can be held against none; it cannot take any away, nor make up questions without end. So votes are counted by the
station that sent them: the results say how many each did, and those of one can be taken out again. And an SMS can be
sent in anybody's name: it votes for the number that it names, once, and its owner reads so in the answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

import msgspec

from sado.cases.errors import ForeignEventError, UnknownEventError
from sado.store import Transaction
from sado.store.tables import consultation as rows
from sado.store.tables.events import Event
from sado.sync import outbox
from sado.sync.codes import EntryKind

COUNTED = EntryKind.TALLY_COUNTED
FEWEST = 10
# From each station no more choices come than the polls and ratings of any pack have.
MOST_CHOICES = 1000

# Neither is empty.
Chosen = Annotated[str, msgspec.Meta(min_length=1, max_length=60)]


class Counted(msgspec.Struct, frozen=True):
    """The event that carries one vote to the upstream: nothing in it is about a phone."""

    subject: Chosen
    choice: Chosen


class Consultation:
    """The polls and ratings of one station. `has_upstream` says whether its counts travel on."""

    def __init__(self, has_upstream: bool) -> None:
        self._has_upstream = has_upstream

    def count(self, tx: Transaction, subject: str, choice: str, msisdn: str) -> bool:
        """Count this phone's vote on the subject. False, and nothing changes, when it was counted before."""
        if not rows.mark(tx, subject, msisdn):
            return False
        rows.add(tx, subject, choice)
        if self._has_upstream:
            body = msgspec.json.encode(Counted(subject, choice)).decode()
            outbox.put(tx, outbox.UPSTREAM, COUNTED, "", body, outbox.NORMAL)
        return True

    def apply(self, tx: Transaction, peer: str, event: Event) -> None:
        """Add a vote that a downstream station counted; the exchange hands over each once.

        Raises msgspec.ValidationError, ForeignEventError or UnknownEventError: the caller keeps the event aside."""
        if event.kind != COUNTED:
            raise UnknownEventError(event.kind)
        if peer == outbox.UPSTREAM:
            raise ForeignEventError("Votes come from below.")
        counted = msgspec.json.decode(event.body, type=Counted)
        is_new = not rows.is_known(tx, counted.subject, counted.choice, peer)
        if is_new and rows.choices(tx, peer) >= MOST_CHOICES:
            raise ForeignEventError("There are more choices than any poll has.")
        rows.add(tx, counted.subject, counted.choice, peer)


def results(tx: Transaction) -> dict[str, Mapping[str, int] | None]:
    """Subject → choice → votes. A subject with fewer than FEWEST votes has None: so few might be told apart."""
    by_subject: dict[str, dict[str, int]] = {}
    for tally in rows.tallies(tx):
        by_subject.setdefault(tally.subject, {})[tally.choice] = tally.votes
    return {subject: votes if sum(votes.values()) >= FEWEST else None for subject, votes in by_subject.items()}


def sources(tx: Transaction) -> dict[str, dict[str, int]]:
    """Subject → the station that counted → votes, the most first; this station itself is the empty string."""
    by_subject: dict[str, dict[str, int]] = {}
    for subject, source, votes in rows.by_source(tx):
        by_subject.setdefault(subject, {})[source] = votes
    return by_subject


def withdraw(tx: Transaction, source: str) -> int:
    """Take out every vote that this station sent; how many they were."""
    return rows.remove(tx, source)
