"""One flipped bit on a disk, or a file cut short: it is noticed, or it does no harm. Never is another text applied than
was written, and what can still be read on one of the two disks comes to the other."""

import contextlib
import shutil
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from sado.store import Keyring, Store, Transaction
from sado.store.errors import SealError
from sado.store.tables import lane_events, lanes, quarantine, stations
from sado.sync import outbox
from sado.sync.exchange import history
from sado.sync.exchange.client import Client
from sado.sync.wire import frame
from sado.sync.wire.frame import HistoryLostError
from sado.sync.wire.shared_history import SharedHistory
from tests.support import ledger
from tests.support.ledger import PEER, VILLAGE, EndlessError, known_by, settle
from tests.support.proofs import TIMES, World, open_world
from tests.support.stations import Clock

PAGES, FRAMES, CUTS = 500 * TIMES, 500 * TIMES, 200 * TIMES
FILE = "station.db"
DOUBLED = "doubled"
TABLES = ("outbox", "received_events", "lanes", "peers", "applied_events")


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """Both sides have heard of each other, and events wait on both."""
    with open_world(tmp_path) as world:
        settle(world.program())
        for store in (world.village, world.hub):
            checkpoint(store)
        for lane in ("u", "n"):
            for letters in range(20, 50, 10):
                world.file(letters, lane)
                world.decide(letters, lane)
        settle(world.program())
        for lane in ("u", "n"):
            world.file(25, lane)
            world.file(35, lane)
            world.decide(25, lane)
        yield world


def checkpoint(store: Store) -> None:
    """Empty the WAL into the database."""
    with contextlib.closing(sqlite3.connect(store.path)) as connection:
        assert connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone() == (0, 0, 0)


