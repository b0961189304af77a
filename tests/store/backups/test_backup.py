"""A backup is whole or refused, and a station that comes back from one neither loses nor doubles anything."""

import contextlib
import os
import random
import re
import shutil
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock
from msgspec import structs

from sado.cases import reference
from sado.cases.service import Cases
from sado.cli.commands.restore import renew
from sado.store import Keyring, Store, StoreError, Transaction, migrations
from sado.store.backups import backup, drill, file_format, verify
from sado.store.backups.file_format import CHUNK, HEADER
from sado.store.engines.sqlite import Connection, SQLite
from sado.store.errors import BackupError, KeyFileError, NewerSchemaError
from sado.store.sealed_stream import TAG_BYTES
from sado.store.tables import (
    blobs,
    drafts,
    identity,
    lanes,
    quarantine,
    received_events,
    registers,
    requests,
    sessions,
    stations,
    subscribers,
    wanted_blobs,
)
from sado.store.tables import cases as rows
from sado.store.tables import outbox as entries
from sado.store.tables.events import Event
from sado.sync import outbox
from sado.sync.codes import Cause, Reason
from sado.sync.exchange.client import Client
from sado.sync.exchange.server import answer
from sado.sync.link.frame_size import FrameSize
from tests.support import sealed
from tests.support.one_by_one import OneByOne
from tests.support.stations import APPEAL, START_S, Clock, Station, keys_in, open_station, open_store

HUB, VILLAGE = 1, 7
PEER = outbox.station(VILLAGE)
MADE_AT = int(START_S * 1000)
WHY = Reason(Cause.GATEWAY_SAID_NOTHING)
ROOT = Path(__file__).parents[3]


def make(store: Store, target: Path) -> backup.Contents:
    """A backup of this store, as `sado backup` makes it."""
    with backup.temporary_folder(store.path.parent) as place:
        store.backup(place / "copy.db")
        return backup.make(place / "copy.db", target, store.keys, MADE_AT)


def restore(file: Path, folder: Path) -> backup.Contents:
    """Restore a backup into a station's folder, whatever database is there, as `sado restore --replace` does."""
    return backup.restore(file, folder / "station.db", keys_in(folder), reference.leave_out, Clock())[0]


def restore_as_it_was(file: Path, folder: Path) -> None:
    """Put the database of a backup back without a new life: what `restore` guards against."""
    with (folder / "station.db").open("wb") as database:
        backup.unpack(file, keys_in(folder), database.write)


def file_case(station: Station, text: str = APPEAL.text) -> str:
    """A case filed at this station; its reference."""
    return station.store.write(lambda tx: station.cases.open(tx, structs.replace(APPEAL, text=text))).reference


def query(store: Store, sql: str, **values: Any) -> list[Any]:
    return store.read(lambda tx: tx.all(sql, **values))


def numbers_of(store: Store, table: str) -> list[int]:
    return [number for (number,) in query(store, f"SELECT number FROM {table} ORDER BY number")]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "village"
    folder.mkdir()
    keys_in(folder)
    return folder


@pytest.fixture
def file(folder: Path, tmp_path: Path) -> Path:
    """A backup of a station with cases enough for several chunks."""
    with open_station(folder, VILLAGE) as station:
        for number in range(250):
            file_case(station, f"Об нест {number}")
        make(station.store, tmp_path / "backup")
    assert (tmp_path / "backup").stat().st_size > HEADER.size + 2 * (CHUNK + TAG_BYTES)
    return tmp_path / "backup"


# What is in it


def test_what_was_written_comes_back_byte_for_byte(folder: Path, tmp_path: Path) -> None:
    with open_station(folder, VILLAGE) as station:
        file_case(station)
        station.store.backup(tmp_path / "copy.db")
    made = backup.make(tmp_path / "copy.db", tmp_path / "backup", keys_in(folder), MADE_AT)
    pieces: list[bytes] = []
    assert backup.unpack(tmp_path / "backup", keys_in(folder), pieces.append) == made
    assert b"".join(pieces) == (tmp_path / "copy.db").read_bytes()
    assert (made.station, made.made_at, made.rows["cases"], made.rows["outbox"]) == (VILLAGE, MADE_AT, 1, 1)
    assert [(head.peer, head.lane, head.numbered) for head in made.lane_ends] == [(outbox.UPSTREAM, outbox.URGENT, 1)]


