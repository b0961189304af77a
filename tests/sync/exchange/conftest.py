"""A village and its hub, quiet and with something to say."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from sado.store.tables import stations
from tests.support.stations import Clock, open_station
from tests.support.village_and_hub import HUB, VILLAGE, Pair


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    clock = Clock()
    with (
        open_station(tmp_path / "village", VILLAGE, clock=clock) as village,
        open_station(tmp_path / "hub", HUB, has_upstream=False, clock=clock) as hub,
    ):
        yield Pair(village, hub, hub.store.write(lambda tx: stations.add(tx, VILLAGE)))


@pytest.fixture
def busy(pair: Pair) -> Pair:
    """A pair with events waiting on both sides."""
    known = pair.file()
    pair.settle()
    pair.record(known, "registered")
    pair.record(known, "answered")
    pair.file()
    pair.file()
    return pair
