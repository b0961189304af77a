"""Text as one byte a letter: what people of the packs write needs no second one.

KOI8-T (Python's codec) has ASCII, the Russian letters and the Tajik ғ ӣ қ ӯ ҳ ҷ. A sign that it lacks is written as
its number between two escapes. Before any compressor this halves Cyrillic text, and the compressor gains too.
"""

from __future__ import annotations

import codecs
import re

ALPHABET = "koi8_t"
ESCAPE = "\x1b"
END = b"\0"
_ESCAPED = re.compile(f"{ESCAPE}([0-9a-f]{{1,6}}){ESCAPE}")
_HALVES = re.compile("[\ud800-\udfff]")
_RESERVED = re.compile(f"[{ESCAPE}\0]")


def pack(text: str) -> bytes:
    """The text in the one-byte alphabet; it holds no NUL, so NUL may end it."""
    return _RESERVED.sub(_spelled, text).encode(ALPHABET, "sado.spell")


def unpack(packed: bytes) -> str:
    """What `pack` was given. Of bytes that it did not make, some text that can be written in UTF-8, or ValueError."""
    text = _ESCAPED.sub(lambda found: chr(int(found[1], 16)), packed.decode(ALPHABET))
    if _HALVES.search(text):
        raise ValueError("Half a sign is no text.")
    return text


def _spelled(found: re.Match[str]) -> str:
    return _spell(found[0])


def _spell(signs: str) -> str:
    return "".join(f"{ESCAPE}{ord(sign):x}{ESCAPE}" for sign in signs)


def _spell_error(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeEncodeError)
    return _spell(error.object[error.start : error.end]), error.end


codecs.register_error("sado.spell", _spell_error)
