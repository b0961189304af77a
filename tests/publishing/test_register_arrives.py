"""Registers that come from the upstream: each station has the districts that it serves, as of the agency's day."""

import tracemalloc
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from sado.cases.registers import csv_file
from sado.cases.registers.csv_file import RegisterFile
from sado.cases.registers.definitions import RegisterError
from sado.cases.registers.loading import MOST_LINES
from sado.cases.registers.lookup import Found
from sado.cases.registers.snapshots import LONGEST_LINE, NOWHERE, Snapshots
from sado.menus.reading import pack
from sado.publishing import bundle
from sado.store import Store
from sado.store.tables import published_blobs, wanted_blobs
from sado.store.tables import registers as kept
from sado.sync.blobs import publish
from tests.support.down import Down, open_down
from tests.support.registers import LICENCES, TAXES, TODAY, Desk, licence, written
from tests.support.stations import open_store

HERE, THERE = "RA-RAS", "RA-VAR"
TODAYS, LATER = TODAY, "2027-01-16"
TAX = "020025789,1985,none"


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Desk]:
    yield from _desk(tmp_path / "hub")


@pytest.fixture
def village(tmp_path: Path) -> Iterator[Desk]:
    yield from _desk(tmp_path / "village")


def _desk(folder: Path) -> Iterator[Desk]:
    folder.mkdir()
    with open_store(folder) as store:
        desk = Desk(store)
        desk.registers._places = frozenset({HERE, THERE})
        yield desk


def copies(desk: Desk) -> Snapshots:
    return Snapshots(desk.store, desk.registers, desk.loading, [HERE, THERE])


def load(desk: Desk, folder: Path, *lines: str, name: str = "licences", as_of: str = TODAYS) -> None:
    columns = {"licences": LICENCES, "taxes": TAXES}[name]
    report = desk.load(written(folder / f"{name}.csv", columns, lines), is_whole=True, as_of=as_of)
    assert report.rejected == []


def made(desk: Desk, name: str = "licences") -> dict[str, bytes]:
    return dict(copies(desk).made(name))


THREE = (licence(1, place=HERE), licence(2, place=THERE), licence(3, place=""))


def all_ids(desk: Desk) -> list[str]:
    return sorted(one.removeprefix("АМ № 000000") for one in desk.ids("licences"))


def by_place(desk: Desk, place: str) -> Found:
    return desk.find("licences", place=place, kind="fuel")


def test_a_register_about_districts_is_made_in_parts_and_whole(hub: Desk, tmp_path: Path) -> None:
    load(hub, tmp_path, *THREE)

    assert list(made(hub)) == [HERE, THERE, NOWHERE, ""]
    assert [part.count(b"\n") for part in made(hub).values()] == [2, 2, 2, 4]


def test_a_register_about_no_district_is_made_whole_alone(hub: Desk, tmp_path: Path) -> None:
    load(hub, tmp_path, TAX, name="taxes")

    assert list(made(hub, "taxes")) == [""]


def test_the_same_register_gives_the_same_bytes_again(hub: Desk, tmp_path: Path) -> None:
    load(hub, tmp_path, *THREE)
    first = made(hub)
    load(hub, tmp_path, *reversed(THREE))

    assert made(hub) == first


def test_without_a_copy_there_is_nothing_to_make(hub: Desk) -> None:
    with pytest.raises(RegisterError, match="load one first"):
        made(hub)


def test_a_whole_copy_is_what_the_hub_has(hub: Desk, village: Desk, tmp_path: Path) -> None:
    load(hub, tmp_path, *THREE)
    copies(village).take(made(hub)[""])

    assert all_ids(village) == ["1", "2", "3"]
    assert [row.values for row in village.find("licences").rows] == [row.values for row in hub.find("licences").rows]
    assert village.find("licences").as_of == hub.find("licences").as_of
    assert made(village)[""] == made(hub)[""]
    assert village.announced == []


