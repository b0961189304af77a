"""The exchange by hand, for weeks without a line: what waits goes into a file (sync/by_hand/file_format.py), a person
carries it, and the file that comes back acknowledges it.

The frames are those of the line, and the same rules take them (sync/exchange/lane.py). What differs follows from a file
being late: the line may have gone on meanwhile. So each frame is a hello and says all that it stands on, none is
compressed with a shared history, none has an exchange number, and what it acknowledges only moves forward: a file of
last week may not take back what the line settled since. Only a station that begins a new life is believed that it went
back.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from pathlib import Path

from sado.store import Store, Transaction
from sado.store.tables import lane_events, lanes, quarantine, stations
from sado.store.tables import outbox as entries
from sado.store.tables.events import Apply, Event
from sado.store.tables.lanes import LANES
from sado.sync import outbox
from sado.sync.by_hand import file_format
from sado.sync.by_hand.file_format import Label, TransferError
from sado.sync.codes import Cause
from sado.sync.exchange import lane, server
from sado.sync.link.frame_size import bodies_in
from sado.sync.wire import frame
from sado.sync.wire.frame import Mark, Message

# A frame's events are applied in one transaction, and a phone may have to wait for it.
FRAME_BYTES = 16 * 1024
# One event travels however large it is, but none is larger than what a frame may grow to.
LARGEST_FRAME = frame.LARGEST
NO_EXCHANGE = 0
WAYS = {frame.UP: "up", frame.DOWN: "down"}
ENDING = ".sado"


@dataclass(frozen=True)
class Party:
    """The other side: its name here, the key that we share, and the label of the files that we write for it."""

    peer: str
    key: bytes
    label: Label


@dataclass(frozen=True)
class Written:
    """A file that was written: how many events are in it, how many more wait, and its size in bytes."""

    path: Path
    label: Label
    events: int
    left: int
    size: int


@dataclass(frozen=True)
class Taken:
    """What a file brought, all in numbers of events: `new` here, or not, `aside` because they could not be applied, and
    `astray` because they do not follow what is here. Of our own events `acked` are now known to have arrived; the other
    side `is_lost` where it speaks of events that we do not know. `written_at` is in milliseconds since 1970 UTC."""

    label: Label
    written_at: int = 0
    events: int = 0
    new: int = 0
    aside: int = 0
    astray: int = 0
    acked: int = 0
    is_lost: bool = False

    @property
    def here(self) -> int:
        """How many were here already, from the line or from another file."""
        return self.events - self.new - self.aside - self.astray


class FileTransfer:
    """Writes and takes the files of the station with this number; `key` is the one that it shares with its upstream,
    None where it has none."""

    def __init__(self, store: Store, number: int, key: bytes | None, apply: Apply) -> None:
        self._store = store
        self._number = number
        self._key = key
        self._apply = apply
        self._one_at_a_time = threading.Lock()

    def export(self, target: Path, station: int | None, today: date) -> Written:
        """Write what waits for the upstream, or for a station behind this one, into a new file, or into the folder
        `target` under a name of its own. It goes on waiting: nothing is acknowledged by being written. Raises
        TransferError."""
        return self._export(target, self._party(station), today)

    def answer(self, target: Path, taken: Taken, today: date) -> Written:
        """As `export`, for the station that a file came from. Raises TransferError."""
        return self._export(target, self._sender(taken.label), today)

    def take_in(self, path: Path) -> Taken:
        """Take the events and acknowledgements in a file. It is looked through whole before anything of it is taken, so
        one that is refused has changed nothing; a process that dies meanwhile has taken some frames, and takes the rest
        when the file is taken again. Raises TransferError."""
        content = file_format.read(path)
        label = file_format.label_of(content)
        party = self._sender(label)
        opened = file_format.frames_of(content, party.key)
        for packed in opened:
            _unpacked(label, party.key, packed)
        taken = Taken(label)
        for packed in opened:
            taken = self._store.write(partial(self._take, party.peer, _unpacked(label, party.key, packed), taken))
        if party.peer == outbox.UPSTREAM:
            self._store.write(lambda tx: _is_as_of(tx, taken.written_at))
        return taken

    def _party(self, station: int | None) -> Party:
        """Whom a file is for. Raises TransferError where we share no key."""
        if station is not None:
            return self._below(station)
        if self._key is None:
            raise TransferError("This station has no upstream. Say for which station the file is: --station NUMBER.")
        return Party(outbox.UPSTREAM, self._key, Label(frame.UP, self._number))

    def _below(self, number: int) -> Party:
        below, way = self._store.read(lambda tx: (stations.find(tx, number), stations.through(tx, number)))
        if below is None:
            raise TransferError(f"Station {number:03} is not admitted here; run `sado station add {number}`.")
        if way != number:
            raise TransferError(f"Station {number:03} exchanges with station {way:03}, by hand too.")
        return Party(outbox.station(number), below.key, Label(frame.DOWN, number))

    def _sender(self, label: Label) -> Party:
        """Whom a file is from. Raises TransferError where it is not for this station."""
        if label.direction == frame.DOWN:
            if label.station != self._number or self._key is None:
                raise TransferError(f"The file is for station {label.station:03}, from its upstream: import it there.")
            return self._party(None)
        if label.station == self._number:
            raise TransferError("This station wrote the file itself, for its upstream: import it there.")
        return self._below(label.station)

    def _export(self, target: Path, party: Party, today: date) -> Written:
        with self._one_at_a_time:
            path = _free(target, party.label, today) if target.is_dir() else target
            self._store.write(lambda tx: _ready(tx, party.peer))
            packed, events, left = self._store.read(lambda tx: frames(tx, party, file_format.MOST_BYTES))
            return Written(path, party.label, events, left, file_format.write(path, party.label, party.key, packed))

    def _take(self, peer: str, said: Message, so_far: Taken, tx: Transaction) -> Taken:
        """Take one frame; what the file brought up to it."""
        acked, is_known = _acknowledge(tx, peer, said.marks, is_new_life=_meet(tx, peer, said))
        away_ms = _away_ms(tx, peer, said)
        aside, calls, astray = quarantine.count(tx), 0, 0

        def apply(tx: Transaction, peer: str, event: Event) -> None:
            nonlocal calls
            calls += 1
            self._apply(tx, peer, event)

        for name, run in said.runs.items():
            received = lanes.find(tx, peer, name).received
            is_taken = lane.take(tx, peer, name, run, said.sent_at, apply, away_ms)
            if not is_taken and run.last > received:
                astray += len(run.events)
        if lane.is_stopped(tx, peer, said.runs):
            raise TransferError(
                "So much of that station is kept aside here that no more is taken: `sado quarantine list` shows it."
                " Release or delete it, and import the file again: what was taken of it is not taken twice."
            )
        aside = quarantine.count(tx) - aside
        return Taken(
            so_far.label,
            so_far.written_at or tx.now - away_ms,
            so_far.events + said.count,
            so_far.new + calls - aside,
            so_far.aside + aside,
            so_far.astray + astray,
            so_far.acked + acked,
            so_far.is_lost or not is_known,
        )


def _free(folder: Path, label: Label, today: date) -> Path:
    """A name in the folder that no file has."""
    name = f"station-{label.station:03}-{WAYS[label.direction]}-{today.isoformat()}"
    number, path = 1, folder / f"{name}{ENDING}"
    while path.exists():
        number += 1
        path = folder / f"{name}-{number}{ENDING}"
    return path


def _ready(tx: Transaction, peer: str) -> None:
    """Have every event that waits follow the one before it, and be readable, as `lane.next_runs` has."""
    lanes.peer(tx, peer)
    if not all(lane_events.is_whole(tx, lanes.find(tx, peer, name)) for name in LANES):
        lane_events.renew(tx, peer)
    for name in LANES:
        lane_events.look_through(tx, lanes.find(tx, peer, name))


def frames(tx: Transaction, party: Party, capacity: int) -> tuple[list[bytes], int, int]:
    """A hello and all that waits, as many frames as it takes, or as these bytes hold; how many events they have, and
    how many more wait."""
    peer = lanes.peer(tx, party.peer)
    told = lane.marks(tx, party.peer) if peer.theirs else {}
    hello = Message(NO_EXCHANGE, tx.now, told, incarnation=peer.ours)
    packed = [frame.pack(party.label.direction, party.label.station, party.key, hello)]
    waiting = sum(each.numbered - each.acked for each in (lanes.find(tx, party.peer, name) for name in LANES))
    events, size = 0, 0
    for piece, count in _runs(tx, party, replace(hello, marks={})):
        packed.append(piece)
        events, size = events + count, size + len(piece)
        if size > capacity - LARGEST_FRAME:
            break
    return packed, events, waiting - events


def _runs(tx: Transaction, party: Party, hello: Message) -> Iterator[tuple[bytes, int]]:
    """The frames of all that waits, each with how many events it has."""
    label, capacity = party.label, bodies_in(FRAME_BYTES)
    ends = lane.acknowledged(tx, party.peer)
    while runs := lane.runs_after(tx, party.peer, capacity, ends):
        message = replace(hello, runs=runs)
        packed, said = server.fitted(label.direction, label.station, party.key, message, None, FRAME_BYTES)
        ends |= {name: lane.end_of(run) for name, run in said.runs.items()}
        yield packed, said.count


def _unpacked(label: Label, key: bytes, packed: bytes) -> Message:
    try:
        if frame.station_of(packed) != label.station:
            raise frame.FrameError(Cause.OTHER_STATION)
        return frame.unpack(label.direction, key, packed)
    except frame.FrameError as error:
        raise TransferError(f"A frame in the file cannot be taken ({error}). Nothing of the file was taken.") from error


def _meet(tx: Transaction, peer: str, said: Message) -> bool:
    """Whether the sender, which we knew in another life, speaks in a new one: its disk was restored. Raises
    TransferError for a life that it has left."""
    sender = lanes.peer(tx, peer)
    if said.incarnation == sender.theirs:
        return False
    if not lanes.begin_receiving(tx, sender, said.incarnation):
        raise TransferError(
            "The file was written before its sender numbered its events anew, as it does when its disk was restored: "
            "export again there. What is in the file will be in the new one. Where that is refused too, an exchange "
            "over the line puts it right."
        )
    return bool(sender.theirs)


def _acknowledge(tx: Transaction, peer: str, told: dict[str, Mark], is_new_life: bool) -> tuple[int, bool]:
    """How many of our events are acknowledged now that were not; and False where the sender speaks of events that we
    do not know. A new life begins where its disk stood, so what it lacks waits again."""
    before = _acked(tx, peer)
    if is_new_life:
        lane.acknowledge(tx, peer, told)
        return max(_acked(tx, peer) - before, 0), True
    is_known = True
    for name, mark in told.items():
        ours = lanes.find(tx, peer, name)
        if mark.upto <= ours.acked:
            continue
        if mark.upto > ours.numbered or lane_events.hash_at(tx, ours, mark.upto) != mark.hash:
            is_known = False
        else:
            lane_events.finish(tx, ours, mark.upto, mark.hash)
    return _acked(tx, peer) - before, is_known


def _acked(tx: Transaction, peer: str) -> int:
    return sum(lanes.find(tx, peer, name).acked for name in LANES)


def _away_ms(tx: Transaction, peer: str, said: Message) -> int:
    """How long ago the file was written. No line measured it, so it comes from the sender's clock, as far as the line
    has told how wrong that is."""
    return max(tx.now - (said.sent_at - lanes.peer(tx, peer).ahead_ms), 0)


def _is_as_of(tx: Transaction, at: int) -> None:
    """What the upstream said at this moment is all here: what is shown to residents is known to be true until then."""
    line = entries.destination(tx, outbox.UPSTREAM)
    entries.save_destination(tx, replace(line, ok_at=max(line.ok_at or 0, at)))
