"""A station's side of the exchange: it sends what is planned (sync/exchange/state.py) and takes the answers."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Protocol

from sado.store import Store, Transaction
from sado.store.tables import lane_events, lanes, line_usage, stations, wanted_blobs
from sado.store.tables.events import Apply
from sado.sync import outbox
from sado.sync.codes import Cause
from sado.sync.errors import LineDownError
from sado.sync.exchange import history, lane
from sado.sync.exchange.packing_process import Packer
from sado.sync.exchange.server import (
    ASIDE_FULL,
    EVERY_LANE,
    REPEATED,
    RETIRED,
    UNKNOWN_HISTORY,
    USUAL_KIB,
    fitted,
    meet,
)
from sado.sync.exchange.state import ExchangeState, Here, plan
from sado.sync.link.accounting import Accounting, weights
from sado.sync.link.frame_size import FrameSize
from sado.sync.link.tcp_counters import ByteCount
from sado.sync.wire import frame
from sado.sync.wire.frame import FrameError, HistoryLostError, Message
from sado.sync.wire.shared_history import SharedHistory

# So many faults in a row are not a thing that the next exchange makes good: leave the upstream alone for a while.
MOST_FAULTS = 4


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
class Draft:
    """What to say, under which incarnation, what to compress it with, and how many bytes the frame may have."""

    up: Message
    ours: bytes
    history: SharedHistory | None
    limit: int


class Client:
    """A station's side: calls its upstream.

    It says all that it knows (a hello) in its first exchange and after a fault, since it does not know then what the
    last one achieved, and when it has nothing to say, to hear whether the upstream is still what it was; in between
    only what is new. While a backlog leaves, the next frame is sent before the last one is answered, so that a line
    with a long round trip never stands still. Not for two threads at once: exchanges that overtake each other are
    refused as repeats.

    `accounting` has the rules of what may leave now, and is told what the line carried."""

    def __init__(
        self,
        store: Store,
        station: int,
        key: bytes,
        pipe: Pipe,
        apply: Apply,
        frame_size: FrameSize,
        accounting: Accounting | None = None,
    ) -> None:
        self._store = store
        self._station = station
        self._key = key
        self._pipe = pipe
        self._apply = apply
        self.frame_size = frame_size
        self.accounting = accounting or Accounting()
        self.packer = Packer()
        self._state = ExchangeState(pipe.overlaps)

    def call(self) -> bool:
        """One exchange; True when more waits on either side.

        Raises LineDownError or FrameError; what was sent then waits as before."""
        if not self._state.flights:
            self._connect()
        try:
            while self._state.may_send and (draft := self._store.write(self._draft)):
                self._send(draft)
            return self._receive()
        except (LineDownError, FrameError) as error:
            self._fail(error)
            raise

    def close(self) -> None:
        """Hang up."""
        self._pipe.close()
        self.packer.close()
        self._state = self._state.hung_up()

    def _connect(self) -> None:
        """Connect, if we are not: while the line is down this costs a few packets, and no frame is made."""
        try:
            self._pipe.connect()
        except LineDownError as error:
            self.packer.close()
            self._note_down(error, {line_usage.PROBE: 1})
            raise

    def _draft(self, tx: Transaction) -> Draft | None:
        allowed = self.accounting.budget.allowance(tx)
        lane.close_gaps(tx, outbox.UPSTREAM, allowed.lanes)
        here = _here(tx, allowed.lanes)
        step = plan(self._state, here)
        if step is None:
            return None
        # What a budget has left is for both ways.
        limit = self.frame_size.within(None if allowed.left is None else allowed.left // 2)
        number = tx.next_number("exchange")
        capacity, every_lane = self.frame_size.bodies_in(limit), number % EVERY_LANE == 0
        runs = lane.runs_after(tx, outbox.UPSTREAM, capacity, step.after, every_lane)
        lane.lease(tx, outbox.UPSTREAM, runs)
        want = _want(limit) if allowed.is_whole else 1
        up = Message(number, tx.now, {**step.marks}, runs, step.incarnation, want, step.fault)
        return Draft(up, here.ours, history.of_sent(tx, outbox.UPSTREAM, runs), limit)

    def _send(self, draft: Draft) -> None:
        packed, up = fitted(frame.UP, self._station, self._key, draft.up, draft.history, draft.limit, self.packer.pack)
        self.frame_size.packed(len(packed), frame.size_of(up.runs))
        self._state = self._state.sent(up, draft.ours, len(packed), time.monotonic())
        self._pipe.send(packed, self.frame_size.timeout_s)

    def _receive(self) -> bool:
        before, flight = self._state, self._state.flights[0]
        answer = self._pipe.receive(self.frame_size.timeout_s)
        down = self._opened(answer, flight.up)
        now = time.monotonic()
        self.frame_size.succeeded(flight.size + len(answer), now - flight.since)
        answered = before.answered(down, now)
        # Until what came is on our disk, nobody knows where we stand.
        self._state = replace(answered, agreement=None)
        fresh = self.accounting.fresh()
        more = self._store.write(lambda tx: self._finish(tx, before, down, fresh))
        self.accounting.noted(fresh)
        self._state = answered
        if cause := self._store.read(lambda tx: _stopped(tx, down)):
            raise FrameError(cause)
        if answered.faults >= MOST_FAULTS:
            raise FrameError(Cause.UPSTREAM_FAULTS)
        goes_on = more or bool(answered.flights)
        if not goes_on:
            self.packer.close()
        return goes_on

    def _opened(self, answer: bytes, up: Message) -> Message:
        def recall(after: int, upto: int) -> SharedHistory:
            return self._store.read(lambda tx: history.of_received(tx, outbox.UPSTREAM, after, upto))

        down = frame.unpack(frame.DOWN, self._key, answer, recall)
        if down.exchange != up.exchange:
            raise FrameError(Cause.ANSWER_TO_ANOTHER)
        return down

    def _fail(self, error: LineDownError | FrameError) -> None:
        self.frame_size.failed()
        self._pipe.close()
        self._note_down(error, weights(*(flight.up for flight in self._state.flights)))

    def _note_down(self, error: LineDownError | FrameError, purposes: Mapping[str, int]) -> None:
        reason, fresh = error.reason, self.accounting.fresh()
        self._state = self._state.failed(needs_history=isinstance(error, HistoryLostError))

        def note(tx: Transaction) -> None:
            outbox.destination_down(tx, outbox.UPSTREAM, reason)
            self.accounting.note(tx, fresh, purposes)

        self._store.write(note)
        self.accounting.noted(fresh)

    def _finish(self, tx: Transaction, state: ExchangeState, down: Message, fresh: ByteCount) -> bool:
        flight = state.flights[0]
        outbox.destination_ok(tx, outbox.UPSTREAM)
        self.accounting.note(tx, fresh, weights(flight.up, down))
        if down.fault not in (0, ASIDE_FULL):
            _heed(tx, state, down)
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
        allowed = self.accounting.budget.allowance(tx)
        comes = bool(down.runs) if allowed.is_whole else outbox.URGENT in down.runs
        goes_on = comes or any(lane_events.waits(tx, outbox.UPSTREAM, name) for name in allowed.lanes)
        if not goes_on and wanted_blobs.next_in(tx, wanted_blobs.WANTED) is None:
            line_usage.end_lift(tx)
        return goes_on


def _here(tx: Transaction, names: tuple[str, ...]) -> Here:
    upstream = lanes.peer(tx, outbox.UPSTREAM)
    return Here(
        upstream.ours,
        lane.marks(tx, outbox.UPSTREAM) if upstream.theirs else {},
        lane.acknowledged(tx, outbox.UPSTREAM, names),
        {name: lanes.find(tx, outbox.UPSTREAM, name).numbered for name in names},
    )


def _stopped(tx: Transaction, down: Message) -> Cause | None:
    """Why one of the two sides takes no more of the other for now: as much is kept aside as may be. The line is then
    left alone for a while, each time longer, so that what cannot be taken does not use it up."""
    if down.fault == ASIDE_FULL:
        return Cause.UPSTREAM_ASIDE_FULL
    return Cause.ASIDE_FULL if lane.is_stopped(tx, outbox.UPSTREAM, down.runs) else None


def _heed(tx: Transaction, state: ExchangeState, down: Message) -> None:
    """Do what a fault asks for."""
    if down.fault == REPEATED:
        tx.follow("exchange", state.flights[0].up.exchange, down.want, stations.LONGEST_JUMP)
    elif down.fault == RETIRED:
        lane_events.renew(tx, outbox.UPSTREAM)
    elif down.fault == UNKNOWN_HISTORY and (state.agreement or not state.flights[0].is_behind):
        # Otherwise it may only lack the frame before, which was not taken.
        history.is_lost(tx, outbox.UPSTREAM)


def _want(limit: int) -> int:
    """How many KiB to ask for; 0, which is not said, where the line takes as much as an upstream gives."""
    return 0 if limit >= USUAL_KIB * 1024 else max(limit // 1024, 1)