def test_a_part_is_one_district_and_other_districts_are_not_known(hub: Desk, village: Desk, tmp_path: Path) -> None:
    load(hub, tmp_path, *THREE)
    copies(village).take(made(hub)[HERE])
    copies(village).take(made(hub)[NOWHERE])

    assert all_ids(village) == ["1", "3"]
    assert not by_place(village, HERE).is_stale
    elsewhere = by_place(village, THERE)
    assert (elsewhere.rows, elsewhere.as_of, elsewhere.is_stale) == ((), None, True)
    # Nor is a number that may be that of another district; the hub, which has all, knows better.
    assert village.find("licences", number="АМ 0000002").is_stale
    assert not hub.find("licences", number="АМ 0000009").is_stale


def test_a_district_of_which_there_is_nothing_is_known_to_have_nothing(
    hub: Desk, village: Desk, tmp_path: Path
) -> None:
    load(hub, tmp_path, THREE[0])
    copies(village).take(made(hub)[THERE])

    found = by_place(village, THERE)
    assert (found.rows, str(found.as_of), found.is_stale) == ((), TODAYS, False)


def test_rows_that_left_a_district_disappear_and_those_of_others_stay(hub: Desk, village: Desk, tmp_path: Path) -> None:
    load(hub, tmp_path, *THREE, licence(4, place=HERE))
    for part in (HERE, THERE, NOWHERE):
        copies(village).take(made(hub)[part])
    load(hub, tmp_path, licence(4, place=HERE))
    copies(village).take(made(hub)[HERE])

    assert all_ids(village) == ["2", "3", "4"]
    copies(village).take(made(hub)[THERE])
    assert all_ids(village) == ["3", "4"]


def test_a_whole_copy_takes_the_place_of_parts(hub: Desk, village: Desk, tmp_path: Path) -> None:
    load(hub, tmp_path, *THREE)
    copies(village).take(made(hub)[HERE])
    load(hub, tmp_path, *THREE[1:])
    copies(village).take(made(hub)[""])

    assert all_ids(village) == ["2", "3"]
    assert not by_place(village, HERE).is_stale


def test_new_rows_are_announced_but_not_those_of_a_district_that_comes_for_the_first_time(
    hub: Desk, village: Desk, tmp_path: Path
) -> None:
    load(hub, tmp_path, *THREE)
    copies(village).take(made(hub)[HERE])
    copies(village).take(made(hub)[THERE])
    assert village.announced == []

    load(hub, tmp_path, *THREE, licence(4, place=HERE))
    copies(village).take(made(hub)[HERE])
    assert [values["number"] for _, values in village.announced] == ["АМ № 0000004"]


def test_a_copy_may_be_taken_in_again_from_the_start(hub: Desk, village: Desk, tmp_path: Path) -> None:
    load(hub, tmp_path, *THREE)
    for _ in range(2):
        copies(village).take(made(hub)[""])

    assert all_ids(village) == ["1", "2", "3"]


def test_a_row_that_was_not_in_the_last_copy_keeps_its_older_day(hub: Desk, village: Desk, tmp_path: Path) -> None:
    load(hub, tmp_path, *THREE, as_of="2027-01-01")
    hub.load(written(tmp_path / "licences.csv", LICENCES, THREE[:1]), as_of=TODAYS)
    copies(village).take(made(hub)[""])

    days = {str(row.values["number"])[-1]: str(row.as_of) for row in village.find("licences").rows}
    assert days == {"1": TODAYS, "2": "2027-01-01", "3": "2027-01-01"}


def test_parts_may_come_in_any_order_and_an_older_one_of_the_same_is_refused(
    hub: Desk, village: Desk, tmp_path: Path
) -> None:
    load(hub, tmp_path, *THREE, as_of="2027-01-01")
    old = made(hub)
    load(hub, tmp_path, *THREE)
    copies(village).take(made(hub)[HERE])
    copies(village).take(old[THERE])
    assert (by_place(village, HERE).is_stale, by_place(village, THERE).is_stale) == (False, False)

    with pytest.raises(RegisterError, match="later than 2027-01-01"):
        copies(village).take(old[HERE])
    with pytest.raises(RegisterError, match="later than 2027-01-01"):
        copies(village).take(old[""])