def test_anybody_may_read_of_which_station_and_when_and_nothing_else(file: Path, folder: Path) -> None:
    content = file.read_bytes()
    _, _, station, made_at, _, _ = HEADER.unpack_from(content)
    assert (station, made_at) == (VILLAGE, MADE_AT)
    assert not [word for word in (b"SQLite", b"complaint", b"upstream", b"CREATE") if word in content]
    assert b"SQLite" in (folder / "station.db").read_bytes()


def test_a_copy_taken_while_people_file_is_what_was_at_one_moment(folder: Path, tmp_path: Path) -> None:
    with open_station(folder, VILLAGE) as station:
        is_done = threading.Event()

        def go_on() -> None:
            while not is_done.is_set():
                file_case(station)

        people = [threading.Thread(target=go_on) for _ in range(3)]
        for person in people:
            person.start()
        counts = []
        for at in range(5):
            before = len(numbers_of(station.store, "cases"))
            make(station.store, tmp_path / f"backup{at}")
            counts.append((before, len(numbers_of(station.store, "cases"))))
        is_done.set()
        for person in people:
            person.join()
    for at, (before, after) in enumerate(counts):
        again = tmp_path / f"again{at}"
        again.mkdir()
        shutil.copy(folder / "keys.json", again)
        restore(tmp_path / f"backup{at}", again)
        with open_store(again) as store:
            found = numbers_of(store, "cases")
            assert found == list(range(1, len(found) + 1)) == numbers_of(store, "outbox")
            assert before <= len(found) <= after


# Damage


def refusal(content: bytes, keys: Keyring, path: Path) -> StoreError | None:
    """Why a file with this content is refused, or None."""
    path.write_bytes(content)
    try:
        backup.unpack(path, keys, lambda piece: None)
    except StoreError as error:
        return error
    return None


def test_a_file_with_any_byte_changed_is_refused(file: Path, folder: Path, tmp_path: Path) -> None:
    whole, keys, chance = file.read_bytes(), keys_in(folder), random.Random(1)
    assert refusal(whole, keys, tmp_path / "same") is None
    for offset in [*range(HEADER.size + 4), *chance.sample(range(len(whole)), 150), len(whole) - 1]:
        changed = bytearray(whole)
        changed[offset] ^= 1 << chance.randrange(8)
        assert refusal(bytes(changed), keys, tmp_path / "changed") is not None, offset


def test_a_file_that_was_cut_anywhere_is_refused(file: Path, folder: Path, tmp_path: Path) -> None:
    whole, keys = file.read_bytes(), keys_in(folder)
    between = range(HEADER.size, len(whole), CHUNK + TAG_BYTES)
    near = {end + step for end in between for step in (-1, 0, 1)}
    for size in {0, 1, len(whole) - 1, *near, *random.Random(2).sample(range(len(whole)), 50)}:
        assert refusal(whole[:size], keys, tmp_path / "cut") is not None, size


def test_every_chunk_before_a_cut_opens_and_only_the_end_mark_tells_of_it(file: Path, folder: Path) -> None:
    cut = file.parent / "cut"
    cut.write_bytes(file.read_bytes()[: HEADER.size + 2 * (CHUNK + TAG_BYTES)])
    got: list[bytes] = []
    with cut.open("rb") as opened, pytest.raises(BackupError, match="cut or damaged, at byte 65"):
        got.extend(file_format.read(opened, keys_in(folder)))
    assert len(got) == 1
    with file.open("rb") as opened:
        assert next(iter(file_format.read(opened, keys_in(folder)))) == got[0]


