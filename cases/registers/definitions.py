"""What the registers of a pack are: their fields, how a row is named and found, for how many days a copy is fresh."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

import msgspec

from sado.cases.registers.field_types import Field, Texts

SAMPLE = "sample"
_PLACEHOLDER = re.compile(r"\{(\w+)\}")


class RegisterError(ValueError):
    """A register cannot be used or loaded as asked; the message says what to do."""

    file = "registers.yaml"


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
        found: dict[str, str] = {}
        for name, field in self.fields.items():
            suffixes = [f"_{language}" for language in languages] if field.type == "texts" else [""]
            found |= {f"{name}{suffix}": name for suffix in suffixes}
        return found


def definitions(raw: Mapping[str, Any], languages: Collection[str], agencies: Collection[str]) -> dict[str, Register]:
    """The registers of a pack from its YAML; `languages` are those that texts are written in, `agencies` the codes of
    those that exist.

    Raises RegisterError with every fault at once."""
    found: dict[str, Register] = {}
    faults = []
    for name, one in raw.items():
        try:
            found[name] = msgspec.convert(one, Register)
        except msgspec.ValidationError as error:
            faults.append(f"{name}: {error}")
        else:
            faults += [f"{name}: {fault}" for fault in _faults(found[name], languages)]
            if found[name].agency not in agencies:
                faults.append(f"{name}: {found[name].agency} is no agency")
    if faults:
        raise RegisterError("The registers cannot be used:\n  " + "\n  ".join(faults))
    return found


def _faults(register: Register, languages: Collection[str]) -> Iterator[str]:
    announce = register.announce
    lookups = [name for way in register.find_by for name in way]
    named = {*register.id, *lookups, *([announce.at] if announce and announce.at else [])}
    templates = [*register.line.values(), *([announce.topic, *announce.text.values()] if announce else [])]
    used = {name for words in templates for name in _PLACEHOLDER.findall(words)}
    yield from (f"{name} is no field of it" for name in sorted((named | used) - set(register.fields)))
    if not register.id or not register.find_by:
        yield "id and find_by need fields: a row without a name or a way to it is of no use"
    if register.until and (register.until not in register.fields or register.fields[register.until].type != "date"):
        yield f"until is {register.until}, which is no field of type date"
    if register.private and (register.until or register.line or announce):
        yield "a private register lists and announces nothing: leave out until, line and announce"
    if SAMPLE in register.fields:
        yield f"{SAMPLE} is the column that marks invented rows, so no field can have this name"
    if announce and announce.at and announce.at in register.fields and register.fields[announce.at].type != "place":
        yield f"announce.at is {announce.at}, which is no field of type place"
    for name in sorted({*register.id, *lookups} & set(register.fields)):
        yield from _key_faults(name, register.fields[name])
        if name in register.id and not register.fields[name].required:
            yield f"{name} names a row, so it must be required"
    texts = {"title": register.title, "line": register.line, "announce.text": announce.text if announce else {}}
    for name, field in register.fields.items():
        yield from _field_faults(name, field)
        texts |= {f"{name}.label": field.label}
        texts |= {f"{name}.words.{value}": words for value, words in field.words.items()}
    for where, words in texts.items():
        if (words or where == "title") and (missing := [code for code in languages if not words.get(code)]):
            yield f"{where}: no text in {', '.join(missing)}"


def _key_faults(name: str, field: Field) -> Iterator[str]:
    if field.type in ("texts", "money"):
        yield f"{name} is of type {field.type}: a row cannot be named or found by it"
    if not field.label:
        yield f"{name} needs a label: questions to the agency name it"


def _field_faults(name: str, field: Field) -> Iterator[str]:
    if (field.type == "digits") != bool(field.length):
        yield f"{name}: digits, and only digits, need a length"
    if (field.type == "code") != bool(field.words):
        yield f"{name}: a code, and only a code, needs words"
