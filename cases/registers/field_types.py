"""The fields of a register: which values each type takes, how one is kept, and the key that a row is found by.

Agencies write and residents type the same number in many ways. A value and what is typed for it are made into one key
by the type: digits without their separators, a name by the sounds of its letters, other words by their looks.
"""

from __future__ import annotations

import datetime
import re
import unicodedata
from collections.abc import Callable, Mapping
from typing import Literal

import msgspec

Texts = dict[str, str]
Fold = Callable[[str], str]
Type = Literal[
    "text", "texts", "digits", "name", "year", "date", "time", "money", "number", "phone", "place", "code"
]  # fmt: skip
LONGEST = 300
_SEPARATORS = re.compile(r"[\s.,/№-]")
_YEARS = range(1900, 2101)

# Letters that look the same on paper and on a phone: series such as АМ are typed in either alphabet.
_LOOKS = str.maketrans("авекмнорстухіјѕ", "abekmhopctyxijs")


class Field(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One column of a register. `length` is for digits; `words` for a code: what each value is called, and for
    an amount that has a name of its own, such as 0. `label` is how
    a question to the agency names the field."""

    type: Type
    required: bool = True
    length: int = 0
    words: dict[str, Texts] = {}
    label: Texts = {}


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
    if field.type in ("digits", "year"):
        return "".join(str(unicodedata.digit(sign)) for sign in value if sign.isdigit())
    return fold(value) if field.type == "name" else _looks(value)


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
