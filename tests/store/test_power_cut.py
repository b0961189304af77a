"""What the store has acknowledged outlives a power cut, and only because every commit is synced."""

import random
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import apsw
import pytest
from msgspec import structs

from sado.cases.service import Cases
from sado.store import Keyring, Store, Transaction
from sado.store.engines.sqlite import Connection, SQLite
from sado.store.tables import cases, identity, outbox
from sado.store.writer import Writer
from tests.support.power import Content, Disk
from tests.support.stations import APPEAL, START_S, keys_in, open_station, shipped_law

CUTS = 200
CALLERS = 3
OPERATIONS = 1500
NORMAL = 1


@dataclass(frozen=True)
class Blank:
    """A station before its first case: its file, its keys, who it is, and how its writer syncs."""

    file: bytes
    keys: Keyring
    who: identity.Identity
    synchronous: int


@dataclass(frozen=True)
class Run:
    """One run up to its cut: the texts acknowledged by reference, and the files that the cut left."""

    acknowledged: dict[str, str]
    files: dict[str, bytes]


@pytest.fixture(scope="module")
def blank(tmp_path_factory: pytest.TempPathFactory) -> Blank:
    folder = tmp_path_factory.mktemp("blank")
    with open_station(folder, 7) as station:
        who = station.store.read(identity.find)
    assert who is not None
    writer = SQLite(folder / "station.db").writer()
    synchronous = writer.execute("PRAGMA synchronous").fetchone()[0]
    writer.close()
    return Blank((folder / "station.db").read_bytes(), keys_in(folder), who, synchronous)


@pytest.fixture
def disk() -> Iterator[Disk]:
    disk = Disk("power")
    yield disk
    disk.unregister()


def connected(disk: Disk, blank: Blank, synchronous: int, checkpoint: int) -> apsw.Connection:
    """The writer's connection to a fresh copy of the station on this disk."""
    disk.files = {"station.db": Content(bytearray(blank.file), bytearray(blank.file))}
    connection = apsw.Connection("station.db", vfs=disk.name)
    # A VFS in Python has no shared memory, which a WAL of several connections needs.
    connection.execute("PRAGMA locking_mode = EXCLUSIVE")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute(f"PRAGMA synchronous = {synchronous}")
    connection.execute(f"PRAGMA wal_autocheckpoint = {checkpoint}")
    return connection


def cut(disk: Disk, blank: Blank, seed: int) -> Run:
    """File cases until the power goes, at a moment that `seed` picks."""
    chance = random.Random(seed)
    connection = connected(disk, blank, blank.synchronous, chance.choice((15, 60, 1000)))
    disk.cut_at = disk.operations + chance.randrange(1, OPERATIONS)
    acknowledged = file_cases(connection, blank, CALLERS, OPERATIONS)
    files = disk.after_cut(chance)
    disk.cut_at = sys.maxsize
    connection.close()
    return Run(acknowledged, files)


def file_cases(connection: apsw.Connection, blank: Blank, callers: int, most: int) -> dict[str, str]:
    """File so many cases from each of several callers at once, until the disk fails; the texts of the acknowledged
    ones."""
    held = Connection(connection, "BEGIN IMMEDIATE")
    writer = Writer(held, lambda held: Transaction(held, blank.keys, int(START_S * 1000)), 256)
    service = Cases(blank.who, has_upstream=True, law=shipped_law)
    acknowledged: dict[str, str] = {}

    def call(caller: int) -> None:
        for number in range(most):
            appeal = structs.replace(APPEAL, text=f"{caller}.{number}")
            try:
                filed = writer.run(lambda tx, appeal=appeal: service.open(tx, appeal))
            except apsw.Error:
                return
            acknowledged[filed.reference] = appeal.text

    threads = [threading.Thread(target=call, args=(caller,)) for caller in range(callers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    writer.close()
    return acknowledged


def lost_in(run: Run, blank: Blank, folder: Path) -> int:
    """Open what the cut left as a station does, and count the acknowledged cases that are not whole there."""
    folder.mkdir()
    for name, content in run.files.items():
        (folder / name).write_bytes(content)
    store = Store(folder / "station.db", blank.keys)
    try:
        assert store.read(lambda tx: tx.all("PRAGMA integrity_check")) == [("ok",)]
        assert store.read(halves) == 0
        return sum(not store.read(lambda tx, it=item: is_whole(tx, *it)) for item in run.acknowledged.items())
    finally:
        store.close()


def is_whole(tx: Transaction, reference: str, text: str) -> bool:
    """Whether a case is there as it was filed, with its event and its outbox entry."""
    case = cases.find(tx, reference)
    history = [event.kind for event in cases.events_of(tx, reference)]
    queued = [entry.kind for entry in outbox.of_case(tx, reference)]
    return case is not None and case.text == text and history == ["received"] and queued == ["case.opened"]


def halves(tx: Transaction) -> int:
    """How many cases, acknowledged or not, are there without their event or entry, or the other way round."""
    counts = [tx.value(f"SELECT COUNT(*) FROM {table}") for table in ("cases", "events", "outbox")]
    return max(counts) - min(counts)


@pytest.mark.long
def test_two_hundred_power_cuts_lose_no_acknowledged_case(disk: Disk, blank: Blank, tmp_path: Path) -> None:
    acknowledged = 0
    for seed in range(CUTS):
        run = cut(disk, blank, seed)
        acknowledged += len(run.acknowledged)
        assert lost_in(run, blank, tmp_path / str(seed)) == 0, f"lost a case at seed {seed}"
    # Callers who share a commit have more acknowledged before the cut, never less: this is the least, about ten times.
    assert acknowledged > 10 * CUTS


@pytest.mark.parametrize("is_synced", [True, False])
def test_only_what_is_synced_at_each_commit_outlives_a_cut(
    disk: Disk, blank: Blank, tmp_path: Path, is_synced: bool
) -> None:
    connection = connected(disk, blank, blank.synchronous if is_synced else NORMAL, checkpoint=1000)
    acknowledged = file_cases(connection, blank, callers=1, most=3)
    left = disk.after_cut(None)
    connection.close()
    assert lost_in(Run(acknowledged, left), blank, tmp_path / "left") == (0 if is_synced else 3)
