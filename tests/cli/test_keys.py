"""`sado keys`, and where `sado init` puts the key file."""

import stat
from pathlib import Path

import pytest

from sado.store import Keyring
from tests.support.processes import VILLAGE, Station, sado

KEYS = "keys.json"


@pytest.fixture
def station(tmp_path: Path) -> Station:
    return Station(tmp_path / "village", VILLAGE)


def test_the_key_is_exchanged_where_nobody_serves(station: Station) -> None:
    assert station.sado("keys", "status") == "Everything is sealed with key 1.\n"
    said = station.sado("keys", "rotate").splitlines()
    assert said[0].startswith(f"Key 2 is in {station.folder / KEYS}: copy that file")
    assert said[-1] == "Everything is sealed with key 2."
    assert station.sado("keys", "status") == "Everything is sealed with key 2.\n"
    assert Keyring.load(station.folder / KEYS).current == 2


def test_the_key_is_exchanged_while_the_station_serves(station: Station) -> None:
    station.start()
    assert "Everything is sealed with key 2." in station.sado("keys", "rotate")
    station.stop()
    station.start()
    assert station.sado("keys", "status") == "Everything is sealed with key 2.\n"
    station.stop()


def test_init_puts_the_key_file_where_it_is_told_and_no_other_command_has_to_know(tmp_path: Path) -> None:
    key_file, settings = tmp_path / "stick" / "007.json", {"data": tmp_path / "data"}
    made = sado("init", "--station", "7", "--key-file", str(key_file), **settings)
    assert (made.returncode, f"Keep a copy of {key_file}" in made.stdout) == (0, True)
    assert stat.S_IMODE(key_file.stat().st_mode) == 0o600
    assert sado("account", "add", "dilbar", "--role", "operator", **settings).returncode == 0
    assert sado("keys", "rotate", **settings).returncode == 0
    assert Keyring.load(key_file).current == 2 and (tmp_path / "data" / KEYS).is_symlink()
    key_file.rename(tmp_path / "away")
    refused = sado("keys", "status", **settings)
    assert (refused.returncode, f"No key file at {key_file}" in refused.stderr) == (1, True)


def test_init_does_not_lead_to_a_second_key_file(station: Station, tmp_path: Path) -> None:
    other = tmp_path / "other.json"
    refused = sado("init", "--station", str(VILLAGE), "--key-file", str(other), **station.settings)
    assert (refused.returncode, "The key file of this station is" in refused.stderr) == (1, True)
    assert not other.exists()


def test_init_closes_a_folder_that_others_can_read(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir(mode=0o755)
    folder.chmod(0o755)
    made = sado("init", "--station", "7", data=folder)
    assert (made.returncode, "is closed to them now" in made.stdout) == (0, True)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    folder.chmod(0o750)
    assert sado("init", "--station", "7", data=folder).returncode == 0
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_init_leaves_a_folder_of_other_things_alone_and_refuses_it(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    (tmp_path / "a letter").touch()
    refused = sado("init", "--station", "7", data=tmp_path)
    assert (refused.returncode, "give the station a folder of its own" in refused.stderr) == (1, True)
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o755
    assert [path.name for path in tmp_path.iterdir()] == ["a letter"]


def test_a_key_file_that_others_can_read_stops_a_command_with_what_to_do(station: Station) -> None:
    (station.folder / KEYS).chmod(0o644)
    refused = sado("keys", "status", **station.settings)
    assert (refused.returncode, f"`chmod 600 {station.folder / KEYS}`" in refused.stderr) == (1, True)


def test_another_station_s_key_file_stops_a_command_at_once(station: Station, tmp_path: Path) -> None:
    (station.folder / KEYS).unlink()
    Keyring.create(station.folder / KEYS)
    refused = sado("keys", "status", **station.settings)
    assert (refused.returncode, "not the one of this database" in refused.stderr) == (1, True)
