"""Outbox entries and the state of their destinations, as rows. The rules are in sync/outbox.py."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from sado.store.tables import lanes
from sado.store.tables.events import Event
from sado.store.transaction import Row, Transaction, in_list

# While the entry waits, `queued` or `awaiting` a report; and how it ended.
State = Literal["queued", "awaiting", "acked", "dead", "rejected", "unknown"]
# No entry is put off for longer: until the morning, until the next day's budget, a day for a report.
LONGEST_WAIT_MS = 2 * 24 * 3600 * 1000
BODY = "outbox.body"
# What is left of an event whose words were deleted: JSON without anything, which no handler takes.
EMPTY = "{}"
COLUMNS = (
    "id, destination, lane, number, kind, reference, state, attempts, due_at, lease_until, reason, created_at,"
    " finished_at, body"
)


@dataclass(frozen=True)
class Entry:
    """One thing to send to one destination. `number` is dense within destination and lane."""

    id: int
    destination: str
    lane: str
    number: int
    kind: str
    reference: str
    state: State
    attempts: int
    due_at: int
    lease_until: int
    reason: str
    created_at: int
    finished_at: int | None
    body: str


@dataclass(frozen=True)
class Destination:
    """How a destination has been doing: `failures` in a row, and not tried again before `due_at`."""

    name: str
    failures: int
    due_at: int
    down_since: int | None
    ok_at: int | None
    reason: str


def insert(
    tx: Transaction, destination: str, lane: str, kind: str, reference: str, body: str, subscriber: bytes | None = None
) -> int:
    """Queue an entry for a destination that takes entries one by one, under the next number of its lane; its id. It
    goes with the number of this subscriber."""
    number = tx.next_number(f"lane {destination} {lane}")
    return _insert(tx, destination, lane, number, Event(kind, reference, body), None, subscriber)


def append(tx: Transaction, peer: str, lane: str, event: Event) -> int:
    """Queue an event for a peer at the end of a lane; the entry's id. An event without an id gets one; one that is
    passed on for another station keeps its own, and how long ago it was made."""
    end = lanes.find(tx, peer, lane)
    named = event.id or lanes.event_id(end.numbered_hash, event.kind, event.reference, event.body)
    rolling = lanes.hash_after(end.numbered_hash, named)
    lanes.save(tx, replace(end, numbered=end.numbered + 1, numbered_hash=rolling))
    return _insert(tx, peer, lane, end.numbered + 1, replace(event, id=named), rolling)


def _insert(
    tx: Transaction,
    destination: str,
    lane: str,
    number: int,
    event: Event,
    rolling: bytes | None,
    subscriber: bytes | None = None,
) -> int:
    entry_id = tx.next_number("outbox")
    made_at = event.happened_at or tx.now
    tx.run(
        "INSERT INTO outbox (id, destination, lane, number, kind, reference, body, state, attempts, due_at,"
        " lease_until, reason, created_at, steady_at, event, hash, hops, subscriber)"
        " VALUES (:id, :destination, :lane, :number, :kind, :reference, :body, 'queued', 0, :now, 0, '',"
        " :made_at, :steady_at, :event, :hash, :hops, :subscriber)",
        id=entry_id,
        destination=destination,
        lane=lane,
        number=number,
        kind=event.kind,
        reference=event.reference,
        body=tx.seal(event.body, BODY, entry_id),
        now=tx.now,
        made_at=made_at,
        steady_at=tx.steady - (tx.now - made_at),
        event=event.id or None,
        hash=rolling,
        hops=event.hops,
        subscriber=subscriber,
    )
    return entry_id


def claim_one(tx: Transaction, destination: str, until: int) -> Entry | None:
    """Lease the oldest entry that is due, until `until`; None when nothing is."""
    row = tx.one(
        "UPDATE outbox SET lease_until = :until, attempts = attempts + 1 WHERE id = ("  # noqa: S608
        "SELECT id FROM outbox WHERE state = 'queued' AND destination = :destination"
        " AND (due_at <= :now OR due_at > :latest) AND (lease_until <= :now OR lease_until > :until)"
        f" ORDER BY id LIMIT 1) RETURNING {COLUMNS}",
        destination=destination,
        until=until,
        now=tx.now,
        # What is to wait for longer than anything does was queued or put off before the clock was set back.
        latest=tx.now + LONGEST_WAIT_MS,
    )
    return None if row is None else _opened(tx, row)


def finish(tx: Transaction, entry: Entry, state: State, reason: str) -> None:
    """End an entry: acked, rejected, dead or unknown. A sender whose lease has gone to another changes nothing."""
    row = tx.one(
        "UPDATE outbox SET state = :state, reason = :reason, lease_until = 0, finished_at = :now"
        " WHERE id = :id AND state = 'queued' AND lease_until = :lease_until RETURNING id",
        id=entry.id,
        lease_until=entry.lease_until,
        state=state,
        reason=reason,
        now=tx.now,
    )
    if row is not None and state == "acked":
        _empty(tx, entry.id)


def release(tx: Transaction, entry: Entry, due_at: int, reason: str, attempts: int) -> None:
    """Give a lease back, if it is still this sender's: not before `due_at`."""
    tx.run(
        "UPDATE outbox SET lease_until = 0, due_at = :due_at, reason = :reason, attempts = :attempts"
        " WHERE id = :id AND state = 'queued' AND lease_until = :lease_until",
        id=entry.id,
        lease_until=entry.lease_until,
        due_at=due_at,
        reason=reason,
        attempts=attempts,
    )


