"""A station's side of the exchange: when it says what to its upstream, and what it makes of the answers."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from sado.store import Store, Transaction
from sado.store.tables import blobs, lane_events, lanes, traffic
from sado.sync import outbox
from sado.sync.codes import Cause
from sado.sync.errors import LineDownError
from sado.sync.exchange import history, lane
from sado.sync.exchange.lane import Apply
from sado.sync.exchange.packing_process import Packer
from sado.sync.exchange.server import EVERY_LANE, RATIO, REPEATED, RETIRED, UNKNOWN_MEMORY, USUAL_KIB, fitted, meet
from sado.sync.link import accounting as ledger
from sado.sync.link.accounting import Ledger
from sado.sync.link.budget import Allowance, Budget
from sado.sync.link.frame_size import LEAST, Pace
from sado.sync.link.tcp_counters import Traffic
from sado.sync.wire import frame
from sado.sync.wire.frame import FrameError, HistoryLostError, Mark, Message
from sado.sync.wire.shared_history import SharedHistory

# What to say, under which incarnation, with which memory, and how large the frame may be.
Prepared = tuple[Message, bytes, SharedHistory | None, int]
# So many faults in a row are not a thing that the next exchange makes good: leave the upstream alone for a while.
MOST_FAULTS = 4
MOST_CUTS_BEHIND = 2


class Pipe(Protocol):
    """The way to the upstream. Where it `overlaps`, a frame may be sent before the last one is answered (HTTP/1.1, RFC
    9112 section 9.3.2)."""

    overlaps: bool

    def connect(self) -> None:
        """Have a connection to send on. Raises LineDownError."""

    def send(self, frame: bytes, timeout_s: float) -> None:
        """Send a frame. Raises LineDownError."""

    def receive(self, timeout_s: float) -> bytes:
        """The answer to the oldest frame that has none. Raises LineDownError."""
        ...

    def close(self) -> None:
        """Hang up: no answer that is missing will come."""


@dataclass(frozen=True)
class Flight:
    """A frame that was sent and not answered yet. `ours` is the incarnation that its events were numbered under;
    `is_ahead` says that another was on its way before it."""

    up: Message
    ours: bytes
    size: int
    sent_at: float
    is_ahead: bool


class Caller:
    """A station's side: calls its upstream.

    It says all that it knows (a hello) in its first exchange and after a fault, since it does not know then what the
    last one achieved, and when it has nothing to say, to hear whether the upstream is still what it was; in between
    only what is new. While a backlog leaves, the next frame is sent before the last one is answered, so that a line
    with a long round trip never stands still. Not for two threads at once: exchanges that overtake each other are
    refused as repeats.

    `ledger` has the rules of what may leave now, and is told what the line carried."""

    def __init__(
        self,
        store: Store,
        station: int,
        key: bytes,
        pipe: Pipe,
        apply: Apply,
        pace: Pace,
        ledger: Ledger | None = None,
    ) -> None:
        self._store = store
        self._station = station
        self._key = key
        self._pipe = pipe
        self._overlaps = pipe.overlaps
        self._cuts_behind = 0
        self._faults = 0
        self._apply = apply
        self.pace = pace
        self._ledger = ledger or Ledger()
        self._is_strange = True
        self._told: dict[str, Mark] = {}
        self._introduced = b""
        self._lost = 0
        self._went_well = True
        self._flights: deque[Flight] = deque()
        self._answered_at = 0.0
        self._ratio = RATIO
        self.packer = Packer()

    @property
    def budget(self) -> Budget:
        """The rules of what may leave now."""
        return self._ledger.budget

    def call(self) -> bool:
        """One exchange; True when more waits on either side.

        Raises LineDownError or FrameError; what was sent then waits as before."""
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
        if not self._overlaps or len(self._flights) != 1:
            return False
        return not self._is_strange or not self._flights[0].up.runs

    def close(self) -> None:
        """Hang up."""
        self._pipe.close()
        self.packer.close()
        self._flights.clear()
        self._is_strange = True

    def _reach(self) -> None:
        """Connect, if we are not: while the line is down this costs a few packets, and no frame is made."""
        try:
            self._pipe.connect()
        except LineDownError as error:
            self.packer.close()
            self._note_down(error, {traffic.PROBE: 1})
            raise

    def _send(self, prepared: Prepared | None) -> None:
        if prepared is None:
            return
        up, ours, known, limit = prepared
        packed, up = fitted(frame.UP, self._station, self._key, up, known, limit, self.packer.pack)
        if plain := frame.size_of(up.runs):
            self._ratio = (self._ratio + len(packed) / plain) / 2
        self._flights.append(Flight(up, ours, len(packed), time.monotonic(), bool(self._flights)))
        self._pipe.send(packed, self.pace.timeout_s)

    def _receive(self) -> bool:
        flight = self._flights[0]
        answer = self._pipe.receive(self.pace.timeout_s)
        down = self._opened(answer, flight.up)
        self._flights.popleft()
        self._cuts_behind = 0 if flight.is_ahead else self._cuts_behind
        began, self._answered_at = max(flight.sent_at, self._answered_at), time.monotonic()
        self.pace.succeeded(flight.size + len(answer), self._answered_at - began)
        fresh = self._ledger.fresh()
        more = self._store.write(lambda tx: self._finish(tx, flight, down, fresh))
        self._ledger.noted(fresh)
        self._went_well = not down.fault and _was_taken(flight.up, down)
        self._is_strange, self._lost = not self._went_well, 0
        self._introduced = flight.up.incarnation or self._introduced
        self._told |= flight.up.marks
        self._faults = self._faults + 1 if down.fault else 0
        if self._faults >= MOST_FAULTS:
            raise FrameError(Cause.UPSTREAM_FAULTS)
        goes_on = more or bool(self._flights)
        if not goes_on:
            self.packer.close()
        return goes_on

    def _prepare(self, tx: Transaction) -> Prepared:
        allowed = self.budget.allowance(tx)
        limit = self._limit(allowed)
        number = tx.next_number("exchange")
        every_lane = number % EVERY_LANE == 0
        # Where two frames may have been on their way, it costs less to ask which arrived than to send them again.
        names = () if self._is_strange and self._overlaps else allowed.lanes
        runs = lane.next_runs(tx, outbox.UPSTREAM, self._room(limit), every_lane, names)
        known = lanes.peer(tx, outbox.UPSTREAM)
        told, said = lane.marks(tx, outbox.UPSTREAM) if known.theirs else {}, known.ours
        news = {name: mark for name, mark in told.items() if mark != self._told.get(name)}
        if not self._is_strange and known.ours == self._introduced and (runs or news):
            told, said = news, b""
        want = _want(limit) if allowed.is_whole else 1
        message = Message(number, tx.now, told, runs, said, want, fault=self._lost)
        return message, known.ours, history.of_sent(tx, outbox.UPSTREAM, runs), limit

    def _prepare_ahead(self, tx: Transaction) -> Prepared | None:
        """What follows the frame that is on its way, as if it had arrived; None when nothing does, or when everything
        was numbered anew since."""
        ours = lanes.peer(tx, outbox.UPSTREAM).ours
        if ours != self._flights[0].ours:
            return None
        allowed = self.budget.allowance(tx)
        limit = self._limit(allowed)
        ends = lane.acknowledged(tx, outbox.UPSTREAM, allowed.lanes)
        for name, run in self._flights[0].up.runs.items():
            if name in ends and (end := lane.end_of(run)).upto > ends[name].upto:
                ends[name] = end
        runs = lane.runs_after(tx, outbox.UPSTREAM, self._room(limit), ends)
        if not runs:
            return None
        number = tx.next_number("exchange")
        # Before we know where the upstream stands, it needs whole hashes to see what it has.
        message = Message(number, tx.now, {}, runs, ours if self._is_strange else b"", want=_want(limit))
        return message, ours, history.of_sent(tx, outbox.UPSTREAM, runs), limit

    def _room(self, limit: int) -> int:
        """How many bytes of bodies make a frame of this size, about; they must fit it also when they compress well."""
        return min(int(limit / self._ratio), frame.LARGEST // 2)

    def _limit(self, allowed: Allowance) -> int:
        """How large the frames of one exchange may be: as the line carries, and both within what a budget has left."""
        return self.pace.limit if allowed.room is None else min(self.pace.limit, max(allowed.room // 2, LEAST))

    def _opened(self, answer: bytes, up: Message) -> Message:
        def recall(after: int, upto: int) -> SharedHistory:
            return self._store.read(lambda tx: history.of_heard(tx, outbox.UPSTREAM, after, upto))

        try:
            down = frame.unpack(frame.DOWN, self._key, answer, recall)
        except HistoryLostError:
            self._lost = UNKNOWN_MEMORY
            raise
        if down.exchange != up.exchange:
            raise FrameError(Cause.ANSWER_TO_ANOTHER)
        return down

    def _fail(self, error: LineDownError | FrameError) -> None:
        self.pace.failed()
        self._pipe.close()
        if self._flights and self._flights[0].is_ahead:
            self._cut_behind()
        weights = ledger.weights(*(flight.up for flight in self._flights))
        self._flights.clear()
        self._note_down(error, weights)

    def _cut_behind(self) -> None:
        """The line was cut behind an answer. Some proxies hang up after each: when that happens twice and no frame that
        was sent ahead is ever answered, frames go one by one."""
        self._cuts_behind += 1
        self._overlaps = self._overlaps and self._cuts_behind < MOST_CUTS_BEHIND

    def _note_down(self, error: LineDownError | FrameError, weights: Mapping[str, int]) -> None:
        reason, fresh = error.reason, self._ledger.fresh()
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
            lane_events.renew(tx, outbox.UPSTREAM)
        elif down.fault == UNKNOWN_MEMORY and (self._went_well or not flight.is_ahead):
            # Otherwise it may only lack the frame before, which was not taken.
            history.is_lost(tx, outbox.UPSTREAM)
        if down.fault:
            return True
        if down.incarnation:
            meet(tx, outbox.UPSTREAM, down)
        lane.acknowledge(tx, outbox.UPSTREAM, down.marks)
        for name, run in down.runs.items():
            lane.take(tx, outbox.UPSTREAM, name, run, down.sent_at, self._apply)
        return self._goes_on(tx, down)

    def _goes_on(self, tx: Transaction, down: Message) -> bool:
        """Whether more waits that may leave or come now. Where not everything may, the upstream sends what is urgent
        first: without any in its answer none waits there."""
        allowed = self.budget.allowance(tx)
        comes = bool(down.runs) if allowed.is_whole else outbox.URGENT in down.runs
        goes_on = comes or any(lane_events.waits(tx, outbox.UPSTREAM, name) for name in allowed.lanes)
        if not goes_on and blobs.next_in(tx, blobs.WANTED) is None:
            traffic.end_lift(tx)
        return goes_on


def _want(limit: int) -> int:
    """How many KiB to ask for; 0, which is not said, where the line takes as much as an upstream gives."""
    return 0 if limit >= USUAL_KIB * 1024 else max(limit // 1024, 1)


def _was_taken(up: Message, down: Message) -> bool:
    """Whether the upstream has all that was sent; otherwise it stands elsewhere than we thought."""
    return all(name in down.marks and down.marks[name].upto >= run.last for name, run in up.runs.items())
