"""What the line carried is counted by day and purpose, and "sync now" is kept until it ends."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from sado.store import Store
from sado.store.tables import line_usage
from sado.store.tables.line_usage import BULK, IDLE, URGENT, Spent
from tests.support.stations import Clock, open_store


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(tmp_path: Path, clock: Clock) -> Iterator[Store]:
    with open_store(tmp_path, clock) as opened:
        yield opened


def add(store: Store, day: str, what: str, up: int, down: int, destination: str = "upstream") -> None:
    store.write(lambda tx: line_usage.add(tx, day, destination, what, up, down))


def spent(store: Store, first: str, last: str) -> list[Spent]:
    return store.read(lambda tx: line_usage.spent(tx, "upstream", first, last))


def test_bytes_of_one_day_and_purpose_add_up(store: Store) -> None:
    add(store, "2026-11-23", URGENT, 300, 100)
    add(store, "2026-11-23", URGENT, 200, 50)
    add(store, "2026-11-23", IDLE, 60, 60)
    assert spent(store, "2026-11-23", "2026-11-23") == [Spent(URGENT, 500, 150), Spent(IDLE, 60, 60)]


def test_a_month_has_its_own_days_only(store: Store) -> None:
    for day in ("2026-10-31", "2026-11-01", "2026-11-30", "2026-12-01"):
        add(store, day, BULK, 1000, 0)
    assert spent(store, "2026-11-01", "2026-11-31") == [Spent(BULK, 2000, 0)]
    assert store.read(lambda tx: line_usage.total(tx, "upstream", "2026-11-30", "2026-11-30")) == 1000


def test_another_destination_is_another_bill(store: Store) -> None:
    add(store, "2026-11-23", URGENT, 300, 100, "station:008")
    assert spent(store, "2026-11-23", "2026-11-23") == []


def test_nothing_leaves_no_row(store: Store) -> None:
    add(store, "2026-11-23", URGENT, 0, 0)
    assert store.read(lambda tx: tx.value("SELECT COUNT(*) FROM traffic")) == 0


def test_sync_now_is_kept_until_it_ends(store: Store, clock: Clock) -> None:
    assert store.read(line_usage.lifted_at) == 0
    store.write(line_usage.lift)
    assert store.read(line_usage.lifted_at) == store.now()
    clock.move(60)
    store.write(line_usage.lift)
    assert store.read(line_usage.lifted_at) == store.now(), "asked again, it begins again"
    store.write(line_usage.end_lift)
    assert store.read(line_usage.lifted_at) == 0
