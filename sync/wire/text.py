"""Text as one byte a letter: what people of the packs write needs no second one.

The first 128 letters are ASCII, the others those of alphabet.txt, which is shipped beside the dictionary and like it
made of what people write (bench/training/). A letter that it lacks is written as its number between two escapes. Before
any compressor this halves Cyrillic text, and the compressor gains too.
"""

from __future__ import annotations

import codecs
import re
from functools import cache
from pathlib import Path
from typing import Any

FILE = Path(__file__).with_name("alphabet.txt")
# The letters beside ASCII.
MOST = 128
ESCAPE = "\x1b"
END = b"\0"
_ESCAPED = re.compile(f"{ESCAPE}([0-9a-f]{{1,6}}){ESCAPE}")
_HALVES = re.compile("[\ud800-\udfff]")
_RESERVED = re.compile(f"[{ESCAPE}\0]")
# What Python takes for a byte that stands for no letter.
_NO_LETTER = "\ufffe"


def pack(text: str) -> bytes:
    """The text in the one-byte alphabet; it holds no NUL, so NUL may end it."""
    return codecs.charmap_encode(_RESERVED.sub(_escaped, text), "sado.escape", _bytes())[0]


def unpack(packed: bytes) -> str:
    """What `pack` was given. Of bytes that it did not make, some text that can be written in UTF-8, or ValueError."""
    text = _ESCAPED.sub(lambda match: chr(int(match[1], 16)), codecs.charmap_decode(packed, "strict", _letters())[0])
    if _HALVES.search(text):
        raise ValueError("Half a letter is no text.")
    return text


@cache
def _letters() -> str:
    """The letter of each byte."""
    letters = FILE.read_text("utf-8").strip()
    return "".join(map(chr, range(128))) + letters.ljust(MOST, _NO_LETTER)


@cache
def _bytes() -> Any:
    """The byte of each letter, as Python's codecs take it."""
    return codecs.charmap_build(_letters())


def _escaped(match: re.Match[str]) -> str:
    return _escape(match[0])


def _escape(letters: str) -> str:
    return "".join(f"{ESCAPE}{ord(letter):x}{ESCAPE}" for letter in letters)


def _escape_error(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeEncodeError)
    return _escape(error.object[error.start : error.end]), error.end


codecs.register_error("sado.escape", _escape_error)
