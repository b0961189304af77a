"""A village and its hub that exchange over a line of the test, and the ledger of what became of their events."""

import random
from dataclasses import dataclass
from typing import NoReturn

import msgspec
import pytest

from sado.store import Store, Transaction
from sado.store.tables import lanes, quarantine
from sado.store.tables import outbox as entries
from sado.store.tables.events import Apply, Event
from sado.store.tables.lanes import LANES
from sado.sync import outbox
from sado.sync.codes import Cause
from sado.sync.errors import LineDownError
from sado.sync.exchange import history, server
from sado.sync.exchange.client import Client
from sado.sync.link.frame_size import FrameSize
from sado.sync.wire import frame
from sado.sync.wire.frame import Mark, Message
from sado.sync.wire.shared_history import Recall
from tests.support.one_by_one import OneByOne, Post
from tests.support.stations import APPEAL, Station

HUB, VILLAGE = 1, 7
MOST_EXCHANGES = 50
PEER = outbox.station(VILLAGE)
LONG_AGO = 99


def counting(apply: Apply) -> Apply:
    """`apply`, with a count kept beside its effects of how often each event was applied."""

    def apply_and_count(tx: Transaction, peer: str, event: Event) -> None:
        apply(tx, peer, event)
        tx.next_number(f"applied {msgspec.json.decode(event.body)['event']}")

    return apply_and_count


@dataclass
class Pair:
    """A village station and its hub. The village's program runs until `restart`."""

    village: Station
    hub: Station
    key: bytes

    def __post_init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        """The village's program begins anew: it knows nothing but its disk."""
        self.frame_size = FrameSize()
        self._post: Post = self.answer
        apply = counting(self.village.cases.apply)
        self._client = Client(self.village.store, VILLAGE, self.key, OneByOne(self._over_line), apply, self.frame_size)

    def _over_line(self, packed: bytes, timeout_s: float) -> bytes:
        return self._post(packed, timeout_s)

    def answer(self, packed: bytes, timeout_s: float = 0) -> bytes:
        """The hub's answer to a frame."""
        return server.answer(self.hub.store, packed, counting(self.hub.cases.apply))

    def call(self, post: Post | None = None) -> bool:
        """One exchange, over a clean line unless `post` is another."""
        self._post = post or self.answer
        return self._client.call()

    def settle(self) -> int:
        """Exchange until nothing waits; how many exchanges it took."""
        for taken in range(1, MOST_EXCHANGES):
            if not self.call():
                return taken
        raise AssertionError("The two never come to an end.")

    def file(self, text: str = APPEAL.text) -> str:
        """A case filed in the village; its reference."""
        appeal = msgspec.structs.replace(APPEAL, text=text)
        return self.village.store.write(lambda tx: self.village.cases.open(tx, appeal)).reference

    def record(self, reference: str, kind: str, words: str = "") -> None:
        """The agency, at the hub, moves a case."""
        words = words or f"{kind}, in words"
        self.hub.store.write(lambda tx: self.hub.cases.record(tx, APPEAL.agency, reference, kind, words))

    def request(self) -> bytes:
        """The frame of the village's next exchange, which nobody answers."""
        frames: list[bytes] = []

        def lose(packed: bytes, timeout_s: float) -> NoReturn:
            frames.append(packed)
            raise LineDownError(Cause.UPSTREAM_SILENT)

        with pytest.raises(LineDownError):
            self.call(lose)
        return frames[0]

    def exchanged(self) -> bytes:
        """The frame of an exchange that is answered."""
        frames: list[bytes] = []

        def keep(packed: bytes, timeout_s: float) -> bytes:
            frames.append(packed)
            return self.answer(packed)

        self.call(keep)
        return frames[0]

    def up(self, packed: bytes) -> Message:
        """What a request says."""
        return frame.unpack(frame.UP, self.key, packed, self._recall(self.hub.store, PEER))

    def down(self, packed: bytes) -> Message:
        """What an answer says."""
        return frame.unpack(frame.DOWN, self.key, packed, self._recall(self.village.store, outbox.UPSTREAM))

    @staticmethod
    def _recall(store: Store, peer: str) -> Recall:
        return lambda after, upto: store.read(lambda tx: history.of_received(tx, peer, after, upto))

    def asked(self, message: Message) -> Message:
        """What the hub says to a message."""
        return self.down(self.answer(frame.pack(frame.UP, VILLAGE, self.key, message)))


