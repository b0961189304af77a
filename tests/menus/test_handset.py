"""A handset shows what the network let through, in the letters that it has."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sado.menus.gsm import encoding, units
from sado.menus.handset import UNKNOWN, Handset, Letters, Shown

MIXED = st.text(st.sampled_from("ab ҷӯкЯ№{€😀\n"), max_size=60)
TAJIK = "ӣ қ ӯ ҳ ҷ ғ Ӣ Қ Ӯ Ҳ Ҷ Ғ"


@pytest.mark.parametrize(
    ("screen", "cut", "text", "lost"),
    [
        ("Salom", 5, "Salom", ""),
        ("Salom", 4, "Salo", "m"),
        ("Салом", 3, "Сал", "ом"),
        ("a{b", 2, "a", "{b"),
        ("a{b", 3, "a{", "b"),
        ("aҷ{b", 3, "aҷ{", "b"),
        ("ҷ😀b", 2, "ҷ", "😀b"),
        ("1 Об\n0 Қафо", 5, "1 Об\n", "0 Қафо"),
        ("", 5, "", ""),
    ],
)
def test_a_screen_is_cut_in_the_units_of_its_own_encoding(screen: str, cut: int, text: str, lost: str) -> None:
    assert Handset(cut).show(screen) == Shown(text, lost)


@given(MIXED, st.integers(1, 70))
def test_what_is_shown_and_what_is_lost_are_the_screen(screen: str, cut: int) -> None:
    shown = Handset(cut).show(screen)

    assert shown.text + shown.lost == screen
    assert bool(shown.lost) is (units(screen) > cut)


@given(MIXED, st.integers(1, 70))
def test_a_cut_takes_no_more_than_it_must(screen: str, cut: int) -> None:
    shown = Handset(cut).show(screen)
    # In front of a letter that keeps the encoding of the whole screen, each part is measured as it was sent.
    letter = "ҷ" if encoding(screen) == "UCS-2" else "a"
    used = units(letter + shown.text) - 1

    assert used <= cut
    assert not shown.lost or used + units(letter + shown.lost[0]) - 1 > cut


def test_without_a_cut_a_screen_of_any_length_is_whole() -> None:
    assert Handset().show("ҷ" * 500) == Shown("ҷ" * 500, "")


@pytest.mark.parametrize(
    ("letters", "text"),
    [
        (Letters.ALL, "Қафо, №1 Ҷавоб: [ok] «é»"),
        (Letters.RUSSIAN, "□афо, №1 □авоб: [ok] «é»"),
        (Letters.LATIN, "□□□□, □1 □□□□□: [ok] □é□"),
    ],
)
def test_a_letter_that_the_phone_lacks_is_a_box(letters: Letters, text: str) -> None:
    assert Handset(letters=letters).show("Қафо, №1 Ҷавоб: [ok] «é»").text == text


def test_a_russian_phone_lacks_the_tajik_letters_and_no_russian_one() -> None:
    phone = Handset(letters=Letters.RUSSIAN)

    assert set(phone.show(TAJIK).text) == {UNKNOWN, " "}
    russian = "абвгдеёжзийклмнопрстуфхцчшщъыьэюяАБВГДЕЁЖЗИЙКЛМНОПРСТУФХЦЧШЩЪЫЬЭЮЯ"
    assert phone.show(russian).text == russian


def test_boxes_take_the_room_of_the_letters_they_stand_for() -> None:
    assert Handset(4, Letters.LATIN).show("1 Об\n0 Қафо") == Shown("1 □□", "\n0 Қафо")
