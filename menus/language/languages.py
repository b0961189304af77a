"""The languages of a pack: what each is called, how it writes dates and money, and which are another romanised."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from sado.menus.invisible import clean
from sado.menus.language import folding, romanisation
from sado.menus.language.folding import FILE as FOLDING
from sado.menus.language.folding import Folding
from sado.menus.language.romanisation import Romanisation
from sado.menus.misfits import Misfit, MisfitError

FILE = "pack.yaml"
# The sign has no room of its own beside the number that follows it; the words that stand for it need one.
_NUMERO = re.compile("№ ?")
_PLACEHOLDERS = re.compile(r"(\{\w+\})")
_ENTRY = {"name", "locale", "romanises", "table", "date", "money", "alphabet"}


@dataclass(frozen=True)
class Language:
    """One language as the pack describes it.

    `locale` is Babel's name of it, `date` a CLDR pattern in figures, `money` the words around an amount `{n}`,
    `alphabet` the small letters in the order that readers expect, where code points are not that order. One that
    `romanises` another has these from its base, and is written by `table`.
    """

    code: str
    name: str
    locale: str
    date: str = "dd.MM.yyyy"
    money: str = "{n}"
    alphabet: str = ""
    romanises: str = ""
    table: Romanisation | None = field(default=None, repr=False)


class Languages:
    """All languages of a pack in the order of its menu, and its default one. `fold` gives one key for every spelling
    of a word in any of them; `digits` are those that stand for letters in it."""

    def __init__(self, languages: Mapping[str, Language], default: str, folding: Folding) -> None:
        self._languages = languages
        self.fold = folding.fold
        self.digits = "".join(sign for sign in folding.sounds if sign.isdigit())
        self.default = default
        self.codes = tuple(languages)
        self.names: Mapping[str, str] = {code: language.name for code, language in languages.items()}
        self.written = tuple(code for code, language in languages.items() if not language.romanises)

    @classmethod
    def read(cls, raw: Mapping[str, Any], default: str, tables: Mapping[str, str]) -> Languages:
        """Take `languages:` of a pack; `tables` are its CSV texts by file name: romanisations, and how to fold.

        Raises MisfitError with every fault at once.
        """
        if misfits := [*_misfits(raw, default, tables)]:
            raise MisfitError(misfits)
        languages = {code: _language(code, raw, tables) for code in raw}
        return cls(languages, default, Folding.read(tables.get(FOLDING, "")))

    def __getitem__(self, code: str) -> Language:
        """Give the language of this code; KeyError for one that the pack does not have."""
        return self._languages[code]

    def money(self, code: str) -> str:
        """Give the words around an amount `{n}` in this language, or in the default one where the pack lacks it."""
        return self._languages.get(code, self[self.default]).money

    def locale(self, code: str) -> str:
        """Give Babel's name of the language, for a romanised one that of its base."""
        return self[code].locale

    def complete(self, texts: Mapping[str, str]) -> dict[str, str]:
        """Add what is missing in each romanised language from its base; {placeholders} stay as they are."""
        derived = {
            code: self.romanised(texts[language.romanises], code)
            for code, language in self._languages.items()
            if language.romanises in texts and code not in texts
        }
        return {**texts, **derived}

    def romanised(self, text: str, code: str) -> str:
        """Write a text of the base language in a romanised one, in GSM-7; in any other it stays as it is."""
        table = self[code].table
        if table is None:
            return text
        parts = _PLACEHOLDERS.split(_NUMERO.sub("No ", text))
        latin = (part if _PLACEHOLDERS.fullmatch(part) else table.latin(part) for part in parts)
        return clean("".join(latin))

    def romanising(self, code: str) -> tuple[str, ...]:
        """Give the languages that are this one romanised."""
        return tuple(romanised for romanised, language in self._languages.items() if language.romanises == code)

    def plural(self, forms: Mapping[str, str], n: float, code: str) -> str:
        """Choose the form for `n` things by the CLDR categories (zero, one, two, few, many, other).

        Tajik has `other` alone: a noun stays singular after a number. A category that is not there is `other`.
        """
        from babel.core import Locale

        return forms.get(Locale.parse(self.locale(code)).plural_form(n)) or forms["other"]

    def alphabetical(self, text: str, code: str) -> tuple[tuple[int, str], ...]:
        """Give a key that sorts texts as readers of the language look for them; signs and spaces come first."""
        alphabet = self[code].alphabet
        return tuple((alphabet.find(letter), letter) for letter in text.lower())


def _language(code: str, raw: Mapping[str, Any], tables: Mapping[str, str]) -> Language:
    entry = raw[code]
    base = raw[entry["romanises"]] if "romanises" in entry else entry
    shared = {name: base[name] for name in ("locale", "date", "money", "alphabet") if name in base}
    table = Romanisation.read(entry["table"], tables[entry["table"]]) if "table" in entry else None
    if table and "money" in shared:
        shared["money"] = "{n}".join(map(table.latin, shared["money"].split("{n}")))
    return Language(code, entry["name"], **shared, romanises=entry.get("romanises", ""), table=table)


def _misfits(raw: Mapping[str, Any], default: str, tables: Mapping[str, str]) -> Iterator[Misfit]:
    if default not in raw:
        yield FILE, ("default_language",), f"{default!r} is none of {', '.join(map(str, raw))}"
    if FOLDING in tables:
        yield from folding.misfits(tables[FOLDING])
    for code, entry in raw.items():
        yield from ((FILE, ("languages", code), says) for says in _faults(entry, raw, tables))
        if isinstance(entry, Mapping) and entry.get("table") in tables:
            yield from romanisation.misfits(entry["table"], tables[entry["table"]])


def _faults(entry: Any, raw: Mapping[str, Any], tables: Mapping[str, str]) -> Iterator[str]:
    if not isinstance(entry, Mapping):
        yield "write it as {name: its own name, locale: Babel's code}"
        return
    if unknown := sorted(set(entry) - _ENTRY):
        yield f"unknown {', '.join(unknown)}; known are {', '.join(sorted(_ENTRY))}"
    if not entry.get("name"):
        yield "give its own name as `name`"
    if "romanises" in entry:
        yield from _romanised_faults(entry, raw, tables)
    else:
        yield from _locale_faults(entry)


def _romanised_faults(entry: Mapping[str, Any], raw: Mapping[str, Any], tables: Mapping[str, str]) -> Iterator[str]:
    base = raw.get(entry["romanises"])
    if not isinstance(base, Mapping) or "romanises" in base:
        yield f"romanises {entry['romanises']!r}, which is no language with a locale here"
    if extra := sorted({"locale", "date", "money", "alphabet"} & set(entry)):
        yield f"takes {', '.join(extra)} from the language it romanises: leave them out"
    name = entry.get("table", "")
    if name not in tables:
        yield f"there is no table {name!r}; the files are: {', '.join(sorted(tables)) or 'none'}"


def _locale_faults(entry: Mapping[str, Any]) -> Iterator[str]:
    from babel import localedata

    if not localedata.exists(entry.get("locale", "")):
        yield f"Babel has no locale {entry.get('locale')!r}; `pybabel --list-locales` has them all"
    if not {"d", "M", "y"} <= set(entry.get("date", "dMy")):
        yield f"the date pattern {entry['date']!r} needs dd, MM and yyyy"
    if "{n}" not in entry.get("money", "{n}"):
        yield f"money {entry['money']!r} needs {{n}}, where the amount goes"