def test_chunks_in_another_order_or_twice_or_with_more_behind_are_refused(
    file: Path, folder: Path, tmp_path: Path
) -> None:
    whole, size = file.read_bytes(), CHUNK + TAG_BYTES
    first, second = (whole[HEADER.size + at * size :][:size] for at in range(2))
    rest = whole[HEADER.size + 2 * size :]
    for content in (second + first + rest, first + first + rest, first + rest, first + second + rest + b"\0"):
        assert refusal(whole[: HEADER.size] + content, keys_in(folder), tmp_path / "other") is not None


def test_a_chunk_of_another_backup_is_refused(file: Path, folder: Path, tmp_path: Path) -> None:
    with open_store(folder) as store:
        make(store, tmp_path / "later")
    mine, other = file.read_bytes(), (tmp_path / "later").read_bytes()
    mixed = mine[: HEADER.size] + other[HEADER.size :]
    assert isinstance(refusal(mixed, keys_in(folder), tmp_path / "mixed"), BackupError)


def test_another_station_s_key_is_told_from_damage(file: Path, tmp_path: Path) -> None:
    other = Keyring.create(tmp_path / "other.json")
    assert isinstance(refusal(file.read_bytes(), other, tmp_path / "same"), KeyFileError)
    assert isinstance(refusal(b"something else", other, tmp_path / "else"), BackupError)


def test_a_bit_that_flipped_in_a_sealed_value_stops_the_backup(folder: Path, tmp_path: Path) -> None:
    with open_station(folder, VILLAGE) as station:
        flip(folder, "cases", "text", file_case(station))
        station.store.backup(tmp_path / "copy.db")  # What SQLite checks by itself does not see it.
        with pytest.raises(BackupError, match=r"do not open \(1 of cases.text\)"):
            make(station.store, tmp_path / "backup")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["copy.db", "village"]


def flip(folder: Path, table: str, column: str, reference: str) -> None:
    """Flip one bit of a sealed value, as a failing disk does."""
    with contextlib.closing(sqlite3.connect(folder / "station.db")) as connection, connection:
        where = (f"SELECT {column} FROM {table} WHERE reference = ?", (reference,))
        value = bytearray(connection.execute(*where).fetchone()[0])
        value[-1] ^= 1
        connection.execute(f"UPDATE {table} SET {column} = ? WHERE reference = ?", (bytes(value), reference))


def test_every_value_that_is_sealed_has_a_column_of_that_type_and_opens_or_is_counted(
    folder: Path, tmp_path: Path
) -> None:
    with open_station(folder, VILLAGE) as station:
        number = file_case(station)
        asked = requests.RequestRow("1", number, VILLAGE, "closed", "words", "", False, "resident", 0, 0)
        station.store.write(lambda tx: requests.add(tx, asked))
        station.store.write(lambda tx: rows.add_event(tx, "1", number, "answered", "agency:water", "words", 1))
        station.store.write(lambda tx: blobs.save_piece(tx, b"blob", 1, b"piece"))
        station.store.write(lambda tx: wanted_blobs.want(tx, "pack", b"blob", 5))
        station.store.write(lambda tx: wanted_blobs.add_range(tx, wanted_blobs.all_wanted(tx)[0], b"range"))
        station.store.write(lambda tx: stations.add(tx, 8))
        station.store.write(lambda tx: drafts.save(tx, 0, APPEAL.msisdn, "{}"))
        station.store.write(lambda tx: quarantine.keep(tx, PEER, "case.opened", "{}", "why"))
        station.store.write(lambda tx: received_events.keep(tx, PEER, 1, Event("case.opened", "", "{}"), b""))
        station.store.write(lambda tx: sessions.save(tx, b"session", "{}", True))
        station.store.write(lambda tx: add_rows(tx, is_private=True))
        station.store.write(lambda tx: add_rows(tx, is_private=False))
        station.store.write(lambda tx: subscribers.remember_language(tx, APPEAL.msisdn, "tg"))
        holding = {column for column, _, text in sealed.values(station.store) if text is not None}
    with contextlib.closing(SQLite(folder / "station.db").read_only()) as connection:
        assert holding == {f"{table.name}.{column}" for table in connection.tables() for column in table.sealed}
        assert verify.unreadable(connection, keys_in(folder)) == {}
        wrong = verify.unreadable(connection, Keyring.create(tmp_path / "other.json"))
    assert wrong == dict.fromkeys(holding, 1)


