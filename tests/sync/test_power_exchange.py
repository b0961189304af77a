"""Wherever in an exchange the power goes, at the village or at the hub, each event takes effect once.

Both stations run on disks in memory (tests/support/power.py). The power of one goes at one operation of its disk after
another, through all of filing, deciding and exchanging; it starts again, as a station does, from what the cut left, and
the two exchange until nothing waits."""

import random
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import apsw
import pytest

from sado.store import Keyring, Store, Transaction
from sado.store.engine import MAX_GROUP
from sado.store.engines.sqlite import Connection
from sado.store.tables.events import Apply, Event
from sado.store.writer import Writer
from sado.sync import outbox
from sado.sync.codes import Cause
from sado.sync.errors import LineDownError
from sado.sync.exchange import server
from sado.sync.wire.frame import FrameError
from tests.support import ledger
from tests.support.exchange_process import count_apart
from tests.support.ledger import PEER, Ledger, put, said
from tests.support.power import Content, Disk
from tests.support.proofs import TIMES, open_world
from tests.support.stations import START_S

CUTS = 2000 * TIMES
# One cut in ten comes too late.
TRIES = CUTS * 9 // 8
# A pair of disks is used so often; its databases grow meanwhile.
CUTS_OF_A_PAIR = 50
# So many operations of its disk filing and exchanging take, about.
OPERATIONS = 54
FULL, NORMAL = 2, 1
CHECKPOINTS = (8, 30, 1000)
FILE = "station.db"


@dataclass(frozen=True)
class Blank:
    """A village and a hub that have met: their files, the keys of each, and the one that they share."""

    files: dict[str, bytes]
    keys: dict[str, Keyring]
    shared: bytes


@pytest.fixture
def folder() -> Iterator[Path]:
    """Where the files that cuts left are put: in memory where Linux has it, for these disks are not the ones meant."""
    with TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as name:
        yield Path(name)


@pytest.fixture(scope="module")
def blank(tmp_path_factory: pytest.TempPathFactory) -> Blank:
    folder = tmp_path_factory.mktemp("blank")
    with open_world(folder) as world:
        ledger.settle(world.program())
        keys, shared = {"village": world.village.keys, "hub": world.hub.keys}, world.key
    return Blank({name: (folder / name / FILE).read_bytes() for name in keys}, keys, shared)


class DiskStore:
    """A store on a disk in memory: what the exchange asks of one."""

    def __init__(self, disk: Disk, keys: Keyring, synchronous: int, checkpoint: int) -> None:
        self.connection = apsw.Connection(FILE, vfs=disk.name)
        # A VFS in Python has no shared memory, which a WAL of several connections needs.
        for setting in (
            "locking_mode = EXCLUSIVE",
            "journal_mode = WAL",
            f"synchronous = {synchronous}",
            f"wal_autocheckpoint = {checkpoint}",
            "secure_delete = ON",
        ):
            self.connection.execute(f"PRAGMA {setting}")
        held = Connection(self.connection, "BEGIN IMMEDIATE")
        self._writer = Writer(held, lambda held: _begin(held, keys), MAX_GROUP)

    def write(self, job: Callable[[Transaction], Any]) -> Any:
        return self._writer.run(job)

    read = write


def _begin(connection: Connection, keys: Keyring) -> Transaction:
    return Transaction(connection, keys, int(START_S * 1000))


@dataclass
class Machine:
    """A station on a disk in memory, and what it made: tried, and promised."""

    name: str
    peer: str
    keys: Keyring
    disk: Disk
    synchronous: int
    tried: list[str] = field(default_factory=list)
    promised: list[str] = field(default_factory=list)

    def start(self, file: bytes, checkpoint: int) -> None:
        self.disk.files = {FILE: Content(bytearray(file), bytearray(file))}
        self.store: Any = DiskStore(self.disk, self.keys, self.synchronous, checkpoint)

    def make(self, number: int) -> None:
        """File or decide something."""
        body = said(f"{self.name} {number}")
        self.tried.append(ledger.known_by(body))
        self.store.write(lambda tx: put(tx, self.peer, body, outbox.NORMAL if number % 7 else outbox.URGENT))
        self.promised.append(self.tried[-1])

    def lose_power(self, chance: random.Random | None) -> dict[str, bytes]:
        """What is on the disk after it."""
        left = self.disk.after_cut(chance)
        self.stop()
        return left

    def stop(self) -> bytes:
        """End this program; its whole file."""
        self.disk.cut_at = sys.maxsize
        self.store.connection.close()
        return bytes(self.disk.files[FILE].now)


