"""Telephone numbers in the one form that is kept: E.164, with its plus sign."""

from __future__ import annotations

import re

from sado.cases.reference import is_reference

# E.164 knows none that is shorter within a country, but for short codes.
FEWEST_DIGITS = 7


def parse(typed: str, country: str) -> str | None:
    """The number in E.164, as people in this country (ISO 3166) write it; None when it is none."""
    import phonenumbers

    try:
        number = phonenumbers.parse(re.sub(r"^00", "+", typed.strip()), country)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_possible_number(number):
        return None
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))


def may_be(typed: str) -> bool:
    """Whether somebody may have typed a telephone number where another thing is asked for: so many digits, and they are
    no reference."""
    return sum(map(str.isdigit, typed)) >= FEWEST_DIGITS and not is_reference(typed)
