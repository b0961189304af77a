"""The fields of a register: which values each type takes, how one is kept, and the key that a row is found by.

Agencies write and residents type the same number in many ways. A value and what is typed for it are made into one key
by the type: digits without their separators, a name by the sounds of its letters, other words by their looks. The
number of a paper is found by its digits alone, without zeros before them: its series is typed in either alphabet, or
left out.
"""

from __future__ import annotations

import datetime
import re
import unicodedata
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Literal

import msgspec

Texts = dict[str, str]
Fold = Callable[[str], str]
Type = Literal[
    "text", "texts", "digits", "serial", "name", "year", "date", "time", "money", "number", "phone", "place", "code"
]  # fmt: skip
LONGEST = 300
_SEPARATORS = re.compile(r"[\s.,/№-]")
_words_of = re.compile(r"[\s«»„“”\"()]+").split
_letters_of = re.compile(r"[^\W\d_]+").findall
_YEARS = range(1900, 2101)

# Letters that look the same on paper and on a phone: series such as АМ are typed in either alphabet.
_LOOKS = str.maketrans("авекмнорстухіјѕ", "abekmhopctyxijs")


class Field(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One column of a register. `length` is for digits; `words` for a code: what each value is called, and for
    an amount that has a name of its own, such as 0. `label` is how a question to the agency names the field; `without`
    are words beside a name or a serial that say nothing about which, such as the legal form of a firm."""

    type: Type
    required: bool = True
    length: int = 0
    words: dict[str, Texts] = {}
    label: Texts = {}
    without: tuple[str, ...] = ()


class FieldError(ValueError):
    """A value that its field does not take; the message does not repeat it, since it may be private."""


def kept(field: Field, raw: str) -> str:
    """`raw` as it is kept: days as ISO 8601, digits alone, amounts with a point. Raises FieldError."""
    value = " ".join(raw.split())
    if len(value) > LONGEST:
        raise FieldError(f"at most {LONGEST} letters can be kept, got {len(value)}")
    if any(unicodedata.category(sign) in ("Cc", "Cs") for sign in value):
        raise FieldError("a control sign stands in it")
    return _KEPT[field.type](field, value)


def key(field: Field, value: str, fold: Fold) -> str:
    """What the row is found by; empty when nothing in `value` can be looked for."""
    if field.type == "serial":
        return _digits_in(value).lstrip("0")
    if field.type in ("digits", "year"):
        return _digits_in(value)
    return _folded(field, value, fold) if field.type == "name" else _looks(value)


def identity(field: Field, value: str, fold: Fold) -> str:
    """What tells the value from every other: two serials with the same digits are found by one key."""
    return _looks(value) if field.type == "serial" else key(field, value, fold)


def agrees(field: Field, typed: str, own: str, fold: Fold) -> bool:
    """Whether a value that was found by its key may be what was typed: letters of a series, where there are any, are
    its own, by their looks or their sound."""
    if field.type != "serial":
        return True
    said, series = (_series(field, value, fold) for value in (typed, own))
    return not said or _looks(said) == _looks(series) or fold(said) == fold(series)


def _digits_in(value: str) -> str:
    return "".join(str(unicodedata.digit(sign)) for sign in value if sign.isdigit())


def _folded(field: Field, value: str, fold: Fold) -> str:
    said = [word for word in _words_of(value) if fold(word) not in _nothing(field.without, fold)]
    return fold(" ".join(said)) or fold(value)


def _series(field: Field, value: str, fold: Fold) -> str:
    return "".join(word for word in _letters_of(value) if fold(word) not in _nothing(field.without, fold))


@lru_cache
def _nothing(words: tuple[str, ...], fold: Fold) -> frozenset[str]:
    return frozenset(map(fold, words))


def _looks(value: str) -> str:
    """The letters and digits of `value`, those that look the same made one."""
    plain = unicodedata.normalize("NFKC", value.replace("№", "")).lower().translate(_LOOKS)
    return "".join(sign for sign in plain if sign.isalnum())


def _text(field: Field, value: str) -> str:
    return value


def _digits(field: Field, value: str) -> str:
    digits = _SEPARATORS.sub("", value)
    if not (digits.isascii() and digits.isdigit() and len(digits) == field.length):
        raise FieldError(f"{field.length} digits are needed, got {len(value)} characters")
    return digits


def _serial(field: Field, value: str) -> str:
    if not _digits_in(value).strip("0"):
        raise FieldError("a number such as 0001234 is needed, with the letters of its series or without")
    return value


def _year(field: Field, value: str) -> str:
    if not (re.fullmatch(r"[0-9]{4}", value) and int(value) in _YEARS):
        raise FieldError("a year such as 1985 is needed")
    return value


def _date(field: Field, value: str) -> str:
    try:
        if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
            return datetime.date.fromisoformat(value).isoformat()
    except ValueError:
        pass
    raise FieldError("a day such as 2026-11-30 is needed")


def _time(field: Field, value: str) -> str:
    if not re.fullmatch(r"([01]?[0-9]|2[0-3]):[0-5][0-9]", value):
        raise FieldError("a time such as 09:30 is needed")
    return value.rjust(5, "0")


def _money(field: Field, value: str) -> str:
    plain = value.replace(" ", "").replace(",", ".")
    if not re.fullmatch(r"[0-9]{1,12}(\.[0-9]{1,2})?", plain):
        raise FieldError("an amount such as 198.50 is needed")
    return plain if plain.strip("0.") else "0"


def _number(field: Field, value: str) -> str:
    if not re.fullmatch(r"[0-9]{1,12}", value):
        raise FieldError("a whole number is needed")
    return str(int(value))


def _phone(field: Field, value: str) -> str:
    digits = re.sub(r"[ ()-]", "", value)
    if not re.fullmatch(r"\+?[0-9]{3,15}", digits):
        raise FieldError("a telephone number such as +992372245368 is needed")
    return value


def _code(field: Field, value: str) -> str:
    if value not in field.words:
        raise FieldError(f"one of {', '.join(field.words)} is needed")
    return value


_KEPT: Mapping[Type, Callable[[Field, str], str]] = {
    "text": _text,
    "texts": _text,
    "digits": _digits,
    "serial": _serial,
    "name": _text,
    "year": _year,
    "date": _date,
    "time": _time,
    "money": _money,
    "number": _number,
    "phone": _phone,
    "place": _text,
    "code": _code,
}
