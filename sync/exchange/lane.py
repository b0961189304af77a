"""The rules of a lane: what is acknowledged, what is taken, what comes next.

A receiver takes only what follows its cursor, and moves the cursor in the transaction of the effects; the cursor, with
the rolling hash at it, is the acknowledgement. Where the hashes differ, a disk went back in time, on one side or the
other: the sender then numbers its events anew (`lane_events.renew`) and the ids tell the receiver which it has.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace

from sado.store import Transaction
from sado.store.tables import lane_events, lanes, quarantine, received_events
from sado.store.tables.events import Apply, Event
from sado.store.tables.lane_events import LaneEvent
from sado.store.tables.lanes import LANES, Lane
from sado.sync import outbox
from sado.sync.exchange import aside, relay
from sado.sync.wire import records, shared_history
from sado.sync.wire.frame import Mark, Run
from sado.sync.wire.records import Wired

log = logging.getLogger(__name__)

MOST_EVENTS = 1000
# The events of a memory (sync/exchange/history.py), and of a frame that was sent before the last was answered.
KEEP_RECEIVED = shared_history.MOST_EVENTS + MOST_EVENTS
# No event is older. A station that says so is broken or stolen, and what it says has to fit into the frames of those
# that pass it on, and on a page.
OLDEST_MS = 20 * 365 * 24 * 3600 * 1000


def marks(tx: Transaction, peer: str, names: tuple[str, ...] = LANES) -> dict[str, Mark]:
    """How far these lanes from the peer have come."""
    peer_lanes = {name: lanes.find(tx, peer, name) for name in names}
    return {name: Mark(lane.received, lane.received_hash) for name, lane in peer_lanes.items()}


def acknowledge(tx: Transaction, peer: str, told: dict[str, Mark]) -> None:
    """The peer says how far it has received our lanes. Where it stands elsewhere than we thought, go on from there;
    where that is impossible, number everything anew."""
    if any(not _agree(tx, lanes.find(tx, peer, name), mark) for name, mark in told.items() if name in LANES):
        log.warning("the events for %s are numbered anew: one of the two disks went back in time", peer)
        lane_events.renew(tx, peer)


def _agree(tx: Transaction, lane: Lane, mark: Mark) -> bool:
    ours = lane_events.hash_at(tx, lane, mark.upto)
    if ours is None or mark.upto > lane.numbered or not lanes.is_same(ours, mark.hash):
        return False
    if mark.upto > lane.acked:
        lane_events.finish(tx, lane, mark.upto, ours)
    elif mark.upto < lane.acked:
        return lane_events.rewind(tx, lane, mark.upto, ours)
    return True


def next_runs(tx: Transaction, peer: str, capacity: int, every_lane: bool) -> dict[str, Run]:
    """The events that come next in each lane, as `runs_after` has those after what is acknowledged; they are on their
    way now."""
    close_gaps(tx, peer, LANES)
    runs = runs_after(tx, peer, capacity, acknowledged(tx, peer), every_lane)
    lease(tx, peer, runs)
    return runs


def close_gaps(tx: Transaction, peer: str, names: tuple[str, ...]) -> None:
    """Number everything anew where what comes next in a lane is not kept any more: somebody deleted it by hand. Before
    any lane is read, for all of them get other numbers."""
    waiting = [lanes.find(tx, peer, name) for name in names if lane_events.waits(tx, peer, name)]
    if not all(lane_events.after(tx, lane, lane.acked, 1) for lane in waiting):
        lane_events.renew(tx, peer)


def _within(
    waiting: Mapping[str, list[LaneEvent]], capacity: int, most: int, at_least: int
) -> dict[str, list[LaneEvent]]:
    """The first events of these lanes whose bodies have room, in order, and which a frame holds with `most` bytes left;
    at least so many."""
    chosen: dict[str, list[LaneEvent]] = {}
    count = 0
    for name, events in waiting.items():
        for event in events:
            capacity -= len(event.event.body)
            most -= _size(event)
            if min(capacity, most) < 0 and count >= at_least:
                return chosen
            chosen.setdefault(name, []).append(event)
            count += 1
    return chosen


def runs_after(
    tx: Transaction, peer: str, capacity: int, ends: Mapping[str, Mark], every_lane: bool = False
) -> dict[str, Run]:
    """The events that come after these marks in their lanes, `capacity` bytes of bodies in all, but one at least. The
    urgent lane comes first; with `every_lane` each lane that waits gets one event at least, so that none starves.
    Nothing is noted of them: they go by another way as if nobody had looked."""
    waiting = {
        name: lane_events.after(tx, lanes.find(tx, peer, name), end.upto, MOST_EVENTS) for name, end in ends.items()
    }
    firsts = {name: events[:1] for name, events in waiting.items() if every_lane}
    spent = sum(len(event.event.body) for events in firsts.values() for event in events)
    filled = sum(_size(event) for events in firsts.values() for event in events)
    rest = {name: events[len(firsts.get(name, [])) :] for name, events in waiting.items()}
    more = _within(rest, capacity - spent, records.MOST_BYTES - filled, at_least=int(not every_lane))
    chosen = {name: firsts.get(name, []) + more.get(name, []) for name in waiting}
    return {name: _wired(tx, ends[name].hash, events) for name, events in chosen.items() if events}


def _size(numbered: LaneEvent) -> int:
    """How many bytes an event may take of a frame."""
    event = numbered.event
    return records.ROW_BYTES + records.text_size(event.kind, event.reference, event.body)


def lease(tx: Transaction, peer: str, runs: Mapping[str, Run]) -> None:
    """Note that these events are on their way."""
    for name, run in runs.items():
        lane_events.lease(tx, lanes.find(tx, peer, name), run.first, run.last, tx.now + outbox.LEASE_MS)


def acknowledged(tx: Transaction, peer: str, names: tuple[str, ...] = LANES) -> dict[str, Mark]:
    """How far the peer has acknowledged these lanes of ours."""
    peer_lanes = {name: lanes.find(tx, peer, name) for name in names}
    return {name: Mark(lane.acked, lane.acked_hash) for name, lane in peer_lanes.items()}


def end_of(run: Run) -> Mark:
    """Where its lane stands after a run that has the whole hash as its base."""
    rolling = run.base
    for wired in run.events:
        rolling = lanes.hash_after(rolling, _id(rolling, wired))
    return Mark(run.last, rolling)


def _wired(tx: Transaction, base: bytes, events: list[LaneEvent]) -> Run:
    rolling = base
    wired = []
    for numbered in events:
        event = numbered.event
        derived = lanes.event_id(rolling, event.kind, event.reference, event.body)
        ago, slip = tx.now - event.at, (tx.steady - numbered.steady_at) - (tx.now - event.at)
        name_of = "" if event.id == derived else event.id.hex()
        wired.append(Wired(event.kind, event.reference, event.body, ago, slip, name_of, event.hops))
        # As the receiver will reckon it, also where the disk has damaged an id or the hash that is kept.
        rolling = lanes.hash_after(rolling, event.id)
    return Run(events[0].number, base, wired)


def take(tx: Transaction, peer: str, name: str, run: Run, sent_at: int, apply: Apply, away_ms: int = 0) -> bool:
    """Apply the events that come next in a lane, and move its cursor. False, and nothing is taken, where they do not
    follow what was received: the mark that is answered says where to go on. `away_ms` is how long they were on the way,
    where that is longer than a line takes. It ends before an event that could neither be applied nor kept aside
    (`is_stopped`)."""
    if name not in LANES:
        return False
    lane = lanes.find(tx, peer, name)
    fresh = _fresh(lane, run)
    if fresh is None:
        return False
    number, rolling = lane.received, lane.received_hash
    for wired in fresh:
        event = _event(tx, rolling, wired, sent_at, away_ms)
        after = lanes.hash_after(rolling, event.id)
        if not _take_one(tx, peer, name, number + 1, event, after, apply):
            break
        number, rolling = number + 1, after
    # Read anew: what was applied may have put events for the same peer, a decision on its request, into this lane.
    lanes.save(tx, replace(lanes.find(tx, peer, name), received=number, received_hash=rolling))
    return True


def is_stopped(tx: Transaction, peer: str, runs: Mapping[str, Run]) -> bool:
    """Whether something of these runs was not taken because as much of the peer is kept aside as may be."""
    is_left = any(lanes.find(tx, peer, name).received < run.last for name, run in runs.items() if name in LANES)
    return is_left and quarantine.is_full(tx, peer)


def _fresh(lane: Lane, run: Run) -> list[Wired] | None:
    """The events of a run that were not received yet; None where the run does not go on from what was received."""
    old = lane.received + 1 - run.first
    if old < 0 or old > len(run.events):
        return None
    if old == 0:
        return run.events if lanes.is_same(lane.received_hash, run.base) else None
    if not _leads_to(lane.received_hash, run.base, run.events[:old]):
        return None
    return run.events[old:]


def _leads_to(rolling: bytes, base: bytes, events: list[Wired]) -> bool:
    """Whether these events lead from one rolling hash to another. A short base leads nowhere: it is sent where nothing
    comes twice."""
    for wired in events:
        base = lanes.hash_after(base, _id(base, wired))
    return base == rolling


def _event(tx: Transaction, rolling: bytes, wired: Wired, sent_at: int, away_ms: int) -> Event:
    happened_at = tx.now - min(away_ms + max(wired.ago + wired.slip, 0), OLDEST_MS)
    return Event(
        wired.kind, wired.reference, wired.body, _id(rolling, wired), sent_at - wired.ago, happened_at, wired.hops
    )


def _id(rolling: bytes, wired: Wired) -> bytes:
    if wired.id:
        return bytes.fromhex(wired.id)
    return lanes.event_id(rolling, wired.kind, wired.reference, wired.body)


def _take_one(tx: Transaction, peer: str, name: str, number: int, event: Event, rolling: bytes, apply: Apply) -> bool:
    """Take one event; False, and nothing is taken, where it has to wait until a person looks."""
    if lanes.is_new(tx, event.id):
        if not _applied(tx, peer, event, apply):
            lanes.is_not_applied(tx, event.id)
            return False
        relay.pass_on(tx, peer, name, event)
    if name == outbox.URGENT:
        received_events.keep(tx, peer, number, event, rolling)
        received_events.trim(tx, peer, number - KEEP_RECEIVED)
    return True


def _applied(tx: Transaction, peer: str, event: Event, apply: Apply) -> bool:
    if relay.fault(tx, peer, event) is not None and quarantine.is_full(tx, peer):
        return False
    return aside.apply_one(tx, peer, event, apply)
