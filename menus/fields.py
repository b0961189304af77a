"""The typed fields of a prompt: what somebody typed as the answer it stands for, or None."""

from __future__ import annotations

import datetime
import re
import unicodedata
from collections.abc import Callable, Mapping

from sado.menus.invisible import clean

# The program's own numbers (cases/reference.py, cases/pins.py); a country's, such as a TIN, are in its pack.yaml.
DIGITS: Mapping[str, int] = {"reference": 10, "pin": 4}
_SEPARATORS = set(" -.,/№")
# ITU-T E.164 section 6.2.1: at most 15 digits; shorter than 7 is no subscriber's number.
_PHONE = range(7, 16)
_CENTURY = 50
# Fewer letters, or one again and again, are no words: "1" or "a" says nothing to whoever reads it.
_FEWEST_LETTERS = 3
# No name is longer; what is, is part of somebody's matter and must not be taken for an answer.
_LONGEST_NAME, _LONGEST_PLACE, _LONGEST_SERIAL = 80, 40, 40


def accepted(field: str, length: int, text: str) -> str | None:
    """The answer that `text` is to a prompt with this field, or None when it is none. Digits of other scripts
    count as digits; `length` is for `digits` alone."""
    return _FIELDS[field](text, length)


def _text(text: str, length: int) -> str | None:
    words = clean(text).strip()
    letters = [sign for sign in words.lower() if sign.isalpha()]
    return words if len(letters) >= _FEWEST_LETTERS and len(set(letters)) > 1 else None


def _name(text: str, length: int) -> str | None:
    words = clean(text).strip()
    return words if len(words) <= _LONGEST_NAME and sum(sign.isalpha() for sign in words) >= 2 else None


def _place(text: str, length: int) -> str | None:
    words = clean(text).strip()
    return words if len(words) <= _LONGEST_PLACE and any(map(str.isalpha, words)) else None


def _serial(text: str, length: int) -> str | None:
    """The number of a paper, with the letters of its series or without them."""
    written = clean(text).strip()
    digits, _ = _split(written)
    return written if digits.strip("0") and len(written) <= _LONGEST_SERIAL else None


def _digits(text: str, length: int) -> str | None:
    digits, others = _split(text)
    return digits if len(digits) == length and not others - _SEPARATORS else None


def _number(text: str, length: int) -> str | None:
    """Whole numbers: nobody asks for parts by phone, and `1.500` means two things in two languages. Zeros in a row
    are no number, so that some are left to move about with (menus/view.py)."""
    digits, others = _split(text)
    if not 1 <= len(digits) <= 9 or others - {" "} or (len(digits) > 1 and not digits.strip("0")):
        return None
    return str(int(digits))


def _year(text: str, length: int) -> str | None:
    digits, others = _split(text.strip())
    return digits if len(digits) == 4 and not others and digits[:2] in ("19", "20") else None


def _date(text: str, length: int) -> str | None:
    """Day, month, year as people here write them; kept as ISO 8601. `26` is 2026 and `85` is 1985."""
    digits = unicodedata.normalize("NFKC", text).strip()
    match = re.fullmatch(r"(\d{1,2})[ ./,-]+(\d{1,2})[ ./,-]+(\d{4}|\d{2})|(\d{2})(\d{2})(\d{4})", digits)
    if not match:
        return None
    day, month, year = (int(part) for part in match.groups() if part is not None)
    if year < 100:
        year += 2000 if year < _CENTURY else 1900
    try:
        return datetime.date(year, month, day).isoformat()
    except ValueError:
        return None


def _phone(text: str, length: int) -> str | None:
    digits, others = _split(text)
    plus = "+" if text.strip().startswith("+") else ""
    return plus + digits if len(digits) in _PHONE and not others - {*_SEPARATORS, "+", "(", ")"} else None


def _split(text: str) -> tuple[str, set[str]]:
    """The digits in `text`, whatever their script, and every other sign."""
    digits = [str(unicodedata.digit(sign)) for sign in text if sign.isdigit()]
    return "".join(digits), {sign for sign in text if not sign.isdigit()}


_FIELDS: Mapping[str, Callable[[str, int], str | None]] = {
    "text": _text,
    "name": _name,
    "place": _place,
    "serial": _serial,
    "digits": _digits,
    "number": _number,
    "date": _date,
    "year": _year,
    "phone": _phone,
}
FIELDS = tuple(_FIELDS)
