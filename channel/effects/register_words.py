"""Rows of registers in words: what a phone shows of one, how it stands in a list, and how a new one is announced."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping
from decimal import Decimal
from zoneinfo import ZoneInfo

from sado.cases.registers.definitions import Register, definitions
from sado.cases.registers.field_types import Field
from sado.cases.registers.lookup import Registers, Values
from sado.menus.invisible import clean
from sado.menus.language import formats
from sado.menus.pack import Pack
from sado.menus.tree import PLACEHOLDER, filled
from sado.store import Transaction

Tell = Callable[[Transaction, str, str, Mapping[str, str]], object]


def registers_of(pack: Pack) -> Registers:
    """The registers that the pack defines. Raises RegisterError with every fault, and for an agency that is none."""
    written = pack.languages.written
    registers = definitions(pack.registers, written, pack.agencies)
    places = [place.code for place in pack.gazetteer]
    return Registers(registers, pack.languages.fold, places, written, ZoneInfo(pack.time_zone))


class RegisterWords:
    """Puts rows into the words of a resident's language."""

    def __init__(self, pack: Pack) -> None:
        self._pack = pack
        self._languages = pack.languages

    def row(self, register: Register, values: Values, language: str) -> dict[str, str]:
        """Every field in words, under its name; empty for one that the row does not have."""
        return {name: self._value(field, values.get(name, ""), language) for name, field in register.fields.items()}

    def line(self, register: Register, values: Values, language: str) -> str:
        """The row as it stands in a list."""
        return self._filled(register.line, register, values, language)

    def date(self, day: datetime.date, language: str) -> str:
        """A day as the language writes it."""
        return formats.date(day, self._languages, language)

    def asked(self, register: Register, values: Mapping[str, str]) -> str:
        """A question to the agency, in the language that the pack speaks with its agencies."""
        language = self._languages.default
        answers = [
            f"{register.fields[name].label[language]}: {self._typed(register.fields[name], value, language)}"
            for name, value in values.items()
        ]
        return "\n".join([register.title[language], *answers])

    def announcer(self, tell: Tell) -> Callable[[Transaction, Register, Values], None]:
        """What tells subscribers of a new row, by `tell(tx, topic, place, texts)`; nothing for a register that has
        nothing to announce."""

        def announce(tx: Transaction, register: Register, values: Values) -> None:
            """Tell of this row, in every language of the pack."""
            announced = register.announce
            if announced is None:
                return
            topic = PLACEHOLDER.sub(lambda match: str(values.get(match[1], "")), announced.topic)
            codes = self._languages.codes
            texts = {code: self._filled(announced.text, register, values, code) for code in codes}
            tell(tx, topic.rstrip("."), str(values.get(announced.at, "")), texts)

        return announce

    def _filled(self, texts: Mapping[str, str], register: Register, values: Values, language: str) -> str:
        words = self.row(register, values, language)
        return filled(self._text(texts, language), words.__getitem__).strip()

    def _text(self, texts: Mapping[str, str], language: str) -> str:
        """The text in this language; where an agency wrote none, in the first that it did write."""
        return self._languages.complete(texts).get(language) or next(iter(texts.values()), "")

    def _value(self, field: Field, value: str | Mapping[str, str], language: str) -> str:
        if not isinstance(value, str):
            return clean(self._text(value, language))
        if not value or value in field.words:
            return self._typed(field, value, language)
        if field.type == "date":
            return self.date(datetime.date.fromisoformat(value), language)
        if field.type == "money":
            return formats.money(Decimal(value), self._languages, language)
        if field.type == "number":
            return formats.number(int(value), self._languages, language)
        return self._typed(field, value, language)

    def _typed(self, field: Field, value: str, language: str) -> str:
        """Words for what somebody typed or chose: a code by its name, anything else as it is."""
        if value in field.words:
            return self._text(field.words[value], language)
        if field.type == "place":
            return self._pack.gazetteer.short_name(value, language)
        return clean(self._languages.romanised(value, language))
