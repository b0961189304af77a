"""Dates, numbers and money in the words of a resident's language, safe for a page in GSM-7.

Babel knows the rules of each language; the pack gives the date pattern and the word for money. It is imported when it
is first needed, since a station that has nothing to format should not hold its tables.
"""

from __future__ import annotations

import datetime
import unicodedata
from decimal import Decimal

from sado.menus.language.languages import Languages


def date(day: datetime.date, languages: Languages, code: str) -> str:
    """Write a day by the pattern of the language: short, and read the same way everywhere in the country."""
    from babel.dates import format_date

    return _shown(format_date(day, languages[code].date, languages.locale(code)), languages, code)


def number(value: int | Decimal, languages: Languages, code: str) -> str:
    """Write a number with the groups and the decimal sign of the language, no digit lost."""
    from babel.numbers import format_decimal

    written = format_decimal(value, locale=languages.locale(code), decimal_quantization=False)
    return _shown(written, languages, code)


def money(value: int | Decimal, languages: Languages, code: str) -> str:
    """Write an amount of the country's money: hundredths are two digits, or none where the amount is whole."""
    from babel.numbers import format_decimal

    pattern = "#,##0" if value == int(value) else "#,##0.00"
    written = format_decimal(value, pattern, languages.locale(code))
    return languages[code].money.replace("{n}", _shown(written, languages, code))


def _shown(written: str, languages: Languages, code: str) -> str:
    """Put plain signs for the no-break spaces and the minus that would make a whole page UCS-2."""
    plain = "".join(" " if unicodedata.category(sign) == "Zs" else sign for sign in written.replace("\u2212", "-"))
    return languages.romanised(plain, code)
