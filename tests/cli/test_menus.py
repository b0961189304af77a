"""`sado menus check` as an administrator runs it."""

import json
from pathlib import Path

import pytest

from sado.menus.reading.pack import PACKS
from tests.support.packs import small, written
from tests.support.processes import sado

NAMES = sorted(path.parent.name for path in PACKS.glob("*/pack.yaml"))


@pytest.mark.parametrize("name", NAMES)
def test_a_shipped_pack_is_clean(name: str) -> None:
    done = sado("menus", "check", name)
    assert (done.returncode, done.stdout.startswith(f"{name}: "), done.stdout.endswith(": no fault\n")) == (
        0,
        True,
        True,
    )


def test_the_stations_own_pack_is_checked_unless_another_is_named() -> None:
    assert sado("menus", "check", pack="kenya").stdout.startswith("kenya: ")


def test_a_folder_with_faults_ends_with_one_and_tells_each(tmp_path: Path) -> None:
    folder = written(tmp_path, small("odd: {type: notice, text: {en: A}}\nlost: {type: goto, go: gone}\n"))
    done = sado("menus", "check", str(folder))
    assert done.returncode == 1
    assert "trees/base.yaml:17  odd     ru        has no words in this language" in done.stdout
    assert "trees/base.yaml:18  lost              leads to gone, which is no screen" in done.stdout
    assert done.stdout.endswith(": 2 faults\n")


@pytest.mark.parametrize(("odd", "code"), [("odd: {type: goto, go: end}\n", 0), ("odd: {type: goto, go: gone}\n", 1)])
def test_json_is_for_programs(tmp_path: Path, odd: str, code: int) -> None:
    done = sado("menus", "check", str(written(tmp_path, small(odd))), "--json")
    told = json.loads(done.stdout)
    assert (done.returncode, [one["line"] for one in told["faults"] if one["screen"] == "odd"]) == (code, [17] * code)


def test_a_pack_that_is_not_there_is_a_sentence() -> None:
    done = sado("menus", "check", "atlantis")
    assert done.returncode == 1
    assert done.stderr.startswith("Error: There is no pack 'atlantis'")