@dataclass
class Two:
    """The village, the hub, and the village's program."""

    village: Machine
    hub: Machine
    shared: bytes
    apply: Apply

    def begin(self) -> None:
        """The village's program begins anew."""
        self.program = ledger.client(self.village.store, self.shared, self._post, self.apply)

    def _post(self, frame: bytes, timeout_s: float) -> bytes:
        try:
            return server.answer(self.hub.store, frame, self.apply)
        except apsw.Error:
            raise LineDownError(Cause.UPSTREAM_UNREACHABLE) from None

    def work(self, number: int) -> None:
        """Something is filed, something decided, and both are exchanged."""
        self.hub.make(number)
        self.village.make(number)
        for _ in range(2):
            self.program.call()

    def cut(self, number: int, chance: random.Random, folder: Path) -> bool:
        """Cut the power of one of the two at one operation, start it again and come to an end. False when it was too
        late."""
        off = (self.village, self.hub)[number % 2]
        off.disk.cut_at = off.disk.operations + 1 + number // 2 % OPERATIONS
        was_cut = False
        try:
            self.work(number)
        except (apsw.Error, LineDownError, FrameError):
            was_cut = True
        left = self.restart(off, off.lose_power(chance), folder)
        off.start(left, chance.choice(CHECKPOINTS))
        self.begin()
        return was_cut

    def restart(self, off: Machine, left: dict[str, bytes], folder: Path) -> bytes:
        """Start one of the two from what a cut left, as a station starts, and exchange until nothing waits; its whole
        file then."""
        folder.mkdir()
        for name, content in left.items():
            (folder / name).write_bytes(content)
        off.store = Store(folder / FILE, off.keys, lambda: START_S)
        try:
            assert off.store.read(lambda tx: tx.all("PRAGMA integrity_check")) == [("ok",)]
            if off is self.village:
                self.begin()
            else:
                self.program._store = self.village.store
            ledger.settle(self.program)
        finally:
            off.store.close()
        whole = (folder / FILE).read_bytes()
        shutil.rmtree(folder)
        return whole

    def ledger(self) -> Ledger:
        applied = ledger.applied(self.hub.store) + ledger.applied(self.village.store)
        return Ledger.of(self.village.tried + self.hub.tried, self.village.promised + self.hub.promised, applied)


@contextmanager
def two_machines(
    blank: Blank, disks: dict[str, Disk], checkpoint: int, synchronous: int = FULL, apply: Apply = ledger.count
) -> Iterator[Two]:
    """A village and a hub that have met, on these disks."""
    village, hub = (
        Machine(name, peer, blank.keys[name], disks[name], synchronous)
        for name, peer in (("village", outbox.UPSTREAM), ("hub", PEER))
    )
    two = Two(village, hub, blank.shared, apply)
    for machine in (village, hub):
        machine.start(blank.files[machine.name], checkpoint)
    two.begin()
    yield two
    for machine in (village, hub):
        machine.stop()


@pytest.fixture
def disks(blank: Blank) -> Iterator[dict[str, Disk]]:
    disks = {name: Disk(f"{name} in memory") for name in blank.files}
    yield disks
    for disk in disks.values():
        disk.unregister()


@pytest.mark.long
def test_two_thousand_power_cuts_through_an_exchange_lose_and_double_nothing(
    blank: Blank, disks: dict[str, Disk], folder: Path
) -> None:
    was_cut, ledgers = 0, []
    for first in range(0, TRIES, CUTS_OF_A_PAIR):
        chance = random.Random(first)
        with two_machines(blank, disks, chance.choice(CHECKPOINTS)) as two:
            for number in range(first, min(first + CUTS_OF_A_PAIR, TRIES)):
                was_cut += two.cut(number, chance, folder / "station")
            ledgers.append(two.ledger())
    print(f"{was_cut} power cuts: {Ledger.sum(ledgers)}")
    assert was_cut >= CUTS
    assert Ledger.sum(ledgers).is_even


@pytest.mark.parametrize(("synchronous", "lost"), [(FULL, 0), (NORMAL, 1)])
def test_only_without_a_sync_at_each_commit_a_power_cut_takes_what_was_promised(
    blank: Blank, disks: dict[str, Disk], folder: Path, synchronous: int, lost: int
) -> None:
    with two_machines(blank, disks, CHECKPOINTS[-1], synchronous) as two:
        two.village.make(1)
        two.village.start(two.restart(two.village, two.village.lose_power(None), folder / "station"), CHECKPOINTS[-1])
        assert (two.ledger().lost, two.ledger().duplicated) == (lost, 0)


@pytest.mark.parametrize(("apply", "doubled"), [(ledger.count, 0), (count_apart, 1)], ids=["together", "apart"])
def test_only_a_cursor_that_moves_in_another_transaction_than_the_effects_doubles_them(
    blank: Blank, disks: dict[str, Disk], folder: Path, apply: Apply, doubled: int
) -> None:
    def apply_and_cut(tx: Transaction, peer: str, event: Event) -> None:
        apply(tx, peer, event)
        disks["hub"].cut_at = disks["hub"].operations + 1

    with two_machines(blank, disks, CHECKPOINTS[-1], apply=apply_and_cut) as two:
        two.village.make(1)
        with pytest.raises(LineDownError, match="cannot be reached"):
            two.program.call()
        left = two.hub.lose_power(None)
        two.apply = ledger.count
        two.hub.start(two.restart(two.hub, left, folder / "station"), CHECKPOINTS[-1])
        assert (two.ledger().lost, two.ledger().duplicated) == (0, doubled)
