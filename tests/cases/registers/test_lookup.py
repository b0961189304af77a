"""Looking something up: what is found by what people type, and how old it is said to be."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from sado.cases.registers.definitions import RegisterError
from sado.store.tables.registers import Key, RegisterTable
from tests.support.registers import TODAY, Desk, licence, licences, permits, taxes
from tests.support.stations import Clock, open_store

DAY_S = 24 * 3600


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def desk(tmp_path: Path, clock: Clock) -> Iterator[Desk]:
    with open_store(tmp_path, clock) as store:
        yield Desk(store)


@pytest.mark.parametrize(
    ("values", "count"),
    [
        ({"number": "am 1234 000"}, 0),
        ({"number": "AM-0001234"}, 1),
        ({"tin": "020 025 789"}, 1),
        ({"holder": "Shifo"}, 1),
        ({"place": "RA-RAS", "kind": "fuel"}, 1),
        ({"kind": "fuel", "place": "RA-RAS"}, 1),
        ({}, 1),
        ({"number": "' OR 1=1 --"}, 0),
        ({"number": "№ -"}, 0),
        ({"number": ""}, 0),
    ],
)
def test_a_row_is_found_as_people_type(desk: Desk, tmp_path: Path, values: dict[str, str], count: int) -> None:
    desk.load(licences(tmp_path, [licence(1234)]))

    assert len(desk.find("licences", **values).rows) == count


@pytest.mark.parametrize(
    ("typed", "found"),
    [("1234", ["АМ № 0001234", "БТ № 0001234"]), ("am 1234", ["АМ № 0001234"]), ("АБ 1234", []), ("12345", [])],
)
def test_a_serial_is_found_by_its_digits_and_by_letters_that_are_its_own(
    desk: Desk, tmp_path: Path, typed: str, found: list[str]
) -> None:
    desk.load(permits(tmp_path, ["АМ № 0001234", "БТ № 0001234", "АМ № 0000077"]))

    assert desk.ids("permits", number=typed) == found


@pytest.mark.parametrize(
    ("typed", "near"),
    [("Шифон намуна", ["Шифои намуна"]), ("Шифо", ["Шифои намуна"]), ("Шифоидигар", []), ("Боғ", []), ("Ши", [])],
)
def test_a_name_that_nobody_has_shows_those_that_are_nearly_the_same(
    desk: Desk, tmp_path: Path, typed: str, near: list[str]
) -> None:
    desk.load(licences(tmp_path, [licence(1, holder="Шифои намуна"), licence(2, holder="Мактаб")]))
    found = desk.find("licences", holder=typed)

    assert (found.rows, [str(row.values["holder"]) for row in found.near]) == ((), near)


def test_a_name_that_somebody_has_shows_no_others(desk: Desk, tmp_path: Path) -> None:
    desk.load(licences(tmp_path, [licence(1, holder="Шифо"), licence(2, holder="Шифо 1")]))

    assert desk.find("licences", holder="ШИФО").near == ()


def test_a_near_name_whose_row_has_ended_is_not_shown(desk: Desk, tmp_path: Path, clock: Clock) -> None:
    desk.load(licences(tmp_path, [licence(1, holder="Шифои намуна", last_day=TODAY)]))
    assert len(desk.find("licences", holder="Шифо").near) == 1

    clock.move(DAY_S)
    assert desk.find("licences", holder="Шифо").near == ()


def test_a_way_that_a_register_does_not_have_is_told(desk: Desk) -> None:
    with pytest.raises(RegisterError, match="licences is looked up by number; tin; .*; not by kind"):
        desk.find("licences", kind="fuel")


def test_a_row_without_the_field_is_not_found_by_it(desk: Desk, tmp_path: Path) -> None:
    desk.load(licences(tmp_path, [licence(1, holder=""), licence(2)]))

    assert desk.ids("licences", holder="Шифо") == ["АМ № 0000002"]


def test_a_row_that_has_ended_is_not_shown(desk: Desk, tmp_path: Path, clock: Clock) -> None:
    desk.load(licences(tmp_path, [licence(1, last_day=TODAY)]))
    assert len(desk.ids("licences")) == 1

    clock.move(DAY_S)
    assert desk.ids("licences") == []


@pytest.mark.parametrize(("days", "is_stale"), [(0, False), (30, False), (31, True)])
def test_a_copy_is_stale_after_its_days(desk: Desk, tmp_path: Path, clock: Clock, days: int, is_stale: bool) -> None:
    desk.load(licences(tmp_path, [licence(1)]))
    clock.move(days * DAY_S)

    assert desk.find("licences", number="АМ 0000001").is_stale is is_stale
    assert desk.find("licences", number="АМ 0000002").is_stale is is_stale


def test_a_row_that_was_not_renewed_keeps_its_day(desk: Desk, tmp_path: Path) -> None:
    desk.load(licences(tmp_path, [licence(1), licence(2)]), as_of="2026-12-01")
    desk.load(licences(tmp_path, [licence(1)]))

    found = [desk.find("licences", number=f"АМ 000000{number}") for number in (1, 2)]
    assert [(str(one.as_of), one.is_stale) for one in found] == [(TODAY, False), ("2026-12-01", True)]


def test_without_a_copy_there_is_no_day(desk: Desk) -> None:
    found = desk.find("licences", number="АМ 0000001")

    assert (found.rows, found.as_of, found.is_stale) == ((), None, True)


def test_the_day_is_that_of_the_country(tmp_path: Path) -> None:
    # 2027-01-15 20:30 UTC is the 16th in Dushanbe.
    with open_store(tmp_path, Clock(1_800_045_000.0)) as store:
        assert str(Desk(store).registers.today(store.now())) == "2027-01-16"


def test_a_key_left_over_from_an_earlier_definition_shows_nobody(desk: Desk, tmp_path: Path) -> None:
    desk.load(taxes(tmp_path, ["020025789,1985,none"]))
    own, other = (Key(f"tin={tin}") for tin in ("020025789", "999999999"))
    table = RegisterTable("taxes", is_private=True)
    row_id = desk.store.read(lambda tx: table.find(tx, own.text, TODAY, 1))[0].id
    desk.store.write(lambda tx: table.add_keys(tx, row_id, [other]))

    assert len(desk.store.read(lambda tx: table.find(tx, other.text, TODAY, 1))) == 1
    assert desk.find("taxes", tin="999999999").rows == ()


def test_a_private_register_is_unreadable_in_the_files(tmp_path: Path) -> None:
    with open_store(tmp_path) as store:
        Desk(store).load(taxes(tmp_path, ["020025789,1985,owes much"]))
        assert len(Desk(store).find("taxes", tin="020025789", born="1985").rows) == 1
    raw = b"".join(path.read_bytes() for path in tmp_path.glob("station.db*"))

    assert [words in raw for words in (b"020025789", b"owes much")] == [False, False]
