"""A large frame is packed by another process, to the same bytes, and whatever happens to that process it is packed."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from bench.training import events
from sado.sync.exchange.packing_process import SMALL, Packer
from sado.sync.wire import frame
from sado.sync.wire.frame import UP, Message, Run
from sado.sync.wire.records import Wired
from sado.sync.wire.shared_history import SharedHistory
from tests.support.processes import until
from tests.support.proofs import open_world

STATION, KEY = 7, b"k" * 32
MADE = events.Maker(1, 1000).batch(500)
MEMORY = SharedHistory(0, 300, MADE[:300])
# Nothing that is waited for takes so long.
GONE_S = 60
ROOT = Path(__file__).parents[3]
A_STATION = """
from sado.sync.exchange.packing_process import Packer
from tests.sync.exchange.test_packing_process import LARGE, pack
packer = Packer()
pack(packer, LARGE)
print(packer.pid, flush=True)
input()
"""


def message(some: list[Wired]) -> Message:
    return Message(1, events.BEGIN_MS, {}, {"u": Run(301, bytes(8), some)})


LARGE, LITTLE = message(MADE[300:]), message(MADE[300:310])
# More than the pipe takes while nobody reads.
HUGE = message(MADE[300:] * 5)


@pytest.fixture
def packer() -> Iterator[Packer]:
    packer = Packer()
    yield packer
    packer.close()


def pack(packer: Packer, said: Message) -> bytes:
    return packer.pack(UP, STATION, KEY, said, MEMORY)


def is_gone(pid: int) -> bool:
    """Whether a process has ended, be it that nobody has asked for its exit code yet."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


def test_a_large_frame_is_packed_beside_the_station_to_the_same_bytes(packer: Packer) -> None:
    assert pack(packer, LARGE) == frame.pack(UP, STATION, KEY, LARGE, MEMORY)
    assert packer.pid is not None and packer.pid != os.getpid()


def test_a_small_frame_begins_no_process(packer: Packer) -> None:
    assert pack(packer, LITTLE) == frame.pack(UP, STATION, KEY, LITTLE, MEMORY)
    assert packer.pid is None


def test_the_process_gives_way_to_the_phones(packer: Packer) -> None:
    pack(packer, LARGE)
    assert packer.pid is not None
    assert os.getpriority(os.PRIO_PROCESS, packer.pid) > os.getpriority(os.PRIO_PROCESS, os.getpid())
    # Among sessions the processor is shared out evenly; a group of its own is enough for Ctrl-C to pass it by.
    assert os.getsid(packer.pid) == os.getsid(0) and os.getpgid(packer.pid) != os.getpgid(0)


def test_a_frame_whose_packer_was_killed_is_packed_all_the_same_and_the_next_by_another(packer: Packer) -> None:
    first = pack(packer, LARGE)
    killed = packer.pid
    assert killed is not None
    os.kill(killed, signal.SIGKILL)
    assert pack(packer, LARGE) == first
    assert packer.pid is None and is_gone(killed)
    assert pack(packer, LARGE) == first
    assert packer.pid not in (None, killed)


def test_a_machine_that_can_begin_no_process_packs_all_the_same(packer: Packer) -> None:
    packer = Packer("/nowhere/python")
    assert pack(packer, LARGE) == frame.pack(UP, STATION, KEY, LARGE, MEMORY)
    assert packer.pid is None


@pytest.mark.parametrize("said", [LARGE, HUGE], ids=["waits for the answer", "cannot be given the work"])
def test_a_packer_that_stands_still_is_given_up(said: Message) -> None:
    packer = Packer()
    pack(packer, LARGE)
    assert packer.pid is not None
    packer.patience_s = 0.2
    os.kill(packer.pid, signal.SIGSTOP)
    assert pack(packer, said) == frame.pack(UP, STATION, KEY, said, MEMORY)
    assert packer.pid is None


def test_a_packer_of_another_release_packs_nothing(tmp_path: Path) -> None:
    other = tmp_path / "python"
    other.write_text(f'#!/bin/sh\nexec {sys.executable} "$1" "$2" "$3" "$4" of-another-release\n')
    other.chmod(0o700)
    packer = Packer(str(other))
    assert pack(packer, LARGE) == frame.pack(UP, STATION, KEY, LARGE, MEMORY)
    assert packer.pid is None


def test_what_lies_in_the_folder_is_not_read(tmp_path: Path, packer: Packer, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "msgspec.py").write_text("raise SystemExit('This is not msgspec.')")
    monkeypatch.chdir(tmp_path)
    pack(packer, LARGE)
    assert packer.pid is not None


def test_a_packer_that_failed_at_a_frame_is_not_asked_for_the_next(packer: Packer) -> None:
    pack(packer, LARGE)
    with pytest.raises(TypeError):
        packer.pack(UP, STATION, KEY, replace(LARGE, exchange=object()), MEMORY)  # type: ignore[arg-type]
    assert packer.pid is None
    assert pack(packer, LARGE) == frame.pack(UP, STATION, KEY, LARGE, MEMORY)


def test_a_packer_is_gone_when_it_is_closed(packer: Packer) -> None:
    pack(packer, LARGE)
    pid = packer.pid
    assert pid is not None and not is_gone(pid)
    packer.close()
    assert is_gone(pid)


def test_a_station_that_is_killed_leaves_no_packer() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", A_STATION], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as station:
        assert station.stdout is not None
        pid = int(station.stdout.readline())
        assert not is_gone(pid)
        station.kill()
        assert until(lambda: is_gone(pid), GONE_S)


def test_a_station_with_nothing_more_to_send_has_no_packer(tmp_path: Path) -> None:
    with open_world(tmp_path) as world:
        pids = []

        def post(packed: bytes, timeout_s: float) -> bytes:
            pids.append(program.packer.pid)
            return world.answer(packed)

        program = world.program(post)
        for _ in range(3):
            world.file(SMALL // 2)
        while program.call():
            pass
        assert any(pids) and program.packer.pid is None
