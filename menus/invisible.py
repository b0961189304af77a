"""Characters that nobody sees: controls, marks that turn or hide words, tags, halves of surrogate pairs.

Whichever way a text came in, a phone, an SMS, an agency, another station, a register or a pack: a phone is shown it
without them (`without`, `clean`), and a desk, an agency's system or a terminal with a visible mark for each (`marked`).
The joiners that spell words of Arabic and Indic scripts stay.
"""

import re
import unicodedata
from itertools import groupby

from sado.menus.gsm import encoding

_SPACES = re.compile(" {2,}")
_LINE_ENDS = re.compile("\r\n|[\r\x85\u2028\u2029]")
_TABS = re.compile("[\t\v\f]")

# Typing aids that turn a 182-letter Latin screen into an 80-letter one and say nothing more.
_PLAIN = str.maketrans(
    {"’": "'", "‘": "'", "“": '"', "”": '"', "«": '"', "»": '"', "–": "-", "—": "-", "…": "...",
     "\u00a0": " ", "№": "No"}
)  # fmt: skip
# Controls, formatting (bidi marks, zero-width letters), halves of surrogate pairs, ends of lines and paragraphs.
_CATEGORIES = {"Cc", "Cf", "Cs", "Zl", "Zp"}
# Letters and marks that Unicode lets be ignored in display (UAX #44, Default_Ignorable_Code_Point), but for the two
# that choose how a sign of emotion looks; and the blank of Braille.
_IGNORABLE = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2065\u2800\u3164\ufe00-\ufe0d\uffa0\ufff0-\ufff8"
    "\U000e0000-\U000e0fff]"
)
# Formatting by its category, and yet seen: signs of numbers and of the end of a verse.
_ARABIC_SIGNS = "\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u08e2"
_JOINERS = "\u200c\u200d"
_VIRAMA = 9


def marked(text: str, keeps: str = "\r\n\t") -> str:
    """The text with a visible mark, such as ‹202E›, for each character that is not seen, but for those that it `keeps`:
    whoever reads it sees that somebody meant to turn or hide words. Of several that are the same there is one mark, as
    ‹202E ×3›: a page would be six times as long as what was sent."""
    if text.isascii() and text.isprintable():
        return text
    shown = (_mark(c) if c not in keeps and _is_hidden(text, at) else c for at, c in enumerate(text))
    return "".join(_once(mark, len([*run])) for mark, run in groupby(shown))


def without(text: str) -> str:
    """The text without them; ends of lines stay."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(c for at, c in enumerate(text) if c == "\n" or not _is_hidden(text, at))


def clean(text: str) -> str:
    """Make text from a person or an agency safe for a screen, saying what it said before.

    Invisible characters go, since they reorder or hide text and cost room; typographic marks become
    plain ones only where that turns the text into GSM-7, so a Tajik text keeps its «».
    """
    spaced = _TABS.sub(" ", _LINE_ENDS.sub("\n", text))
    composed = unicodedata.normalize("NFC", without(spaced))
    plain = composed.translate(_PLAIN)
    return _SPACES.sub(" ", plain if encoding(plain) == "GSM-7" else composed)


def _mark(character: str) -> str:
    return f"‹{ord(character):04X}›"


def _once(mark: str, times: int) -> str:
    """A mark, however often it follows itself; what is no mark stays as often as it is there."""
    return f"{mark[:-1]} ×{times}›" if len(mark) > 1 and times > 1 else mark * times


def _is_hidden(text: str, at: int) -> bool:
    if text[at] in _JOINERS:
        return not _spells(text[at - 1 : at], text[at + 1 : at + 2])
    if text[at] in _ARABIC_SIGNS:
        return False
    return unicodedata.category(text[at]) in _CATEGORIES or _IGNORABLE.match(text[at]) is not None


def _spells(before: str, after: str) -> bool:
    """Whether a joiner between these is part of a word (UAX #31, section 2.3): between letters of a script that joins
    them, or after the sign that takes a letter's vowel."""
    if not before or not after:
        return False
    is_joining = unicodedata.bidirectional(before) == "AL" == unicodedata.bidirectional(after)
    return is_joining or unicodedata.combining(before) == _VIRAMA
