"""One value in the many ways that agencies write and residents type it."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sado.cases.registers import field_types
from sado.cases.registers.field_types import Field, FieldError
from sado.menus.language.folding import Folding
from sado.menus.reading.pack import PACKS

fold = Folding.read((PACKS / "tajikistan" / "folding.csv").read_text("utf-8")).fold


@pytest.mark.parametrize(
    ("kind", "raw", "value"),
    [
        ("digits", "020 025-789", "020025789"),
        ("year", "1985", "1985"),
        ("date", "2026-02-28", "2026-02-28"),
        ("time", "9:30", "09:30"),
        ("money", "1 198,5", "1198.5"),
        ("number", "007", "7"),
        ("phone", "+992 (37) 224-53-68", "+992 (37) 224-53-68"),
        ("text", "two\n  words", "two words"),
        ("code", "fuel", "fuel"),
        ("serial", "АМ № 0001234", "АМ № 0001234"),
        ("money", "0.00", "0"),
        ("money", "10.00", "10.00"),
    ],
)
def test_a_value_is_kept_in_one_form(kind: Any, raw: str, value: str) -> None:
    field = Field(kind, length=9 * (kind == "digits"), words={"fuel": {}} if kind == "code" else {})

    assert field_types.kept(field, raw) == value
    assert field_types.kept(field, value) == value


@pytest.mark.parametrize(
    ("kind", "raw", "says"),
    [
        ("digits", "02002578", "9 digits are needed, got 8 characters"),
        ("digits", "02002578x", "9 digits are needed"),
        ("year", "77", "a year such as"),
        ("year", "2985", "a year such as"),
        ("date", "30.11.2026", "a day such as"),
        ("date", "2026-02-30", "a day such as"),
        ("date", "20260230", "a day such as"),
        ("time", "24:00", "a time such as"),
        ("money", "1.985", "an amount such as"),
        ("money", "-5", "an amount such as"),
        ("number", "1.5", "a whole number"),
        ("phone", "call me", "a telephone number"),
        ("serial", "АМ № 000", "a number such as"),
        ("code", "gas", "one of fuel is needed"),
        ("text", "a\x00b", "a control sign"),
        ("text", "x" * 301, "at most 300 letters"),
    ],
)
def test_a_value_that_does_not_fit_is_told_without_being_repeated(kind: Any, raw: str, says: str) -> None:
    field = Field(kind, length=9 * (kind == "digits"), words={"fuel": {}} if kind == "code" else {})

    with pytest.raises(FieldError, match=says) as error:
        field_types.kept(field, raw)
    assert raw not in str(error.value)


@pytest.mark.parametrize(
    ("kind", "typed"),
    [
        ("text", ["АМ № 0001234", "AM0001234", "am 000 1234", "Ам-0001234", "аm №0001234"]),
        ("digits", ["020025789", "020 025 789", "020-025-789", "０２００２５７８９"]),
        ("serial", ["АМ № 0001234", "AM0001234", "1234", "№ 1234", "0001 234", "ам-1234"]),
        ("name", ["Ҳунармандон", "Хунармандон", "Hunarmandon", "ХУНАРМАНДОН"]),
    ],
)
def test_every_way_to_type_a_value_is_one_key(kind: Any, typed: list[str]) -> None:
    keys = {field_types.key(Field(kind), one, fold) for one in typed}

    assert len(keys) == 1 and keys != {""}


def test_serials_with_the_same_digits_are_two_numbers() -> None:
    identities = {
        field_types.identity(Field("serial"), one, fold) for one in ("АМ 0001234", "AM № 0001234", "БТ 0001234")
    }

    assert len(identities) == 2


@pytest.mark.parametrize(
    ("typed", "is_meant"),
    [("1234", True), ("AM 1234", True), ("ам1234", True), ("No 1234", True), ("AM No 1234", True)]
    + [("БТ 1234", False), ("A 1234", False), ("AMK 1234", False)],
)
def test_the_letters_of_a_series_are_its_own_or_none(typed: str, is_meant: bool) -> None:
    assert field_types.agrees(Field("serial", without=("No",)), typed, "АМ № 0001234", fold) is is_meant


@pytest.mark.parametrize(
    ("typed", "is_same"),
    [("ООО «Шифои намуна»", True), ("ҶДММ ШИФОИ НАМУНА", True), ('OOO "Shifoi namuna"', True), ("ИП Шифо", False)],
)
def test_a_firm_is_the_same_under_any_legal_form(typed: str, is_same: bool) -> None:
    field = Field("name", without=("ҶДММ", "ООО", "ИП"))

    assert (field_types.key(field, typed, fold) == field_types.key(field, "Шифои намуна", fold)) is is_same


def test_a_firm_that_is_called_by_nothing_but_its_legal_form_has_a_key() -> None:
    assert field_types.key(Field("name", without=("ООО",)), "ООО", fold) != ""


@given(st.text(max_size=40), st.sampled_from(["text", "name", "digits", "serial", "year", "place", "code"]))
def test_any_typed_text_has_a_key_of_letters_and_digits(typed: str, kind: Any) -> None:
    key = field_types.key(Field(kind), typed, fold)

    assert key == "" or key.isalnum()
