"""What the registers of a pack are: their fields, how a row is named and found, for how many days a copy is fresh."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

import msgspec

from sado.cases.errors import PackDataError
from sado.cases.registers.field_types import Field, Texts

FILE = "registers.yaml"
SAMPLE = "sample"
# The keys that lead to a place in a register, and what to do there.
Fault = tuple[tuple[str, ...], str]
_PLACEHOLDER = re.compile(r"\{(\w+)\}")


class RegisterError(ValueError):
    """A register cannot be looked up or loaded as asked; the message says what to do."""


class Announce(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What subscribers are told of a new row: `topic` may hold placeholders, `at` is the field with the place."""

    topic: str
    text: Texts
    at: str = ""


class Register(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One register as the pack describes it.

    `id` are the fields that name a row; `find_by` the ways to look one up, each a list of fields (an empty list finds
    every row). After the day in the field `until` a row is no longer shown. `line` stands for a row in a list. A
    `private` register is about persons: it shows one row to whom knows its keys, and never lists."""

    agency: str
    title: Texts
    fresh_days: int
    id: list[str]
    find_by: list[list[str]]
    fields: dict[str, Field]
    private: bool = False
    until: str = ""
    line: Texts = {}
    announce: Announce | None = None

    @property
    def district(self) -> str:
        """The field with the district that a row is about; empty where rows are about none."""
        return next((name for name, field in self.fields.items() if field.type == "place"), "")

    def columns(self, languages: Collection[str]) -> dict[str, str]:
        """The columns of its CSV file, each with its field: a field of texts has one for each language."""
        columns: dict[str, str] = {}
        for name, field in self.fields.items():
            suffixes = [f"_{language}" for language in languages] if field.type == "texts" else [""]
            columns |= {f"{name}{suffix}": name for suffix in suffixes}
        return columns


def definitions(raw: Mapping[str, Any], languages: Collection[str], agencies: Collection[str]) -> dict[str, Register]:
    """The registers of a pack from its YAML; `languages` are those that texts are written in, `agencies` the codes of
    those that exist.

    Raises PackDataError with every fault at once."""
    registers: dict[str, Register] = {}
    faults: list[Fault] = []
    for name, written in raw.items():
        try:
            register = registers[name] = msgspec.convert(written, Register)
        except msgspec.ValidationError as error:
            faults.append(((name,), str(error)))
            continue
        faults += [((name, *path), says) for path, says in _faults(register, languages)]
        if register.agency not in agencies:
            faults.append(((name, "agency"), f"{register.agency} is no agency"))
    if faults:
        raise PackDataError(FILE, faults)
    return registers


def _faults(register: Register, languages: Collection[str]) -> Iterator[Fault]:
    """(the keys that lead to it, what to do) of all that is of the right type and yet cannot be."""
    yield from _unknown_fields(register)
    yield from _unnamed_rows(register)
    yield from _wrong_types(register)
    if register.private:
        for part in ("until", "line", "announce"):
            if getattr(register, part):
                yield (part,), "a private register lists and announces nothing: leave this out"
    for name, field in register.fields.items():
        yield from ((("fields", name), says) for says in _field_faults(name, field))
    for path, texts in _texts(register):
        if missing := [code for code in languages if not texts.get(code)]:
            yield path, f"no text in {', '.join(missing)}"


def _unknown_fields(register: Register) -> Iterator[Fault]:
    announce = register.announce
    named = {
        ("id",): register.id,
        ("find_by",): [name for lookup in register.find_by for name in lookup],
        ("line",): _placeholders(register.line.values()),
        ("announce",): [announce.at, *_placeholders([announce.topic, *announce.text.values()])] if announce else [],
    }
    for path, names in named.items():
        for name in sorted({*names} - {*register.fields, ""}):
            yield path, f"{name} is no field of it"


def _unnamed_rows(register: Register) -> Iterator[Fault]:
    """What keeps a row from being named or found."""
    if not register.id or not register.find_by:
        yield (), "id and find_by need fields: a row that cannot be named or found is of no use"
    keys = {*register.id, *(name for lookup in register.find_by for name in lookup)} & set(register.fields)
    for name in sorted(keys):
        field = register.fields[name]
        if field.type in ("texts", "money"):
            yield ("fields", name), f"{name} is of type {field.type}: a row cannot be named or found by it"
        if not field.label:
            yield ("fields", name), f"{name} needs a label: questions to the agency name it"
        if name in register.id and not field.required:
            yield ("fields", name), f"{name} names a row, so it must be required"


def _wrong_types(register: Register) -> Iterator[Fault]:
    """Fields that stand where only one type has a meaning."""
    at = register.announce.at if register.announce else ""
    if register.until and _type_of(register, register.until) != "date":
        yield ("until",), f"until is {register.until}, which is no field of type date"
    if at in register.fields and _type_of(register, at) != "place":
        yield ("announce", "at"), f"announce.at is {at}, which is no field of type place"


def _type_of(register: Register, name: str) -> str:
    return register.fields[name].type if name in register.fields else ""


def _field_faults(name: str, field: Field) -> Iterator[str]:
    if name == SAMPLE:
        yield f"{SAMPLE} is the column that marks invented rows, so no field can have this name"
    if (field.type == "digits") != bool(field.length):
        yield f"{name}: digits, and only digits, need a length"
    if field.type == "code" and not field.words:
        yield f"{name}: a code needs words"
    if field.words and field.type not in ("code", "money"):
        yield f"{name}: only the values of a code, or an amount such as 0, can be called by words"


def _texts(register: Register) -> Iterator[tuple[tuple[str, ...], Texts]]:
    """Everything that is said of a register, with where it stands; what need not be said only where it is."""
    yield ("title",), register.title
    said = {("line",): register.line, ("announce", "text"): register.announce.text if register.announce else {}}
    for name, field in register.fields.items():
        said["fields", name, "label"] = field.label
        said |= {("fields", name, "words", value): words for value, words in field.words.items()}
    yield from ((path, texts) for path, texts in said.items() if texts)


def _placeholders(templates: Iterable[str]) -> list[str]:
    return [name for words in templates for name in _PLACEHOLDER.findall(words)]
