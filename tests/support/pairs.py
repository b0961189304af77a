"""A village station and its hub with everything that events may be about, and a line between them."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sado.cases.events import Events
from sado.cases.residents.additions import Additions
from sado.cases.residents.consultation import Consultation
from sado.cases.residents.privacy import Privacy
from sado.store.tables import stations
from sado.sync.exchange import server
from sado.sync.exchange.client import Client
from sado.sync.link.frame_size import FrameSize
from tests.support.one_by_one import OneByOne, Post
from tests.support.stations import Clock, Station, open_station

VILLAGE, HUB = 7, 1


class Side:
    """One of the two."""

    def __init__(self, station: Station, has_upstream: bool) -> None:
        self.store = station.store
        self.cases = station.cases
        self.consultation = Consultation(has_upstream)
        self.privacy = Privacy(has_upstream)
        self.additions = Additions(station.cases)
        rooms = {
            "case": self.cases.apply,
            "tally": self.consultation.apply,
            "privacy": self.privacy.apply,
            "addition": self.additions.apply,
        }
        self.events = Events(rooms)


@dataclass
class Pair:
    """Both sides, and the key that they share."""

    village: Side
    hub: Side
    key: bytes

    def __post_init__(self) -> None:
        side = self.village
        self._post: Post = self.answer
        self._client = Client(side.store, VILLAGE, self.key, OneByOne(self._over_line), side.events.apply, FrameSize())

    def answer(self, frame: bytes, timeout_s: float = 0) -> bytes:
        """The hub's answer to a frame."""
        return server.answer(self.hub.store, frame, self.hub.events.apply)

    def call(self, post: Post | None = None) -> bool:
        """One exchange, over a clean line unless `post` is another; whether more waits."""
        self._post = post or self.answer
        return self._client.call()

    def _over_line(self, frame: bytes, timeout_s: float) -> bytes:
        return self._post(frame, timeout_s)

    def settle(self) -> None:
        """Exchange until nothing waits."""
        while self.call():
            pass


@contextmanager
def open_pair(folder: Path) -> Iterator[Pair]:
    """Both stations, closed at the end."""
    clock = Clock()
    with (
        open_station(folder / "village", VILLAGE, clock=clock) as village,
        open_station(folder / "hub", HUB, has_upstream=False, clock=clock) as hub,
    ):
        key = hub.store.write(lambda tx: stations.add(tx, VILLAGE))
        yield Pair(Side(village, True), Side(hub, False), key)
