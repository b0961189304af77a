"""Two small registers of an invented country, one public and one about persons, and files to load into them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from sado.cases.registers import csv_file
from sado.cases.registers.csv_file import RegisterFile, Report
from sado.cases.registers.definitions import Register, definitions
from sado.cases.registers.loading import Loading, Steps
from sado.cases.registers.lookup import Found, Registers, Values
from sado.menus.language.folding import Folding
from sado.menus.reading.pack import PACKS
from sado.store import Store, Transaction

fold = Folding.read((PACKS / "tajikistan" / "folding.csv").read_text("utf-8")).fold

LANGUAGES = ("tg", "ru")
LABEL = {"tg": "рақам", "ru": "номер"}
TODAY = "2027-01-15"
RAW: Mapping[str, Any] = {
    "licences": {
        "agency": "INV",
        "title": {"tg": "Иҷозатнома", "ru": "Лицензия"},
        "fresh_days": 30,
        "id": ["number"],
        "find_by": [["number"], ["tin"], ["holder"], ["place", "kind"], []],
        "until": "last_day",
        "line": {"tg": "{number}: {what}", "ru": "{number}: {what}"},
        "announce": {"topic": "new.{kind}", "at": "place", "text": {"tg": "{number}", "ru": "{number}"}},
        "fields": {
            "number": {"type": "text", "label": LABEL},
            "tin": {"type": "digits", "length": 9, "label": LABEL},
            "holder": {"type": "name", "required": False, "label": LABEL},
            "what": {"type": "texts"},
            "place": {"type": "place", "required": False, "label": LABEL},
            "kind": {"type": "code", "label": LABEL, "words": {"fuel": {"tg": "сӯзишворӣ", "ru": "топливо"}}},
            "last_day": {"type": "date", "required": False},
        },
    },
    "permits": {
        "agency": "INV",
        "title": {"tg": "Иҷозат", "ru": "Разрешение"},
        "fresh_days": 30,
        "id": ["number"],
        "find_by": [["number"]],
        "fields": {"number": {"type": "serial", "without": ["No"], "label": LABEL}},
    },
    "taxes": {
        "agency": "TAX",
        "title": {"tg": "Андоз", "ru": "Налоги"},
        "private": True,
        "fresh_days": 14,
        "id": ["tin", "born"],
        "find_by": [["tin", "born"], ["tin"]],
        "fields": {
            "tin": {"type": "digits", "length": 9, "label": LABEL},
            "born": {"type": "year", "label": LABEL},
            "debt": {"type": "text"},
        },
    },
}
LICENCES = "number,tin,holder,what_tg,what_ru,place,kind,last_day,sample"
LICENCE = "АМ № 0001234,020025789,Шифо,Дорухона,Аптека,RA-RAS,fuel,,"
TAXES = "tin,born,debt"


def licence(number: int, /, **cells: str) -> str:
    """A sound line of the licences file; `cells` take the place of its own."""
    own = dict(zip(LICENCES.split(","), LICENCE.split(","), strict=True))
    return ",".join((own | {"number": f"АМ № {number:07}"} | cells).values())


@dataclass
class Desk:
    """The registers on one store, with what was announced."""

    store: Store
    registers: Registers = field(
        default_factory=lambda: Registers(
            definitions(RAW, LANGUAGES, {"INV", "TAX"}), fold, ["RA-RAS"], LANGUAGES, ZoneInfo("Asia/Dushanbe")
        )
    )
    announced: list[tuple[str, Values]] = field(default_factory=list)

    @property
    def loading(self) -> Loading:
        def announce(tx: Transaction, register: Register, values: Values) -> None:
            self.announced.append((register.agency, values))

        return Loading(self.store, self.registers, announce)

    def load(
        self, path: Path, *, as_of: str = TODAY, is_whole: bool = False, steps: Steps | None = None, name: str = ""
    ) -> Report:
        name = name or path.stem
        with RegisterFile(path, self.registers.get(name), self.registers.languages) as file:
            return csv_file.load(file, steps or self.loading, name, as_of, is_whole, lambda position: None)

    def find(self, register: str, **values: str) -> Found:
        return self.store.read(lambda tx: self.registers.find(tx, register, values))

    def ids(self, register: str, **values: str) -> list[str]:
        return [str(row.values["number"]) for row in self.find(register, **values).rows]


def licences(folder: Path, lines: Sequence[str]) -> Path:
    """A file of licences."""
    return written(folder / "licences.csv", LICENCES, lines)


def permits(folder: Path, numbers: Sequence[str]) -> Path:
    """A file of permits with these numbers."""
    return written(folder / "permits.csv", "number", numbers)


def taxes(folder: Path, lines: Sequence[str]) -> Path:
    """A file of taxes."""
    return written(folder / "taxes.csv", TAXES, lines)


def written(path: Path, columns: str, lines: Sequence[str]) -> Path:
    path.write_text("\n".join([columns, *lines, ""]), "utf-8")
    return path
