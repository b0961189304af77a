"""`sado backup`, `restore` and `drill`, as a person runs them beside a serving station and without one."""

import contextlib
import shutil
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from sado.store.backups import file_format
from sado.store.backups.backup import TEMPORARY
from sado.store.errors import BackupError
from sado.store.zone_time import DAY_MS
from tests.support.processes import HUB, TOKEN, VILLAGE, Phone, Station, environment, pair, sado, shown_reference, until

APPEAL = ("2", "1", "1", "Ёвон", "1", "Об нест", "Раҳимова Гулнора", "1")
SYNC_S = 60


@pytest.fixture
def station(tmp_path: Path) -> Iterator[Station]:
    """A station without an upstream, not yet serving."""
    station = Station(tmp_path / "station", VILLAGE, {"africastalking_token": TOKEN})
    yield station
    station.end()


def file_appeal(station: Station, msisdn: str = "+992900000001") -> str:
    """The first appeal of this phone, through the webhook; its reference."""
    reference = shown_reference(Phone(station.webhook, msisdn).walk("1", *APPEAL))
    assert reference is not None
    return reference


def is_refused(result: subprocess.CompletedProcess[str], words: str) -> bool:
    """Whether the command ended with a sentence that holds these words, and no traceback."""
    assert "Traceback" not in result.stderr, result.stderr
    return result.returncode == 1 and words in result.stderr and "Error: " in result.stderr


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def with_key(station: Station, folder: Path) -> dict[str, object]:
    """The settings of a new, empty folder in which the station's key file lies."""
    folder.mkdir()
    shutil.copy(station.folder / "keys.json", folder)
    return station.settings | {"data": folder}


def query(folder: Path, sql: str, *values: object) -> list[tuple[object, ...]]:
    """Ask or change the database of a station that does not serve."""
    with contextlib.closing(sqlite3.connect(folder / "sado.db")) as connection, connection:
        return connection.execute(sql, values).fetchall()


def flip_a_bit(station: Station, reference: str) -> None:
    """Damage what was filed, as a failing disk does."""
    ((value,),) = query(station.folder, "SELECT text FROM cases WHERE reference = ?", reference)
    assert isinstance(value, bytes)
    damaged = bytes([*value[:-1], value[-1] ^ 1])
    query(station.folder, "UPDATE cases SET text = ? WHERE reference = ?", damaged, reference)


@pytest.mark.parametrize("is_serving", [True, False])
def test_a_backup_is_encrypted_and_can_be_served_in_another_folder(
    station: Station, tmp_path: Path, is_serving: bool
) -> None:
    reference = file_appeal(station.start())
    if not is_serving:
        station.stop()

    said = station.sado("backup", str(tmp_path / "copy"))

    assert "1 cases, encrypted, read back and checked." in said and "The key file is not in it" in said
    assert b"SQLite" not in (tmp_path / "copy").read_bytes()
    assert names(tmp_path) == {"copy", "station", "station.log"}
    assert not [name for name in names(station.folder) if name.startswith(TEMPORARY)]
    if is_serving:
        station.stop()
    settings = with_key(station, tmp_path / "new")
    assert "Station 007 is restored" in sado("restore", str(tmp_path / "copy"), **settings).stdout
    restored = Station(tmp_path / "new", VILLAGE, station.settings | {"data": tmp_path / "new"}, port=station.port)
    try:
        restored.start()
        assert reference in Phone(restored.webhook, "+992900000001").walk("1", "2")
    finally:
        restored.end()


def test_a_backup_never_writes_over_a_file(station: Station, tmp_path: Path) -> None:
    station.start()
    (tmp_path / "copy").write_text("precious")

    assert is_refused(sado("backup", str(tmp_path / "copy"), **station.settings), "never writes over a file")
    assert is_refused(sado("backup", str(tmp_path / "no" / "copy"), **station.settings), "is not a folder")
    assert (tmp_path / "copy").read_text() == "precious"


def test_phones_are_answered_while_a_backup_is_made(station: Station, tmp_path: Path) -> None:
    station.start()
    phone = Phone(station.webhook, "+992900000001")
    making = threading.Thread(target=lambda: station.sado("backup", str(tmp_path / "copy")))
    making.start()
    answers = 0
    while making.is_alive():
        assert phone.walk().startswith("CON ")
        answers += 1
    making.join()
    assert answers > 2 and (tmp_path / "copy").exists()


