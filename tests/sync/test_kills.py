"""Whatever a village or a hub has promised outlives any kill: both are processes, killed while appeals are filed,
answered and exchanged, and each promised event is at the other side once. At random moments first, many times; then at
the two moments that matter, where a station without its guard is found out."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from sado.store.tables import stations
from tests.support import ledger
from tests.support.exchange_process import APPLIED, MADE, PROMISED, TRIED, made
from tests.support.ledger import VILLAGE, Ledger
from tests.support.processes import until
from tests.support.proofs import TIMES, World
from tests.support.stations import open_store

ROOT = Path(__file__).parent.parent.parent
KILLS = 200 * TIMES
# A kill comes when this many more events were promised, and a moment later.
MOST_PROMISED, MOMENT_S, POLL_S = 8, 0.03, 0.002
# Nothing that is waited for takes so long.
LONG_S = 60


class Doomed:
    """A station whose process is killed and started again."""

    def __init__(self, *arguments: str) -> None:
        command = [sys.executable, "-m", "tests.support.exchange_process", *arguments]
        self._parent = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.port = int(self._heard())
        self._child: int | None = None

    def start(self, dies_at: str = "") -> None:
        """Begin a life, which may have to end by its own hand at a point."""
        assert self._parent.stdin is not None
        self._parent.stdin.write(f"{dies_at}\n")
        self._parent.stdin.flush()
        self._child = int(self._heard())

    def kill(self) -> None:
        """The process is gone when this returns; it must have lived till then."""
        assert self._child is not None
        os.kill(self._child, signal.SIGKILL)
        self.wait()

    def wait(self) -> None:
        """Wait until the process is gone."""
        assert self._heard() == ""
        self._child = None

    def end(self) -> None:
        if self._child is not None:
            os.kill(self._child, signal.SIGKILL)
        self._parent.communicate()

    def _heard(self) -> str:
        assert self._parent.stdout is not None
        line = self._parent.stdout.readline()
        assert line.endswith("\n"), "the station's process ended"
        return line.strip()


@dataclass
class Two:
    """A village and a hub under load, neither started yet."""

    folder: Path
    key: bytes
    village: Doomed
    hub: Doomed

    def promised(self) -> int:
        """How many events people were promised so far."""
        return sum(len(made(self.folder / name, PROMISED)) for name in ("village", "hub"))

    def wait_for(self, promised: int) -> None:
        """Wait until so many more events were promised."""
        before = self.promised()
        assert until(lambda: self.promised() >= before + promised, LONG_S, POLL_S)

    def settled(self) -> Ledger:
        """What became of the events, when both have ended, and have exchanged what waits."""
        with open_store(self.folder / "village") as village, open_store(self.folder / "hub") as hub:
            program = World(village, hub, self.key).program()
            program.frame_size.limit = 1 << 18
            ledger.settle(program)
            tried, promised = (
                [*made(self.folder / "village", name), *made(self.folder / "hub", name)] for name in (TRIED, PROMISED)
            )
            return Ledger.of(tried, promised, ledger.applied(hub) + ledger.applied(village))


@contextmanager
def two_stations(folder: Path, guard: str = "safe") -> Iterator[Two]:
    for name in ("village", "hub"):
        (folder / name).mkdir()
    with open_store(folder / "hub") as store:
        key = store.write(lambda tx: stations.add(tx, VILLAGE))
    with ExitStack() as stack:
        hub = Doomed("hub", str(folder / "hub"), guard)
        stack.callback(hub.end)
        village = Doomed("village", str(folder / "village"), guard, f"http://127.0.0.1:{hub.port}", key.hex())
        stack.callback(village.end)
        yield Two(folder, key, village, hub)


@pytest.mark.long
def test_two_hundred_kills_of_either_side_lose_and_double_nothing(tmp_path: Path) -> None:
    chance = random.Random(KILLS)
    with two_stations(tmp_path) as two:
        two.hub.start()
        two.village.start()
        for _ in range(KILLS):
            two.wait_for(chance.randint(1, MOST_PROMISED))
            time.sleep(chance.uniform(0, MOMENT_S))
            victim = chance.choice((two.village, two.hub))
            victim.kill()
            victim.start()
    ledger = two.settled()
    print(f"{KILLS} kills: {ledger}")
    assert ledger.is_even


@pytest.mark.long
@pytest.mark.parametrize(("guard", "lost"), [("safe", 0), ("eager", 1)])
def test_only_a_station_that_promises_before_it_has_written_loses_what_it_promised(
    tmp_path: Path, guard: str, lost: int
) -> None:
    with two_stations(tmp_path, guard) as two:
        two.village.start(dies_at=MADE)
        two.village.wait()
    ledger = two.settled()
    assert (ledger.lost > 0, ledger.duplicated) == (lost > 0, 0)
    assert ledger.attempted > 0


@pytest.mark.long
@pytest.mark.parametrize(("guard", "doubled"), [("safe", 0), ("apart", 1)])
@pytest.mark.parametrize("side", ["village", "hub"])
def test_only_a_station_that_commits_effects_before_its_cursor_doubles_what_it_applied(
    tmp_path: Path, side: str, guard: str, doubled: int
) -> None:
    with two_stations(tmp_path, guard) as two:
        two.hub.start(dies_at=APPLIED if side == "hub" else "")
        two.village.start(dies_at=APPLIED if side == "village" else "")
        (two.hub if side == "hub" else two.village).wait()
    ledger = two.settled()
    assert (ledger.lost, ledger.duplicated) == (0, doubled)
