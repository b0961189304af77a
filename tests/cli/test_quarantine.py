"""`sado quarantine`: what is kept aside is listed, shown, tried again and deleted, also while the station serves."""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from sado import settings
from sado.cases.payloads import OPENED, Opened
from sado.channel.settings import BLOCKS
from sado.cli.station_access import opened
from sado.store.tables import quarantine
from sado.store.tables.events import Event
from tests.support.processes import HUB, Station, environment, sado
from tests.support.stations import APPEAL

PEER, REFERENCE = "station:007", "0070000010"
CASE = Opened(**msgspec.structs.asdict(APPEAL), event="007.a.1", reference=REFERENCE, station=7, received_at=1)
SOUND = Event(OPENED, REFERENCE, msgspec.json.encode(CASE).decode())
STRANGE = Event("case.\x1b[2J", "", '{"a":"\x1b[2J"}')


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Station]:
    """A hub at which three events are kept aside."""
    station = Station(tmp_path / "hub", HUB)
    station.sado("station", "add", "7")
    with opened(settings.load(environment(station.settings), BLOCKS)) as store:
        for event in (STRANGE, SOUND, STRANGE):
            store.write(lambda tx, event=event: quarantine.keep(tx, PEER, event, "EVENT_UNKNOWN"))  # type: ignore[misc]
    yield station
    station.end()


@pytest.mark.parametrize("is_serving", [False, True])
def test_it_is_listed_shown_tried_again_and_deleted(hub: Station, is_serving: bool) -> None:
    if is_serving:
        hub.start()
    listed = hub.sado("quarantine", "list").splitlines()
    assert [line.partition(":")[0] for line in listed] == ["3", "2", "1"]
    assert "case.opened from station:007" in listed[1] and "does not know events of this kind" in listed[1]
    assert APPEAL.text in hub.sado("quarantine", "show", "2")

    released = sado("quarantine", "release", "2", "1", **hub.settings)
    assert released.returncode == 1
    assert released.stdout.splitlines()[1] == "2: applied." and released.stdout.startswith("It stays. 1:")

    assert sado("quarantine", "delete", "1", typed="n\n", **hub.settings).returncode == 1
    assert len(hub.sado("quarantine", "list").splitlines()) == 2
    assert hub.sado("quarantine", "delete", "--yes", "1", "3") == "1: deleted.\n3: deleted.\n"
    assert hub.sado("quarantine", "list") == "Nothing is kept aside.\n"


def test_a_number_that_is_none_changes_nothing(hub: Station) -> None:
    refused = sado("quarantine", "delete", "--yes", "1", "9", **hub.settings)
    assert (refused.returncode, refused.stderr) == (1, "Error: Nothing is kept aside under number 9.\n")
    assert len(hub.sado("quarantine", "list").splitlines()) == 3


def test_no_event_speaks_to_the_terminal(hub: Station) -> None:
    shown = hub.sado("quarantine", "show", "1") + hub.sado("quarantine", "list")
    assert "\x1b" not in shown and "‹001B›[2J" in shown


@pytest.mark.parametrize("command", ["show", "release", "delete"])
def test_a_number_that_no_event_can_have_is_refused_in_a_sentence(hub: Station, command: str) -> None:
    refused = sado("quarantine", command, str(2**63), **hub.settings)
    assert refused.returncode == 2 and "is not in the range" in refused.stderr