def test_what_a_killed_backup_left_is_removed_when_the_station_starts(station: Station, tmp_path: Path) -> None:
    # Dies while the plain copy lies in the folder: when the backup itself is about to be written.
    dies = (
        "import os, sys; sys.addaudithook(lambda event, given: "
        "event == 'open' and str(given[0]).endswith('.part') and os._exit(9)); "
        "from sado.cli.main import main; main()"
    )
    command = [sys.executable, "-c", dies, "backup", str(tmp_path / "copy")]
    assert subprocess.run(command, env=environment(station.settings), cwd=Path(__file__).parents[2]).returncode == 9
    (left,) = station.folder.glob(f"{TEMPORARY}*")
    assert (left / "copy.db").stat().st_size and (left / "copy.db").stat().st_mode & 0o777 == 0o600

    station.start()

    assert not left.exists()
    assert "copy" not in names(tmp_path)


def test_a_restore_refuses_where_there_is_a_database_and_says_what_to_do(station: Station, tmp_path: Path) -> None:
    reference = file_appeal(station.start())
    station.sado("backup", str(tmp_path / "copy"))
    file_appeal(station, "+992900000002")
    assert is_refused(sado("restore", str(tmp_path / "copy"), **station.settings), "served by another process")
    station.kill()

    assert is_refused(sado("restore", str(tmp_path / "copy"), **station.settings), "With --replace it is moved aside")
    assert len(query(station.folder, "SELECT reference FROM cases")) == 2

    assert "is in a folder `replaced-" in station.sado("restore", str(tmp_path / "copy"), "--replace")
    assert query(station.folder, "SELECT reference FROM cases") == [(reference,)]
    (aside,) = station.folder.glob("replaced-*")
    assert len(query(aside, "SELECT reference FROM cases")) == 2


def test_a_restore_needs_the_key_file_that_the_station_had(station: Station, tmp_path: Path) -> None:
    station.sado("backup", str(tmp_path / "copy"))
    settings = with_key(station, tmp_path / "new")
    (tmp_path / "new" / "keys.json").unlink()

    assert is_refused(sado("restore", str(tmp_path / "copy"), **settings), "No key file at")
    other = Station(tmp_path / "other", HUB)
    shutil.copy(other.folder / "keys.json", tmp_path / "new")
    assert is_refused(sado("restore", str(tmp_path / "copy"), **settings), "The key file does not fit this backup of")
    assert names(tmp_path / "new") == {"keys.json", "station.lock"}


def test_what_is_no_backup_or_damaged_is_refused(station: Station, tmp_path: Path) -> None:
    station.sado("backup", str(tmp_path / "copy"))
    content = (tmp_path / "copy").read_bytes()
    (tmp_path / "cut").write_bytes(content[:-1])
    settings = with_key(station, tmp_path / "new")

    assert is_refused(sado("restore", str(tmp_path / "cut"), **settings), "is cut or damaged")
    assert is_refused(sado("drill", str(tmp_path / "cut"), **settings), "is cut or damaged")
    assert is_refused(sado("restore", str(station.folder / "sado.db"), **settings), "is not a backup of Sado")
    assert names(tmp_path / "new") == {"keys.json", "station.lock"}


@pytest.mark.parametrize("is_serving", [True, False])
def test_a_drill_passes_leaves_nothing_and_changes_nothing(station: Station, tmp_path: Path, is_serving: bool) -> None:
    file_appeal(station.start())
    station.sado("backup", str(tmp_path / "copy"))
    file_appeal(station, "+992900000002")
    if not is_serving:
        station.stop()
    before = names(station.folder)
    (tmp_path / "into").mkdir()

    for place in ([], ["--into", str(tmp_path / "into")]):
        said = station.sado("drill", str(tmp_path / "copy"), *place)
        assert "1 cases. It can be restored." in said
        assert "All that is in it is in the station's database too." in said

    assert names(tmp_path / "into") == set()
    assert names(station.folder) == before
    if is_serving:
        station.stop()
    assert len(query(station.folder, "SELECT reference FROM cases")) == 2


def test_times_are_those_of_the_country(station: Station, tmp_path: Path) -> None:
    station.sado("backup", str(tmp_path / "copy"))
    country = ZoneInfo("Asia/Dushanbe")

    for command in (("drill",), ("restore", "--replace")):
        said = station.sado(*command, str(tmp_path / "copy"))
        told = datetime.strptime(said.partition("as it was on ")[2][:19], "%d.%m.%Y %H:%M:%S").replace(tzinfo=country)
        assert datetime.now(country) - told < timedelta(hours=1)


def test_a_pack_that_cannot_be_read_keeps_nobody_from_restoring(station: Station, tmp_path: Path) -> None:
    station.sado("backup", str(tmp_path / "copy"))
    station.settings["pack"] = tmp_path / "no pack"

    assert " UTC: 0 cases" in station.sado("drill", str(tmp_path / "copy"))
    assert " UTC: 0 cases" in station.sado("restore", "--replace", str(tmp_path / "copy"))


