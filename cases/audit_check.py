"""Going through the chains of the audit log, and saying where one is not as it was written.

It is done a step at a time, so that a station can serve meanwhile: no step is more than a fraction of a second, and
none has to do with the writer.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from enum import StrEnum, unique
from itertools import count

import msgspec

from sado.store import Store, Transaction
from sado.store.tables import audit as rows
from sado.store.tables.audit import Chain
from sado.store.zone_time import DAY_MS

STEP = 5000
REST_S = 0.1
# More faults than these say nothing new.
MOST_FAULTS = 100


@unique
class Wrong(StrEnum):
    """What is wrong. The first are found by going through a chain, the others were seen when rows came from below."""

    CHANGED = "changed"
    MISSING = "missing"
    CUT = "cut"
    LONGER = "longer"
    FORKED = "forked"
    RESTORED = "restored"
    GAP = "gap"
    ALTERED = "altered"


SENTENCES = {
    Wrong.CHANGED: "this row was changed, put in or moved: its hash does not follow from the row before it",
    Wrong.MISSING: "this row is missing",
    Wrong.CUT: "the rows from here to the end are missing",
    Wrong.LONGER: "from here on there are rows behind the end that is remembered",
    Wrong.FORKED: "from here on the station sent other rows than before: its log was rewritten, or its disk is an older"
    " one; both are kept",
    Wrong.RESTORED: "the station was restored from a backup and goes on from here; its rows of before are kept too",
    Wrong.GAP: "what the station sent from here on does not follow from any row that is here: rows are missing, or were"
    " rewritten",
    Wrong.ALTERED: "the rows that the station sent do not give the hash that it said: one was changed before it left",
}


class Fault(msgspec.Struct, frozen=True, array_like=True):
    """Where a chain is not as it was written: the first `number` that does not fit, and what is wrong there."""

    station: int
    branch: int
    number: int
    wrong: Wrong

    def __str__(self) -> str:
        return f"Station {self.station:03}, row {self.number}: {SENTENCES[self.wrong]}."


class Place(msgspec.Struct, frozen=True):
    """How far a chain was gone through: the last row and its hash. At the end of it `is_end`, with what is wrong."""

    station: int
    branch: int
    number: int
    hash: bytes
    faults: tuple[Fault, ...] = ()
    is_end: bool = False


def begin(tx: Transaction) -> list[Place]:
    """Where to begin with each chain. Rows of a chain whose end is not remembered are a fault at once."""
    places = {(chain.station, chain.branch): _beginning(chain) for chain in rows.chains(tx)}
    loose = [first for first in rows.firsts(tx) if first[:2] not in places]
    ended = [Place(*first, b"", (Fault(*first, Wrong.LONGER),), is_end=True) for first in loose]
    return [*places.values(), *ended]


def _beginning(chain: Chain) -> Place:
    found = (Fault(chain.station, chain.branch, chain.first, Wrong(chain.finding)),) if chain.finding else ()
    return Place(chain.station, chain.branch, chain.first - 1, chain.before, found)


def go_on(tx: Transaction, place: Place, most: int = STEP) -> Place:
    """Go through the next rows of a chain."""
    chain = rows.find_chain(tx, place.station, place.branch)
    if chain is None:
        return _ended(place, place.number + 1, Wrong.LONGER)
    hashed, hash_after = place.hash, rows.hash_after
    step = rows.contents_after(tx, chain, place.number, most)
    for number, (said, kept, content) in zip(count(place.number + 1), step, strict=False):
        if said != number:
            return _ended(place, number, Wrong.MISSING)
        hashed = hash_after(hashed, content)
        if hashed != kept:
            return _ended(place, number, Wrong.CHANGED)
    went = Place(place.station, place.branch, place.number + len(step), hashed, place.faults)
    return went if len(step) == most else _at_end(chain, went)


def _at_end(chain: Chain, place: Place) -> Place:
    """Whether the chain ends where it is remembered to."""
    if place.number < chain.number:
        return _ended(place, place.number + 1, Wrong.CUT)
    if place.number > chain.number:
        return _ended(place, chain.number + 1, Wrong.LONGER)
    return (
        msgspec.structs.replace(place, is_end=True)
        if place.hash == chain.hash
        else _ended(place, place.number, Wrong.CHANGED)
    )


def _ended(place: Place, number: int, wrong: Wrong) -> Place:
    fault = Fault(place.station, place.branch, number, wrong)
    return msgspec.structs.replace(place, faults=(*place.faults, fault), is_end=True)


def verify(store: Store, rest: Callable[[], object] = lambda: None, most: int = STEP) -> list[Fault]:
    """Go through every chain, and keep what is wrong for the page; between two steps it may `rest`."""
    faults: list[Fault] = []
    for start in store.read(begin):
        place = start
        while not place.is_end:
            at = place
            place = store.read(lambda tx: go_on(tx, at, most))  # noqa: B023 - it is called at once
            rest()
        faults += place.faults
    keep(store, faults)
    return faults


def verify_daily(store: Store) -> None:
    """Go through every chain where that was not done for a day, and give way to phones after each step."""
    known = store.read(last)
    if known is None or not 0 <= store.now() - known[0] < DAY_MS:
        verify(store, lambda: time.sleep(REST_S))


def keep(store: Store, faults: list[Fault]) -> None:
    """Keep what was found, for the page."""
    found = msgspec.json.encode(faults[:MOST_FAULTS]).decode()
    store.write(lambda tx: rows.save_check(tx, found))


def last(tx: Transaction) -> tuple[int, list[Fault]] | None:
    """When the chains were last gone through, and what was wrong; None before the first time."""
    kept = rows.last_check(tx)
    return None if kept is None else (kept[0], msgspec.json.decode(kept[1], type=list[Fault]))
