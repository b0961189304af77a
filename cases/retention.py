"""How long cases are kept: so long as the pack's law says after they are over, then nameless, and later not at all.

A case is over when its agency has answered, refused or closed it, and nobody has moved it or asked for a move since.
Each station goes by its own clocks, both: the wall's, and the one that nobody sets (store/clock.py)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from sado.cases.law import DAY, Law
from sado.cases.statuses import DONE
from sado.store import Transaction
from sado.store.tables import retention as rows
from sado.store.tables.retention import Ended
from sado.store.zone_time import DAY_MS, moment

# So many cases are done with in one transaction, which a hop may have to wait for.
STEP = 20
# So far ahead the operator sees what comes.
AHEAD_DAYS = 30


@dataclass(frozen=True)
class Due:
    """A case that will be made nameless, or deleted, on the day that begins `at`."""

    reference: str
    at: int
    is_deleted: bool


@dataclass(frozen=True)
class Coming:
    """What comes until the end of a day, `until`: how many cases become nameless, how many are deleted, and the
    first of them."""

    until: int
    nameless: int
    deleted: int
    first: list[Due]


class Retention:
    """The terms of one station; `law` gives those of now."""

    def __init__(self, law: Callable[[], Law]) -> None:
        self._law = law

    def step(self, tx: Transaction) -> bool:
        """Delete, or else make nameless, some of the cases whose time has come; whether there may be more."""
        law = self._law()
        for is_deleted in (True, False):
            for _, which in _ended(tx, law, is_deleted, law.day_of(tx.now)):
                if due := rows.ended(tx, which, STEP, named=not is_deleted):
                    for reference, _ in due:
                        (rows.delete if is_deleted else rows.make_nameless)(tx, reference)
                    return True
        return False


def coming(tx: Transaction, law: Law, limit: int) -> Coming:
    """What the next AHEAD_DAYS bring, with `limit` of the cases at most, those that come first."""
    until = law.day_of(tx.now) + AHEAD_DAYS * DAY
    counts: list[int] = [0, 0]
    first: list[Due] = []
    for is_deleted in (False, True):
        for days, which in _ended(tx, law, is_deleted, until):
            counts[is_deleted] += rows.count(tx, which, named=not is_deleted)
            due = rows.ended(tx, which, limit, named=not is_deleted)
            first += [Due(reference, _due_at(law, at, days), is_deleted) for reference, at in due]
    first.sort(key=lambda one: (one.at, one.reference, one.is_deleted))
    return Coming(law.end_of(until), counts[0], counts[1], first[:limit])


def _due_at(law: Law, moved_at: int, days: int) -> int:
    """When the day begins on which a case goes that was moved last at this moment and is kept for so many days."""
    return moment(law.day_of(moved_at) + (days + 1) * DAY, ZoneInfo(law.time_zone))


def _ended(tx: Transaction, law: Law, is_deleted: bool, day: date) -> Iterator[tuple[int, Ended]]:
    """For each kind, the days of its term, and its cases whose term will be over on this day."""
    ahead_ms = moment(day, zone := ZoneInfo(law.time_zone)) - moment(law.day_of(tx.now), zone)
    for kind, kept in law.retention.items():
        days = kept.deleted_days if is_deleted else kept.nameless_days
        before = moment(day - timedelta(days), zone)
        yield days, Ended(kind, DONE, before, tx.steady + ahead_ms - days * DAY_MS)
