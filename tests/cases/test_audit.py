"""The audit log is a chain: whoever changes it is noticed."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from sado.cases import audit, audit_check
from sado.cases.audit import STATION, Action
from sado.cases.audit_check import Wrong
from sado.store import Store
from sado.store.tables import identity
from tests.support.audit import faults, forge, log, rewrite, said, write
from tests.support.stations import open_store

SWAP = "UPDATE audit SET (who, object) = (SELECT who, object FROM audit o WHERE o.number = 17 - audit.number)"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(tmp_path) as store:
        store.write(lambda tx: identity.create(tx, 7))
        yield store


def test_rows_are_numbered_and_each_hash_holds_the_one_before(store: Store) -> None:
    write(store, 3)
    assert [row.number for row in log(store)] == [1, 2, 3]
    assert len({row.hash for row in log(store)}) == 3


def test_what_nobody_touched_verifies(store: Store) -> None:
    assert faults(store) == []
    write(store, 20)
    assert faults(store) == []


def test_a_chain_longer_than_a_step_verifies(store: Store) -> None:
    write(store, 20)
    rests: list[None] = []
    assert audit_check.verify(store, lambda: rests.append(None), most=5) == []
    assert len(rests) == 5
    forge(store, "UPDATE audit SET who = 'person:bahrom' WHERE number = 18")
    assert [fault.number for fault in audit_check.verify(store, most=5)] == [18]


def test_a_changed_row_is_noticed(store: Store) -> None:
    write(store, 20)
    forge(store, "UPDATE audit SET who = 'person:bahrom' WHERE number = 8")
    assert faults(store) == [(7, 8, Wrong.CHANGED)]


@pytest.mark.parametrize("column", ["at", "who", "action", "object", "detail", "hash"])
def test_no_column_can_be_changed(store: Store, column: str) -> None:
    write(store, 20)
    value = 5 if column == "at" else b"5" if column == "hash" else "5"
    forge(store, f"UPDATE audit SET {column} = :value WHERE number = 8", value=value)  # noqa: S608
    assert faults(store) == [(7, 8, Wrong.CHANGED)]


def test_a_row_that_was_taken_out_is_noticed(store: Store) -> None:
    write(store, 20)
    forge(store, "DELETE FROM audit WHERE number = 8")
    assert faults(store) == [(7, 8, Wrong.MISSING)]


def test_a_tail_that_was_cut_off_is_noticed(store: Store) -> None:
    write(store, 20)
    forge(store, "DELETE FROM audit WHERE number > 17")
    assert faults(store) == [(7, 18, Wrong.CUT)]


def test_two_rows_that_changed_places_are_noticed(store: Store) -> None:
    write(store, 20)
    forge(store, f"{SWAP} WHERE number IN (8, 9)")
    assert faults(store) == [(7, 8, Wrong.CHANGED)]


def test_a_row_that_was_put_in_is_noticed(store: Store) -> None:
    write(store, 20)
    forge(store, "UPDATE audit SET number = -number WHERE number > 8")
    forge(store, "UPDATE audit SET number = 1 - number WHERE number < 0")
    forge(
        store,
        "INSERT INTO audit (station, branch, number, at, who, action, object, detail, hash)"
        " SELECT station, branch, 9, at, 'person:bahrom', action, object, detail, hash FROM audit WHERE number = 8",
    )
    assert faults(store) == [(7, 9, Wrong.CHANGED)]


def test_a_row_behind_the_end_is_noticed(store: Store) -> None:
    write(store, 20)
    forge(store, "UPDATE audit_chains SET number = 19, hash = (SELECT hash FROM audit WHERE number = 19)")
    assert faults(store) == [(7, 20, Wrong.LONGER)]


def test_a_chain_whose_end_was_taken_out_is_noticed(store: Store) -> None:
    write(store, 20)
    forge(store, "DELETE FROM audit_chains")
    assert faults(store) == [(7, 1, Wrong.LONGER)]


def test_a_chain_that_was_made_anew_is_whole_here_and_needs_the_copy_above(store: Store) -> None:
    write(store, 20)
    before = log(store)[-1].hash
    rewrite(store, 8, "person:bahrom")
    assert faults(store) == [] and log(store)[-1].hash != before


def test_a_number_in_full_never_gets_into_a_row(store: Store) -> None:
    store.write(
        lambda tx: audit.record(tx, "person:+992900000101", Action.SEARCHED, "+992900000101", "of +992900000101")
    )
    store.write(lambda tx: audit.record(tx, STATION, Action.ACCOUNT_CHANGED, "900 00 01 01"))
    assert said(store) == [("person:+…", "searched", "", "of +…"), (STATION, "account.changed", "", "")]
    assert audit.case("+992900000101") == "" and audit.case("0070000000") in ("", "0070000000")


def test_settings_that_changed_since_the_last_start_are_rows_without_their_values(store: Store) -> None:
    defaults = {"SADO_PORT": "8000", "SADO_KANNEL_PASSWORD": "''"}

    def start(**values: str) -> list[str]:
        return store.write(lambda tx: audit.record_settings(tx, {**defaults, **values}, defaults))

    assert start() == []
    assert start(SADO_KANNEL_PASSWORD="'open sesame'") == ["SADO_KANNEL_PASSWORD"]
    assert start(SADO_KANNEL_PASSWORD="'open sesame'") == []
    assert start(SADO_PORT="9000") == ["SADO_KANNEL_PASSWORD", "SADO_PORT"]
    assert {row[1:] for row in said(store)} == {
        ("setting.changed", "SADO_KANNEL_PASSWORD", ""),
        ("setting.changed", "SADO_PORT", ""),
    }