def release_all(tx: Transaction, destination: str | None = None) -> None:
    """Give back the leases of one destination, or of every one (no sender lives: the process just began)."""
    tx.run(
        "UPDATE outbox SET lease_until = 0 WHERE state = 'queued' AND lease_until > 0"
        " AND (destination = :destination OR :destination IS NULL)",
        destination=destination,
    )


def settle(tx: Transaction, entry_id: int, states: tuple[State, ...], state: State) -> bool:
    """Move an entry that is in one of these states to another. False for one that is not."""
    among, parameters = in_list("old", states)
    row = tx.one(
        f"UPDATE outbox SET state = :state, finished_at = :now WHERE id = :id AND state IN {among} RETURNING id",  # noqa: S608
        id=entry_id,
        state=state,
        now=tx.now,
        **parameters,
    )
    if row is not None and state == "acked":
        _empty(tx, entry_id)
    return row is not None


def _empty(tx: Transaction, entry_id: int) -> None:
    """What has arrived at a phone or an agency is never told again: its words go."""
    rewrite(tx, entry_id, EMPTY)
    tx.run("UPDATE outbox SET subscriber = NULL WHERE id = :id", id=entry_id)


def change_state(tx: Transaction, old: State, new: State, before: int) -> int:
    """Move every entry that came to this state before a moment to another; how many."""
    return len(
        tx.all(
            "UPDATE outbox SET state = :new WHERE state = :old AND finished_at < :before RETURNING id",
            old=old,
            new=new,
            before=before,
        )
    )


def requeue(tx: Transaction, entry_id: int) -> bool:
    """Put an entry that was given up on back in the queue, due now. False when it is not one of those."""
    row = tx.one(
        "UPDATE outbox SET state = 'queued', attempts = 0, due_at = :now, lease_until = 0, finished_at = NULL"
        " WHERE id = :id AND state IN ('rejected', 'dead', 'unknown') RETURNING id",
        id=entry_id,
        now=tx.now,
    )
    return row is not None


def make_due(tx: Transaction) -> None:
    """Everything queued, and every destination, may be tried now."""
    tx.run("UPDATE outbox SET due_at = :now WHERE state = 'queued' AND due_at > :now", now=tx.now)
    tx.run("UPDATE destinations SET due_at = :now WHERE due_at > :now", now=tx.now)


def listed(tx: Transaction, states: tuple[State, ...], limit: int) -> list[Entry]:
    """Entries in these states, oldest first. Their bodies are left sealed: a list needs no secrets."""
    among, parameters = in_list("state", states)
    rows = tx.all(
        f"SELECT {COLUMNS} FROM outbox WHERE state IN {among} ORDER BY id LIMIT :limit",  # noqa: S608
        limit=limit,
        **parameters,
    )
    return [Entry(*(*row[:-1], "")) for row in rows]


def of_case(tx: Transaction, reference: str) -> list[Entry]:
    """The entries about one case, oldest first, bodies left sealed."""
    rows = tx.all(f"SELECT {COLUMNS} FROM outbox WHERE reference = :reference ORDER BY id", reference=reference)  # noqa: S608
    return [Entry(*(*row[:-1], "")) for row in rows]


def waiting_of_case(tx: Transaction, reference: str) -> list[Entry]:
    """The queued entries about one case, oldest first, with their bodies."""
    rows = tx.all(
        f"SELECT {COLUMNS} FROM outbox WHERE reference = :reference AND state = 'queued' ORDER BY id",  # noqa: S608
        reference=reference,
    )
    return [_opened(tx, row) for row in rows]


def unfinished_of_case(tx: Transaction, reference: str) -> list[Entry]:
    """The entries about one case that have not arrived, also those given up on, with their bodies."""
    rows = tx.all(
        f"SELECT {COLUMNS} FROM outbox WHERE reference = :reference AND state <> 'acked' ORDER BY id",  # noqa: S608
        reference=reference,
    )
    return [_opened(tx, row) for row in rows]