def add_rows(tx: Transaction, is_private: bool) -> None:
    """A row of a register; the body of one that is not private is not sealed."""
    table = registers.RegisterTable(f"private {is_private}", is_private)
    table.save(tx, registers.RegisterRow(table.row_id(tx, "row"), '{"word":"value"}', "2026-11-30"), 1)


def test_a_database_of_a_newer_release_is_refused_for_what_it_is(folder: Path) -> None:
    def m002_later(connection: Connection) -> None:
        connection.execute("ALTER TABLE identity RENAME TO who")

    with open_station(folder, VILLAGE):
        pass
    with contextlib.closing(SQLite(folder / "station.db").writer()) as connection:
        connection.migrate([*migrations.MIGRATIONS, m002_later])
    with pytest.raises(NewerSchemaError, match="m002_later"):
        backup.make(folder / "station.db", folder / "backup", keys_in(folder), MADE_AT)
    assert not (folder / "backup").exists()


# Files and kills


def test_a_backup_never_writes_over_a_file(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "backup").write_text("precious")
    with open_station(folder, VILLAGE) as station, pytest.raises(BackupError, match="never writes over a file"):
        make(station.store, tmp_path / "backup")
    assert (tmp_path / "backup").read_text() == "precious"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["backup", "village"]


def test_a_full_stick_leaves_no_file_with_the_name_of_a_backup(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "backup.part").symlink_to("/dev/full")
    with open_station(folder, VILLAGE) as station, pytest.raises(OSError, match="No space left"):
        make(station.store, tmp_path / "backup")
    assert [path.name for path in tmp_path.iterdir()] == ["village"]


# Makes a backup, and where it is told to changes a byte of the file when it is opened again to be read.
SPOILED = """
import sys
from pathlib import Path

from sado.store import Keyring
from sado.store.backups import backup

def spoil(event, arguments):
    if event == "open" and str(arguments[0]).endswith(".part") and sys.argv[4:]:
        part = Path(arguments[0])
        if sys.argv.pop() == "when opened again":
            content = bytearray(part.read_bytes())
            content[len(content) // 2] ^= 1
            part.write_bytes(content)

copy, target, keys = map(Path, sys.argv[1:4])
sys.addaudithook(spoil)
backup.make(copy, target, Keyring.load(keys), 0)
"""


def test_a_disk_that_did_not_keep_what_was_written_is_found_before_the_file_has_its_name(
    folder: Path, tmp_path: Path
) -> None:
    with open_station(folder, VILLAGE) as station:
        station.store.backup(tmp_path / "copy.db")
    arguments = (tmp_path / "copy.db", tmp_path / "backup", folder / "keys.json")
    program = [sys.executable, "-c", SPOILED, *arguments]
    marks = ["when opened again", "when opened first"]
    bad = subprocess.run([*program, *marks], cwd=ROOT, capture_output=True, text=True)
    assert "did not keep what was written: use another disk" in bad.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["copy.db", "village"]
    subprocess.run(program, cwd=ROOT, check=True)
    assert (tmp_path / "backup").exists()


def test_a_backup_and_the_restored_database_are_for_their_owner_alone(file: Path, folder: Path) -> None:
    restore(file, folder)
    assert {path.stat().st_mode & 0o777 for path in (file, folder / "station.db")} == {0o600}


