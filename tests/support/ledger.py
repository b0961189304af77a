"""Events that count how often they took effect, and the ledger of a proof: what was tried, what promised, what came.

An event is known by its name and a hash of its body, so that one that came with other words is another event."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import astuple, dataclass

import msgspec

from sado.store import Transaction
from sado.store.engine import Store
from sado.store.tables.events import Apply, Event
from sado.sync import outbox
from sado.sync.exchange import server
from sado.sync.exchange.client import Client
from sado.sync.link.frame_size import FrameSize
from tests.support.one_by_one import OneByOne, Post

VILLAGE = 7
PEER = outbox.station(VILLAGE)
MOST_EXCHANGES = 60


class EndlessError(AssertionError):
    """Two stations exchange for ever."""


@dataclass(frozen=True)
class Ledger:
    """`acknowledged` events were promised, and are `ok` or `lost`; `recovered` ones came without a promise; nobody made
    the `unexpected` ones; the `duplicated` ones came more than once."""

    attempted: int
    acknowledged: int
    ok: int
    recovered: int
    lost: int
    unexpected: int
    duplicated: int

    @classmethod
    def of(cls, attempted: Iterable[str], acknowledged: Iterable[str], applied: Mapping[str, int]) -> "Ledger":
        tried, promised = {*attempted}, {*acknowledged}
        return cls(
            attempted=len(tried | promised),
            acknowledged=len(promised),
            ok=len(promised & applied.keys()),
            recovered=len((tried - promised) & applied.keys()),
            lost=len(promised - applied.keys()),
            unexpected=len(applied.keys() - tried - promised),
            duplicated=sum(times > 1 for times in applied.values()),
        )

    @classmethod
    def sum(cls, ledgers: Iterable["Ledger"]) -> "Ledger":
        """Of several proofs together."""
        return cls(*(sum(column) for column in zip(*(astuple(one) for one in ledgers), strict=True)))

    @property
    def is_even(self) -> bool:
        return self.lost == self.unexpected == self.duplicated == 0

    def __str__(self) -> str:
        return ", ".join(f"{name}={value}" for name, value in self.__dict__.items())


def said(name: str, text: str = "") -> str:
    """The body of an event."""
    return msgspec.json.encode({"event": name, "text": text}).decode()


def known_by(body: str) -> str:
    """What stands for an event with this body in a ledger."""
    return f"{msgspec.json.decode(body)['event']} {hashlib.blake2b(body.encode(), digest_size=6).hexdigest()}"


def count(tx: Transaction, peer: str, event: Event) -> None:
    """Apply an event: note, in the same transaction, that it was."""
    tx.next_number(f"applied {known_by(event.body)}")


def put(tx: Transaction, peer: str, body: str, lane: str = outbox.URGENT) -> str:
    """Queue an event for a peer; what it is known by."""
    outbox.put(tx, peer, "case.said", "", body, lane)
    return known_by(body)


def applied(store: Store) -> Counter[str]:
    """How often each event took effect in this store."""
    rows = store.read(lambda tx: tx.all("SELECT name, value FROM counters WHERE name LIKE 'applied %'"))
    return Counter({name.removeprefix("applied "): value for name, value in rows})


def client(store: Store, key: bytes, post: Post, apply: Apply = count) -> Client:
    """The village's program, begun anew."""
    return Client(store, VILLAGE, key, OneByOne(post), apply, FrameSize())


def answering(hub: Store, apply: Apply = count) -> Post:
    """A line to the hub on which nothing goes wrong."""
    return lambda frame, timeout_s: server.answer(hub, frame, apply)


def settle(program: Client) -> int:
    """Exchange until nothing waits; how many exchanges it took."""
    for taken in range(1, MOST_EXCHANGES):
        if not program.call():
            return taken
    raise EndlessError("The two never come to an end.")
