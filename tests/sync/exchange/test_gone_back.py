"""A station whose disk went back in time loses nothing of what the other side has."""

import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from sado.cases import payloads
from sado.cases.service import Cases
from sado.store import Store
from sado.store.tables import identity
from sado.sync import outbox
from tests.support.stations import Clock, Station, keys_in
from tests.support.village_and_hub import (
    HUB,
    PEER,
    Pair,
    all_cases,
    applied_at,
    aside,
    check_cursors,
    check_ledger,
    made_at,
)


def gone_back(station: Station, copy: Path) -> Station:
    """The station after an earlier copy was put in the place of its disk, and its program begun anew."""
    path, number = station.store.path, station.store.read(identity.find)
    assert number is not None
    station.store.close()
    for left in path.parent.glob(f"{path.name}*"):
        left.unlink()
    shutil.copy(copy, path)
    store = Store(path, keys_in(path.parent), Clock())
    return Station(store, Cases(number, station.cases.has_upstream, station.cases.law))


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """Where a copy of a disk is kept."""
    return tmp_path / "copy"


@pytest.fixture
def closing() -> Iterator[ExitStack]:
    """Closes the stores that are opened in the place of others."""
    with ExitStack() as stack:
        yield stack


def test_a_hub_whose_disk_went_back_gets_what_it_lost_while_the_village_goes_on(
    busy: Pair, copy: Path, closing: ExitStack
) -> None:
    busy.hub.store.backup(copy)
    busy.settle()
    assert len(all_cases(busy.hub)) == 3
    busy.hub = gone_back(busy.hub, copy)
    closing.callback(busy.hub.store.close)
    assert len(all_cases(busy.hub)) == 1
    busy.settle()
    assert len(all_cases(busy.hub)) == 3
    check_ledger(busy)


@pytest.mark.parametrize("fresh", [1, 2, 3, 5])
def test_what_a_hub_says_after_its_disk_went_back_reaches_a_village_that_goes_on(
    busy: Pair, copy: Path, closing: ExitStack, fresh: int
) -> None:
    """It says fewer things than it had said before its disk went back, or as many, or more."""
    busy.settle()
    known, *others = [busy.file() for _ in range(1 + fresh)]
    busy.settle()
    busy.hub.store.backup(copy)
    busy.record(known, "registered")
    busy.record(known, "answered")
    busy.settle()
    busy.hub = gone_back(busy.hub, copy)
    closing.callback(busy.hub.store.close)
    for other in others:
        busy.record(other, "registered")
    made = made_at(busy.hub.store, HUB) - applied_at(busy.village.store).keys()
    assert len(made) == fresh
    busy.file()
    assert busy.up(busy.exchanged()).incarnation == b"", "the two know each other, and say only what is new"
    busy.settle()
    assert made <= applied_at(busy.village.store).keys()
    assert {*applied_at(busy.hub.store).values(), *applied_at(busy.village.store).values()} == {1}
    check_cursors(busy.hub.store, PEER, busy.village.store, outbox.UPSTREAM)


def test_a_village_whose_disk_went_back_loses_nothing_that_it_filed_since(
    busy: Pair, copy: Path, closing: ExitStack
) -> None:
    busy.village.store.backup(copy)
    lost = busy.file()
    busy.settle()
    busy.village = gone_back(busy.village, copy)
    closing.callback(busy.village.store.close)
    busy.restart()
    filed = [busy.file() for _ in range(2)]
    assert filed[0] == lost, "it gives a number twice: nobody told it that its disk went back"
    busy.settle()
    assert filed[1] in [reference for reference, _ in all_cases(busy.hub)]
    assert aside(busy.hub.store) == [(PEER, payloads.OPENED)], "the other appeal with that number is kept for a person"
    assert {*applied_at(busy.hub.store).values(), *applied_at(busy.village.store).values()} == {1}
    check_cursors(busy.village.store, outbox.UPSTREAM, busy.hub.store, PEER)
    check_cursors(busy.hub.store, PEER, busy.village.store, outbox.UPSTREAM)