def test_the_temporary_folder_of_a_killed_process_is_removed_and_one_in_use_is_not(folder: Path) -> None:
    left = folder / f"{backup.TEMPORARY}left"
    left.mkdir()
    (left / "copy.db").write_text("plain")
    in_use = folder / f"{backup.TEMPORARY}in-use"
    in_use.mkdir()
    with FileLock(in_use / "lock"):
        backup.recover(folder / "station.db")
        assert (left.exists(), in_use.exists()) == (False, True)
        left.mkdir()
        with backup.temporary_folder(folder) as place:
            assert (left.exists(), in_use.exists()) == (False, True)
            assert place.stat().st_mode & 0o777 == 0o700
    backup.recover(folder / "station.db")
    assert [path.name for path in folder.iterdir()] == ["keys.json"]


def state(folder: Path) -> tuple[int, str]:
    """How many cases a station has, and its incarnation."""
    with open_store(folder) as store:
        known = store.read(identity.find)
        assert known is not None
        assert query(store, "PRAGMA integrity_check") == [("ok",)]
        return len(numbers_of(store, "cases")), known.incarnation


@pytest.fixture
def killed_station(folder: Path, tmp_path: Path, file: Path) -> Path:
    """A folder as a killed station leaves it: what it filed after the backup is in the WAL alone."""
    with open_station(folder, VILLAGE) as station:
        file_case(station)
        shutil.copytree(folder, tmp_path / "killed")
    assert (tmp_path / "killed" / "station.db-wal").stat().st_size
    return tmp_path / "killed"


def test_a_kill_at_any_step_of_a_restore_leaves_the_old_state_or_the_whole_new_one(
    killed_station: Path, file: Path, tmp_path: Path
) -> None:
    runs = tmp_path / "runs"
    program = [sys.executable, "-P", str(ROOT / "tests" / "support" / "killed.py"), killed_station, file, runs]
    subprocess.run(program, cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)}, check=True)

    _, old_incarnation = state(killed_station)
    seen = []
    for run in sorted(runs.iterdir(), key=lambda run: int(run.name.removeprefix("run-"))):
        backup.recover(run / "station.db")
        found = state(run)
        is_new = found[1] != old_incarnation
        assert found[0] == (250 if is_new else 251), run
        asides = list(run.glob("replaced-*"))
        assert len(asides) == is_new
        for aside in asides:
            shutil.copy(run / "keys.json", aside)
            assert state(aside) == (251, old_incarnation)
        assert {path.name for path in run.iterdir()} <= {"station.db", "keys.json", *(path.name for path in asides)}
        seen.append(is_new)
    assert seen == sorted(seen)
    assert seen.count(False) > 10 and seen.count(True) > 5


def test_a_database_put_in_place_beside_the_old_wal_is_neither_old_nor_new(killed_station: Path, file: Path) -> None:
    restore_as_it_was(file, killed_station)
    with open_store(killed_station) as store:
        damaged = query(store, "PRAGMA integrity_check") != [("ok",)]
        assert damaged or len(numbers_of(store, "cases")) != 250


def test_a_backup_that_does_not_fit_changes_nothing(file: Path, folder: Path) -> None:
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)
    with pytest.raises(BackupError, match="cut or damaged"):
        restore(file, folder)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


# A new life


def test_a_restored_station_has_a_new_incarnation_and_leaves_references_out(folder: Path, tmp_path: Path) -> None:
    with open_station(folder, VILLAGE) as station:
        file_case(station)
        make(station.store, tmp_path / "backup")
        lost = [file_case(station) for _ in range(30)]
        before = station.store.read(identity.find)
    restore(tmp_path / "backup", folder)
    with open_station(folder, VILLAGE) as station:
        after = station.store.read(identity.find)
        assert before is not None and after is not None
        assert (before.number, before.incarnation != after.incarnation) == (after.number, True)
        issued = [file_case(station) for _ in range(50)]
        assert not set(issued) & set(lost)
        assert station.store.write(lambda tx: tx.next_number("references")) == 1 + reference.LEFT_OUT + 50 + 1
    restore_as_it_was(tmp_path / "backup", folder)
    with open_station(folder, VILLAGE) as station:
        assert [file_case(station) for _ in range(30)] == lost


