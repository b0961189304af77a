"""What somebody types as an answer, or as none."""

import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sado.menus.fields import FIELDS, accepted

TYPED = [
    ("text", "No water", "No water"),
    ("text", "  ab\u200b c ", "ab c"),
    ("text", "Об", None),
    ("text", "Барқ", "Барқ"),
    ("text", "7", None),
    ("text", "a", None),
    ("text", "aaa", None),
    ("text", "1 2 3", None),
    ("text", "", None),
    ("text", " . ", None),
    ("text", "\u202e\u200f", None),
    ("name", "Ali", "Ali"),
    ("name", "Ӣ Ю", "Ӣ Ю"),
    ("name", "Al", "Al"),
    ("name", "A1", None),
    ("name", "12345", None),
    ("place", "Ёвон", "Ёвон"),
    ("place", "12", None),
    ("serial", "АМ № 0001234", "АМ № 0001234"),
    ("serial", " 1234 ", "1234"),
    ("serial", "0", None),
    ("serial", "АМ", None),
    ("serial", "1" * 41, None),
    ("number", "12", "12"),
    ("number", "007", "7"),
    ("number", "1 250", "1250"),
    ("number", "0", "0"),
    ("number", "00", None),
    ("number", "000", None),
    ("number", "٣", "3"),
    ("number", "1.5", None),
    ("number", "-1", None),
    ("number", "1234567890", None),
    ("number", "", None),
    ("date", "14.07.2026", "2026-07-14"),
    ("date", "14/7/26", "2026-07-14"),
    ("date", "1 2 85", "1985-02-01"),
    ("date", "14-07-49", "2049-07-14"),
    ("date", "14-07-50", "1950-07-14"),
    ("date", "14072026", "2026-07-14"),
    ("date", "１４.０７.２０２６", "2026-07-14"),
    ("date", "29.02.2024", "2024-02-29"),
    ("date", "29.02.2026", None),
    ("date", "31.04.2026", None),
    ("date", "2026-07-14", None),
    ("date", "140726", None),
    ("date", "tomorrow", None),
    ("year", "1985", "1985"),
    ("year", " 2009 ", "2009"),
    ("year", "1885", None),
    ("year", "85", None),
    ("year", "1985г", None),
    ("phone", "+992 90 000 00 01", "+992900000001"),
    ("phone", "(37) 224-53-68", "372245368"),
    ("phone", "12345", None),
    ("phone", "1234567890123456", None),
    ("phone", "call me", None),
]


@pytest.mark.parametrize(("field", "text", "answer"), TYPED)
def test_what_is_typed_is_this_answer_or_none(field: str, text: str, answer: str | None) -> None:
    assert accepted(field, 0, text) == answer


@pytest.mark.parametrize("text", ["007 442 4284", "007-442-4284", "007.442.4284", " №0074424284", "٠٠٧٤٤٢٤٢٨٤"])
def test_digits_are_taken_whatever_stands_between_them(text: str) -> None:
    assert accepted("digits", 10, text) == "0074424284"


@pytest.mark.parametrize("text", ["", "12345", "00744242841", "007442428x", "0074424284!", "007*4424284"])
def test_other_digits_are_refused(text: str) -> None:
    assert accepted("digits", 10, text) is None


def test_every_field_is_in_the_table() -> None:
    assert {field for field, _, _ in TYPED} | {"digits"} == set(FIELDS)


@given(st.sampled_from(FIELDS), st.integers(1, 20), st.text(max_size=600))
def test_whatever_is_typed_is_an_answer_or_none(field: str, length: int, text: str) -> None:
    answer = accepted(field, length, text)
    assert answer is None or answer.strip() == answer != ""


@given(st.dates(datetime.date(1950, 1, 1), datetime.date(2049, 12, 31)), st.sampled_from(["%d.%m.%Y", "%d/%m/%y"]))
def test_a_date_is_kept_as_the_day_that_was_meant(day: datetime.date, pattern: str) -> None:
    assert accepted("date", 0, day.strftime(pattern)) == day.isoformat()
