"""What a copy is compared by with the database that it was made of.

That database has gone on meanwhile: cases were moved and filed, numbers deleted. What never changes is what a resident
wrote, the events that a case had, and the numbers that a lane has given."""

from __future__ import annotations

import msgspec

from sado.store.backups.backup import Head, heads
from sado.store.errors import SealError
from sado.store.tables import cases
from sado.store.transaction import Transaction


class Fact(msgspec.Struct, frozen=True):
    """A case: a keyed hash of what was filed, empty where it does not open, and how many events it has."""

    reference: str
    digest: str
    events: int


class Facts(msgspec.Struct, frozen=True):
    """Some cases of a database, and where its lanes end."""

    cases: list[Fact]
    heads: list[Head]


def of(tx: Transaction, references: list[str]) -> Facts:
    """The facts about those of these cases that are here."""
    found = (_fact(tx, reference) for reference in references)
    return Facts([fact for fact in found if fact is not None], heads(tx))


def after(tx: Transaction, reference: str, limit: int) -> list[str]:
    """The references of the cases that follow this one, in order."""
    rows = tx.all(
        "SELECT reference FROM cases WHERE reference > :reference ORDER BY reference LIMIT :limit",
        reference=reference,
        limit=limit,
    )
    return [row[0] for row in rows]


def lost_cases(copy: list[Fact], live: list[Fact]) -> list[str]:
    """What is wrong with the live database, a sentence each, where it lacks what the copy has."""
    there = {fact.reference: fact for fact in live}
    return [fault for fact in copy if (fault := _lost(fact, there.get(fact.reference)))]


def lost_numbers(copy: list[Head], live: list[Head]) -> list[str]:
    """The same of the lanes. Those that were numbered anew since the copy was made say nothing."""
    there = {(head.peer, head.lane, head.incarnation): head for head in live}
    faults = []
    for head in copy:
        now = there.get((head.peer, head.lane, head.incarnation))
        if now is not None and (now.numbered < head.numbered or (now.numbered == head.numbered and now != head)):
            faults.append(f"Lane {head.lane} to {head.peer}: the copy is ahead of the station's database.")
    return faults


def _fact(tx: Transaction, reference: str) -> Fact | None:
    try:
        case = cases.find(tx, reference)
        if case is None:
            return None
        events = len(cases.events_of(tx, reference))
        return Fact(reference, tx.keys.digest("drill", f"{case.name}\0{case.text}").hex(), events)
    except SealError:
        return Fact(reference, "", 0)


def _lost(copy: Fact, live: Fact | None) -> str:
    if live is None:
        return f"Case {copy.reference} is not in the station's database."
    if not live.digest:
        return f"Case {copy.reference} cannot be read in the station's database: its disk is failing."
    if live.digest != copy.digest:
        return f"Case {copy.reference} reads otherwise in the station's database."
    if live.events < copy.events:
        return f"Case {copy.reference} has lost events in the station's database."
    return ""
