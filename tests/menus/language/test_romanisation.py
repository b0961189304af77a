"""Tajik in Latin letters: GSM-7 alone, and read back as it was."""

import csv
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sado import menus
from sado.menus.gsm import encoding
from sado.menus.language.romanisation import Romanisation
from sado.menus.misfits import MisfitError
from tests.support.romanisation import cyrillic

PACK = Path(menus.__file__).parent / "packs" / "tajikistan"
TAJIK = Romanisation.read("romanisation.csv", (PACK / "romanisation.csv").read_text("utf-8"))
with (PACK / "districts.csv").open(encoding="utf-8", newline="") as districts:
    ROWS = list(csv.DictReader(districts))
NAMES = sorted({row[column] for row in ROWS for column in ("short_tg", "full_tg", "centre_tg")} - {""})

LETTERS = "".join(TAJIK.read_back.values())
WITH_CAPITALS = "".join(letter for letter in LETTERS if letter not in "ӣъ")
SMALL = st.text(LETTERS, min_size=1, max_size=8)
TITLE = st.builds(lambda first, rest: first.upper() + rest, st.sampled_from(WITH_CAPITALS), SMALL)
CAPITALS = st.builds(lambda one, two, rest: (one + rest + two).upper(), *[st.sampled_from(WITH_CAPITALS)] * 2, SMALL)
WORDS = st.lists(SMALL | TITLE | CAPITALS | st.sampled_from(["15", "*1339#", "", "-"]), max_size=8)
TEXTS = st.builds(lambda sign, words: sign.join(words), st.sampled_from(" -\n,."), WORDS)
MIXED_CASE = st.text(WITH_CAPITALS + WITH_CAPITALS.upper() + " -", max_size=30)


def test_the_table_has_the_alphabet_of_1998() -> None:
    assert LETTERS == "абвгғдеёжзиӣйкқлмнопрстуӯфхҳчҷшъэюя"


@pytest.mark.parametrize("as_written", [str, str.upper, str.lower])
def test_every_name_of_a_place_comes_back(as_written: Callable[[str], str]) -> None:
    for written in map(as_written, NAMES):
        assert cyrillic(TAJIK, TAJIK.latin(written)) == written
        assert encoding(TAJIK.latin(written)) == "GSM-7"


@pytest.mark.parametrize(
    ("tajik", "latin"),
    [
        ("Ҷумҳурии Тоҷикистон", "Jumhurii Tojikiston"),
        ("шаҳри Кӯлоб", "shahri Külob"),
        ("Рӯдакӣ", "Rüdakì"),
        ("МӮЪМИНОБОД", "MÜ'MINOBOD"),
        ("ШАҲР Шаҳр ЧШ", "SHAHR Shahr CHSH"),
        ("Э, эълон!", "É, é'lon!"),
        ("Ғ. Хуҷанд", "Gh. Khujand"),
        ("Исҳоқ", "Is-hoq"),
        ("район", "ray-on"),
        ("кҳ гҳ зҳ чҳ йа йу", "k-h g-h z-h chh y-a y-u"),
        ("нек-ҳоҳ", "nek--hoh"),
        ("Ҳолат: 15 рӯз, SMS *1339#", "Holat: 15 rüz, SMS *1339#"),
        ("и\u0304", "ì"),
    ],
)
def test_tajik_is_written_in_gsm_letters(tajik: str, latin: str) -> None:
    assert TAJIK.latin(tajik) == latin


@pytest.mark.parametrize(
    ("written", "latin", "read"),
    [
        ("Центр ЦЕНТР", "Tsentr TSENTR", "Тсентр ТСЕНТР"),
        ("площадь", "ploshchad", "плошчад"),
        ("рынок, ыа", "rynok, y-a", "рйнок, йа"),
        ("цҳ", "ts-h", "тсҳ"),
        ("нӢ", "nì", "нӣ"),
        ("РӮДАКӢ", "RÜDAKì", "РӮДАКӢ"),
        ("ВОСЕЪ Восеъ", "VOSE' Vose'", "ВОСЕЪ Восеъ"),
    ],
)
def test_what_goes_one_way_is_read_as_it_sounds(written: str, latin: str, read: str) -> None:
    assert (TAJIK.latin(written), cyrillic(TAJIK, latin)) == (latin, read)


def test_a_small_letter_of_no_table_keeps_a_word_from_capitals() -> None:
    assert cyrillic(TAJIK, "AB'w") == "АБъw"


def test_without_the_hyphen_two_letters_are_read_as_one() -> None:
    assert cyrillic(TAJIK, "Ishoq") == "Ишоқ"


@given(TEXTS | MIXED_CASE)
def test_any_tajik_text_comes_back(text: str) -> None:
    assert cyrillic(TAJIK, TAJIK.latin(text)) == text


@given(st.text(LETTERS + LETTERS.upper() + "цщыьЦЩЫЬ -.,:?!0123456789\n"))
def test_any_tajik_text_travels_as_gsm_7(text: str) -> None:
    assert encoding(TAJIK.latin(text)) == "GSM-7"


@given(st.text())
def test_what_is_latin_already_is_not_written_again(text: str) -> None:
    once = TAJIK.latin(text)
    assert TAJIK.latin(once) == once


@given(st.text("абвг-", max_size=12))
def test_letters_that_begin_longer_ones_come_back_by_any_table(text: str) -> None:
    nested = Romanisation.read(
        "romanisation.csv", "cyrillic,latin,way\nа,s,both\nб,h,both\nв,sh,both\nг,shh,both\n,-,both\n"
    )
    assert cyrillic(nested, nested.latin(text)) == text


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ("", "needs rows"),
        ("cyrillic,latin\nа,a\n", "cyrillic, latin, way"),
        ("cyrillic,latin,way\nа,a,both\n", "must give the separator"),
        ("cyrillic,latin,way\nа,a,both\n,--,both\n", "a single sign"),
        ("cyrillic,latin,way\nА,a,both\n,-,both\n", "csv: 2: cyrillic must be one small letter"),
        ("cyrillic,latin,way\nа,a,both\nа,e,both\n,-,both\n", "csv: 3: the letter а stands in two rows"),
        ("cyrillic,latin,way\nа,a,back\n,-,both\n", "way must be both or one"),
        ("cyrillic,latin,way\nа,â,both\n,-,both\n", "not in small GSM-7"),
        ("cyrillic,latin,way\nа,A,both\n,-,both\n", "not in small GSM-7"),
        ("cyrillic,latin,way\nа,a,both\nя,a,both\n,-,both\n", "csv: 3: 'a' cannot be read back"),
        ("cyrillic,latin,way\nь,,both\n,-,both\n", "'' cannot be read back"),
        ("cyrillic,latin,way\nа,a-a,both\n,-,both\n", "holds the separator"),
    ],
)
def test_a_table_that_cannot_be_read_back_is_refused(table: str, says: str) -> None:
    with pytest.raises(MisfitError, match=says):
        Romanisation.read("romanisation.csv", table)
