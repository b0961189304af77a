"""The exchange: one round trip that carries events both ways.

Each side numbers its events 1, 2, 3 … per peer and lane. The receiver takes only the next numbers and moves its
cursor in the transaction of their effects; that cursor is the acknowledgement. So a request or an answer may be
cut, repeated or late, and nothing is lost or done twice. Here is the upstream's side and what both sides share; the
station's is sync/exchange/client.py.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from sado.store import Store, Transaction
from sado.store.tables import lanes, stations
from sado.store.tables.events import Apply
from sado.store.tables.lanes import LANES
from sado.sync import outbox
from sado.sync.errors import UnknownStationError
from sado.sync.exchange import history, lane
from sado.sync.link.frame_size import bodies_in
from sado.sync.wire import frame
from sado.sync.wire.frame import HistoryLostError, Message, Run
from sado.sync.wire.shared_history import SharedHistory

# A frame is packed again with less when it is larger than it should by more than this.
SLACK = 1.15
# Once in so many exchanges each lane that waits sends something, however much is urgent.
EVERY_LANE = 10
# As much as a station gets that does not say how much it wants.
USUAL_KIB = 64
REPEATED, RETIRED, UNKNOWN_HISTORY, STRANGE, ASIDE_FULL = 1, 2, 3, 4, 5

Pack = Callable[[bytes, int, bytes, Message, SharedHistory | None], bytes]


def answer(store: Store, packed: bytes, apply: Apply) -> bytes:
    """The upstream's side: take a station's frame, give ours.

    Raises FrameError or UnknownStationError, and then has changed nothing."""
    number = frame.station_of(packed)
    station = store.read(lambda tx: stations.find(tx, number))
    if station is None:
        raise UnknownStationError(f"Station {number} is not admitted here; run `sado station add {number}`.")
    peer = outbox.station(number)
    try:
        up = _opened(store, peer, station.key, packed)
    except HistoryLostError as error:
        return frame.pack(frame.DOWN, number, station.key, Message(error.exchange, fault=UNKNOWN_HISTORY))
    down, shared = store.write(lambda tx: _answer(tx, number, up, apply))
    return fitted(frame.DOWN, number, station.key, down, shared, (up.want or USUAL_KIB) * 1024)[0]


def _opened(store: Store, peer: str, key: bytes, packed: bytes) -> Message:
    def recall(after: int, upto: int) -> SharedHistory:
        return store.read(lambda tx: history.of_received(tx, peer, after, upto))

    return frame.unpack(frame.UP, key, packed, recall)


def _answer(tx: Transaction, number: int, up: Message, apply: Apply) -> tuple[Message, SharedHistory | None]:
    last = stations.accept_exchange(tx, number, up.exchange)
    if last is not None:
        return Message(up.exchange, want=last, fault=REPEATED), None
    peer = outbox.station(number)
    before = lanes.peer(tx, peer).ours
    if not up.incarnation and not lanes.peer(tx, peer).theirs:
        return Message(up.exchange, fault=STRANGE), None
    if not meet(tx, peer, up):
        return Message(up.exchange, fault=RETIRED), None
    if up.fault == UNKNOWN_HISTORY:
        history.is_lost(tx, peer)
    lane.acknowledge(tx, peer, up.marks)
    for name, run in up.runs.items():
        lane.take(tx, peer, name, run, up.sent_at, apply)
    capacity = bodies_in((up.want or USUAL_KIB) * 1024)
    runs = lane.next_runs(tx, peer, capacity, every_lane=up.exchange % EVERY_LANE == 0)
    outbox.destination_ok(tx, peer)
    is_hello = bool(up.incarnation)
    told = lane.marks(tx, peer, LANES if is_hello else tuple(name for name in LANES if name in up.runs))
    ours = lanes.peer(tx, peer).ours
    shared = history.of_sent(tx, peer, runs)
    fault = ASIDE_FULL if lane.is_stopped(tx, peer, up.runs) else 0
    return Message(up.exchange, tx.now, told, runs, ours if is_hello or ours != before else b"", fault=fault), shared


def meet(tx: Transaction, peer: str, said: Message) -> bool:
    """Take note of who speaks: a new incarnation, and its clock. False when the peer has left this incarnation."""
    speaker = lanes.peer(tx, peer)
    if not said.incarnation:
        return True
    if said.incarnation != speaker.theirs and not lanes.begin_receiving(tx, speaker, said.incarnation):
        return False
    lanes.save_peer(tx, replace(lanes.peer(tx, peer), ahead_ms=said.sent_at - tx.now))
    return True


def fitted(
    direction: bytes,
    station: int,
    key: bytes,
    message: Message,
    shared: SharedHistory | None,
    limit: int,
    pack: Pack = frame.pack,
) -> tuple[bytes, Message]:
    """The frame of a message, with fewer events where all of them would be larger than `limit`; and what it then says.
    One event of each of its lanes always travels, however large."""
    packed = pack(direction, station, key, message, shared)
    while len(packed) > limit * SLACK and message.count > len(message.runs):
        message = _cut(message, max(int(message.count * limit / len(packed)), 1))
        packed = pack(direction, station, key, message, shared)
    return packed, message


def _cut(message: Message, count: int) -> Message:
    """The message with `count` events: one of each lane, for it may be its turn, and then the first of all; the rest
    wait, in lanes that come later first."""
    runs: dict[str, Run] = {}
    more = max(count - len(message.runs), 0)
    for name, run in message.runs.items():
        runs[name] = replace(run, events=run.events[: 1 + more])
        more -= len(runs[name].events) - 1
    return replace(message, runs=runs)
