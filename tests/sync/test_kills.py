"""Whatever a village or a hub has promised outlives any kill: both are processes, killed at random moments while
appeals are filed, answered and exchanged, and each promised event is at the other side once."""

import contextlib
import os
import random
import signal
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from sado.store.tables import stations
from tests.support import ledger
from tests.support.exchange_process import PROMISED, TRIED, made
from tests.support.ledger import VILLAGE, Ledger
from tests.support.proofs import TIMES, World
from tests.support.stations import open_store

ROOT = Path(__file__).parent.parent.parent
KILLS, KILLS_OF_CONTROL = 200 * TIMES, 25
# Between two kills; each kills one of the two, so a station lives about twice as long.
SHORTEST_S, LONGEST_S = 0.025, 0.125


class Doomed:
    """A station whose process is killed and started again."""

    def __init__(self, *arguments: str) -> None:
        command = [sys.executable, "-m", "tests.support.exchange_process", *arguments]
        self._parent = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.port = int(self._heard())

    def start(self) -> None:
        assert self._parent.stdin is not None
        self._parent.stdin.write("\n")
        self._parent.stdin.flush()
        self._child = int(self._heard())

    def kill(self) -> None:
        """The process is gone when this returns; it must have lived till then."""
        os.kill(self._child, signal.SIGKILL)
        assert self._heard() == ""

    def end(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._child, signal.SIGKILL)
        self._parent.communicate()

    def _heard(self) -> str:
        assert self._parent.stdout is not None
        line = self._parent.stdout.readline()
        assert line.endswith("\n"), "the station's process ended"
        return line.strip()


def kill_at_random(folder: Path, kills: int, guard: str = "safe") -> Ledger:
    """Two stations under load, killed so often; what became of their events when all has come through."""
    for name in ("village", "hub"):
        (folder / name).mkdir()
    with open_store(folder / "hub") as store:
        key = store.write(lambda tx: stations.add(tx, VILLAGE))
    with ExitStack() as stack:
        hub = Doomed("hub", str(folder / "hub"), guard)
        stack.callback(hub.end)
        village = Doomed("village", str(folder / "village"), guard, f"http://127.0.0.1:{hub.port}", key.hex())
        stack.callback(village.end)
        hub.start()
        village.start()
        chance = random.Random(kills)
        for _ in range(kills):
            time.sleep(chance.uniform(SHORTEST_S, LONGEST_S))
            victim = chance.choice((village, hub))
            victim.kill()
            victim.start()
    return settled(folder, key)


def settled(folder: Path, key: bytes) -> Ledger:
    """The ledger after the two have exchanged what waits."""
    with open_store(folder / "village") as village, open_store(folder / "hub") as hub:
        world = World(village, hub, key)
        program = world.program()
        program.pace.limit = 1 << 18
        ledger.settle(program)
        tried, promised = ([*made(folder / "village", one), *made(folder / "hub", one)] for one in (TRIED, PROMISED))
        return Ledger.of(tried, promised, ledger.applied(hub) + ledger.applied(village))


@pytest.mark.long
def test_two_hundred_kills_of_either_side_lose_and_double_nothing(tmp_path: Path) -> None:
    ledger = kill_at_random(tmp_path, KILLS)

    print(f"{KILLS} kills: {ledger}")
    assert ledger.is_even
    assert ledger.acknowledged > 5 * KILLS


@pytest.mark.long
def test_stations_that_promise_before_they_have_written_are_found_out(tmp_path: Path) -> None:
    assert kill_at_random(tmp_path, KILLS_OF_CONTROL, "eager").lost > 0


@pytest.mark.long
def test_stations_that_commit_effects_before_their_cursor_are_found_out(tmp_path: Path) -> None:
    assert kill_at_random(tmp_path, KILLS_OF_CONTROL, "apart").duplicated > 0
