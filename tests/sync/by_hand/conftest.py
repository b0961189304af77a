"""Somebody with a stick between a village and its hub, and something to carry."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from sado.store.tables import stations
from sado.sync.by_hand import file_format
from tests.support.road import Road
from tests.support.stations import Clock, open_station
from tests.support.village_and_hub import HUB, VILLAGE, Pair, noise


@pytest.fixture
def road(tmp_path: Path) -> Iterator[Road]:
    clock = Clock()
    with (
        open_station(tmp_path / "village", VILLAGE, clock=clock) as village,
        open_station(tmp_path / "hub", HUB, has_upstream=False, clock=clock) as hub,
    ):
        pair = Pair(village, hub, hub.store.write(lambda tx: stations.add(tx, VILLAGE)))
        yield Road(pair, clock, tmp_path / "stick")


@pytest.fixture
def busy(road: Road) -> Road:
    """Two who know each other from the line, with events waiting on both sides."""
    known = road.pair.file()
    road.pair.settle()
    road.pair.record(known, "registered")
    road.pair.record(known, "answered")
    road.pair.file()
    road.pair.file()
    return road


@pytest.fixture
def closing() -> Iterator[ExitStack]:
    """Closes the stores that are opened in the place of others."""
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def long(busy: Road) -> bytes:
    """A file of several frames, each with events."""
    for number in range(150):
        busy.pair.file(noise(300 + number))
    content = busy.up().read_bytes()
    assert len(file_format.frames_of(content, busy.pair.key)) >= 3
    return content
