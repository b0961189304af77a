"""Dates, numbers and money as each language writes them, and never a sign that makes a Latin page UCS-2."""

import datetime
import subprocess
import sys
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sado.menus.gsm import encoding
from sado.menus.language import formats
from sado.menus.language.languages import Languages
from tests.menus.language.test_languages import RAW, TABLES

MONEY = {"tg": "{n} сом.", "ru": "{n} сом.", "en": "{n} TJS"}
LANGUAGES = Languages.read(
    {code: entry | ({"money": MONEY[code]} if code in MONEY else {}) for code, entry in RAW.items()}, "tg", TABLES
)
AMOUNTS = st.decimals(-(10**9), 10**9, places=2)


@pytest.mark.parametrize("code", LANGUAGES.codes)
def test_a_date_cannot_be_read_as_another_day(code: str) -> None:
    assert formats.date(datetime.date(2026, 7, 4), LANGUAGES, code) == "04.07.2026"


def test_a_pack_may_write_dates_its_own_way() -> None:
    english = Languages.read({"en": RAW["en"] | {"date": "d MMM y"}}, "en", {})
    assert formats.date(datetime.date(2026, 7, 4), english, "en") == "4 Jul 2026"


@pytest.mark.parametrize(
    ("code", "written"),
    [("tg", "1 234 567,125"), ("ru", "1 234 567,125"), ("en", "1,234,567.125"), ("tg-Latn", "1 234 567,125")],
)
def test_a_number_has_the_signs_of_its_language(code: str, written: str) -> None:
    assert formats.number(Decimal("1234567.125"), LANGUAGES, code) == written


@pytest.mark.parametrize(
    ("amount", "code", "written"),
    [
        (12000, "tg", "12 000 сом."),
        (12000, "tg-Latn", "12 000 som."),
        (Decimal("12000.00"), "ru", "12 000 сом."),
        (Decimal("1234.5"), "ru", "1 234,50 сом."),
        (Decimal("1234.5"), "en", "1,234.50 TJS"),
        (Decimal("-0.05"), "tg-Latn", "-0,05 som."),
        (0, "en", "0 TJS"),
    ],
)
def test_money_has_the_word_of_the_country(amount: int | Decimal, code: str, written: str) -> None:
    assert formats.money(amount, LANGUAGES, code) == written


@given(st.dates(), AMOUNTS, st.sampled_from(("en", "tg-Latn")))
def test_what_is_written_for_a_latin_page_is_gsm_7(day: datetime.date, amount: Decimal, code: str) -> None:
    texts = [formats.date(day, LANGUAGES, code)]
    texts += [write(amount, LANGUAGES, code) for write in (formats.number, formats.money)]
    assert {encoding(text) for text in texts} == {"GSM-7"}


@given(AMOUNTS)
def test_a_number_loses_no_digit(amount: Decimal) -> None:
    assert Decimal(formats.number(amount, LANGUAGES, "en").replace(",", "")) == amount


def test_months_in_words_are_romanised_too() -> None:
    tajik = {"tg": RAW["tg"] | {"date": "d MMMM y"}, "tg-Latn": RAW["tg-Latn"]}
    languages = Languages.read(tajik, "tg", TABLES)
    assert formats.date(datetime.date(2026, 5, 1), languages, "tg") == "1 Май 2026"
    assert formats.date(datetime.date(2026, 5, 1), languages, "tg-Latn") == "1 May 2026"


@pytest.mark.parametrize(("use", "loaded"), [("", "False"), ("; import babel.dates", "True")])
def test_a_station_with_nothing_to_format_does_not_load_the_tables_of_babel(use: str, loaded: str) -> None:
    code = (
        f"import sys, sado.menus.language.formats, sado.menus.language.languages{use}; "
        "print('babel.dates' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == loaded