def damage(store: Store, table: str, column: str, where: str) -> None:
    """Flip a bit of the last byte of a value."""

    def flip(tx: Transaction) -> None:
        rows = tx.all(f"SELECT rowid, {column} FROM {table} WHERE {where}")
        assert rows
        row, value = rows[len(rows) // 2]
        changed = value[:-1] + bytes([value[-1] ^ 4])
        tx.run(f"UPDATE {table} SET {column} = :value WHERE rowid = :row", value=changed, row=row)

    store.write(flip)


def aside(store: Store) -> list[tuple[str, str]]:
    return [(one.kind, one.reason) for one in store.read(lambda tx: quarantine.listed(tx, 99))]


# What we notice by name


@pytest.mark.parametrize("side", ["village", "hub"])
@pytest.mark.parametrize("lane", ["u", "n"])
def test_an_event_whose_words_are_damaged_is_set_aside_and_its_lane_goes_on(world: World, side: str, lane: str) -> None:
    store = world.village if side == "village" else world.hub
    damage(store, "outbox", "body", f"state = 'queued' AND lane = '{lane}'")
    settle(world.program())
    ((kind, reason),) = aside(store)
    assert kind == lane_events.DAMAGED and f"({lane} " in reason
    assert (world.ledger().lost, world.ledger().duplicated) == (1, 0)
    (world.file if side == "village" else world.decide)(60, lane)
    settle(world.program())
    assert len(aside(store)) == 1 and world.ledger().lost == 1


@pytest.mark.parametrize("side", ["village", "hub"])
def test_words_that_were_heard_and_are_damaged_cost_one_exchange(world: World, side: str) -> None:
    store = world.village if side == "village" else world.hub
    damage(store, "received_events", "body", "1 = 1")
    come_to_an_end(world.program())
    assert world.ledger().is_even


@pytest.mark.parametrize("side", ["village", "hub"])
@pytest.mark.parametrize("column", ["received_hash", "numbered_hash", "acked_hash"])
def test_a_rolling_hash_that_is_damaged_has_the_events_numbered_anew(world: World, side: str, column: str) -> None:
    damage(world.village if side == "village" else world.hub, "lanes", column, "lane = 'u'")
    lives = lives_of(world)
    settle(world.program())
    assert world.ledger().is_even
    assert lives_of(world) != lives


@pytest.mark.parametrize("number", [4, 5])
@pytest.mark.parametrize("column", ["event", "hash"])
def test_an_id_or_a_hash_of_an_event_that_waits_may_be_damaged(world: World, column: str, number: int) -> None:
    damage(world.village, "outbox", column, f"lane = 'u' AND number = {number}")
    settle(world.program())
    assert world.ledger().is_even


def test_a_damaged_hash_that_nobody_compares_has_an_event_come_twice(world: World) -> None:
    damage(world.hub, "lanes", "received_hash", "lane = 'u'")

    def recall(after: int, upto: int) -> SharedHistory:
        return world.hub.read(lambda tx: history.of_received(tx, PEER, after, upto))

    def agree(packed: bytes, timeout_s: float) -> bytes:
        """Say that the village has the hub's hashes, whatever it has."""
        up = frame.unpack(frame.UP, world.key, packed, recall)
        lanes_here = world.hub.write(lambda tx: {name: lanes.find(tx, PEER, name) for name in up.runs})
        runs = {name: replace(run, base=lanes_here[name].received_hash) for name, run in up.runs.items()}
        return world.answer(frame.pack(frame.UP, VILLAGE, world.key, replace(up, runs=runs)))

    world.program(agree).call()
    settle(world.program())
    assert world.ledger().duplicated > 0


def lives_of(world: World) -> list[bytes]:
    """The incarnations of both sides."""
    return [peer.ours for store in (world.village, world.hub) for peer in store.read(lanes.peers)]


class OpenKeys(Keyring):
    """Keys that seal nothing."""

    def seal_bytes(self, content: bytes, place: str) -> bytes:
        return bytes(content)

    def unseal_bytes(self, sealed: bytes, place: str) -> bytes:
        return sealed if isinstance(sealed, bytes) else bytes(sealed, "utf-8")


def test_without_seals_a_flipped_bit_has_another_text_arrive(tmp_path: Path) -> None:
    keys = OpenKeys({1: bytes(32)}, 1, bytes(32))
    with ExitStack() as stack:
        stores = [Store(tmp_path / name, keys, Clock()) for name in ("village", "hub")]
        for store in stores:
            stack.callback(store.close)
        world = World(*stores, stores[1].write(lambda tx: stations.add(tx, VILLAGE)))
        world.file()
        world.village.write(lambda tx: tx.run("UPDATE outbox SET body = REPLACE(body, 'village', 'vhllage')"))
        settle(world.program())
        assert (world.ledger().lost, world.ledger().unexpected) == (1, 1)


# Anywhere on the disk


def come_to_an_end(program: Client) -> None:
    """Exchange until nothing waits; what was compressed with words that are gone is asked for again."""
    for _ in range(3):
        with contextlib.suppress(HistoryLostError):
            settle(program)
            return


Damage = Callable[[bytes], bytes]


def flipped(at: int, bit: int) -> Damage:
    """This bit of a file, flipped."""
    return lambda content: content[:at] + bytes([content[at] ^ 1 << bit]) + content[at + 1 :]


def cut_off(at: int) -> Damage:
    """Everything behind this byte, gone."""
    return lambda content: content[:at]


class Copies:
    """Copies of both stations' files as a power cut would leave them, one of them damaged."""

    def __init__(self, folder: Path, world: World) -> None:
        self._folder = folder
        self._keys = {"village": world.village.keys, "hub": world.hub.keys}
        self._key, self._made = world.key, world.made
        self.files: dict[str, dict[str, bytes]] = {}
        for name, store in (("village", world.village), ("hub", world.hub)):
            paths = [path for path in store.path.parent.glob(f"{FILE}*") if not path.name.endswith("-shm")]
            self.files[name] = {path.name: path.read_bytes() for path in paths}

    @contextmanager
    def opened(self, side: str, file: str, damaged: Damage) -> Iterator[World]:
        """Both stations on copies, of which one file is damaged. Raises what the start raises."""
        with ExitStack() as stack:
            stores = {}
            for name, files in self.files.items():
                folder = self._folder / name
                shutil.rmtree(folder, ignore_errors=True)
                folder.mkdir()
                for path, content in files.items():
                    (folder / path).write_bytes(damaged(content) if (name, path) == (side, file) else content)
                stores[name] = Store(folder / FILE, self._keys[name], Clock())
                stack.callback(stores[name].close)
            world = World(stores["village"], stores["hub"], self._key)
            world.made = self._made
            yield world


def readable(store: Store, keys: Keyring, peer: str) -> set[str]:
    """The events for a peer that are on this disk and can be read."""
    found = set()
    for entry, body in store.read(lambda tx: tx.all("SELECT id, body FROM outbox WHERE destination = :to", to=peer)):
        with contextlib.suppress(SealError, TypeError):
            found.add(known_by(keys.unseal(body, f"outbox.body:{entry}")))
    return found


def outcome(copies: Copies, side: str, file: str, damaged_by: Damage) -> str:
    """What comes of it, in a word or by the name of the error."""
    try:
        with copies.opened(side, file, damaged_by) as world:
            damaged = world.village if side == "village" else world.hub
            whole = damaged.read(lambda tx: tx.all("PRAGMA integrity_check")) == [("ok",)]
            expected = readable(world.village, world.village.keys, outbox.UPSTREAM)
            expected_down = readable(world.hub, world.hub.keys, PEER)
            lives = lives_of(world)
            try:
                come_to_an_end(world.program())
            except EndlessError:
                assert not whole, "they never come to an end"
            came, came_down = ledger.applied(world.hub), ledger.applied(world.village)
            assert {*came, *came_down} <= {*world.made["village"], *world.made["hub"]}, "a text that nobody wrote"
            has_come = expected <= came.keys() and expected_down <= came_down.keys()
            # Of a row that its index has lost, only SQLite's own check knows, which every backup makes.
            assert has_come or not whole, "something readable did not come"
            if max([*came.values(), *came_down.values()]) > 1:
                return DOUBLED
            if aside(world.village) or aside(world.hub):
                return "set aside"
            if lives_of(world) != lives:
                return "numbered anew"
            return "no harm" if whole else "seen by integrity_check"
    except AssertionError:
        raise
    except Exception as error:
        return f"{type(error).__name__}"


@pytest.fixture
def copies(world: World) -> Iterator[Copies]:
    """What both disks hold; in memory, where Linux has it."""
    with TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as folder:
        yield Copies(Path(folder), world)


def used_bytes(file: bytes) -> list[int]:
    """Where the pages of the tables that an exchange lives by have something on them: header, pointers, cells."""
    database = sqlite3.connect(":memory:")
    database.deserialize(file)
    wanted = f"SELECT rootpage FROM sqlite_master WHERE tbl_name IN ({', '.join('?' * len(TABLES))})"
    size = database.execute("PRAGMA page_size").fetchone()[0]
    found = []
    for (page,) in database.execute(wanted, TABLES).fetchall():
        start = (page - 1) * size
        cells, content = int.from_bytes(file[start + 3 : start + 5]), int.from_bytes(file[start + 5 : start + 7])
        found += [*range(start, start + 8 + 2 * cells), *range(start + content, start + size)]
    database.close()
    return found


@pytest.mark.long
def test_a_bit_flipped_in_a_page_is_noticed_or_harmless(world: World, copies: Copies) -> None:
    for name, store in (("village", world.village), ("hub", world.hub)):
        store.write(lambda tx: None)
        copies.files[name] = {FILE: closed(store)}
    places = {side: used_bytes(files[FILE]) for side, files in copies.files.items()}
    found: Counter[str] = Counter()
    for number in range(PAGES):
        side = ("village", "hub")[number % 2]
        at = places[side][number * len(places[side]) // PAGES]
        found[outcome(copies, side, FILE, flipped(at, number // 2 % 8))] += 1
    print(f"{PAGES} bits in pages: {dict(found)}")
    assert found[DOUBLED] == 0
    assert found["set aside"] and found["numbered anew"]


def closed(store: Store) -> bytes:
    """The whole file of a store, without a WAL."""
    with TemporaryDirectory() as folder:
        store.backup(Path(folder) / FILE)
        return (Path(folder) / FILE).read_bytes()


@pytest.mark.long
def test_a_bit_flipped_in_the_wal_takes_later_commits_away_and_the_other_side_gives_them_back(copies: Copies) -> None:
    found: Counter[str] = Counter()
    for number in range(FRAMES):
        side = ("village", "hub")[number % 2]
        wal = copies.files[side][f"{FILE}-wal"]
        damage = flipped(number * len(wal) // FRAMES, number // 2 % 8)
        found[outcome(copies, side, f"{FILE}-wal", damage)] += 1
    print(f"{FRAMES} bits in WALs: {dict(found)}")
    assert found[DOUBLED] == 0
    assert found["numbered anew"] > 0


@pytest.mark.long
def test_a_wal_that_ends_anywhere_takes_later_commits_away_and_the_other_side_gives_them_back(copies: Copies) -> None:
    found: Counter[str] = Counter()
    for number in range(CUTS):
        side = ("village", "hub")[number % 2]
        wal = copies.files[side][f"{FILE}-wal"]
        found[outcome(copies, side, f"{FILE}-wal", cut_off(number * len(wal) // CUTS))] += 1
    print(f"{CUTS} WALs cut off: {dict(found)}")
    assert found[DOUBLED] == 0
    assert found["numbered anew"] > 0
