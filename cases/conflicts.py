"""What becomes at the hub of a move that was asked for at a station: the rule, as a table and a function.

    what lies between: the moves that the hub ordered after the version that the author saw, without those that her
    own station asked for

    the case has it already                                           applied   nothing changes
    asked for an agency that does not hold the case                   hard      owner beats non-owner
    no legal move from where the case stands, or in the law's terms   hard
    the author saw a version that the hub does not have               hard      the hub's disk went back in time
    nothing lies between                                              applied
    an operator asked, and a move of the holder lies between          hard      owner beats non-owner
    what lies between touches other things (TOUCHES)                  soft      applied, and marked
    it touches the same                                               hard

Hard: the case stays as it is, the request is kept beside it, and a person decides. What is only ever added (messages,
further words, receipts) is no move and never in conflict. No time is compared anywhere: the order is that in which
moves and requests came to the hub. Pure: it reads no database and no clock.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Protocol

from sado.cases import statuses
from sado.cases.payloads import Move, agency_of, by_agency, by_operator
from sado.store.tables.cases import CaseRow, EventRow
from sado.store.tables.requests import WAITING

APPLIED, SOFT, HARD = "applied", "soft", "hard"
TAKEN, SET_ASIDE = "taken", "set_aside"
OUTCOMES = (WAITING, APPLIED, SOFT, HARD, TAKEN, SET_ASIDE)

# A longer term changes no status but its own name for it, a forward begins the term anew, and the resident's wish for
# no more notices stands beside whatever the agencies do: she can withdraw at any time, and the file goes on.
TOUCHES: dict[str, frozenset[str]] = {
    statuses.REGISTERED: frozenset({"status", "term"}),
    "in_review": frozenset({"status"}),
    "documents_needed": frozenset({"status"}),
    statuses.EXTENDED: frozenset({"term"}),
    statuses.FORWARDED: frozenset({"status", "agency"}),
    statuses.ANSWERED: frozenset({"status"}),
    statuses.REFUSED: frozenset({"status"}),
    statuses.CLOSED: frozenset({"status"}),
    statuses.REOPENED: frozenset({"status"}),
    statuses.WITHDRAWN: frozenset({"notices"}),
}
# What each may ask for: an agency moves its case, a resident withdraws hers or has it reopened after it was closed, an
# operator may have it passed on.
MAY_ASK: dict[str, Collection[str]] = {
    "agency": statuses.EVENTS,
    "operator": {statuses.FORWARDED},
    "resident": {statuses.WITHDRAWN, statuses.REOPENED},
}


class Rule(Protocol):
    """Decides on a request (`move`, made on the version `base`) as the case now stands. `between` is as above."""

    def __call__(
        self, case: CaseRow, between: Sequence[EventRow], move: Move, base: int, *, has_it: bool, is_legal: bool
    ) -> str:
        """APPLIED, SOFT or HARD."""
        ...


def decide(case: CaseRow, between: Sequence[EventRow], move: Move, base: int, *, has_it: bool, is_legal: bool) -> str:
    """The rule above."""
    if has_it:
        return APPLIED
    held = agency_of(move.actor)
    if (held and held != case.agency) or not is_legal or base > case.version:
        return HARD
    if not between:
        return APPLIED
    is_owners = any(event.actor == by_agency(case.agency) for event in between)
    if move.actor == by_operator(case.agency) and is_owners:
        return HARD
    touched = frozenset[str]().union(*(TOUCHES[event.kind] for event in between))
    return HARD if touched & TOUCHES[move.kind] else SOFT


def has_it(case: CaseRow, events: Sequence[EventRow], move: Move) -> bool:
    """Whether this is the move that brought the case where it stands, asked for or sent again."""
    if move.kind == statuses.WITHDRAWN:
        return case.is_withdrawn
    last = next((event for event in reversed(events) if event.kind == case.status), None)
    if last is None or (last.kind, last.text, last.agency) != (move.kind, move.text, move.agency):
        return False
    sides = {agency_of(last.actor), agency_of(move.actor)} - {""}
    return len(sides) < 2 and (move.kind != statuses.REGISTERED or move.is_short == case.is_short)  # noqa: PLR2004
