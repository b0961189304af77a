"""`sado registers`, as whoever runs a station meets it."""

import re
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from sado.menus.reading.pack import PACKS
from tests.support.processes import HUB, TOKEN, VILLAGE, Phone, Station, sado

SAMPLES = PACKS / "tajikistan" / "samples"
PAGE = Path(__file__).parents[2] / "docs" / "registers.md"
COLUMNS = "tin,born,declaration,debt"


@pytest.fixture
def station(tmp_path: Path) -> Iterator[Station]:
    station = Station(tmp_path / "station", VILLAGE, {"africastalking_token": TOKEN})
    yield station
    station.end()


def test_the_commands_of_the_page_do_what_it_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hub = Station(tmp_path / "hub", HUB)
    monkeypatch.chdir(SAMPLES)
    commands = re.findall(r"^    sado ([^#\n]+)", PAGE.read_text("utf-8"), re.MULTILINE)
    assert len(commands) > 5
    for command in commands:
        hub.sado(*command.split())


def taxes(folder: Path, *lines: str) -> Path:
    path = folder / "taxes.csv"
    path.write_text("\n".join([COLUMNS, *lines, ""]), "utf-8")
    return path


def sound(count: int) -> list[str]:
    return [f"{number:09},1980,accepted,none" for number in range(count)]


@pytest.mark.parametrize("is_serving", [True, False])
def test_a_file_is_loaded_whether_the_station_serves_or_not(station: Station, is_serving: bool) -> None:
    if is_serving:
        station.start()

    said = station.sado("registers", "load", str(SAMPLES / "licences.csv"), "--as-of", "2026-11-01")
    assert "licences as of 01.11.2026: 9 read, 9 new, 0 changed, 0 unchanged, 0 removed, 0 rejected." in said
    assert "These are samples" in said

    status = station.sado("registers", "status")
    assert "licences: 9 rows as of 01.11.2026, " in status and "a sample." in status
    assert "taxes: no copy." in status


@pytest.mark.parametrize("is_serving", [True, False])
def test_faults_are_told_by_line_and_without_values(station: Station, tmp_path: Path, is_serving: bool) -> None:
    if is_serving:
        station.start()
    wrong = ["12345678,1980,accepted,none"] * 25

    result = sado("registers", "load", str(taxes(tmp_path, *sound(2), *wrong)), **station.settings)

    assert result.returncode == 0
    assert "line 4: tin: 9 digits are needed, got 8 characters\n" in result.stderr
    assert "line 23:" in result.stderr and "line 24:" not in result.stderr and "and 5 more" in result.stderr
    assert "2 new, 0 changed, 0 unchanged, 0 removed, 25 rejected." in result.stdout
    assert "12345678" not in result.stdout + result.stderr


def test_a_file_of_faults_alone_fails_and_changes_nothing(station: Station, tmp_path: Path) -> None:
    station.sado("registers", "load", str(taxes(tmp_path, *sound(2))))

    result = sado("registers", "load", str(taxes(tmp_path, "x,y,z,w")), "--whole", **station.settings)

    assert (result.returncode, "No line of" in result.stderr) == (1, True)
    assert "taxes: 2 rows" in station.sado("registers", "status")


def test_the_whole_register_takes_the_place_of_the_old_one(station: Station, tmp_path: Path) -> None:
    station.start()
    station.sado("registers", "load", str(taxes(tmp_path, *sound(9))))

    said = station.sado("registers", "load", str(taxes(tmp_path, *sound(4))), "--whole")

    assert "0 new, 0 changed, 4 unchanged, 5 removed" in said


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--register", "tax"], "There is no register 'tax'. The registers are: services, licences"),
        (["--register", "bills"], "The columns do not fit, missing: number"),
        (["--as-of", "2999-01-01"], "2999-01-01 is a day to come"),
    ],
)
@pytest.mark.parametrize("is_serving", [True, False])
def test_what_is_wrong_is_a_sentence(
    station: Station, tmp_path: Path, arguments: list[str], says: str, is_serving: bool
) -> None:
    if is_serving:
        station.start()

    result = sado("registers", "load", str(taxes(tmp_path, *sound(1))), *arguments, **station.settings)

    assert (result.returncode, "Traceback" in result.stderr) == (1, False)
    assert says in result.stderr.splitlines()[-1]


def test_phones_are_answered_while_a_long_file_is_loaded(station: Station, tmp_path: Path) -> None:
    station.start()
    path = taxes(tmp_path, *sound(20_000))
    loading = threading.Thread(target=lambda: station.sado("registers", "load", str(path)))
    loading.start()

    answers = 0
    while loading.is_alive():
        assert Phone(station.webhook, "+992900000001").walk().startswith("CON ")
        answers += 1

    loading.join()
    assert answers > 5
    assert "taxes: 20000 rows" in station.sado("registers", "status")
    assert "000000001" not in station.log.read_text()
