"""The recipes of docs/adding.md, followed: what is added needs nothing beside what the recipe names."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from sado.cli import commands
from sado.cli.main import COMMANDS, main
from sado.menus import engine
from sado.menus.gsm import Budget
from sado.menus.pack import Pack
from sado.menus.reading import build, report, source, yaml_files
from sado.menus.reading import pack as packs
from sado.menus.reading.contract import Id, Label, ScreenType
from sado.menus.reading.screen_types import SCREEN_TYPES
from sado.menus.tree import Screen
from sado.publishing import checking
from sado.store import Transaction
from sado.store.tables import outbox as entries
from sado.store.tables.outbox import Entry
from sado.sync import dispatch, outbox
from sado.sync.codes import Cause, EntryKind
from tests.support.packs import small, written
from tests.support.stations import open_store

TREE = "trees/base.yaml"
UZBEK = {"Odd": "Yangi", "Bye": "Xayr"}


class Farewell(ScreenType, frozen=True, kw_only=True, tag="farewell"):
    """Says good-bye in the pack's word for yes."""

    after: Id

    def screens(self, name: str, shared: Mapping[str, Label]) -> Iterator[Screen]:
        """A prompt, and the notice that follows it."""
        yield Screen(name, shared["yes"], answer="last_words", go=f"{name}.end", accepts="text")
        yield Screen(f"{name}.end", shared["yes"], is_last=True)


def with_uzbek(value: object) -> object:
    """Every text in English and Russian in a third language too."""
    if isinstance(value, list):
        return [with_uzbek(item) for item in value]
    if not isinstance(value, dict):
        return value
    wider = {key: with_uzbek(item) for key, item in value.items()}
    return wider | ({"uz": UZBEK.get(str(value["en"]), value["en"])} if {"en", "ru"} <= value.keys() else {})


def in_uzbek(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """The pack with a language more, by its files alone."""
    wider: dict[str, bytes] = {}
    for path, content in files.items():
        if path.endswith(".csv"):
            head, *rows = content.decode().splitlines()
            names = [column for column in head.split(",") if column.endswith("_en")]
            head += "".join("," + name.replace("_en", "_uz") for name in names)
            wider[path] = "\n".join([head, *(row + ",Nomi" * len(names) for row in rows), ""]).encode()
        else:
            data = with_uzbek(yaml.safe_load(content))
            wider[path] = yaml.safe_dump(data, allow_unicode=True, sort_keys=False).encode()
    shared = wider["pack.yaml"].decode()
    entry = "{name: Oʻzbekcha, locale: uz}"
    wider["pack.yaml"] = re.sub(r"^  uz:.*\n(?:    .*\n)*", f"  uz: {entry}\n", shared, count=1, flags=re.M).encode()
    return wider


def test_a_screen_type_costs_its_class() -> None:
    files = small("odd: {type: farewell, after: end}\n")
    parsed = source.parse("toy", files)
    trees = yaml_files.read({TREE: files[TREE]}, {**SCREEN_TYPES, "farewell": Farewell})
    assert (len(parsed.faults), trees.faults) == (1, [])
    toy = replace(parsed, trees=trees)

    languages = build.languages_of(toy)
    pack = build.pack_of(toy, languages, build.screens_of(toy, languages))

    turn = engine.start(pack.tree, "en", ["1"])
    assert turn.text.startswith("Yes")
    assert engine.resume(pack.tree, turn.session, "thanks").is_last


def test_a_register_costs_its_entry_and_its_screens(tmp_path: Path) -> None:
    shops = (
        "shops: {agency: AGE, title: {en: Shops, ru: Лавки}, fresh_days: 7, id: [number], find_by: [[number]],"
        " fields: {number: {type: digits, length: 4, label: {en: Number, ru: Номер}}}}\n"
    )
    files = small(
        "odd: {type: prompt, field: digits, length: 4, answer: number, go: odd.find, text: {en: N, ru: Н}}\n"
        "odd.find: {type: lookup, register: shops, by: [number], go: {found: end, none: end, missing: end}}\n"
    )
    files["registers.yaml"] += shops.encode()

    told = report.of(str(written(tmp_path, files)), Budget(), checking.check_pack)

    assert told.faults == ()


@pytest.fixture
def uzbek() -> Pack:
    return packs.build("toy", in_uzbek(small()), checking.check_pack)


def test_a_language_costs_its_files(uzbek: Pack) -> None:
    first = engine.start(uzbek.tree, None)
    assert "3 Oʻzbekcha" in first.text

    chosen = engine.resume(uzbek.tree, first.session, "3")
    assert chosen.effect is not None
    menu = engine.proceed(uzbek.tree, chosen.session, engine.Outcome("done"))

    assert "1 Yangi" in menu.text
    assert engine.resume(uzbek.tree, menu.session, "2").text == "Xayr"


def test_how_its_letters_are_typed_is_a_file_of_the_pack(uzbek: Pack) -> None:
    table = "written,sound\nt,т\no,о\np,п\n"
    assert not uzbek.gazetteer.find("Top").exact

    folding = packs.build("toy", in_uzbek(small()) | {"folding.csv": table.encode()})

    assert [place.code for place in folding.gazetteer.find("Top").places] == ["T-1"]


def test_a_command_costs_its_file() -> None:
    (folder,) = commands.__path__
    files = {file.stem for file in Path(folder).glob("*.py")} - {"__init__"}
    assert files == {*COMMANDS} == {name for name, command in main.commands.items() if command.name == name}


class Agency:
    """An agency that takes what is sent to it, once it is up."""

    def __init__(self) -> None:
        self.is_up = False
        self.taken: list[str] = []

    def send(self, entry: Entry) -> object:
        """Keep the body."""
        if not self.is_up:
            raise outbox.DeferredError(Cause.OWN_ERROR, "closed")
        self.taken.append(entry.body)
        return len(self.taken)

    def sent(self, tx: Transaction, entry: Entry, receipt: object, is_certain: bool) -> None:
        """Nothing follows."""


def test_an_agency_transport_costs_its_class(tmp_path: Path) -> None:
    agency, to = Agency(), "agency:HCU"
    with open_store(tmp_path) as store:
        store.write(lambda tx: outbox.put(tx, to, EntryKind.CASE_OPENED, "0070000000", "{}"))
        assert dispatch.step(store, to, agency)
        assert agency.taken == []
        agency.is_up = True
        store.write(outbox.retry_all_now)
        assert dispatch.step(store, to, agency)
        (state,) = [state for (name, state), _ in store.read(entries.counts).items() if name == to] or ["acked"]
        assert (agency.taken, state, dispatch.step(store, to, agency)) == (["{}"], "acked", False)
