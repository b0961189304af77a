"""A tree that looks up what a register does not have is refused when the station starts."""

from pathlib import Path

import pytest

from sado.channel.effects.lookups import Lookups
from sado.channel.effects.register_words import registers_of
from sado.menus.misfits import MisfitError
from sado.menus.pack import Pack
from sado.menus.reading import pack as packs
from tests.support.stations import open_station

SHIPPED = packs.files_of("tajikistan")


def changed(tree: str, old: str, new: str) -> Pack:
    """The shipped pack with these words in the place of those, where a tree has them."""
    path = f"trees/{tree}.yaml"
    before = SHIPPED[path].decode()
    assert before.count(old) >= 1
    return packs.build("changed", {**SHIPPED, path: before.replace(old, new).encode()})


def started(folder: Path, pack: Pack) -> Lookups:
    with open_station(folder, 7) as station:
        return Lookups(station.cases, pack, registers_of(pack))


@pytest.mark.parametrize(
    ("tree", "old", "new", "says"),
    [
        ("passport", "register: passports\n", "register: passport\n", "There is no register 'passport'"),
        ("passport", "by: [last, born]\n", "by: [last]\n", "passports is looked up by born, last; number"),
        ("passport", "by: [number]\n", "by: [row]\n", "passports is looked up by born, last; number"),
        ("passport", "status.ready:", "status.redy:", "no row of passports is ever status.redy"),
        ("exam", "when: {result:", "when: {mark:", "no row of exams is ever mark"),
        ("exam", "day.past:", "day.over:", "no row of exams is ever day.over"),
        ("exam", "day.past:", "hall.past:", "no row of exams is ever hall.past"),
    ],
)
def test_a_slip_in_a_lookup_is_told_at_the_start(tmp_path: Path, tree: str, old: str, new: str, says: str) -> None:
    with pytest.raises(MisfitError) as told:
        started(tmp_path, changed(tree, old, new))
    assert says in str(told.value)


def test_the_shipped_trees_start(tmp_path: Path) -> None:
    assert started(tmp_path, packs.load("tajikistan")).handlers()
