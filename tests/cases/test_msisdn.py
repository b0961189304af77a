"""A telephone number is one number, however it is written."""

import pytest

from sado.cases import msisdn


@pytest.mark.parametrize("typed", ["+992900000001", "00992900000001", "900000001", " 900 00-00-01 "])
def test_a_number_is_read_as_people_in_the_country_write_it(typed: str) -> None:
    assert msisdn.parse(typed, "TJ") == "+992900000001"


@pytest.mark.parametrize("typed", ["", "1339", "nobody", "9", "+", "1" * 40])
def test_what_is_no_number_is_none(typed: str) -> None:
    assert msisdn.parse(typed, "TJ") is None


@pytest.mark.parametrize("typed", ["+992900000001", "900 00-00-01", "zarina 9000001", "0071234567"])
def test_what_may_be_a_number_is_noticed(typed: str) -> None:
    assert msisdn.may_be(typed)


@pytest.mark.parametrize("typed", ["zarina", "zarina.2026", "123456", "0070000009", ""])
def test_a_name_or_a_reference_is_none(typed: str) -> None:
    assert not msisdn.may_be(typed)