def test_a_drill_without_the_station_s_database_says_so(station: Station, tmp_path: Path) -> None:
    station.sado("backup", str(tmp_path / "copy"))
    settings = with_key(station, tmp_path / "new")

    said = sado("drill", str(tmp_path / "copy"), **settings)

    assert (said.returncode, "nothing to compare with" in said.stdout) == (0, True)
    assert names(tmp_path / "new") == {"keys.json"}


@pytest.mark.parametrize("is_serving", [True, False])
def test_a_drill_notices_a_damaged_and_a_lost_case(station: Station, tmp_path: Path, is_serving: bool) -> None:
    station.start()
    damaged, lost = file_appeal(station), file_appeal(station, "+992900000002")
    station.sado("backup", str(tmp_path / "copy"))
    station.stop()
    flip_a_bit(station, damaged)
    query(station.folder, "DELETE FROM events WHERE reference = ?", lost)
    query(station.folder, "DELETE FROM cases WHERE reference = ?", lost)
    if is_serving:
        station.start()

    result = sado("drill", str(tmp_path / "copy"), **station.settings)

    assert (result.returncode, "Traceback" in result.stderr) == (1, False)
    assert f"Case {damaged} cannot be read in the station's database" in result.stdout
    assert f"Case {lost} is not in the station's database." in result.stdout
    assert is_refused(sado("backup", str(tmp_path / "later"), **station.settings), "do not open (1 of cases.text)")


def test_a_restored_village_goes_on_with_its_hub(tmp_path: Path) -> None:
    with pair(tmp_path) as (hub, village):
        hub.start()
        village.start()
        known = [file_appeal(village)]
        village.sado("backup", str(tmp_path / "copy"))
        known.append(file_appeal(village, "+992900000002"))
        assert until(lambda: len(at_hub(hub)) == 2, SYNC_S)
        village.kill()
        (village.folder / "upstream.key").unlink()

        said = village.sado("restore", str(tmp_path / "copy"), "--replace")
        assert "upstream.key is missing and was not in the backup" in said and "`sado station add 7`" in said
        (village.folder / "upstream.key").write_text(hub_key(hub))
        hub.start()
        village.start()
        known.append(file_appeal(village, "+992900000003"))

        assert until(lambda: at_hub(hub) == sorted(known), SYNC_S), hub.log.read_text()
        hub.stop()
        assert query(hub.folder, "SELECT reason FROM quarantine") == []


def hub_key(hub: Station) -> str:
    """A new key for the village; the hub has to stop for that."""
    hub.stop()
    return hub.sado("station", "add", str(VILLAGE))


def at_hub(hub: Station) -> list[str]:
    """The references of the cases at the hub."""
    uri = f"file:{hub.folder / 'sado.db'}?mode=ro"
    with contextlib.closing(sqlite3.connect(uri, uri=True)) as connection:
        return [reference for (reference,) in connection.execute("SELECT reference FROM cases ORDER BY reference")]


@pytest.mark.parametrize("has_old", [True, False])
def test_what_was_deleted_after_a_backup_is_deleted_again_where_the_old_database_knows(
    station: Station, tmp_path: Path, has_old: bool
) -> None:
    hers, his = "+992900000001", "+992900000002"
    file_appeal(station.start(), hers)
    file_appeal(station, his)
    said = station.sado("backup", str(tmp_path / "copy"))
    assert "Keep it until" in said
    assert Phone(station.webhook, hers).walk("6", "4", "3", "1", "2").startswith("END ")
    station.stop()
    assert query(station.folder, "SELECT COUNT(*) FROM subscribers") == [(1,)]
    if not has_old:
        (station.folder / "sado.db").unlink()

    said = sado("restore", str(tmp_path / "copy"), "--replace", **station.settings).stdout

    assert ("2 numbers and cases that residents had deleted after that are deleted again." in said) == has_old
    assert ("no database here that knows of it" in said) != has_old
    assert query(station.folder, "SELECT COUNT(*) FROM subscribers") == [(1 if has_old else 2,)]
    assert query(station.folder, "SELECT COUNT(*) FROM cases WHERE subscriber <> x''") == [(1 if has_old else 2,)]
    assert query(station.folder, "SELECT COUNT(*) FROM backups") == [(1,)]


def test_a_backup_says_without_a_key_until_when_it_is_kept(station: Station, tmp_path: Path) -> None:
    station.sado("backup", str(tmp_path / "copy"))
    label = file_format.label_of(tmp_path / "copy")
    assert (label.station, label.kept_until - label.made_at) == (VILLAGE, 35 * DAY_MS)
    assert "It is to be kept until" in station.sado("drill", str(tmp_path / "copy"))
    (tmp_path / "copy").write_bytes(b"SadoBack")
    with pytest.raises(BackupError):
        file_format.label_of(tmp_path / "copy")
