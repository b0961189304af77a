"""`sado sync export` and `import`, as a person runs them; there is no line."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.processes import Phone, Station, free_port, pair, sado, shown_reference

APPEAL = ("2", "1", "1", "Ёвон", "1", "Об нест", "Раҳимова Гулнора", "1")


@pytest.fixture
def two(tmp_path: Path) -> Iterator[tuple[Station, Station]]:
    """A hub that does not serve, and a village station where an appeal waits: nobody listens where it calls."""
    with pair(tmp_path) as (hub, village):
        village.settings["upstream"] = f"http://127.0.0.1:{free_port()}"
        village.start()
        assert shown_reference(Phone(village.webhook, "+992900000001").walk("1", *APPEAL))
        yield hub, village


@pytest.fixture
def stick(tmp_path: Path) -> Path:
    """A folder to carry."""
    folder = tmp_path / "stick"
    folder.mkdir()
    return folder


def only(folder: Path, pattern: str) -> str:
    """The one file of this name."""
    (path,) = folder.glob(pattern)
    return str(path)


def is_refused(result: subprocess.CompletedProcess[str], words: str) -> bool:
    """Whether the command ended with a sentence that holds these words, and no traceback."""
    assert "Traceback" not in result.stderr, result.stderr
    return result.returncode == 1 and words in result.stderr and "Error: " in result.stderr


@pytest.mark.parametrize("is_serving", [True, False])
def test_an_appeal_goes_up_and_its_receipt_comes_back(
    two: tuple[Station, Station], stick: Path, is_serving: bool
) -> None:
    hub, village = two
    if not is_serving:
        village.stop()
    said = village.sado("sync", "export", str(stick))
    up = only(stick, "station-007-up-20??-??-??.sado")
    assert f"{up}: 1 events for the upstream" in said and "They go on waiting here" in said
    assert "upstream: 1 waiting" in village.sado("sync", "status")

    if is_serving:
        hub.start()
    said = hub.sado("sync", "import", up, "--receipts", str(stick))
    down = only(stick, "station-007-down-20??-??-??.sado")
    assert "A file of station 007, written on " in said and "1 events: 1 new, 0 already here, 0 kept aside." in said
    assert f"{down}: 0 events for station 007" in said
    assert "1 events: 0 new, 1 already here" in hub.sado("sync", "import", up)

    if is_serving:
        hub.stop()
    said = village.sado("sync", "import", down)
    assert "A file of the upstream, written on " in said and "1 of our own events have arrived there" in said
    assert "upstream: 1 waiting" not in village.sado("sync", "status")


def test_the_hub_exports_for_a_station_that_it_names(two: tuple[Station, Station], stick: Path) -> None:
    hub, village = two
    said = hub.sado("sync", "export", str(stick / "for seven.sado"), "--station", "7")
    assert f"{stick / 'for seven.sado'}: 0 events for station 007" in said
    assert "0 events: 0 new" in village.sado("sync", "import", str(stick / "for seven.sado"))


def test_every_refusal_is_a_sentence(two: tuple[Station, Station], stick: Path) -> None:
    hub, village = two
    file = str(stick / "one.sado")
    village.sado("sync", "export", file)
    (stick / "cut").write_bytes((stick / "one.sado").read_bytes()[:-1])

    def at(station: Station, *command: str) -> subprocess.CompletedProcess[str]:
        return sado("sync", *command, **station.settings)

    assert is_refused(at(village, "export", file), "never writes over a file")
    assert is_refused(at(village, "export", str(stick / "no" / "folder")), "is not a folder; make it first.")
    unmounted = str(stick / "unmounted")
    assert is_refused(at(village, "export", unmounted), "mount the stick, or end the name of a new file in .sado")
    assert is_refused(at(hub, "import", file, "--receipts", unmounted), "mount the stick")
    assert is_refused(at(village, "import", file), "wrote the file itself, for its upstream: import it there.")
    assert is_refused(at(hub, "import", str(stick / "cut")), "Nothing of it was taken: copy it again")
    assert is_refused(at(hub, "export", str(stick)), "Say for which station the file is: --station NUMBER.")
    assert is_refused(at(hub, "export", str(stick), "--station", "8"), "run `sado station add 8`")
    assert is_refused(at(hub, "import", file, "--receipts", file), "never writes over a file")
    assert "1 events: 1 new" in hub.sado("sync", "import", file), "a refused import took nothing"


def test_what_does_not_fit_ends_with_1(two: tuple[Station, Station], stick: Path) -> None:
    hub, village = two
    village.sado("sync", "export", str(stick / "up.sado"))
    hub.sado("sync", "import", str(stick / "up.sado"), "--receipts", str(stick / "down.sado"))
    village.stop()
    village.sado("backup", str(stick / "copy"))
    village.sado("restore", "--replace", str(stick / "copy"))

    result = sado("sync", "import", str(stick / "down.sado"), **village.settings)

    assert result.returncode == 1 and "It acknowledges what this station does not know as its own" in result.stdout
