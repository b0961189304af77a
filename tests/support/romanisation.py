"""The way back from a romanisation: what it promises to lose nothing of is read again."""

from __future__ import annotations

import re

from sado.menus.gsm import encoding
from sado.menus.language.romanisation import Romanisation

WORD = re.compile(r"[^\W\d_]+")


def cyrillic(table: Romanisation, text: str) -> str:
    """Latin letters read as the Cyrillic ones that the table wrote; what is not in the table stays as it is."""
    spelling = re.compile("|".join(map(re.escape, sorted(table.read_back, key=len, reverse=True))), re.IGNORECASE)

    def first(text: str) -> str:
        """The longest spelling of one letter that the text begins with."""
        match = spelling.match(text)
        return match[0] if match else ""

    letters, at = [], 0
    while at < len(text):
        unit = first(text[at:])
        letters.append(_like(unit, table.read_back[unit.lower()]) if unit else text[at])
        at += len(unit or text[at])
        following = text[at:].lstrip(table.separator)
        if unit and text.startswith(table.separator, at) and first(unit + following) != unit:
            at += len(table.separator)
    return WORD.sub(lambda word: _all_capitals(table, word[0]), "".join(letters))


def _like(unit: str, letter: str) -> str:
    return letter.upper() if unit[0].isupper() else letter


def _all_capitals(table: Romanisation, word: str) -> str:
    """A word in capitals has them also where GSM-7 has none."""
    cased = [letter for letter in word if _has_capital(table, letter)]
    return word.upper() if len(cased) > 1 and all(map(str.isupper, cased)) else word


def _has_capital(table: Romanisation, letter: str) -> bool:
    latin = table.written.get(letter.lower(), letter)
    return latin.upper() != latin and encoding(latin.capitalize()) == "GSM-7"
