"""Telephone numbers in the one form that is kept: E.164, with its plus sign."""

from __future__ import annotations

import re


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
