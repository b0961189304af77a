"""A backup is whole or not there, whatever it is disturbed by."""

import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from filelock import FileLock

from sado.store.backups import backup
from sado.store.backups.file_format import HEADER
from sado.store.errors import BackupError
from sado.store.tables import identity
from sado.sync import outbox
from tests.support.backups import MADE_AT, VILLAGE, file_case, make, numbers_of, query, restore, restore_as_it_was
from tests.support.stations import keys_in, open_station, open_store

ROOT = Path(__file__).parents[3]

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
    _, _, station, made_at, *_ = HEADER.unpack_from(content)
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
