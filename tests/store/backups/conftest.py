"""A station's folder, and a backup that was made of it."""

from pathlib import Path

import pytest

from sado.store.backups.file_format import CHUNK, HEADER
from sado.store.sealed_stream import TAG_BYTES
from tests.support.backups import VILLAGE, file_case, make
from tests.support.stations import keys_in, open_station


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "village"
    folder.mkdir()
    keys_in(folder)
    return folder


@pytest.fixture
def file(folder: Path, tmp_path: Path) -> Path:
    """A backup of a station with cases enough for several chunks."""
    with open_station(folder, VILLAGE) as station:
        for number in range(250):
            file_case(station, f"Об нест {number}")
        make(station.store, tmp_path / "backup")
    assert (tmp_path / "backup").stat().st_size > HEADER.size + 2 * (CHUNK + TAG_BYTES)
    return tmp_path / "backup"
