"""A disk that is full, at the village or at the hub: who files is told to try later, an exchange takes nothing, nothing
is half-written, and all goes on when there is room again, without a restart.

Two ways to a full disk: SQLite's own limit on the pages of a file, and a small tmpfs that is filled up to the last so
many KB, where the system lets us mount one."""

import errno
import os
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from sado.store import DiskError, Store, Transaction
from sado.store.tables import stations
from sado.store.tables.events import Apply, Event
from sado.sync.codes import Cause
from sado.sync.endpoint import Endpoint
from sado.sync.errors import LineDownError
from sado.sync.exchange.client import Client
from sado.sync.link.connection import Line
from tests.support.ledger import VILLAGE, count, settle
from tests.support.one_by_one import post
from tests.support.proofs import World, open_world, served
from tests.support.stations import Clock, keys_in

LETTERS, ROUNDS = 700, 6
PAGES = range(12)
FREE_KB = range(0, 200, 8)
TMPFS_KB, CHUNK = 8192, 4096
UNLIMITED = (1 << 30) - 1
LATER = Cause.UPSTREAM_STORE_FAILED.value


@contextmanager
def lined(world: World, apply: Apply = count) -> Iterator[Client]:
    """The village's program, on a real connection to the hub."""
    with served(Endpoint(nothing, world.hub, apply)) as (host, port):
        line = Line(f"http://{host}:{port}")
        yield world.program(lambda frame, timeout_s: post(line, frame, 60))
        line.close()


def work(world: World, program: Client) -> tuple[int, list[str]]:
    """File, decide and exchange several times, whatever room there is; how many were told to come later, and what the
    exchanges that failed said."""
    told, said = 0, []
    for number in range(ROUNDS):
        for make in (world.file, world.decide):
            try:
                make(LETTERS + number)
            except DiskError:
                told += 1
        try:
            program.call()
        except (LineDownError, DiskError) as error:
            said.append(str(error))
    return told, said


def nothing(environ: object, start_response: object) -> list[bytes]:
    raise AssertionError("nobody asks for anything else")


def check(world: World, program: Client) -> None:
    """What was promised is on one of the disks, whole, and comes through when there is room."""
    for store in (world.village, world.hub):
        assert store.read(lambda tx: tx.all("PRAGMA integrity_check")) == [("ok",)]
    settle(program)
    assert world.ledger().is_even


@contextmanager
def no_room(store: Store, pages: int) -> Iterator[None]:
    """Let the file of a store grow by so many pages and no more."""
    connection = store._connection
    count = connection.execute("PRAGMA page_count").fetchone()[0]
    connection.execute(f"PRAGMA max_page_count = {count + pages}")
    try:
        yield
    finally:
        connection.execute(f"PRAGMA max_page_count = {UNLIMITED}")


@pytest.mark.parametrize("side", ["village", "hub"])
def test_a_file_that_may_not_grow_has_everybody_come_later_and_loses_nothing(tmp_path: Path, side: str) -> None:
    told, said = 0, []
    with open_world(tmp_path) as world, lined(world) as program:
        settle(program)
        for pages in PAGES:
            with no_room(world.village if side == "village" else world.hub, pages):
                one, others = work(world, program)
            told, said = told + one, said + others
            check(world, program)
        print(f"{side}: {told} told to come later, {len(said)} exchanges refused: {world.ledger()}")
    assert told > 0
    assert LATER in said if side == "hub" else said


def test_effects_that_are_kept_though_the_disk_is_full_are_found_out(tmp_path: Path) -> None:
    def keep_half(tx: Transaction, peer: str, event: Event) -> None:
        """Commit the effect, and then meet the full disk: what an exchange does that is not one transaction."""
        count(tx, peer, event)
        tx.run("DELETE FROM applied_events WHERE id = :id", id=event.id)
        tx.run("COMMIT")
        tx.run("BEGIN IMMEDIATE")
        raise DiskError("database or disk is full")

    with open_world(tmp_path) as world:
        settle(world.program())
        with lined(world, keep_half) as program:
            work(world, program)
        settle(world.program())
        assert world.ledger().duplicated > 0


# A small tmpfs


@contextmanager
def tmpfs(folder: Path) -> Iterator[Path]:
    """A file system of TMPFS_KB. Skips the test where we may not mount one; where REQUIRE_SERVERS is 1, fails it."""
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={TMPFS_KB}k", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(command, capture_output=True).returncode:
        reason = "only root may mount a small tmpfs: run this test as root, with CAP_SYS_ADMIN"
        if os.environ.get("REQUIRE_SERVERS") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def fill(folder: Path, free_kb: int) -> Path:
    """Fill a file system up to its last so many KB; the file that does it."""
    filled = folder / "filled"
    with filled.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(CHUNK))
        except OSError as error:
            assert error.errno == errno.ENOSPC
        file.truncate(max(file.tell() - free_kb * 1024, 0))
    return filled


@contextmanager
def world_on(folder: Path, other: Path, side: str) -> Iterator[World]:
    """A village and a hub, the files of one of them in `folder`."""
    with ExitStack() as stack:
        stores = {}
        for name in ("village", "hub"):
            place = (folder if name == side else other) / name
            place.mkdir(parents=True)
            stores[name] = Store(place / "station.db", keys_in(place), Clock())
            stack.callback(stores[name].close)
        key = stores["hub"].write(lambda tx: stations.add(tx, VILLAGE))
        yield World(stores["village"], stores["hub"], key)


@pytest.mark.parametrize("side", ["village", "hub"])
def test_a_disk_that_fills_has_everybody_come_later_and_loses_nothing(tmp_path: Path, side: str) -> None:
    told, said = 0, []
    with tmpfs(tmp_path / "small") as small, world_on(small, tmp_path, side) as world, lined(world) as program:
        settle(program)
        for free_kb in FREE_KB:
            filled = fill(small, free_kb)
            one, others = work(world, program)
            told, said = told + one, said + others
            filled.unlink()
            check(world, program)
        print(f"{side}: {told} told to come later, {len(said)} exchanges refused: {world.ledger()}")
    assert told > 0
    assert LATER in said if side == "hub" else said