def test_all_events_that_a_restored_station_keeps_wait_again_under_another_incarnation(tmp_path: Path) -> None:
    with open_pair(tmp_path) as pair:
        file_case(pair.village)
        pair.settle()
        make(pair.village.store, tmp_path / "backup")
        before = pair.village.store.read(lanes.peers)
    restore(tmp_path / "backup", tmp_path / "village")
    with open_store(tmp_path / "village") as store:
        after = store.read(lanes.peers)
        assert [peer.name for peer in after] == [peer.name for peer in before] == [outbox.UPSTREAM]
        assert after[0].ours != before[0].ours
        assert query(store, "SELECT number, state FROM outbox WHERE destination <> 'sms'") == [(1, "queued")]


def test_leaving_out_more_references_than_there_are_left_ends_with_a_sentence(folder: Path) -> None:
    with open_station(folder, VILLAGE) as station:
        station.store.write(lambda tx: tx.skip_to("references", reference.CAPACITY - 1))
        station.store.write(reference.leave_out)
        with pytest.raises(reference.ReferencesExhaustedError, match="has issued all its references"):
            file_case(station)


@pytest.mark.parametrize("to", [outbox.SMS, "agency:HCU"])
def test_what_has_left_one_by_one_is_not_sent_again_after_a_restore(folder: Path, tmp_path: Path, to: str) -> None:
    with open_store(folder) as store:
        store.write(lambda tx: identity.create(tx, VILLAGE))
        for number in range(4):
            store.write(lambda tx, number=number: outbox.put(tx, to, "notice", f"007{number}", "{}"))  # type: ignore[misc]
        for end in (outbox.ack, lambda tx, entry: outbox.await_report(tx, entry, WHY)):
            store.write(lambda tx, end=end: end(tx, outbox.claim(tx, to)))  # type: ignore[misc]
        store.write(lambda tx: outbox.claim(tx, to))
        make(store, tmp_path / "backup")
    restore(tmp_path / "backup", folder)
    with open_store(folder) as store:
        store.write(entries.release_all)
        states = query(store, "SELECT state FROM outbox ORDER BY id")
        assert [state for (state,) in states] == ["acked", "awaiting", "queued", "queued"]
        claimed = [store.write(lambda tx: outbox.claim(tx, to)) for _ in range(3)]
        assert [entry and entry.reference for entry in claimed] == ["0072", "0073", None]
        assert store.read(lanes.peers) == []


def test_a_restore_counts_what_waits_by_where_it_goes(folder: Path) -> None:
    with open_station(folder, VILLAGE) as station:
        file_case(station)
        for to, count in ((outbox.station(12), 2), (outbox.SMS, 3), ("agency:HCU", 1), ("agency:ELC", 4)):
            for _ in range(count):
                station.store.write(lambda tx, to=to: outbox.put(tx, to, "notice", "", "{}"))  # type: ignore[misc]
        for end in (outbox.ack, lambda tx, entry: outbox.await_report(tx, entry, WHY)):
            station.store.write(lambda tx, end=end: end(tx, outbox.claim(tx, outbox.SMS)))  # type: ignore[misc]
        waiting = station.store.write(renew)
    assert (waiting.events, waiting.messages, waiting.for_agencies, waiting.has_upstream) == (3, 2, 5, False)


# A village and its hub, one of which comes back from a backup


@dataclass
class Pair:
    """A village station and its hub; each event's effects are counted where it is applied."""

    village: Station
    hub: Station
    key: bytes

    def __post_init__(self) -> None:
        self.client = Client(
            self.village.store, VILLAGE, self.key, OneByOne(self.answer), counting(self.village.cases), FrameSize()
        )

    def answer(self, frame: bytes, timeout_s: float = 0) -> bytes:
        return answer(self.hub.store, frame, counting(self.hub.cases))

    def settle(self) -> None:
        for _ in range(60):
            if not self.client.call():
                return
        raise AssertionError("The two never come to an end.")

    def move(self, number: str, kind: str) -> None:
        """The agency, at the hub, moves a case."""
        self.hub.store.write(lambda tx: self.hub.cases.record(tx, APPEAL.agency, number, kind, f"{kind}, in words"))