# The ledger


def made_at(store: Store, number: int) -> set[str]:
    """The events made by this station that are in this store."""
    return {
        row[0] for row in store.read(lambda tx: tx.all("SELECT id FROM events")) if row[0].startswith(f"{number:03}.")
    }


def applied_at(store: Store) -> dict[str, int]:
    """How often each event of another station was applied in this store."""
    rows = store.read(lambda tx: tx.all("SELECT name, value FROM counters WHERE name LIKE 'applied %'"))
    return {name.removeprefix("applied "): value for name, value in rows}


def check_ledger(pair: Pair) -> None:
    """Every event that one side made was applied once by the other, in order, and is acknowledged."""
    for maker, number, taker in ((pair.village, VILLAGE, pair.hub), (pair.hub, HUB, pair.village)):
        made = made_at(maker.store, number)
        assert made
        assert applied_at(taker.store) == dict.fromkeys(made, 1)
        assert made_at(taker.store, number) == made
    assert all_cases(pair.village) == all_cases(pair.hub)
    check_lanes(pair.village.store, outbox.UPSTREAM, pair.hub.store, PEER)
    check_lanes(pair.hub.store, PEER, pair.village.store, outbox.UPSTREAM)


def check_lanes(sender: Store, destination: str, receiver: Store, peer: str) -> None:
    """A lane's numbers are 1, 2, 3 … without a gap, all acknowledged, and the receiver's cursor is the last, with the
    same hash."""
    sent = "SELECT lane, COUNT(*), MIN(number), MAX(number) FROM outbox WHERE destination = :to GROUP BY lane"
    rows = sender.read(lambda tx: tx.all(sent, to=destination))
    assert all((first, last) == (1, count) for _, count, first, last in rows)
    check_cursors(sender, destination, receiver, peer)
    last_of = {name: last for name, _, _, last in rows}
    assert all(lane_of(receiver, peer, name).received == last_of.get(name, 0) for name in LANES)


def check_cursors(sender: Store, destination: str, receiver: Store, peer: str) -> None:
    """Nothing waits, and both sides say that they stand at the same number, with the same hash."""
    for name in LANES:
        ours, theirs = lane_of(sender, destination, name), lane_of(receiver, peer, name)
        assert theirs.received == ours.numbered == ours.acked
        assert theirs.received_hash == ours.numbered_hash == ours.acked_hash
    waiting = sender.read(entries.counts)
    assert [state for to, state in waiting if to == destination] == []


def lane_of(store: Store, peer: str, name: str = outbox.URGENT) -> lanes.Lane:
    return store.write(lambda tx: lanes.find(tx, peer, name))


def is_at(mark: Mark, lane: lanes.Lane) -> bool:
    """Whether this says how far a lane was received; a hash may be said short."""
    return mark.upto == lane.received and bool(mark.hash) and lanes.is_same(lane.received_hash, mark.hash)


def all_cases(station: Station) -> list[tuple[str, str]]:
    return station.store.read(lambda tx: tx.all("SELECT reference, status FROM cases ORDER BY reference"))


def aside(store: Store) -> list[tuple[str, str]]:
    """The peer and kind of each event that is kept aside."""
    return [(one.peer, one.kind) for one in store.read(lambda tx: quarantine.listed(tx, 9))]


def dump(store: Store) -> list[str]:
    """Every row of a store, as text."""

    def job(tx: Transaction) -> list[str]:
        names = [row[0] for row in tx.all("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")]
        return [repr((name, tx.all(f"SELECT * FROM {name}"))) for name in names]

    return store.read(job)


def noise(letters: int) -> str:
    """Words that no compressor makes small."""
    return "".join(random.Random(letters).choices("абвгғдеёжзиӣйкқлмнопрстуӯфхҳчҷшъэюя ", k=letters))


def lose_answer(pair: Pair) -> None:
    """An exchange whose request arrives and whose answer does not."""

    def post(packed: bytes, timeout_s: float) -> bytes:
        pair.answer(packed)
        raise LineDownError(Cause.UPSTREAM_SILENT)

    with pytest.raises(LineDownError):
        pair.call(post)
