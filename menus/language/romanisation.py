"""Cyrillic written in Latin letters of the GSM alphabet, so that it can be read back unchanged.

A screen in Latin letters holds 182 of them instead of 80, and it is readable on a phone without the letters of the
language. Which letter becomes what is a table of the pack; nothing here knows a language.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

from sado.menus.gsm import encoding
from sado.menus.language import csv_rows
from sado.menus.misfits import Misfit, MisfitError

_COLUMNS = {"cyrillic", "latin", "way"}
_SPACED = re.compile(r"\S+")


@dataclass(frozen=True)
class Romanisation:
    """A table of letters. `read_back` is the way back, by which it is seen what would be read as another letter.

    Nothing is lost of a text in NFC whose letters go both ways and whose words are in small letters, with a capital
    first, or in capitals. Lossy by choice:

    - letters whose row says `one` are read back as the letters they sound like, or not at all (Tajik ц щ ы ь);
    - a capital that GSM-7 does not have (Tajik Ӣ: ì, Ъ: ') is written small, and is read back as a capital only in a
      word of which at least two other letters are capitals and none is small.
    """

    written: Mapping[str, str]
    read_back: Mapping[str, str]
    separator: str

    @classmethod
    def read(cls, file: str, csv_text: str) -> Romanisation:
        """Take the table of this file: `cyrillic` (one small letter), `latin`, and `way` (`both` or `one`).

        One row has no Cyrillic letter: its `latin` is the sign set between two letters that would otherwise be read
        as one. Raises MisfitError for a table that could not be read back or would leave GSM-7.
        """
        if faults := list(misfits(file, csv_text)):
            raise MisfitError(faults)
        rows = [row for _, row in csv_rows.read(csv_text)]
        return cls(
            written={row["cyrillic"]: row["latin"] for row in rows if row["cyrillic"]},
            read_back={row["latin"]: row["cyrillic"] for row in rows if row["way"] == "both" and row["cyrillic"]},
            separator=next(row["latin"] for row in rows if not row["cyrillic"]),
        )

    def latin(self, text: str) -> str:
        """Write Cyrillic letters in Latin ones; what is not in the table stays as it is."""
        return _SPACED.sub(lambda word: self._word(word[0]), unicodedata.normalize("NFC", text))

    @cached_property
    def _word(self) -> Callable[[str], str]:
        """One word written; a pack says the same words again and again."""
        return lru_cache(maxsize=4096)(self._written_out)

    def _written_out(self, letters: str) -> str:
        done = ""
        for at in reversed(range(len(letters))):
            latin = self._latin_of(letters, at)
            # From the end, since whether two letters need a separator depends on all that follows the first.
            if latin and letters[at].lower() in self.written and self._joins(latin, done):
                latin += self.separator
            done = latin + done
        return done

    def _latin_of(self, letters: str, at: int) -> str:
        letter = letters[at]
        latin = self.written.get(letter.lower())
        if latin is None:
            return letter
        if letter.islower():
            return latin
        following = letters[at + 1 : at + 2]
        neighbour = following if following.isalpha() else letters[max(at - 1, 0) : at]
        capital = latin.upper() if neighbour.isupper() else latin.capitalize()
        return capital if encoding(capital) == "GSM-7" else latin

    def _joins(self, latin: str, following: str) -> bool:
        """Tell whether the last letter of `latin` and what follows, separators apart, would be read as another."""
        while latin and (unit := self._unit(latin)) != latin:
            latin = latin[len(unit or latin[0]) :]
        return bool(latin) and self._unit(latin + following.lstrip(self.separator)) != latin

    def _unit(self, text: str) -> str:
        """Give the longest Latin spelling of one letter that the text begins with, as it stands in the text."""
        match = self._spelling.match(text)
        return match[0] if match else ""

    @cached_property
    def _spelling(self) -> re.Pattern[str]:
        return re.compile("|".join(map(re.escape, sorted(self.read_back, key=len, reverse=True))), re.IGNORECASE)


def misfits(file: str, csv_text: str) -> Iterator[Misfit]:
    """What is wrong with a table."""
    rows = csv_rows.read(csv_text)
    if rows and rows[0][1].keys() >= _COLUMNS:
        yield from ((file, (line,), says) for line, says in _faults(rows))
    else:
        yield file, (1,), f"the table needs rows with the columns {', '.join(sorted(_COLUMNS))}"


def _faults(lines: Sequence[tuple[int, csv_rows.Row]]) -> Iterator[tuple[int, str]]:
    rows = [row for _, row in lines]
    letters = [row["cyrillic"] for row in rows]
    spellings = [row["latin"] for row in rows if row["way"] == "both"]
    separators = [row["latin"] for row in rows if not row["cyrillic"]]
    if len(separators) != 1 or len(separators[0]) != 1:
        yield 1, "one row without a Cyrillic letter must give the separator, a single sign"
    for line, row in lines:
        letter, latin, way = row["cyrillic"], row["latin"], row["way"]
        rules = {
            "cyrillic must be one small letter": letter and (len(letter) > 1 or letter != letter.lower()),
            f"the letter {letter} stands in two rows": letters.count(letter) > 1,
            "way must be both or one": way not in ("both", "one"),
            f"{latin} is not in small GSM-7 letters": encoding(latin) != "GSM-7" or latin != latin.lower(),
            f"{latin!r} cannot be read back: way must be one": way == "both"
            and (not latin or spellings.count(latin) > 1),
            f"{latin} holds the separator": letter and any(sign in latin for sign in separators if sign),
        }
        yield from ((line, fault) for fault, broken in rules.items() if broken)