def counting(cases: Cases) -> Any:
    """The room of the cases, with a count of how often each event took effect."""

    def apply(tx: Transaction, peer: str, event: Event) -> None:
        cases.apply(tx, peer, event)
        tx.next_number(f"applied {event.id.hex()}")

    return apply


def most_applied(station: Station) -> int:
    return int(query(station.store, "SELECT MAX(value) FROM counters WHERE name LIKE 'applied %'")[0][0])


def references(station: Station) -> set[str]:
    return {number for (number,) in query(station.store, "SELECT reference FROM cases")}


def aside(station: Station) -> list[str]:
    """Why events lie in quarantine."""
    return [one.reason for one in station.store.read(lambda tx: quarantine.listed(tx, 99))]


@contextmanager
def open_pair(folder: Path) -> Iterator[Pair]:
    """Both stations as they lie in the folder."""
    clock = Clock()
    with (
        open_station(folder / "village", VILLAGE, clock=clock) as village,
        open_station(folder / "hub", HUB, has_upstream=False, clock=clock) as hub,
    ):
        known = hub.store.read(lambda tx: stations.find(tx, VILLAGE))
        yield Pair(village, hub, known.key if known else hub.store.write(lambda tx: stations.add(tx, VILLAGE)))


def live_on(pair: Pair, target: Path, which: str) -> tuple[set[str], str]:
    """Make a backup of one side in the middle of its life; the cases that the hub has at the end, and one that both
    sides had when the copy was made."""
    old = file_case(pair.village)
    pair.settle()
    pair.move(old, "registered")
    file_case(pair.village, "it waits in the copy")
    make(getattr(pair, which).store, target)
    for number in range(5):
        file_case(pair.village, f"filed after the copy {number}")
    pair.settle()
    pair.move(old, "answered")
    pair.settle()
    return references(pair.hub), old


def test_a_village_that_comes_back_from_an_old_copy_loses_and_doubles_nothing(tmp_path: Path) -> None:
    with open_pair(tmp_path) as pair:
        before, old = live_on(pair, tmp_path / "backup", "village")
    restore(tmp_path / "backup", tmp_path / "village")
    with open_pair(tmp_path) as pair:
        new = {file_case(pair.village, f"filed after the restore {number}") for number in range(10)}
        pair.settle()
        assert references(pair.hub) == before | new
        assert aside(pair.hub) == []
        assert most_applied(pair.hub) == most_applied(pair.village) == 1
        assert pair.village.store.read(lambda tx: pair.village.cases.get(tx, old)).status == "answered"
        waits = pair.village.store.read(entries.counts)
        assert [to for to, _ in waits if to == outbox.UPSTREAM] == []


def test_a_decision_on_a_case_that_a_restored_village_has_lost_lies_aside_there(tmp_path: Path) -> None:
    with open_pair(tmp_path) as pair:
        before, _ = live_on(pair, tmp_path / "backup", "village")
    restore(tmp_path / "backup", tmp_path / "village")
    with open_pair(tmp_path) as pair:
        lost = before - references(pair.village)
        for number in lost:
            pair.move(number, "registered")
        pair.settle()
        assert len(lost) == len(aside(pair.village)) == 5
        assert aside(pair.hub) == []


def test_without_a_new_life_appeals_to_a_restored_station_do_not_become_cases_at_the_hub(tmp_path: Path) -> None:
    with open_pair(tmp_path) as pair:
        before, _ = live_on(pair, tmp_path / "backup", "village")
    restore_as_it_was(tmp_path / "backup", tmp_path / "village")
    with open_pair(tmp_path) as pair:
        new = {file_case(pair.village, f"filed after the restore {number}") for number in range(5)}
        pair.settle()
        assert new <= before
        assert references(pair.hub) == before
        assert len(aside(pair.hub)) == 5 and "REFERENCE_DOUBLED" in aside(pair.hub)[0]