def test_a_clock_that_is_wrong_here_keeps_no_copy_out(hub: Desk, village: Desk, tmp_path: Path) -> None:
    load(hub, tmp_path, *THREE)
    copy = made(hub)[""].replace(TODAYS.encode(), b"2033-01-01")

    copies(village).take(copy)
    assert str(village.find("licences").as_of) == "2033-01-01"


def test_samples_do_not_take_the_place_of_a_real_copy(hub: Desk, village: Desk, tmp_path: Path) -> None:
    load(village, tmp_path, THREE[0])
    load(hub, tmp_path, licence(9, sample="yes"))

    with pytest.raises(RegisterError, match="is real"):
        copies(village).take(made(hub)[""])
    load(hub, tmp_path, licence(9))
    copies(village).take(made(hub)[""])
    assert all_ids(village) == ["9"]


@pytest.mark.parametrize(
    "damage",
    [
        lambda copy: b"",
        lambda copy: b"no JSON",
        lambda copy: copy.replace(TODAYS.encode(), b"yesterday"),
        lambda copy: copy.replace(b'"number"', b'"nummer"'),
        lambda copy: copy.replace(b"licences", b"pensions"),
        lambda copy: copy.replace(HERE.encode(), b"RA-XXX"),
        lambda copy: copy.replace(b"{", b'{"x":' + b"[" * 50_000 + b"]" * 50_000 + b",", 1),
        lambda copy: copy + b'{"x":' + b"[" * 50_000,
        lambda copy: copy + b'{"cells":{"number":"' + b"x" * LONGEST_LINE + b'"}}\n',
    ],
)
def test_a_copy_with_any_fault_changes_nothing(hub: Desk, village: Desk, tmp_path: Path, damage: object) -> None:
    load(hub, tmp_path, *THREE)
    copies(village).take(made(hub)[""])
    load(hub, tmp_path, *THREE[:2], licence(5, place=HERE))

    with pytest.raises(RegisterError):
        copies(village).take(damage(made(hub)[""]))  # type: ignore[operator]

    assert all_ids(village) == ["1", "2", "3"]


def test_a_copy_of_many_short_lines_takes_little_more_memory_than_its_bytes(hub: Desk, tmp_path: Path) -> None:
    load(hub, tmp_path, *THREE)
    copy = made(hub)[""] + b'{"cells":{}}\n' * 300_000
    tracemalloc.start()
    try:
        with pytest.raises(RegisterError, match="line 5: "):
            copies(hub).take(copy)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < len(copy) * 2