def waits(tx: Transaction, destination: str, kind: str) -> bool:
    """Whether an entry of this kind waits for the destination."""
    found = tx.one(
        "SELECT 1 FROM outbox WHERE state = 'queued' AND destination = :destination AND kind = :kind LIMIT 1",
        destination=destination,
        kind=kind,
    )
    return found is not None


def rewrite(tx: Transaction, entry_id: int, body: str) -> None:
    """Put another body in the place of an entry's own; it leaves under the same number."""
    tx.run("UPDATE outbox SET body = :body WHERE id = :id", body=tx.seal(body, BODY, entry_id), id=entry_id)


def remove(tx: Transaction, entry: Entry) -> bool:
    """Delete an entry that its sender holds, as if it had not been put. False, and nothing is deleted, when its lease
    has gone to another."""
    row = tx.one(
        "DELETE FROM outbox WHERE id = :id AND state = 'queued' AND lease_until = :lease_until RETURNING id",
        id=entry.id,
        lease_until=entry.lease_until,
    )
    return row is not None


def remove_of_case(tx: Transaction, reference: str, destination: str) -> None:
    """Delete the entries about one case that are for this destination, and empty those that a peer has for good: a
    lane keeps its numbers, so that a peer that went back in time can be told what it lost."""
    tx.run(
        "DELETE FROM outbox WHERE reference = :reference AND destination = :destination",
        reference=reference,
        destination=destination,
    )
    acked = tx.all("SELECT id FROM outbox WHERE reference = :reference AND state = 'acked'", reference=reference)
    for (entry_id,) in acked:
        rewrite(tx, entry_id, EMPTY)


def counts(tx: Transaction) -> dict[tuple[str, str], tuple[int, int]]:
    """(destination, state) → (how many, when the oldest was made), of what has not arrived."""
    rows = tx.all(
        "SELECT destination, state, COUNT(*), MIN(created_at) FROM outbox WHERE state <> 'acked'"
        " GROUP BY destination, state"
    )
    return {(row[0], row[1]): (row[2], row[3]) for row in rows}


def counts_by_lane(tx: Transaction, destination: str) -> list[tuple[str, int, int]]:
    """(lane, how many wait, when the oldest was made) of one destination, in the order of its lanes."""
    rows = tx.all(
        "SELECT lane, COUNT(*), MIN(created_at) FROM outbox WHERE destination = :destination AND state = 'queued'"
        " GROUP BY lane",
        destination=destination,
    )
    return sorted(rows, key=lambda row: lanes.LANES.index(row[0]))


def forget(tx: Transaction, keep_ms: int) -> int:
    """Delete the entries acknowledged longer ago than that; how many. Until then a peer whose disk went back in time
    can be told again what it lost, so this is to be longer than the time between its backups. Those that are younger
    by the clock that nobody sets stay: a clock that was set forward makes nothing old."""
    gone = tx.all(
        "DELETE FROM outbox WHERE state = 'acked' AND finished_at < :before AND steady_at < :steady_before"
        " RETURNING id",
        before=tx.now - keep_ms,
        steady_before=tx.steady - keep_ms,
    )
    return len(gone)


def forget_strangers(tx: Transaction, before: int) -> None:
    """Delete the SMS put before this moment to numbers that are not kept: they did not leave."""
    tx.run(
        "DELETE FROM outbox WHERE subscriber IS NOT NULL AND created_at < :before"
        " AND subscriber NOT IN (SELECT hash FROM subscribers)",
        before=before,
    )


def destination(tx: Transaction, name: str) -> Destination:
    """How `name` is doing; one never tried is due at once."""
    row = tx.one(
        "SELECT name, failures, due_at, down_since, ok_at, reason FROM destinations WHERE name = :name", name=name
    )
    return Destination(name, 0, 0, None, None, "") if row is None else Destination(*row)


def save_destination(tx: Transaction, state: Destination) -> None:
    """Keep how a destination is doing."""
    tx.run(
        "INSERT INTO destinations (name, failures, due_at, down_since, ok_at, reason)"
        " VALUES (:name, :failures, :due_at, :down_since, :ok_at, :reason)"
        " ON CONFLICT (name) DO UPDATE SET failures = excluded.failures, due_at = excluded.due_at,"
        " down_since = excluded.down_since, ok_at = excluded.ok_at, reason = excluded.reason",
        **state.__dict__,
    )


def _opened(tx: Transaction, row: Row) -> Entry:
    return Entry(*(*row[:-1], tx.unseal(row[-1], BODY, row[0])))