def test_a_hub_that_comes_back_from_an_old_copy_is_filled_again_by_the_village(tmp_path: Path) -> None:
    with open_pair(tmp_path) as pair:
        before, old = live_on(pair, tmp_path / "backup", "hub")
    restore(tmp_path / "backup", tmp_path / "hub")
    with open_pair(tmp_path) as pair:
        assert references(pair.hub) < before
        new = file_case(pair.village, "filed after the restore")
        pair.settle()
        assert references(pair.hub) == before | {new}
        pair.move(old, "answered")
        pair.settle()
        assert most_applied(pair.hub) == most_applied(pair.village) == 1
        assert pair.village.store.read(lambda tx: pair.village.cases.get(tx, old)).status == "answered"


def test_a_village_that_was_not_told_notices_that_its_hub_came_back_from_an_old_copy(tmp_path: Path) -> None:
    with open_pair(tmp_path) as pair:
        before, old = live_on(pair, tmp_path / "backup", "hub")
        pair.hub.store.close()
        restore(tmp_path / "backup", tmp_path / "hub")
        with open_station(tmp_path / "hub", HUB, has_upstream=False, clock=Clock()) as pair.hub:
            pair.move(old, "answered")
            pair.settle()
            assert references(pair.hub) == before
            assert pair.village.store.read(lambda tx: pair.village.cases.get(tx, old)).status == "answered"
            assert aside(pair.hub) == aside(pair.village) == []


# The drill


def faults(copy: Store, live: Store) -> list[str]:
    def of(store: Store) -> drill.Facts:
        found = copy.read(lambda tx: drill.references_after(tx, "", 1000))
        return store.read(lambda tx: drill.facts_about(tx, found))

    here, there = of(copy), of(live)
    return drill.lost_numbers(here.lane_ends, there.lane_ends) + drill.lost_cases(here.cases, there.cases)


def test_a_database_that_has_gone_on_has_all_that_is_in_the_copy(folder: Path, tmp_path: Path) -> None:
    with open_station(folder, VILLAGE) as station:
        number = file_case(station)
        copied(station, tmp_path)
        file_case(station)
        station.store.write(lambda tx: rows.unlink(tx, number))
        station.store.write(lambda tx: rows.add_event(tx, "later", number, "registered", "agency:water", "", 1))
        with open_store(tmp_path / "copy") as copy:
            assert faults(copy, station.store) == []
            # The other way round the copy is the older one.
            assert len(faults(station.store, copy)) == 3


def copied(station: Station, tmp_path: Path) -> None:
    (tmp_path / "copy").mkdir()
    shutil.copy(station.store.path.parent / "keys.json", tmp_path / "copy")
    station.store.backup(tmp_path / "copy" / "station.db")


def test_the_drill_tells_what_the_live_database_lacks(folder: Path, tmp_path: Path) -> None:
    with open_station(folder, VILLAGE) as station:
        numbers = [file_case(station) for _ in range(5)]
        copied(station, tmp_path)

        def lose(tx: Transaction) -> None:
            tx.run("DELETE FROM events WHERE reference IN (:gone, :short)", gone=numbers[0], short=numbers[1])
            tx.run("DELETE FROM cases WHERE reference = :gone", gone=numbers[0])
            other = tx.seal("other words", "cases.text", numbers[2])
            tx.run("UPDATE cases SET text = :text WHERE reference = :number", text=other, number=numbers[2])

        station.store.write(lose)
        flip(folder, "cases", "text", numbers[3])
        with open_store(tmp_path / "copy") as copy:
            told = dict.fromkeys(faults(copy, station.store))
    assert {re.sub(r"\d{10}", "", line) for line in told} == {
        "Case  is not in the station's database.",
        "Case  has lost events in the station's database.",
        "Case  reads otherwise in the station's database.",
        "Case  cannot be read in the station's database: its disk is failing.",
    }
