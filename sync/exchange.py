"""The exchange: one round trip that carries events both ways.

Each side numbers its events 1, 2, 3 … per peer and lane. The receiver takes only the next numbers and moves its
cursor in the transaction of their effects; that cursor is the acknowledgement. So a request or an answer may be
cut, repeated or late, and nothing is lost or done twice.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Protocol

from store import Store, Transaction, blobs, lanes, numbered, stations, traffic
from store.lanes import LANES
from sync import frame, lane, ledger, memory, outbox, v1
from sync.budget import Allowance, Budget
from sync.cells import Wired
from sync.frame import FrameError, Mark, MemoryLostError, Message, Run
from sync.lane import Apply
from sync.ledger import Ledger
from sync.pace import LEAST, Pace
from sync.traffic import Traffic

Post = Callable[[bytes, float], bytes]
# What a body of so many bytes of JSON becomes in a frame, about; a frame that turns out larger is packed again.
RATIO = 0.2
# A frame is packed again with less when it is larger than it should by more than this.
SLACK = 1.15
EVERY_LANE = 10
REPEATED, RETIRED, UNKNOWN_MEMORY, STRANGE = 1, 2, 3, 4
CLOCK_ALARM_MS = 5 * 60 * 1000


class UnknownStationError(Exception):
    """No station with this number is admitted here."""


class RepeatedExchangeError(Exception):
    """A station of the release before sends an exchange number that does not grow, or speaks as it did before it was
    upgraded; it is told by HTTP, and waits."""


class LineDownError(Exception):
    """The upstream cannot be reached now: the normal state of a village line. The message says how it showed."""


class Pipe(Protocol):
    """A connection that a request may be sent on before the last one is answered (HTTP/1.1, RFC 9112 section 9.3.2)."""

    def send(self, frame: bytes, timeout_s: float) -> None:
        """Send a frame. Raises LineDownError."""

    def receive(self, timeout_s: float) -> bytes:
        """The answer to the oldest frame that has none. Raises LineDownError."""
        ...

    def close(self) -> None:
        """Hang up: no answer that is missing will come."""


class OneByOne:
    """A pipe out of what sends a frame and waits for the answer."""

    def __init__(self, post: Post) -> None:
        self._post = post
        self._frame = b""

    def send(self, frame: bytes, timeout_s: float) -> None:
        """Keep the frame until the answer is wanted."""
        self._frame = frame

    def receive(self, timeout_s: float) -> bytes:
        """Send it, and wait."""
        return self._post(self._frame, timeout_s)

    def close(self) -> None:
        """Nothing is missing."""


@dataclass(frozen=True)
class Flight:
    """A frame that was sent and not answered yet."""

    up: Message
    size: int
    sent_at: float


class Caller:
    """A station's side: calls its upstream.

    It says all that it knows (a hello) in its first exchange and after a fault, since it does not know then what the
    last one achieved, and when it has nothing to say, to hear whether the upstream is still what it was; in between
    only what is new. While a backlog leaves, the next frame is sent before the last one is answered, so that a line
    with a long round trip never stands still. Not for two threads at once: exchanges that overtake each other are
    refused as repeats.

    `ledger` has the rules of what may leave now, and is told what the line carried; `connect` raises LineDownError
    before anything is sent where there is no connection to send it on; without `pipe`, frames go one by one."""

    def __init__(
        self,
        store: Store,
        station: int,
        key: bytes,
        post: Post,
        apply: Apply,
        pace: Pace,
        ledger: Ledger | None = None,
        connect: Callable[[], None] = lambda: None,
        pipe: Pipe | None = None,
    ) -> None:
        self._store = store
        self._station = station
        self._key = key
        self._pipe = pipe or OneByOne(post)
        self._may_overlap = pipe is not None
        self._apply = apply
        self.pace = pace
        self._ledger = ledger or Ledger()
        self._connect = connect
        self._is_strange = True
        self._told: dict[str, Mark] = {}
        self._introduced = b""
        self._lost = 0
        self._went_well = True
        self._flights: deque[Flight] = deque()
        self._answered_at = 0.0
        self._ratio = RATIO

    @property
    def budget(self) -> Budget:
        """The rules of what may leave now."""
        return self._ledger.budget

    def call(self) -> bool:
        """One exchange; True when more waits on either side.

        Raises LineDownError (from `connect` or the line) or FrameError; what was sent then waits as before."""
        if not self._flights:
            self._reach()
        try:
            if not self._flights:
                self._send(self._store.write(self._prepare))
            if self._may_go_ahead():
                self._send(self._store.write(self._prepare_ahead))
            return self._receive()
        except (LineDownError, FrameError) as error:
            self._fail(error)
            raise

    def _may_go_ahead(self) -> bool:
        """Whether to send a second frame behind one that has no answer: when we know where the upstream stands, or have
        just asked."""
        if not self._may_overlap or len(self._flights) != 1:
            return False
        return not self._is_strange or not self._flights[0].up.runs

    def close(self) -> None:
        """Hang up."""
        self._pipe.close()
        self._flights.clear()
        self._is_strange = True

    def _reach(self) -> None:
        """Connect, if we are not: while the line is down this costs a few packets, and no frame is made."""
        try:
            self._connect()
        except LineDownError as error:
            self._note_down(error, {traffic.PROBE: 1})
            raise

    def _send(self, prepared: tuple[Message, frame.Memory | None, int] | None) -> None:
        if prepared is None:
            return
        up, known, limit = prepared
        packed, up = fitted(frame.UP, self._station, self._key, up, known, limit)
        if plain := sum(len(event.body) for run in up.runs.values() for event in run.events):
            self._ratio = (self._ratio + len(packed) / plain) / 2
        self._flights.append(Flight(up, len(packed), time.monotonic()))
        self._pipe.send(packed, self.pace.timeout_s)

    def _receive(self) -> bool:
        flight = self._flights[0]
        answer = self._pipe.receive(self.pace.timeout_s)
        down = self._opened(answer, flight.up)
        self._flights.popleft()
        began, self._answered_at = max(flight.sent_at, self._answered_at), time.monotonic()
        self.pace.succeeded(flight.size + len(answer), self._answered_at - began)
        fresh = self._ledger.fresh()
        more = self._store.write(lambda tx: self._finish(tx, flight, down, fresh))
        self._ledger.noted(fresh)
        self._went_well = not down.fault and _was_taken(flight.up, down)
        self._is_strange, self._lost = not self._went_well, 0
        self._introduced = flight.up.incarnation or self._introduced
        self._told |= flight.up.marks
        return more or bool(self._flights)

    def _prepare(self, tx: Transaction) -> tuple[Message, frame.Memory | None, int]:
        allowed = self.budget.allowance(tx)
        limit = self._limit(allowed)
        number = tx.next_number("exchange")
        every_lane = number % EVERY_LANE == 0
        # Where two frames may have been on their way, it costs less to ask which arrived than to send them again.
        names = () if self._is_strange and self._may_overlap else allowed.lanes
        runs = lane.next_runs(tx, outbox.UPSTREAM, int(limit / self._ratio), every_lane, names)
        known = lanes.peer(tx, outbox.UPSTREAM)
        told, ours = lane.marks(tx, outbox.UPSTREAM) if known.theirs else {}, known.ours
        news = {name: mark for name, mark in told.items() if mark != self._told.get(name)}
        if not self._is_strange and ours == self._introduced and (runs or news):
            told, ours = news, b""
        want = max(limit // 1024, 1) if allowed.is_whole else 1
        message = Message(number, tx.now, told, runs, ours, want, fault=self._lost)
        return message, memory.of_sent(tx, outbox.UPSTREAM, runs), limit

    def _prepare_ahead(self, tx: Transaction) -> tuple[Message, frame.Memory | None, int] | None:
        """What follows the frame that is on its way, as if it had arrived; None when nothing does."""
        allowed = self.budget.allowance(tx)
        limit = self._limit(allowed)
        ends = lane.acknowledged(tx, outbox.UPSTREAM, allowed.lanes)
        for name, run in self._flights[0].up.runs.items():
            if name in ends and (end := lane.end_of(run)).upto > ends[name].upto:
                ends[name] = end
        runs = lane.runs_after(tx, outbox.UPSTREAM, int(limit / self._ratio), ends)
        if not runs:
            return None
        number = tx.next_number("exchange")
        # Before we know where the upstream stands, it needs whole hashes to see what it has.
        ours = lanes.peer(tx, outbox.UPSTREAM).ours if self._is_strange else b""
        message = Message(number, tx.now, {}, runs, ours, want=max(limit // 1024, 1))
        return message, memory.of_sent(tx, outbox.UPSTREAM, runs), limit

    def _limit(self, allowed: Allowance) -> int:
        """How large the frames of one exchange may be: as the line carries, and both within what a budget has left."""
        return self.pace.limit if allowed.room is None else min(self.pace.limit, max(allowed.room // 2, LEAST))

    def _opened(self, answer: bytes, up: Message) -> Message:
        def recall(after: int, upto: int) -> list[Wired]:
            return self._store.read(lambda tx: memory.of_heard(tx, outbox.UPSTREAM, after, upto))

        try:
            down = frame.unpack(frame.DOWN, self._key, answer, recall)
        except MemoryLostError:
            self._lost = UNKNOWN_MEMORY
            raise
        if down.exchange != up.exchange:
            raise FrameError("The answer belongs to another exchange.")
        return down

    def _fail(self, error: LineDownError | FrameError) -> None:
        self.pace.failed()
        self._pipe.close()
        weights = ledger.weights(*(flight.up for flight in self._flights))
        self._flights.clear()
        self._note_down(error, weights)

    def _note_down(self, error: LineDownError | FrameError, weights: Mapping[str, int]) -> None:
        reason, fresh = str(error), self._ledger.fresh()
        self._is_strange = True

        def note(tx: Transaction) -> None:
            outbox.destination_down(tx, outbox.UPSTREAM, reason)
            self._ledger.note(tx, fresh, weights)

        self._store.write(note)
        self._ledger.noted(fresh)

    def _finish(self, tx: Transaction, flight: Flight, down: Message, fresh: Traffic) -> bool:
        outbox.destination_ok(tx, outbox.UPSTREAM)
        self._ledger.note(tx, fresh, ledger.weights(flight.up, down))
        if down.fault == REPEATED:
            tx.skip_to("exchange", down.want)
        elif down.fault == RETIRED:
            numbered.renew(tx, outbox.UPSTREAM)
        elif down.fault == UNKNOWN_MEMORY and self._went_well:
            # Otherwise it may only lack the frame before, which was not taken.
            memory.is_lost(tx, outbox.UPSTREAM)
        if down.fault:
            return True
        if down.incarnation:
            _meet(tx, outbox.UPSTREAM, down)
        lane.acknowledge(tx, outbox.UPSTREAM, down.marks)
        for name, run in down.runs.items():
            lane.take(tx, outbox.UPSTREAM, name, run, down.sent_at, self._apply)
        return self._goes_on(tx, down)

    def _goes_on(self, tx: Transaction, down: Message) -> bool:
        """Whether more waits that may leave or come now. Where not everything may, the upstream sends what is urgent
        first: without any in its answer none waits there."""
        allowed = self.budget.allowance(tx)
        comes = down.more or bool(down.runs) if allowed.is_whole else outbox.URGENT in down.runs
        goes_on = comes or any(numbered.waits(tx, outbox.UPSTREAM, name) for name in allowed.lanes)
        if not goes_on and blobs.next_in(tx, blobs.WANTED) is None:
            traffic.end_lift(tx)
        return goes_on


def _was_taken(up: Message, down: Message) -> bool:
    """Whether the upstream has all that was sent; otherwise it stands elsewhere than we thought."""
    return all(
        name in down.marks and down.marks[name].upto >= run.first + len(run.events) - 1 for name, run in up.runs.items()
    )


def answer(store: Store, packed: bytes, apply: Apply) -> bytes:
    """The upstream's side: take a station's frame, give ours.

    Raises FrameError, UnknownStationError or RepeatedExchangeError, and then has changed nothing."""
    is_v1 = v1.is_v1(packed)
    number = v1.station_of(packed) if is_v1 else frame.station_of(packed)
    station = store.read(lambda tx: stations.find(tx, number))
    if station is None:
        raise UnknownStationError(f"Station {number} is not admitted here; run `sado station add {number}`.")
    peer = outbox.station(number)
    try:
        up = v1.unpack(station.key, packed) if is_v1 else _opened(store, peer, station.key, packed)
    except MemoryLostError as error:
        down, known = Message(error.exchange, fault=UNKNOWN_MEMORY), None
    else:
        down, known = store.write(lambda tx: _answer(tx, number, up, apply, is_v1))
    if is_v1 and down.fault:
        raise RepeatedExchangeError(f"Exchange {up.exchange} was answered before.")
    if is_v1:
        return v1.pack(number, station.key, down)
    return fitted(frame.DOWN, number, station.key, down, known, max(up.want, 1) * 1024 if down.runs else 0)[0]


def _opened(store: Store, peer: str, key: bytes, packed: bytes) -> Message:
    def recall(after: int, upto: int) -> list[Wired]:
        return store.read(lambda tx: memory.of_heard(tx, peer, after, upto))

    return frame.unpack(frame.UP, key, packed, recall)


def _answer(
    tx: Transaction, number: int, up: Message, apply: Apply, is_v1: bool
) -> tuple[Message, frame.Memory | None]:
    last = stations.accept_exchange(tx, number, up.exchange)
    if last is not None:
        return Message(up.exchange, want=last, fault=REPEATED), None
    peer = outbox.station(number)
    before = lanes.peer(tx, peer).ours
    if is_v1:
        up = replace(up, incarnation=lanes.before_incarnations(peer))
    elif not up.incarnation and not lanes.peer(tx, peer).theirs:
        return Message(up.exchange, fault=STRANGE), None
    if not _meet(tx, peer, up):
        return Message(up.exchange, fault=RETIRED), None
    if up.fault == UNKNOWN_MEMORY:
        memory.is_lost(tx, peer)
    lane.acknowledge(tx, peer, up.marks)
    for name, run in up.runs.items():
        lane.take(tx, peer, name, run, up.sent_at, apply)
    runs = lane.next_runs(tx, peer, int(up.want * 1024 / RATIO), up.exchange % EVERY_LANE == 0)
    outbox.destination_ok(tx, peer)
    is_hello = bool(up.incarnation)
    told = lane.marks(tx, peer, LANES if is_hello else tuple(name for name in LANES if name in up.runs))
    ours = lanes.peer(tx, peer).ours
    waits = {name: lanes.find(tx, peer, name).numbered for name in runs}
    more = any(run.first + len(run.events) - 1 < waits[name] for name, run in runs.items())
    known = memory.of_sent(tx, peer, runs)
    return Message(up.exchange, tx.now, told, runs, ours if is_hello or ours != before else b"", more=more), known


def _meet(tx: Transaction, peer: str, said: Message) -> bool:
    """Take note of who speaks: a new incarnation, and its clock. False when the peer has left this incarnation."""
    known = lanes.peer(tx, peer)
    if not said.incarnation:
        return True
    if said.incarnation != known.theirs and not lanes.begin_receiving(tx, known, said.incarnation):
        return False
    ahead_ms = said.sent_at - tx.now if said.sent_at else 0
    lanes.save_peer(tx, replace(lanes.peer(tx, peer), ahead_ms=ahead_ms))
    return True


def fitted(
    direction: bytes, station: int, key: bytes, message: Message, known: frame.Memory | None, limit: int
) -> tuple[bytes, Message]:
    """The frame of a message, with fewer events where all of them would be larger than `limit`; and what it then says.
    One event always travels, however large."""
    packed = frame.pack(direction, station, key, message, known)
    while len(packed) > limit * SLACK and (count := sum(len(run.events) for run in message.runs.values())) > 1:
        message = _cut(message, max(int(count * limit / len(packed)), 1))
        packed = frame.pack(direction, station, key, message, known)
    return packed, message


def _cut(message: Message, count: int) -> Message:
    """The message with its first `count` events; the rest wait, in lanes that come later first."""
    runs: dict[str, Run] = {}
    for name, run in message.runs.items():
        kept = run.events[:count]
        count -= len(kept)
        if kept:
            runs[name] = replace(run, events=kept)
    return replace(message, runs=runs, more=True)


__all__ = ["Apply", "Caller", "LineDownError", "Mark", "UnknownStationError", "answer"]
