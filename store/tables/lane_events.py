"""The entries of the outbox that are for a peer, as the numbered events of a lane (store/tables/lanes.py)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import accumulate

from sado.store.errors import SealError
from sado.store.tables import lanes, quarantine
from sado.store.tables.events import MOST_READ, Event
from sado.store.tables.lanes import Lane
from sado.store.tables.outbox import BODY, EMPTY
from sado.store.transaction import Row, Transaction

COLUMNS = "id, number, event, hash, kind, reference, created_at, steady_at, hops, body"
# The kind of an event whose words the disk has damaged.
DAMAGED = "damaged"
# And why it is kept aside; both are codes of sync/codes.py.
DISK_DAMAGED = "DISK_DAMAGED"


@dataclass(frozen=True)
class LaneEvent:
    """An event of ours with its number, and the lane's hash at it. `steady_at` is when it was made by a clock that
    nobody sets (milliseconds)."""

    number: int
    hash: bytes
    steady_at: int
    event: Event


def after(tx: Transaction, lane: Lane, number: int, limit: int) -> list[LaneEvent]:
    """The events that come after this number, in order, as many as may be read at once; none when the next one is not
    kept any more."""
    rows = _rows(tx, lane, "number > :number ORDER BY number", number, limit)
    return [_opened(tx, lane, row) for row in rows] if rows and rows[0][1] == number + 1 else []


def before(tx: Transaction, lane: Lane, number: int, limit: int) -> list[LaneEvent]:
    """The last events up to this number that are kept without a gap, in order, as many as may be read at once."""
    rows = _rows(tx, lane, "number <= :number ORDER BY number DESC", number, limit)
    dense = [row for at, row in enumerate(rows) if row[1] == number - at]
    return [_opened(tx, lane, row) for row in reversed(dense)]


def _rows(tx: Transaction, lane: Lane, which: str, number: int, limit: int) -> list[Row]:
    rows = f"FROM outbox WHERE destination = :peer AND lane = :lane AND {which} LIMIT :limit"
    where = {"peer": lane.peer, "lane": lane.lane, "number": number}
    sizes = (size for (size,) in tx.all(f"SELECT LENGTH(body) {rows}", **where, limit=limit))  # noqa: S608
    fitting = sum(size <= MOST_READ for size in accumulate(sizes))
    return tx.all(f"SELECT {COLUMNS} {rows}", **where, limit=fitting)  # noqa: S608


def look_through(tx: Transaction, lane: Lane) -> None:
    """Open all that waits, so that what is damaged is set aside before a job that may only look comes to it."""
    number, step = lane.acked, 1000
    while events := after(tx, lane, number, step):
        number = events[-1].number


def waits(tx: Transaction, peer: str, lane: str) -> bool:
    """Whether there are events that the peer has not acknowledged."""
    row = tx.one("SELECT numbered > acked FROM lanes WHERE peer = :peer AND lane = :lane", peer=peer, lane=lane)
    return bool(row and row[0])


def is_whole(tx: Transaction, lane: Lane) -> bool:
    """Whether every event that was not acknowledged is still kept."""
    kept = "SELECT COUNT(*) FROM outbox WHERE destination = :peer AND lane = :lane AND number > :acked"
    count: int = tx.value(kept, peer=lane.peer, lane=lane.lane, acked=lane.acked)
    return count == lane.numbered - lane.acked


def hash_at(tx: Transaction, lane: Lane, number: int) -> bytes | None:
    """The lane's hash at this number, or None where it is not known any more, or not yet."""
    if number == lane.acked:
        return lane.acked_hash
    if number == lane.numbered:
        return lane.numbered_hash
    if number == 0:
        return lanes.beginning(lanes.peer(tx, lane.peer).ours, lane.lane)
    event = "SELECT hash FROM outbox WHERE destination = :peer AND lane = :lane AND number = :number"
    value: bytes | None = tx.value(event, peer=lane.peer, lane=lane.lane, number=number)
    return value


