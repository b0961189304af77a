"""The exchange: one round trip that carries events both ways.

Each side numbers its events 1, 2, 3 … per peer and lane. The receiver takes only the next numbers and moves its
cursor in the transaction of their effects; that cursor is the acknowledgement. So a request or an answer may be
cut, repeated or late, and nothing is lost or done twice.
"""

from __future__ import annotations

from collections.abc import Callable

from store import DiskError, Store, Transaction, entries, lanes, stations
from sync import outbox, wire
from sync.wire import Down, Event, FrameError, Run, Up

# (transaction, peer, kind, body): the peer is known from its key, so a handler can ask what it may say.
Apply = Callable[[Transaction, str, str, str], None]
Post = Callable[[bytes], bytes]
MOST_EVENTS = 200
MOST_BYTES = 64 * 1024


class UnknownStationError(Exception):
    """No station with this number is admitted here."""


class RepeatedExchangeError(Exception):
    """An exchange number that does not grow: a repeat, which would fetch our news a second time."""


class LineDownError(Exception):
    """The upstream cannot be reached now: the normal state of a village line. The message says how it showed."""


def call_upstream(store: Store, station: int, key: bytes, post: Post, apply: Apply) -> bool:
    """One exchange with the upstream; True when more waits on either side.

    Raises LineDownError (from `post`) or FrameError; what was sent then waits as before."""
    up = store.write(_prepare_up)
    try:
        down = wire.unpack_down(post(wire.pack(wire.UP, station, key, up)), key)
        if down.exchange != up.exchange:
            raise FrameError("The answer belongs to another exchange.")
    except (LineDownError, FrameError) as error:
        reason = str(error)
        store.write(lambda tx: outbox.destination_down(tx, outbox.UPSTREAM, reason))
        raise
    return store.write(lambda tx: _finish_up(tx, down, apply))


def answer(store: Store, frame: bytes, apply: Apply) -> bytes:
    """The upstream's side: take a station's frame, give ours.

    Raises FrameError, UnknownStationError or RepeatedExchangeError, and then has changed nothing."""
    number = wire.station_of(frame)
    station = store.read(lambda tx: stations.find(tx, number))
    if station is None:
        raise UnknownStationError(f"Station {number} is not admitted here; run `sado station add {number}`.")
    up = wire.unpack_up(frame, station.key)
    down = store.write(lambda tx: _answer(tx, number, up, apply))
    return wire.pack(wire.DOWN, number, station.key, down)


def _prepare_up(tx: Transaction) -> Up:
    return Up(
        exchange=tx.next_number("exchange"),
        seen=lanes.cursors(tx, outbox.UPSTREAM),
        lanes=_runs(tx, outbox.UPSTREAM, {}),
    )


def _finish_up(tx: Transaction, down: Down, apply: Apply) -> bool:
    for lane, upto in down.ack.items():
        entries.finish_lane(tx, outbox.UPSTREAM, lane, upto)
    entries.release_all(tx, outbox.UPSTREAM)
    _take(tx, outbox.UPSTREAM, down.lanes, apply)
    outbox.destination_ok(tx, outbox.UPSTREAM)
    more_here = any(entries.in_lane(tx, outbox.UPSTREAM, lane, 0, 1) for lane in outbox.LANES)
    return down.more or more_here or bool(down.lanes)


def _answer(tx: Transaction, number: int, up: Up, apply: Apply) -> Down:
    if not stations.accept_exchange(tx, number, up.exchange):
        raise RepeatedExchangeError(f"Exchange {up.exchange} was answered before.")
    peer = outbox.station(number)
    for lane, upto in up.seen.items():
        entries.finish_lane(tx, peer, lane, upto)
    _take(tx, peer, up.lanes, apply)
    runs = _runs(tx, peer, up.seen)
    outbox.destination_ok(tx, peer)
    waits = any(entries.in_lane(tx, peer, lane, run.first + len(run.events) - 1, 1) for lane, run in runs.items())
    return Down(up.exchange, lanes.cursors(tx, peer), runs, waits)


def _runs(tx: Transaction, peer: str, after: dict[str, int]) -> dict[str, Run]:
    """The next events of each lane, leased, within the size of one exchange; urgent ones first."""
    room = MOST_BYTES
    runs = {}
    for lane in outbox.LANES:
        run: list[Event] = []
        waiting = entries.in_lane(tx, peer, lane, after.get(lane, 0), MOST_EVENTS)
        for entry in waiting:
            if run and room < len(entry.body):
                break
            room -= len(entry.body)
            run.append(Event(entry.kind, entry.reference, entry.body))
        if run:
            first = waiting[0].number
            runs[lane] = Run(first, run)
            entries.lease_lane(tx, peer, lane, first, first + len(run) - 1, tx.now + outbox.LEASE_MS)
    return runs


def _take(tx: Transaction, peer: str, runs: dict[str, Run], apply: Apply) -> None:
    """Apply the events that come next in each lane, and move the cursors."""
    for lane, run in runs.items():
        cursor = lanes.cursor(tx, peer, lane)
        if run.first > cursor + 1:
            continue
        for event in run.events[cursor + 1 - run.first :]:
            _apply_one(tx, peer, event, apply)
        lanes.move_cursor(tx, peer, lane, max(cursor, run.first + len(run.events) - 1))


def _apply_one(tx: Transaction, peer: str, event: Event, apply: Apply) -> None:
    """Apply an event; one that cannot be applied is kept aside for a person, and the lane goes on."""
    tx.run("SAVEPOINT event")
    try:
        apply(tx, peer, event.kind, event.body)
    except DiskError:
        raise
    except Exception as error:
        tx.run("ROLLBACK TO event")
        lanes.quarantine(tx, peer, event.kind, event.body, f"{type(error).__name__}: {event.reference}")
    tx.run("RELEASE event")