def test_rows_of_other_days_are_kept_each_with_its_day(hub: Desk, village: Desk, tmp_path: Path) -> None:
    load(hub, tmp_path, *THREE)
    head, row, *_ = made(hub)[""].splitlines()
    numbered = [row.replace(b"0000001", b"%07d" % number)[:-1] for number in range(1, MOST_LINES * 2)]
    dated = [line + (b',"as_of":"2026-01-0%d"}' % (number % 3 + 1)) for number, line in enumerate(numbered)]

    copies(village).take(b"\n".join([head, *dated]))

    kept_rows = village.store.read(kept.RegisterTable("licences", False).rows)
    days = Counter(row.as_of for row in kept_rows)
    assert days == {f"2026-01-0{day}": MOST_LINES * 2 // 3 for day in (1, 2, 3)}


def test_of_a_private_register_nobody_can_guess_a_row_by_its_hash(hub: Desk, village: Desk, tmp_path: Path) -> None:
    for desk in (hub, village):
        load(desk, tmp_path, TAX, name="taxes")

    assert made(hub, "taxes") != made(village, "taxes")
    copies(village).take(made(hub, "taxes")[""])
    assert [row.values["debt"] for row in village.find("taxes", tin="020025789", born="1985").rows] == ["none"]


def test_the_district_of_a_private_row_is_not_in_the_file(tmp_path: Path) -> None:
    with open_store(tmp_path) as store:
        table = kept.RegisterTable("exams", is_private=True)
        store.write(lambda tx: table.save(tx, kept.RegisterRow("ab", "{}", TODAYS), 1, HERE))
        part = store.read(lambda tx: tx.value("SELECT part FROM register_rows"))
        found = store.read(lambda tx: [table.unnamed(tx, 2, "", 9, one) for one in (HERE, THERE, "")])
    assert part and HERE not in part
    assert found == [["ab"], [], ["ab"]]


# Between two stations


KISUMU = "KE-17"
OFFICES = pack.PACKS / "kenya" / "samples" / "offices.csv"


def districts_of(store: Store) -> set[str]:
    return {row[0] for row in store.read(lambda tx: tx.all("SELECT part FROM register_parts"))}


def load_offices(down: Down) -> None:
    known = down.hub.registers
    with RegisterFile(OFFICES, known.get("offices"), known.languages) as file:
        day = known.today(down.hub.store.now()).isoformat()
        report = csv_file.load(file, down.hub.publishing.loading, "offices", day, True, lambda position: None)
    assert report.kept


def test_a_station_for_all_districts_gets_the_whole(tmp_path: Path) -> None:
    with open_down(tmp_path, "kenya") as down:
        load_offices(down)
        assert down.hub.publishing.publish_register("offices") > 1
        down.settle()

        assert districts_of(down.village.store) == set()
        (name,) = [one.name for one in down.hub.store.read(published_blobs.offers)]
        assert (name, down.told(name)) == ("register/offices", (wanted_blobs.TAKEN, ""))
        both = [one.store.read(kept.counts) for one in (down.hub, down.village)]
        assert both[0] == both[1]
        assert down.hub.publishing.publish_register("offices") == 0


def test_a_station_for_one_district_gets_that_one(tmp_path: Path) -> None:
    with open_down(tmp_path, "kenya", (KISUMU,)) as down:
        load_offices(down)
        down.hub.publishing.publish_register("offices")
        down.settle()

        assert districts_of(down.village.store) == {KISUMU, NOWHERE}
        names = {one.name for one in down.hub.store.read(published_blobs.offers)}
        assert names == {f"register/offices/{KISUMU}", f"register/offices/{NOWHERE}"}
        counts = [one.store.read(kept.counts).get("offices", 0) for one in (down.hub, down.village)]
        assert 0 < counts[1] < counts[0]


def test_a_register_that_the_pack_did_not_know_is_taken_in_when_its_pack_comes(tmp_path: Path) -> None:
    files = pack.files_of("kenya")
    bureaus = files["registers.yaml"].replace(b"\noffices:", b"\nbureaus:", 1)
    files["registers.yaml"] += b"\n" + bureaus
    with open_down(tmp_path, "kenya") as down:
        load_offices(down)
        publish.publish(down.hub.store, [("register/bureaus", whole(down).replace(b'"offices"', b'"bureaus"'))])
        down.settle()
        state, reason = down.told("register/bureaus")
        assert (state, "There is no register 'bureaus'" in reason) == (wanted_blobs.REFUSED, True)

        publish.publish(down.hub.store, [("pack/kenya", bundle.packed(files))])
        down.settle()
        assert (down.told("pack/kenya"), down.told("register/bureaus")) == (
            (wanted_blobs.TAKEN, ""),
            (wanted_blobs.TAKEN, ""),
        )
        assert down.village.store.read(kept.counts)["bureaus"] == 2


def whole(down: Down) -> bytes:
    """The hub's copy of its offices."""
    return dict(down.hub.publishing.snapshots.made("offices"))[""]