def lease(tx: Transaction, lane: Lane, first: int, last: int, until: int) -> None:
    """Note that a run of numbers is on its way."""
    tx.run(
        "UPDATE outbox SET lease_until = :until, attempts = attempts + 1 WHERE destination = :peer"
        " AND lane = :lane AND number BETWEEN :first AND :last",
        peer=lane.peer,
        lane=lane.lane,
        first=first,
        last=last,
        until=until,
    )


def finish(tx: Transaction, lane: Lane, upto: int, upto_hash: bytes) -> None:
    """The peer has every number up to `upto` for good."""
    tx.run(
        "UPDATE outbox SET state = 'acked', lease_until = 0, finished_at = :now WHERE destination = :peer"
        " AND lane = :lane AND number > :acked AND number <= :upto",
        peer=lane.peer,
        lane=lane.lane,
        acked=lane.acked,
        upto=upto,
        now=tx.now,
    )
    lanes.save(tx, replace(lane, acked=upto, acked_hash=upto_hash))


def rewind(tx: Transaction, lane: Lane, upto: int, upto_hash: bytes) -> bool:
    """The peer's disk went back in time: what it lost waits again. False, and nothing changes, when the first event
    that it lacks is not kept any more."""
    lowest = tx.value(
        "SELECT MIN(number) FROM outbox WHERE destination = :peer AND lane = :lane AND number > :upto",
        peer=lane.peer,
        lane=lane.lane,
        upto=upto,
    )
    if lowest != upto + 1:
        return False
    tx.run(
        "UPDATE outbox SET state = 'queued', lease_until = 0, finished_at = NULL WHERE destination = :peer"
        " AND lane = :lane AND number > :upto",
        peer=lane.peer,
        lane=lane.lane,
        upto=upto,
    )
    lanes.save(tx, replace(lane, acked=upto, acked_hash=upto_hash))
    return True


def renew(tx: Transaction, peer: str) -> None:
    """Mint another incarnation for this peer, and number anew, from 1 and with their own ids, all events that are still
    kept for it. They all wait again; the peer knows by their ids which it has."""
    renewed = replace(lanes.peer(tx, peer), ours=lanes.new_incarnation(), history_since=0)
    lanes.save_peer(tx, renewed)
    for name in lanes.LANES:
        rolling = lanes.beginning(renewed.ours, name)
        lane = replace(lanes.find(tx, peer, name), acked=0, acked_hash=rolling, numbered=0, numbered_hash=rolling)
        lanes.save(tx, _renumbered(tx, lane))


def _renumbered(tx: Transaction, lane: Lane) -> Lane:
    kept = tx.all(
        "SELECT id, event FROM outbox WHERE destination = :peer AND lane = :lane ORDER BY number",
        peer=lane.peer,
        lane=lane.lane,
    )
    for entry, event in kept:
        lane = replace(lane, numbered=lane.numbered + 1, numbered_hash=lanes.hash_after(lane.numbered_hash, event))
        tx.run(
            "UPDATE outbox SET number = :number, hash = :hash, state = 'queued', lease_until = 0, finished_at = NULL"
            " WHERE id = :id",
            number=lane.numbered,
            hash=lane.numbered_hash,
            id=entry,
        )
    return lane


def _opened(tx: Transaction, lane: Lane, row: Row) -> LaneEvent:
    entry, number, event, rolling, kind, reference, at, steady_at, hops, body = row
    try:
        said = tx.unseal(body, BODY, entry)
    except SealError:
        _set_aside(tx, lane, entry, f"{DISK_DAMAGED} {reference} ({lane.lane} {number})")
        kind, said = DAMAGED, EMPTY
    return LaneEvent(number, rolling, steady_at, Event(kind, reference, said, event, at, 0, hops))


def _set_aside(tx: Transaction, lane: Lane, entry: int, reason: str) -> None:
    """The disk has damaged an event's words, and the lane goes on: a person is told, and an empty event of a kind that
    no handler takes stands in its place, under its number and its id, so that the peer tells a person too."""
    quarantine.keep(tx, lane.peer, Event(DAMAGED, "", EMPTY), reason)
    tx.run(
        "UPDATE outbox SET kind = :kind, body = :body WHERE id = :id",
        kind=DAMAGED,
        body=tx.seal(EMPTY, BODY, entry),
        id=entry,
    )
