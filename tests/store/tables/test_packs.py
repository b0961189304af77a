"""Versions of the pack: each is kept whole, and the latest is the one that was used last."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from sado.store import Store
from sado.store.tables import packs
from tests.support.stations import Clock, open_store

FILES = {"pack.yaml": b"a: 1\n", "trees/main.yaml": "root: Муроҷиат\n".encode(), "empty.csv": b""}


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(tmp_path: Path, clock: Clock) -> Iterator[Store]:
    with open_store(tmp_path, clock) as opened:
        yield opened


def save(store: Store, version: str) -> None:
    store.write(lambda tx: packs.save(tx, version, "small", FILES))


def latest(store: Store) -> str | None:
    row = store.read(packs.latest)
    return row and row.version


def test_a_new_station_has_no_version(store: Store) -> None:
    assert latest(store) is None
    assert store.read(lambda tx: packs.find(tx, "1")) is None


def test_a_version_comes_back_byte_for_byte(store: Store) -> None:
    save(store, "1")
    found = store.read(lambda tx: packs.find(tx, "1"))
    assert found == packs.PackRow("1", "small", FILES)


def test_the_latest_version_is_the_one_used_last_also_when_an_older_one_returns(store: Store, clock: Clock) -> None:
    used = []
    for version in ("1", "2", "1"):
        clock.move(1)
        save(store, version)
        used.append(latest(store))
    assert used == ["1", "2", "1"]
