"""Loading a register: what is kept of a file, what is rejected, and what becomes of the rows that were here."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sado.cases.registers.csv_file import LONGEST_LINE, LONGEST_STEP, LONGEST_UNENDED, RegisterFile
from sado.cases.registers.definitions import RegisterError
from sado.cases.registers.loading import MOST_LINES, Line, Load, Loading, Removed, Step
from tests.support.registers import LANGUAGES, LICENCES, Desk, licence, licences, taxes, written
from tests.support.stations import open_store


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with open_store(tmp_path) as store:
        yield Desk(store)


def test_a_sound_file_is_kept_and_counted(desk: Desk, tmp_path: Path) -> None:
    path = licences(tmp_path, [licence(number) for number in range(3)])

    first, again = desk.load(path), desk.load(path)

    assert (first.read, first.new, first.unchanged, first.rejected) == (3, 3, 0, [])
    assert (again.read, again.new, again.changed, again.unchanged) == (3, 0, 0, 3)


def test_the_good_lines_are_kept_and_the_bad_told_by_number(desk: Desk, tmp_path: Path) -> None:
    lines = [
        licence(1),
        licence(2, tin="02002578"),
        "",
        "too,few",
        licence(3, place="XX-XXX", what_tg="", what_ru=""),
        licence(4, number="№"),
        licence(5, sample="maybe"),
        '"open, and never closed',
    ]

    report = desk.load(licences(tmp_path, lines))

    assert (report.read, report.new, report.kept) == (7, 1, 1)
    assert report.rejected == [
        (3, "tin: 9 digits are needed, got 8 characters"),
        (5, "9 columns are needed, got 2"),
        (6, "what: is empty; place: this code is not in the country's list of places"),
        (7, "number: no letter or digit names the row"),
        (8, "sample: is yes or empty"),
        (9, "this is not CSV: unexpected end of data"),
    ]


def test_a_line_is_numbered_by_where_it_begins(desk: Desk, tmp_path: Path) -> None:
    path = licences(tmp_path, [licence(1, what_tg='"two\nlines"'), licence(2, tin="x")])

    assert [number for number, _ in desk.load(path).rejected] == [4]


def test_a_changed_row_is_found_by_its_new_values_alone(desk: Desk, tmp_path: Path) -> None:
    desk.load(licences(tmp_path, [licence(1), licence(2)]))

    report = desk.load(licences(tmp_path, [licence(1, tin="999999999")]))

    assert (report.new, report.changed, report.unchanged) == (0, 1, 0)
    assert desk.ids("licences", tin="999999999") == ["АМ № 0000001"]
    assert desk.ids("licences", tin="020025789") == ["АМ № 0000002"]


def test_rows_that_a_file_does_not_name_stay_unless_it_is_the_whole(desk: Desk, tmp_path: Path) -> None:
    desk.load(licences(tmp_path, [licence(number) for number in range(4)]))

    part = desk.load(licences(tmp_path, [licence(1)]))
    assert (part.removed, len(desk.ids("licences"))) == (0, 4)

    whole = desk.load(licences(tmp_path, [licence(1), licence(9)]), is_whole=True)
    assert (whole.removed, desk.ids("licences")) == (3, ["АМ № 0000001", "АМ № 0000009"])
    assert desk.ids("licences", number="АМ 0000002") == []


def test_many_rows_are_removed_in_steps(desk: Desk, tmp_path: Path) -> None:
    desk.load(licences(tmp_path, [licence(number) for number in range(MOST_LINES * 2 + 1)]))

    whole = desk.load(licences(tmp_path, [licence(7)]), is_whole=True)

    assert (whole.removed, desk.ids("licences")) == (MOST_LINES * 2, ["АМ № 0000007"])


def test_a_rejected_line_never_costs_its_old_row(desk: Desk, tmp_path: Path) -> None:
    desk.load(licences(tmp_path, [licence(1), licence(2), licence(3)]), as_of="2027-01-10")

    report = desk.load(licences(tmp_path, [licence(1), licence(2, tin="x")]), is_whole=True)

    assert (report.removed, desk.ids("licences")) == (1, ["АМ № 0000001", "АМ № 0000002"])
    assert str(desk.find("licences", number="АМ 0000002").as_of) == "2027-01-10"


def test_nothing_is_removed_while_a_line_does_not_tell_its_row(desk: Desk, tmp_path: Path) -> None:
    desk.load(licences(tmp_path, [licence(1), licence(2)]))

    report = desk.load(licences(tmp_path, [licence(1), "damaged"]), is_whole=True)

    assert (report.nameless, report.removed, len(desk.ids("licences"))) == (1, 0, 2)


def test_a_whole_file_of_bad_lines_leaves_the_register_as_it_was(desk: Desk, tmp_path: Path) -> None:
    desk.load(licences(tmp_path, [licence(1)]), as_of="2027-01-10")

    report = desk.load(licences(tmp_path, [licence(2, tin="x")]), is_whole=True)

    assert (report.kept, desk.ids("licences")) == (0, ["АМ № 0000001"])
    assert str(desk.find("licences").as_of) == "2027-01-10"


@pytest.mark.parametrize(
    ("columns", "says"),
    [
        ("number,what_tg,what_ru,kind", "missing: tin"),
        (f"{LICENCES},colour", "unknown: colour"),
        (f"{LICENCES},tin", "there twice: tin"),
        ("", "missing: number, tin"),
        ('"', "does not begin with a line of columns"),
    ],
)
def test_wrong_columns_are_told_before_anything_is_read(desk: Desk, tmp_path: Path, columns: str, says: str) -> None:
    with pytest.raises(RegisterError, match=says):
        desk.load(written(tmp_path / "licences.csv", columns, [licence(1)]))
    assert desk.ids("licences") == []


def test_a_file_as_spreadsheets_save_it_is_read(desk: Desk, tmp_path: Path) -> None:
    path = tmp_path / "licences.csv"
    path.write_bytes("\r\n".join([LICENCES, licence(1), ""]).encode("utf-8-sig"))

    assert desk.load(path).new == 1


def test_another_encoding_is_a_sentence(desk: Desk, tmp_path: Path) -> None:
    path = tmp_path / "licences.csv"
    path.write_bytes("\n".join([LICENCES, "АМ,аптека"]).encode("cp1251"))

    with pytest.raises(RegisterError, match=r"does not begin with a line of columns in UTF-8|is not UTF-8"):
        desk.load(path)


@pytest.mark.parametrize("noise", ["x" * LONGEST_UNENDED, '"a\n",' * LONGEST_UNENDED])
def test_a_line_that_never_ends_is_not_read_to_its_end(desk: Desk, tmp_path: Path, noise: str) -> None:
    path = tmp_path / "licences.csv"
    path.write_text(f"{LICENCES}\n{licence(1)}\n{noise}", "utf-8")

    with RegisterFile(path, desk.registers.get("licences"), desk.registers.languages) as file:
        with pytest.raises(RegisterError, match="has a line that does not end"):
            list(file.steps())
        assert file.position < LONGEST_UNENDED * 2


@given(st.binary(max_size=300))
def test_any_bytes_end_in_a_report_or_a_sentence(tmp_path_factory: pytest.TempPathFactory, noise: bytes) -> None:
    folder = tmp_path_factory.mktemp("noise")
    path = folder / "licences.csv"
    path.write_bytes(f"{LICENCES}\n{licence(1)}\n".encode() + noise)

    with open_store(folder) as store:
        desk = Desk(store)
        try:
            report = desk.load(path)
        except RegisterError as error:
            assert str(error).endswith(".")
        else:
            assert report.read == report.kept + len(report.rejected)


def test_the_oldest_copy_may_not_come_last(desk: Desk, tmp_path: Path) -> None:
    path = licences(tmp_path, [licence(1)])
    desk.load(path)

    with pytest.raises(RegisterError, match="load a newer file"):
        desk.load(path, as_of="2027-01-14")
    with pytest.raises(RegisterError, match="a day to come"):
        desk.load(path, as_of="2027-01-16")
    with pytest.raises(RegisterError, match="The registers are: licences, permits, taxes"):
        desk.load(path, name="licence")


def test_samples_stay_out_of_real_registers_and_real_rows_replace_them(desk: Desk, tmp_path: Path) -> None:
    sample, real = licence(1, sample="yes"), licence(2)
    desk.load(licences(tmp_path, [sample]))
    assert standing(desk)["licences"] == (1, True)

    desk.load(licences(tmp_path, [real]))
    assert standing(desk)["licences"] == (2, True)

    desk.load(licences(tmp_path, [real]), is_whole=True)
    assert standing(desk)["licences"] == (1, False)

    refused = desk.load(licences(tmp_path, [sample]))
    assert refused.rejected == [(2, "sample: an invented row cannot go into a register of real ones")]


def standing(desk: Desk) -> dict[str, tuple[int, bool]]:
    return {one.name: (one.count, one.is_sample) for one in desk.store.read(desk.registers.standing)}


def test_new_rows_are_announced_from_the_second_load_on(desk: Desk, tmp_path: Path) -> None:
    desk.load(licences(tmp_path, [licence(1)]))
    assert desk.announced == []

    desk.load(licences(tmp_path, [licence(1, tin="999999999"), licence(2), licence(3, tin="x")]))

    assert [(agency, values["number"]) for agency, values in desk.announced] == [("INV", "АМ № 0000002")]


class Broken:
    """The steps of a load that is broken off after the first: the power goes."""

    def __init__(self, loading: Loading) -> None:
        self._loading = loading
        self._kept = 0

    def begin(self, register: str, as_of: str) -> Load:
        return self._loading.begin(register, as_of)

    def keep(self, load: Load, lines: Sequence[Line]) -> Step:
        self._kept += 1
        if self._kept > 1:
            raise KeyboardInterrupt
        return self._loading.keep(load, lines)

    def remove(self, load: Load, after: str) -> Removed:
        return self._loading.remove(load, after)

    def end(self, load: Load, is_sample: bool) -> None:
        self._loading.end(load, is_sample)


def test_a_load_that_is_broken_off_can_be_used_and_is_finished_by_the_next(desk: Desk, tmp_path: Path) -> None:
    path = licences(tmp_path, [licence(number) for number in range(MOST_LINES + 10)])

    with pytest.raises(KeyboardInterrupt):
        desk.load(path, is_whole=True, steps=Broken(desk.loading))
    here, gone = desk.find("licences", number="АМ 0000001"), desk.find("licences", number=f"АМ {MOST_LINES + 1:07}")
    assert (len(here.rows), here.is_stale) == (1, False)
    assert (len(gone.rows), gone.as_of, gone.is_stale) == (0, None, True)

    report = desk.load(path, is_whole=True)
    assert (report.new, report.unchanged, report.removed) == (10, MOST_LINES, 0)
    assert len(desk.find("licences", number=f"АМ {MOST_LINES + 1:07}").rows) == 1


@pytest.mark.long
def test_a_hundred_thousand_rows_are_loaded_and_each_is_found(desk: Desk, tmp_path: Path) -> None:
    count = 100_000
    path = taxes(tmp_path, [f"{number:09},1980,none" for number in range(count)])

    assert desk.load(path).new == count

    assert [len(desk.find("taxes", tin=f"{number:09}").rows) for number in (0, 77_777, count - 1, count)] == [
        1,
        1,
        1,
        0,
    ]


@pytest.mark.parametrize("cell", ["x", "ӯ" * 9_000, "ӯ" * 30_000])
def test_steps_are_short_enough_for_the_door(desk: Desk, tmp_path: Path, cell: str) -> None:
    path = licences(tmp_path, [licence(number, holder=cell) for number in range(30)])

    with RegisterFile(path, desk.registers.get("licences"), LANGUAGES) as file:
        steps = list(file.steps())
    lengths = [sum(len(cell) for line in step for cell in line.cells.values()) for step in steps]
    assert sum(map(len, steps)) == 30
    assert max(lengths) < LONGEST_STEP + LONGEST_LINE
