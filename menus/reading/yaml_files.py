"""Trees as written: YAML files read into screens, with every fault at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import msgspec
import yaml

from sado.menus.misfits import Path
from sado.menus.reading import yaml_data
from sado.menus.reading.contract import Id, ScreenType, ScreenTypes
from sado.menus.reading.faults import NOT_UTF8, Fault, line_of, lines, misfits
from sado.menus.reading.screen_types import SCREEN_TYPES

# What the reader of YAML says, and what whoever wrote the file can do about it; the first that fits.
_ADVICE = {
    "mapping values are not allowed": "put quotes around words that hold a colon, and indent lines as their neighbours",
    "cannot start any token": "indent with spaces, not tabs, and put quotes around words that begin with a sign",
    "expected ','": "close every bracket and brace, and put quotes around words that hold a colon or a comma",
    "end of stream": "a quotation mark is not closed",
    "expected": "a bracket, brace or quotation mark is not closed, or a line is not indented as its neighbours",
}


@dataclass
class File:
    """One YAML file: its content as data, or the fault that keeps it from being read."""

    name: str
    content: bytes
    faults: list[Fault] = field(default_factory=list)

    @cached_property
    def data(self) -> dict[str, Any]:
        """The mapping in the file; empty when it cannot be read, which `faults` then says."""
        try:
            data = yaml_data.read(self.content.decode("utf-8"))
        except UnicodeDecodeError:
            return self._unreadable(1, NOT_UTF8)
        except yaml.YAMLError as error:
            mark = getattr(error, "problem_mark", None)
            return self._unreadable(mark.line + 1 if mark else 1, _advised(str(getattr(error, "problem", error))))
        if not isinstance(data, dict) or not all(isinstance(key, str) for key in data):
            return self._unreadable(1, "this must be names and their values: `name:` and below it what it is")
        return data

    @cached_property
    def _nodes(self) -> yaml.Node | None:
        return lines(self.content.decode("utf-8")) if self.data else None

    def fault(self, path: Path, says: str, screen: str = "", language: str = "") -> Fault:
        """A fault at this place of the file."""
        return Fault(self.name, line_of(self._nodes, path), screen, language, says)

    def unlike(self, wanted: Any) -> list[Fault]:
        """What keeps the content from being of this type; the faults of reading alone where it cannot be read."""
        misfitting = [self.fault(path, says) for path, says in misfits(self.data, wanted)]
        return self.faults or misfitting

    def _unreadable(self, line: int, says: str) -> dict[str, Any]:
        self.faults.append(Fault(self.name, line, "", "", says))
        return {}


def _advised(problem: str) -> str:
    return next((f"{problem}: {advice}" for part, advice in _ADVICE.items() if part in problem), problem)


@dataclass
class Written:
    """All screens of a pack as written, each with its file; `faults` are those of reading. A name of a screen is
    written as the schema says (menus/reading/contract.py)."""

    screens: dict[str, ScreenType]
    files: dict[str, File]
    faults: list[Fault]

    def fault(self, screen: str, says: str, path: Path = (), language: str = "") -> Fault:
        """A fault of a screen; of one that was made for another, at that one."""
        written = screen
        while written not in self.files and "." in written:
            written = written.rpartition(".")[0]
        file = self.files[written]
        return file.fault((written, *path), says, screen, language)


def read(files: Mapping[str, bytes], types: ScreenTypes = SCREEN_TYPES) -> Written:
    """The screens of these files, each of one of the types. What cannot be read is left out and told in `faults`."""
    written = Written({}, {}, [])
    for name, content in sorted(files.items()):
        file = File(name, content)
        for screen, raw in file.data.items():
            _read_screen(written, file, screen, raw, types)
        written.faults += file.faults
    return written


def _read_screen(written: Written, file: File, screen: str, raw: Any, types: ScreenTypes) -> None:
    if screen in written.files:
        earlier = written.files[screen].name
        written.faults.append(file.fault((screen,), f"is defined twice, first in {earlier}: rename one", screen))
        return
    written.files[screen] = file
    try:
        msgspec.convert(screen, Id)
    except msgspec.ValidationError:
        says = "a screen's name has small Latin letters, digits, _ and dots, and begins with a letter"
        written.faults.append(file.fault((screen,), says, screen))
    if not isinstance(raw, dict):
        written.faults.append(file.fault((screen,), "a screen is a mapping with a `type`", screen))
    elif (screen_type := types.get(str(raw.get("type")))) is None:
        says = f"there is no type {raw['type']!r}" if "type" in raw else "`type` is missing"
        written.faults.append(file.fault((screen,), f"{says}; the types are: {', '.join(types)}", screen))
    else:
        try:
            written.screens[screen] = msgspec.convert(raw, screen_type)
        except (msgspec.ValidationError, TypeError):
            faults = list(misfits(raw, screen_type)) or [((), "this screen cannot be read")]
            written.faults += [file.fault((screen, *path), says, screen) for path, says in faults]
