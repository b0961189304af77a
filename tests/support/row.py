"""Stations in a row, each the upstream of the one before: a village, its district and the hub."""

import random
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from sado.cases.errors import UnknownEventError
from sado.cases.residents.privacy import Privacy
from sado.cases.service import Cases
from sado.store import Store, Transaction
from sado.store.tables import identity, lanes, quarantine, stations
from sado.store.tables.events import Event
from sado.sync import outbox
from sado.sync.codes import Cause
from sado.sync.errors import LineDownError
from sado.sync.exchange import server
from sado.sync.exchange.client import Client
from sado.sync.link.frame_size import FrameSize
from tests.support.one_by_one import OneByOne
from tests.support.stations import Clock, keys_in, shipped_law

VILLAGE, DISTRICT, HUB = 7, 5, 1


@dataclass
class Stop:
    """One station; `came` are the events that were brought to it, with the peer each came from."""

    number: int
    store: Store
    has_upstream: bool
    came: list[tuple[str, Event]] = field(default_factory=list)

    def __post_init__(self) -> None:
        who = self.store.write(lambda tx: identity.create(tx, self.number))
        self.cases = Cases(who, self.has_upstream, shipped_law)
        self.privacy = Privacy(self.has_upstream)
        self.store.write(lambda tx: lanes.set_upstream(tx, self.has_upstream))

    def apply(self, tx: Transaction, peer: str, event: Event) -> None:
        """Note the event, and bring it to the cases where it is about one, or to who deletes."""
        self.came.append((peer, event))
        if event.kind.startswith("privacy."):
            self.privacy.apply(tx, peer, event)
            return
        if not event.kind.startswith("case."):
            raise UnknownEventError(event.kind)
        self.cases.apply(tx, peer, event)

    def put(self, destination: str, kind: str, reference: str, body: str, lane: str = outbox.URGENT) -> None:
        self.store.write(lambda tx: outbox.put(tx, destination, kind, reference, body, lane))

    def aside(self) -> list[tuple[str, str, str]]:
        """What is kept aside: peer, kind and body, oldest first."""

        def job(tx: Transaction) -> list[tuple[str, str, str]]:
            rows = tx.all("SELECT id, peer, kind, body FROM quarantine ORDER BY id")
            return [(peer, kind, tx.unseal(body, "quarantine.body", number)) for number, peer, kind, body in rows]

        return self.store.read(job)

    def reasons(self) -> list[str]:
        """Why each is kept aside, newest first."""
        return [one.reason for one in self.store.read(lambda tx: quarantine.listed(tx, 100))]


@dataclass
class Line:
    """The line from a station to its upstream; a share of the exchanges is cut on the way there or back."""

    below: Stop
    above: Stop
    key: bytes
    cuts: float = 0.0
    chance: random.Random = field(default_factory=lambda: random.Random(1))
    frames: list[bytes] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        """The program of the station below begins anew: it knows nothing but its disk."""
        stop = self.below
        self.client = Client(stop.store, stop.number, self.key, OneByOne(self._post), stop.apply, FrameSize())

    def _post(self, frame: bytes, timeout_s: float) -> bytes:
        self.frames.append(frame)
        if self.chance.random() < self.cuts:
            raise LineDownError(Cause.LINE_CUT)
        answer = server.answer(self.above.store, frame, self.above.apply)
        if self.chance.random() < self.cuts:
            raise LineDownError(Cause.LINE_CUT)
        return answer

    def call(self) -> bool:
        """One exchange; whether more waits. A line that is cut lets wait what waited."""
        try:
            return self.client.call()
        except LineDownError:
            return True


@dataclass
class Row:
    """The three, and the two lines."""

    village: Stop
    district: Stop
    hub: Stop
    clock: Clock
    lower: Line
    upper: Line

    def settle(self) -> None:
        """Exchange on both lines until nothing waits."""
        quiet = 0
        for _ in range(300):
            quiet = 0 if self.lower.call() | self.upper.call() else quiet + 1
            if quiet == 2:
                return
        raise AssertionError("They never come to an end.")


@contextmanager
def open_row(folder: Path) -> Iterator[Row]:
    """The three stations, closed at the end. The hub knows that the village is behind the district."""
    clock = Clock()
    with ExitStack() as closing:

        def stop(name: str, number: int, has_upstream: bool) -> Stop:
            (folder / name).mkdir()
            store = Store(folder / name / "station.db", keys_in(folder / name), clock)
            closing.callback(store.close)
            return Stop(number, store, has_upstream)

        village, district = stop("village", VILLAGE, True), stop("district", DISTRICT, True)
        hub = stop("hub", HUB, False)
        lower = Line(village, district, district.store.write(lambda tx: stations.add(tx, VILLAGE)))
        upper = Line(district, hub, hub.store.write(lambda tx: stations.add(tx, DISTRICT)))
        hub.store.write(lambda tx: stations.set_through(tx, VILLAGE, DISTRICT))
        yield Row(village, district, hub, clock, lower, upper)
