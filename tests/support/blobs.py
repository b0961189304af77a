"""A hub that publishes blobs and a village that fetches them, each on a real store, with a line in between."""

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from sado.store import Store, Transaction
from sado.store.tables import published_blobs, stations, wanted_blobs
from sado.store.tables.events import Apply, Event
from sado.store.tables.wanted_blobs import Wanted
from sado.sync.blobs.fetch import Arrivals, Fetcher, Get
from sado.sync.blobs.publish import BlobEvents, BlobServer, publish
from sado.sync.exchange import server as exchange
from sado.sync.exchange.client import Client
from sado.sync.link.frame_size import FrameSize
from tests.support.one_by_one import OneByOne, Post
from tests.support.publisher import PUBLISHER, signed
from tests.support.stations import Clock, open_store

VILLAGE = 7
NAME = "pack/tajikistan"
# As many ranges as any blob of the tests can take.
MOST_RANGES = 2000


class Steady(FrameSize):
    """Ranges of one size, whatever the machine does."""

    def __init__(self, limit: int) -> None:
        super().__init__()
        self.limit = limit

    def succeeded(self, size: int, seconds: float) -> None:
        """It stays."""

    def failed(self) -> None:
        """It stays."""


def only_blobs(number: int) -> Apply:
    """A station that knows no other events."""
    room = BlobEvents(number, PUBLISHER)

    def apply(tx: Transaction, peer: str, event: Event) -> None:
        if event.kind.startswith("blob."):
            room.apply(tx, peer, event)

    return apply


@dataclass
class Link:
    """Both stores and the key that they share. `wire` holds all that the line carried, `ranges` the answers' sizes;
    `taken` is what the village took in, `refuses` what taking in raises."""

    hub: Store
    village: Store
    clock: Clock
    key: bytes
    limit: int = 4096
    number: int = VILLAGE
    wire: list[bytes] = field(default_factory=list)
    ranges: list[int] = field(default_factory=list)
    taken: list[tuple[str, bytes]] = field(default_factory=list)
    refuses: Exception | None = None
    get: Get | None = None
    post: Post | None = None

    def __post_init__(self) -> None:
        self.restart()

    def restart(self, village: Store | None = None) -> None:
        """Both processes begin anew; all that they had in memory is gone."""
        self.village = village or self.village
        self.blob_server = BlobServer(self.hub)
        self.client = Client(
            self.village, self.number, self.key, OneByOne(self._post), only_blobs(self.number), FrameSize()
        )
        self.fetcher = Fetcher(self.village, self.number, self.key, self._get, Steady(self.limit))
        self.arrivals = Arrivals(self.village, self.number, self._take)

    def publish(self, content: bytes, name: str = NAME) -> bool:
        before = self.hub.read(lambda tx: published_blobs.find(tx, name))
        is_same = before is not None and before.hash == hashlib.sha256(content).digest()
        edition = before.edition if before and is_same else self.hub.write(published_blobs.next_edition)
        return bool(publish(self.hub, [(signed(name, content, edition), content)]))

    def exchange(self) -> None:
        while self.client.call():
            pass

    def fetch(self) -> int:
        """Fetch all that is offered, and take it in; how many bytes of answers it took."""
        self.exchange()
        before = sum(self.ranges)
        for _ in range(MOST_RANGES):
            if not self.fetcher.step():
                break
        while self.arrivals.step():
            pass
        self.exchange()
        return sum(self.ranges) - before

    def wanted(self, name: str = NAME) -> Wanted:
        found = self.village.read(lambda tx: wanted_blobs.find(tx, name))
        assert found is not None
        return found

    def told(self, name: str = NAME) -> tuple[str, str]:
        """What the hub knows of its offer."""
        found = self.hub.read(published_blobs.offers)
        return next((one.state, one.reason) for one in found if (one.name, one.station) == (name, self.number))

    def answered(self, target: str, headers: Mapping[str, str], timeout_s: float = 0) -> bytes:
        """The hub's answer to a request, noted as the line carries it."""
        path, _, query = target.partition("?")
        body = self.blob_server.answer(path, query, headers)
        self.wire += [target.encode(), repr(dict(headers)).encode(), body]
        self.ranges.append(len(body))
        return body

    def _get(self, target: str, headers: Mapping[str, str], timeout_s: float) -> bytes:
        return (self.get or self.answered)(target, headers, timeout_s)

    def _post(self, frame: bytes, timeout_s: float) -> bytes:
        if self.post:
            return self.post(frame, timeout_s)
        answer = exchange.answer(self.hub, frame, only_blobs(0))
        self.wire += [frame, answer]
        return answer

    def _take(self, wanted: Wanted, content: bytes) -> None:
        if self.refuses:
            raise self.refuses
        self.taken.append((wanted.name, content))


@contextmanager
def open_link(folder: Path, **settings: int) -> Iterator[Link]:
    """A village that is admitted at its hub, with nothing published; closed at the end."""
    clock = Clock()
    with open_store(_made(folder / "hub"), clock) as hub, open_store(_made(folder / "village"), clock) as village:
        key = hub.write(lambda tx: stations.add(tx, VILLAGE))
        yield Link(hub, village, clock, key, **settings)


def _made(folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    return folder
