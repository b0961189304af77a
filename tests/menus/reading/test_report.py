"""What `sado menus check` says: a table that reads, and JSON that parses."""

import json
from pathlib import Path

import pytest

from sado.menus.gsm import Budget
from sado.menus.misfits import Misfit
from sado.menus.pack import Pack
from sado.menus.reading import report
from sado.menus.reading.pack import PackError, build, nothing_else
from sado.menus.tree import TreeError
from sado.publishing import checking
from tests.support.packs import LAW, small, written

USSD = Budget()


def of(folder: Path, odd: str = "", budget: Budget = USSD) -> report.Report:
    return report.of(str(written(folder, small(odd) if odd else small())), budget, nothing_else)


def test_a_sound_pack_is_one_line(tmp_path: Path) -> None:
    assert of(tmp_path).as_table() == f"{tmp_path}: 7 screens in en, ru: no fault"


def test_each_fault_is_a_line_of_a_table_and_the_last_line_sums_up(tmp_path: Path) -> None:
    lines = of(tmp_path, "odd: {type: prompt, text: {en: A, ru: Я}}\nx: {}\n").as_table().split("\n")
    assert [line.split() for line in lines[:2]] == [
        ["where", "screen", "language", "what", "to", "do"],
        ["trees/base.yaml:17", "odd", "`answer`", "is", "missing:", "where", "the", "answer", "is", "kept"],
    ]
    assert len({line.index(words) for line, words in zip(lines[:2], ("what to do", "`answer`"), strict=True)}) == 1
    assert lines[-1] == f"{tmp_path}: 6 screens read, not checked until they can be: 3 faults"


def test_the_table_names_the_language_where_only_one_is_wrong(tmp_path: Path) -> None:
    table = of(tmp_path, "odd: {type: notice, text: {en: A}}\n").as_table()
    assert "trees/base.yaml:17  odd     ru        has no words in this language" in table
    assert table.endswith(": 1 fault")


def test_json_holds_every_fault_with_its_place(tmp_path: Path) -> None:
    told = json.loads(of(tmp_path, "odd: {type: notice, text: {en: A}}\n").as_json())
    assert (told["pack"], told["screens"], told["languages"]) == (str(tmp_path), 7, ["en", "ru"])
    assert told["faults"] == [
        {
            "file": "trees/base.yaml",
            "line": 17,
            "screen": "odd",
            "language": "ru",
            "says": "has no words in this language",
        }
    ]


def test_a_gateway_that_cuts_earlier_has_its_own_budget(tmp_path: Path) -> None:
    assert [one.says for one in of(tmp_path, budget=Budget(182, 20)).faults if one.language == "ru"] != []
    assert of(tmp_path).faults == ()


def test_a_pack_that_is_not_there_is_an_error() -> None:
    with pytest.raises(TreeError, match="There is no pack 'atlantis'"):
        report.of("atlantis", USSD, nothing_else)


def test_what_the_menus_cannot_see_is_told_at_its_line(tmp_path: Path) -> None:
    def look(pack: Pack) -> list[Misfit]:
        return [
            ("law.yaml", ("short_days",), "is no number"),
            ("law.yaml", ("nothing",), "is missing"),
            ("registers.yaml", ("r", "fields", "tin"), "digits: need a length"),
            ("", ("odd",), "there is no register of this name"),
        ]

    told = report.of(str(written(tmp_path, small())), USSD, look)
    assert [str(fault) for fault in told.faults] == [
        "law.yaml:1: nothing: is missing",
        "law.yaml:3: short_days: is no number",
        "registers.yaml:9: r.fields.tin: digits: need a length",
        "trees/base.yaml:17: odd: there is no register of this name",
    ]


def test_a_refused_pack_carries_the_faults_that_the_report_tells(tmp_path: Path) -> None:
    files = small() | {"law.yaml": LAW.replace("short_days: 15", "short_days: soon").encode()}

    with pytest.raises(PackError) as refused:
        build("small", files, checking.check_pack)

    assert refused.value.faults == report.of(str(written(tmp_path, files)), USSD, checking.check_pack).faults
    assert str(refused.value.faults[0]).startswith("law.yaml:3: short_days: Expected `int`")
