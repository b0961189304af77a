"""`sado pack` and what goes with it, as whoever runs a hub and a village meets them."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from sado.menus.reading import pack
from sado.menus.reading.pack import PACKS
from sado.menus.reading.source import version as version_of
from tests.support.kenya import rewritten
from tests.support.processes import HUB, VILLAGE, Station, sado, until

OLD_WORDS, NEW_WORDS = "Describe the matter briefly.", "Tell us what happened."
ARRIVES_S = 60


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Station]:
    station = Station(tmp_path / "hub", HUB, {"pack": "kenya"})
    yield station
    station.end()


@pytest.fixture
def newer(tmp_path: Path) -> Path:
    return rewritten(tmp_path / "newer", {OLD_WORDS: NEW_WORDS})


def admitted(hub: Station, *arguments: str) -> Station:
    """A village that exchanges with the hub every second; its key is there, it does not serve yet."""
    village = Station(hub.folder.parent / "village", VILLAGE, {"pack": "kenya", "upstream": hub.url, "sync_every_s": 1})
    (village.folder / "upstream.key").write_text(hub.sado("station", "add", str(VILLAGE), *arguments))
    return village


@pytest.mark.parametrize("is_serving", [True, False])
def test_a_sound_pack_is_published_and_served_at_the_hub(hub: Station, newer: Path, is_serving: bool) -> None:
    if is_serving:
        hub.start()
    version = version_of(pack.files_of(str(newer)))

    said = hub.sado("pack", "publish", str(newer))

    assert f"Version {version} is served here, and offered to the stations." in said
    status = hub.sado("pack", "status")
    assert f"Version {version} of the pack is served here.\n" in status and "Published: pack/kenya." in status


@pytest.mark.parametrize("is_serving", [True, False])
def test_a_faulty_pack_is_refused_with_every_fault_and_nothing_changes(
    hub: Station, tmp_path: Path, is_serving: bool
) -> None:
    if is_serving:
        hub.start()
    before = hub.sado("pack", "status")
    faulty = rewritten(tmp_path / "faulty", {"type: action": "type: dew"})

    result = sado("pack", "publish", str(faulty), **hub.settings)

    assert (result.returncode, "Traceback" in result.stderr) == (1, False)
    assert "trees/case.yaml:" in result.stdout and "faults" in result.stdout
    assert hub.sado("pack", "status") == before


@pytest.mark.parametrize("is_serving", [True, False])
def test_a_pack_of_another_country_is_refused_in_a_sentence(hub: Station, is_serving: bool) -> None:
    if is_serving:
        hub.start()

    result = sado("pack", "publish", str(PACKS / "tajikistan"), **hub.settings)

    assert (result.returncode, "Traceback" in result.stderr) == (1, False)
    assert "It is a pack of TJ (Asia/Dushanbe); KE (Africa/Nairobi) is served." in result.stderr


def test_a_pack_and_a_register_reach_a_village_that_serves(hub: Station, newer: Path) -> None:
    village = admitted(hub, "--district", "KE-17")
    try:
        hub.start()
        village.start()
        said = hub.sado("registers", "load", str(PACKS / "kenya" / "samples" / "offices.csv"), "--as-of", "2026-11-01")
        assert "Stations get it with `sado registers publish offices`." in said
        assert "offices is offered to the stations." in hub.sado("registers", "publish", "offices")
        assert "offices is what the stations were offered before." in hub.sado("registers", "publish", "offices")
        hub.sado("pack", "publish", str(newer))

        assert until(lambda: "Station 007 has 3 of 3." in hub.sado("pack", "status"), ARRIVES_S)

        status = village.sado("pack", "status")
        assert f"Version {version_of(pack.files_of(str(newer)))} of the pack is served here." in status
        assert "pack/kenya: taken in." in status and "register/offices/KE-17: taken in." in status
        assert "offices: 1 rows as of 01.11.2026" in village.sado("registers", "status")
    finally:
        village.end()


def test_a_station_that_is_admitted_later_is_offered_what_is_there(hub: Station, newer: Path) -> None:
    hub.sado("pack", "publish", str(newer))

    admitted(hub)

    assert "Station 007 has 0 of 1, waits for pack/kenya." in hub.sado("pack", "status")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["station", "add", "7", "--district", "XX-1"], "There is no district XX-1. The districts are: KE-30, KE-28"),
        (["registers", "publish", "pensions"], "There is no register 'pensions'. The registers are: offices."),
        (["registers", "publish", "offices"], "There is no copy of offices here: load one first."),
    ],
)
@pytest.mark.parametrize("is_serving", [True, False])
def test_what_is_wrong_is_a_sentence(hub: Station, arguments: list[str], says: str, is_serving: bool) -> None:
    if is_serving and arguments[0] != "station":
        hub.start()

    result = sado(*arguments, **hub.settings)

    assert (result.returncode, "Traceback" in result.stderr) == (1, False)
    assert says in result.stderr.splitlines()[-1]


@pytest.fixture
def wider(tmp_path: Path) -> Path:
    """A pack with one more agency, district and register."""
    folder = rewritten(tmp_path / "wider", {})
    for name, line in (
        ("agencies", "NEW,New agency,Mpya,\n"),
        ("districts", "KE-99,NBI,Newtown,Mpya,Newtown,Mpya,,\n"),
    ):
        with (folder / f"{name}.csv").open("a", encoding="utf-8") as file:
            file.write(line)
    registers = folder / "registers.yaml"
    written = registers.read_text("utf-8")
    registers.write_text(written + written[written.index("offices:") :].replace("offices:", "clinics:"), "utf-8")
    return folder


NAMING = [
    ("agency", "token", "NEW"),
    ("account", "add", "kamau", "--role", "officer", "--agency", "NEW"),
    ("station", "add", "7", "--district", "KE-99"),
]


@pytest.mark.parametrize("arguments", NAMING)
def test_commands_go_by_the_pack_that_is_served(hub: Station, wider: Path, arguments: tuple[str, ...]) -> None:
    before = sado(*arguments, **hub.settings)
    assert before.returncode == 1 and "There is no" in before.stderr

    hub.sado("pack", "publish", str(wider))

    hub.sado(*arguments)


def test_a_command_does_not_take_a_publication_back(hub: Station, wider: Path) -> None:
    hub.sado("pack", "publish", str(wider))

    sado("agency", "token", "CAJ", **hub.settings | {"pack": "tajikistan"})

    assert len(hub.sado("agency", "token", "NEW").strip()) > 32


@pytest.mark.parametrize("is_serving", [True, False])
def test_a_file_is_loaded_into_a_register_of_the_pack_that_is_served(
    hub: Station, wider: Path, tmp_path: Path, is_serving: bool
) -> None:
    if is_serving:
        hub.start()
    clinics = tmp_path / "clinics.csv"
    clinics.write_text("place,office_en,office_sw,hours\nKE-99,Clinic,Kliniki,08:00-17:00\n", "utf-8")
    hub.sado("pack", "publish", str(wider))

    assert "1 read, 1 new" in hub.sado("registers", "load", str(clinics))
