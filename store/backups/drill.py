"""What a copy is compared by with the database that it was made of.

That database has gone on meanwhile: cases were moved and filed, numbers deleted. What never changes is what a resident
wrote, the events that a case had, and the numbers that a lane has given."""

from __future__ import annotations

import msgspec

from sado.store.backups.backup import LaneEnd, lane_ends
from sado.store.errors import SealError
from sado.store.tables import cases, retention
from sado.store.transaction import Transaction


class Fact(msgspec.Struct, frozen=True):
    """A case: a keyed hash of what was filed, empty where it does not open, and how many events it has. Of one that is
    not kept any more (`is_over`), nameless or deleted when its time came, nothing can be compared."""

    reference: str
    digest: str
    events: int
    is_over: bool = False


class Facts(msgspec.Struct, frozen=True):
    """Some cases of a database, and where its lanes end."""

    cases: list[Fact]
    lane_ends: list[LaneEnd]


def facts_about(tx: Transaction, references: list[str]) -> Facts:
    """The facts about those of these cases that are here."""
    return Facts([fact for reference in references if (fact := _fact(tx, reference))], lane_ends(tx))


def references_after(tx: Transaction, reference: str, limit: int) -> list[str]:
    """The references of the cases that follow this one, in order."""
    rows = tx.all(
        "SELECT reference FROM cases WHERE reference > :reference ORDER BY reference LIMIT :limit",
        reference=reference,
        limit=limit,
    )
    return [row[0] for row in rows]


def lost_cases(copy: list[Fact], live: list[Fact]) -> list[str]:
    """What is wrong with the live database, a sentence each, where it lacks what the copy has."""
    by_reference = {fact.reference: fact for fact in live}
    return [fault for fact in copy if (fault := _lost(fact, by_reference.get(fact.reference)))]


def lost_numbers(copy: list[LaneEnd], live: list[LaneEnd]) -> list[str]:
    """The same of the lanes. Those that were numbered anew since the copy was made say nothing."""
    by_lane = {(end.peer, end.lane, end.incarnation): end for end in live}
    faults = []
    for end in copy:
        now = by_lane.get((end.peer, end.lane, end.incarnation))
        if now is not None and (now.numbered < end.numbered or (now.numbered == end.numbered and now != end)):
            faults.append(f"Lane {end.lane} to {end.peer}: the copy is ahead of the station's database.")
    return faults


def _fact(tx: Transaction, reference: str) -> Fact | None:
    try:
        if retention.was_deleted(tx, reference) or retention.is_nameless(tx, reference):
            return Fact(reference, "", 0, is_over=True)
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
    if live.is_over:
        return ""
    if not live.digest:
        return f"Case {copy.reference} cannot be read in the station's database: its disk is failing."
    if live.digest != copy.digest:
        return f"Case {copy.reference} reads otherwise in the station's database."
    if live.events < copy.events:
        return f"Case {copy.reference} has lost events in the station's database."
    return ""
