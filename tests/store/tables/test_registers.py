"""Registers as rows: found by one index however many there are, and unreadable where they are private."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from sado.store import Store
from sado.store.errors import SealError
from sado.store.tables import registers
from sado.store.tables.registers import Key, RegisterRow, RegisterTable
from tests.support.stations import open_store

PUBLIC, PRIVATE = RegisterTable("licences", is_private=False), RegisterTable("taxes", is_private=True)
TODAY = "2027-01-15"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(tmp_path) as store:
        yield store


def keep(store: Store, table: RegisterTable, words: str, *keys: Key, body: str = "body", load: int = 1) -> str:
    def job(tx: registers.Transaction) -> str:
        row_id = table.row_id(tx, words)
        table.save(tx, RegisterRow(row_id, body, TODAY), load)
        table.add_keys(tx, row_id, keys)
        return row_id

    return store.write(job)


def bodies(store: Store, table: RegisterTable, key: str, today: str = TODAY, limit: int = 9) -> list[str]:
    return [row.body for row in store.read(lambda tx: table.find(tx, key, today, limit))]


@pytest.mark.parametrize("table", [PUBLIC, PRIVATE])
def test_a_row_is_found_by_each_of_its_keys_and_no_other(store: Store, table: RegisterTable) -> None:
    keep(store, table, "one", Key("tin=1"), Key("number=a"))

    assert [bodies(store, table, key) for key in ("tin=1", "number=a", "tin=2", "' OR 1=1 --")] == [
        ["body"],
        ["body"],
        [],
        [],
    ]


def test_registers_do_not_see_the_rows_of_each_other(store: Store) -> None:
    keep(store, PUBLIC, "one", Key("tin=1"))

    assert bodies(store, RegisterTable("businesses", is_private=False), "tin=1") == []


@pytest.mark.parametrize(("today", "shown"), [("2027-01-14", 1), ("2027-01-15", 1), ("2027-01-16", 0)])
def test_a_row_is_shown_until_its_last_day_is_over(store: Store, today: str, shown: int) -> None:
    keep(store, PUBLIC, "one", Key("all=", until="2027-01-15"))

    assert len(bodies(store, PUBLIC, "all=", today)) == shown


def test_rows_that_end_soonest_come_first_and_no_more_than_asked_for(store: Store) -> None:
    for number, until in enumerate(["2027-03-01", "2027-01-20", "2027-02-01"]):
        keep(store, PUBLIC, str(number), Key("all=", until), body=until)

    assert bodies(store, PUBLIC, "all=", limit=2) == ["2027-01-20", "2027-02-01"]


def test_a_dropped_key_finds_nothing(store: Store) -> None:
    row_id = keep(store, PUBLIC, "one", Key("tin=1"), Key("tin=2"))
    store.write(lambda tx: PUBLIC.drop_keys(tx, row_id, [Key("tin=1")]))

    assert (bodies(store, PUBLIC, "tin=1"), bodies(store, PUBLIC, "tin=2")) == ([], ["body"])


def test_a_row_that_a_later_load_named_is_not_removed(store: Store) -> None:
    old, new = keep(store, PUBLIC, "old", load=1), keep(store, PUBLIC, "new", load=2)

    assert store.read(lambda tx: PUBLIC.unnamed(tx, 2, "", 9)) == [old]
    assert store.write(lambda tx: PUBLIC.remove(tx, new, 2)) is None
    assert store.write(lambda tx: PUBLIC.remove(tx, old, 2)) is not None
    assert registers_counted(store) == {"licences": 1}


def registers_counted(store: Store) -> dict[str, int]:
    return store.read(registers.counts)


@pytest.mark.parametrize(("table", "is_readable"), [(PUBLIC, True), (PRIVATE, False)])
def test_a_private_register_shows_nothing_in_the_files(tmp_path: Path, table: RegisterTable, is_readable: bool) -> None:
    with open_store(tmp_path) as store:
        keep(store, table, "secretname", Key("secretkey"), body="secretbody")
    raw = b"".join(path.read_bytes() for path in tmp_path.glob("station.db*"))

    assert [words in raw for words in (b"secretname", b"secretkey", b"secretbody")] == [is_readable] * 3


def test_a_private_body_moved_to_another_row_does_not_open(store: Store) -> None:
    one, other = keep(store, PRIVATE, "one"), keep(store, PRIVATE, "other")
    store.write(
        lambda tx: tx.run(
            "UPDATE register_rows SET body = (SELECT body FROM register_rows WHERE id = :one) WHERE id = :other",
            one=one,
            other=other,
        )
    )

    with pytest.raises(SealError):
        store.read(lambda tx: PRIVATE.get(tx, other))


def test_a_lookup_walks_indexes_alone(store: Store) -> None:
    plan = store.read(
        lambda tx: tx.all(
            "EXPLAIN QUERY PLAN SELECT r.body FROM register_keys k JOIN register_rows r ON r.register = k.register"
            " AND r.id = k.id WHERE k.register = :r AND k.key = :k AND k.until >= :t ORDER BY k.until, k.id LIMIT :l",
            r="",
            k="",
            t="",
            l=1,
        )
    )

    steps = [row[3] for row in plan]
    assert len(steps) == 2 and all(step.startswith("SEARCH") and "INDEX" in step for step in steps), steps


def test_a_question_is_remembered_by_what_it_is_about(store: Store) -> None:
    store.write(lambda tx: registers.remember_question(tx, "+992900000001 licences 1", "0070000017"))
    store.write(lambda tx: registers.remember_question(tx, "+992900000001 licences 1", "0070000025"))

    assert store.read(lambda tx: registers.question_about(tx, "+992900000001 licences 1")) == "0070000025"
    assert store.read(lambda tx: registers.question_about(tx, "+992900000001 licences 2")) is None
