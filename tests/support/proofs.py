"""A village and its hub as bare stores, for proofs that repeat something thousands of times.

`SADO_PROOFS=10` makes every proof that is counted by it ten times as long."""

import logging
import os
import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import waitress
from waitress import wasyncore

from sado.store import Store
from sado.store.tables import stations
from sado.sync import outbox
from sado.sync.exchange import server as exchange
from sado.sync.exchange.client import Client
from tests.support import ledger
from tests.support.ledger import PEER, VILLAGE, Ledger, put, said
from tests.support.one_by_one import Post
from tests.support.stations import Clock, open_store

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

TIMES = int(os.environ.get("SADO_PROOFS", "1"))
LOOP_S = 0.05
LETTERS = "абвгғдеёжзиӣйкқлмнопрстуӯфхҳчҷшъэюя "


def noise(letters: int, seed: object) -> str:
    """Words that no compressor makes small."""
    return "".join(random.Random(f"{letters} {seed}").choices(LETTERS, k=letters))


@dataclass
class World:
    """Both stores and the key that they share; `made` are the events of each side that it has on disk."""

    village: Store
    hub: Store
    key: bytes

    def __post_init__(self) -> None:
        self.made: dict[str, list[str]] = {"village": [], "hub": []}

    def file(self, letters: int = 0, lane: str = outbox.URGENT) -> str:
        """An event of the village."""
        return self._put("village", self.village, outbox.UPSTREAM, letters, lane)

    def decide(self, letters: int = 0, lane: str = outbox.URGENT) -> str:
        """An event of the hub."""
        return self._put("hub", self.hub, PEER, letters, lane)

    def _put(self, name: str, store: Store, peer: str, letters: int, lane: str) -> str:
        number = len(self.made[name])
        body = said(f"{name} {number}", noise(letters, number))
        self.made[name].append(store.write(lambda tx: put(tx, peer, body, lane)))
        return self.made[name][-1]

    def program(self, post: Post | None = None) -> Client:
        """The village's program, begun anew; without a line of its own on one where nothing goes wrong."""
        return ledger.client(self.village, self.key, post or self.answer)

    def answer(self, frame: bytes, timeout_s: float = 0) -> bytes:
        """The hub's answer."""
        return exchange.answer(self.hub, frame, ledger.count)

    def ledger(self) -> Ledger:
        """What became of the events of both sides."""
        made = [*self.made["village"], *self.made["hub"]]
        return Ledger.of(made, made, ledger.applied(self.hub) + ledger.applied(self.village))


@contextmanager
def open_world(folder: Path) -> Iterator[World]:
    """A village and the hub that it is admitted at."""
    clock = Clock()
    for name in ("village", "hub"):
        (folder / name).mkdir()
    with open_store(folder / "village", clock) as village, open_store(folder / "hub", clock) as hub:
        yield World(village, hub, hub.write(lambda tx: stations.add(tx, VILLAGE)))


def rows(store: Store) -> list[str]:
    """Every row of a store, as text."""
    names = store.read(lambda tx: tx.all("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name"))
    return [repr((name, store.read(lambda tx, name=name: tx.all(f"SELECT * FROM {name}")))) for (name,) in names]


@contextmanager
def served(app: "WSGIApplication") -> Iterator[tuple[str, int]]:
    """The application behind waitress, as `sado serve` has it; its address."""
    logging.getLogger("waitress").setLevel(logging.ERROR)
    sockets: dict[int, object] = {}
    server = waitress.create_server(app, map=sockets, host="127.0.0.1", port=0, threads=2)
    stopped = threading.Event()

    def run() -> None:
        while not stopped.is_set():
            wasyncore.loop(timeout=LOOP_S, map=sockets, count=1)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield ("127.0.0.1", server.effective_port)
    finally:
        # Not server.close() while its loop waits for the socket that this closes.
        stopped.set()
        thread.join()
        server.task_dispatcher.shutdown()
        wasyncore.close_all(sockets)
