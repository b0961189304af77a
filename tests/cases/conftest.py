"""A station that orders its own cases, one below another, and a case."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from sado.cases.payloads import Filed
from tests.support.cases import file
from tests.support.stations import Clock, Station, open_station


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def village(tmp_path: Path, clock: Clock) -> Iterator[Station]:
    """A station that orders its own cases."""
    with open_station(tmp_path, 7, has_upstream=False, clock=clock) as station:
        yield station


@pytest.fixture
def outpost(tmp_path: Path, clock: Clock) -> Iterator[Station]:
    """A station with an upstream."""
    with open_station(tmp_path / "outpost", 7, clock=clock) as station:
        yield station


@pytest.fixture
def filed(village: Station) -> Filed:
    return file(village)
