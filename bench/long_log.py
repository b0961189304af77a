"""What a long log costs an exchange: villages whose logs differ in length, and one hub, in one process."""

from __future__ import annotations

import itertools
import statistics
import sys
import tempfile
import time
from collections.abc import Iterable
from dataclasses import replace
from functools import partial
from pathlib import Path

import msgspec
from appeals import appeals

from sado.cases.payloads import Appeal
from sado.store import Keyring, Store, Transaction
from sado.store.tables import lane_events, lanes, stations
from sado.store.tables.events import Event
from sado.sync import outbox
from sado.sync.codes import EntryKind
from sado.sync.exchange import server
from sado.sync.exchange.client import Client
from sado.sync.link.frame_size import FrameSize

sys.path.append(str(Path(__file__).parent.parent))

from tests.support.one_by_one import OneByOne

VILLAGE = 7
MIDDLE_LOG, SHORT_LOG = 1_000, 200
# More than two stations remember of what they said last.
MEMORY = 600
ROUNDS, WARM, OTHERS = 40, 5, 1000


def ignore(tx: Transaction, peer: str, event: Event) -> None:
    """Apply nothing."""


def body_of(one: Appeal) -> str:
    """What an event about an appeal says."""
    return msgspec.json.encode(one).decode()


def put_all(tx: Transaction, bodies: Iterable[str]) -> None:
    """Queue events with these bodies for the upstream."""
    for body in bodies:
        outbox.put(tx, outbox.UPSTREAM, EntryKind.CASE_OPENED, "", body)


def program_of(folder: Path, hub: Store, number: int, count: int) -> tuple[Store, Client]:
    """A village whose log has so many acknowledged events, and its program."""
    folder.mkdir()
    store = Store(folder / "sado.db", Keyring.create(folder / "keys.json"))
    key = hub.write(lambda tx: stations.add(tx, number))
    client = Client(
        store, number, key, OneByOne(lambda frame, _: server.answer(hub, frame, ignore)), ignore, FrameSize()
    )
    client.call()

    said = [body_of(one) for one in appeals(None, OTHERS)]

    def fill(tx: Transaction) -> None:
        put_all(tx, itertools.islice(itertools.cycle(said), count - heard))
        lane = lanes.find(tx, outbox.UPSTREAM, outbox.URGENT)
        lane_events.finish(tx, lane, lane.numbered, lane.numbered_hash)

    def follow(tx: Transaction) -> None:
        ours = store.read(lambda mine: lanes.find(mine, outbox.UPSTREAM, outbox.URGENT))
        theirs = lanes.find(tx, outbox.station(number), outbox.URGENT)
        lanes.save(tx, replace(theirs, received=ours.numbered, received_hash=ours.numbered_hash))

    # The last of them travel, so that both sides have heard them; the others are as if they had, long ago.
    heard = min(count, MEMORY)
    store.write(fill)
    hub.write(follow)
    store.write(partial(put_all, bodies=said[:heard]))
    while client.call():
        pass
    return store, client


def log_ratios(long_log: int) -> dict[str, float]:
    """How much longer an exchange of one event takes a village with so long a log than others."""
    with tempfile.TemporaryDirectory(prefix="sado-bench-") as folder:
        hub = Store(Path(folder) / "hub.db", Keyring.create(Path(folder) / "keys.json"))
        programs = {
            count: program_of(Path(folder) / str(count), hub, number, count)
            for number, count in enumerate((SHORT_LOG, MIDDLE_LOG, long_log), VILLAGE)
        }
        more = appeals(None, OTHERS + WARM + ROUNDS)[OTHERS:]
        took: dict[int, list[float]] = {count: [] for count in programs}
        for each in range(WARM + ROUNDS):
            for count, (store, client) in programs.items():
                store.write(partial(put_all, bodies=[body_of(more[each])]))
                began = time.perf_counter()
                client.call()
                took[count].append(time.perf_counter() - began)
        for store in (hub, *(store for store, _ in programs.values())):
            store.close()
    medians = {count: statistics.median(values[WARM:]) for count, values in took.items()}
    return {
        "log_ratio": round(medians[long_log] / medians[SHORT_LOG], 3),
        "log_ratio_beyond_memory": round(medians[long_log] / medians[MIDDLE_LOG], 3),
    }
