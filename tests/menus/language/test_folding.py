"""One key for every spelling: a lossy one, for finding."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sado.menus.language.folding import Folding, misfits
from sado.menus.reading.pack import PACKS

fold = Folding.read((PACKS / "tajikistan" / "folding.csv").read_text("utf-8")).fold

PLACE_WORDS = {fold(word) for word in ("шаҳр", "шаҳри", "ноҳияи", "р-н", "район", "city", "district")}


@pytest.mark.parametrize(
    "spellings",
    [
        ("Ҳоҷӣ Ғафур Қӯрғонтеппа", "хочи гафур кургонтеппа", "Њољї Ѓафур Ќўрѓонтеппа", "Hojì Ghafur Qürghonteppa"),
        ("Шуғнон", "Shughnon", "wugnon", "6ughnon", "ШУҒНОН"),
        ("Ҷамшед", "Jamshed", "Djamshed", "Dzhamshed", "Джамшед", "Чамшед", "4amshed"),
        ("Мӯъмин", "Mu'min", "Mu’min", "Mümin", "му-мин"),
        ("Ёрӣ", "Yori", "ЕРИ", "е\u0308ри\u0304"),
        ("Раҳмон", "Rahmon", "Raxmon", "Rakhmon", "Рахмон"),
        ("Осиё", "Осие", "Осиё"),
        ("Хоруғ", "Xоруғ", "XOPУғ", "Хоpуғ"),
    ],
)
def test_one_word_has_one_key_however_it_is_spelled(spellings: tuple[str, ...]) -> None:
    assert len({fold(spelling) for spelling in spellings}) == 1


@pytest.mark.parametrize(("one", "other"), [("Ашт", "Рашт"), ("Панҷ", "Ванҷ"), ("Вахш", "Лахш"), ("кор", "бор")])
def test_other_words_keep_other_keys(one: str, other: str) -> None:
    assert fold(one) != fold(other)


def test_words_to_drop_are_dropped_only_beside_a_name() -> None:
    assert fold("шаҳри Хоруғ", PLACE_WORDS) == fold("Khorugh city", PLACE_WORDS) == fold("Хоруғ")
    assert fold("Рудаки р-н", PLACE_WORDS) == fold("РУДАКИ")
    assert fold("район", PLACE_WORDS) == fold("район") != ""
    assert fold("Шаҳринав", PLACE_WORDS) != fold("нав")


def test_no_word_is_dropped_unless_it_is_named() -> None:
    assert fold("шаҳри Хоруғ") != fold("Хоруғ")


@given(st.text())
def test_any_text_folds_to_a_key_without_spaces_or_doubles(text: str) -> None:
    key = fold(text)
    assert not any(letter.isspace() for letter in key)
    assert all(one != other for one, other in pairwise(key))


def test_a_letter_that_the_pack_does_not_have_stands_for_itself() -> None:
    assert Folding({"sh": "s"}).fold("Shimba") == "simba"
    assert Folding({}).fold("Kisumu") == "kisumu"


@pytest.mark.parametrize(
    ("table", "line", "says"),
    [
        ("written\nш\n", 1, "columns written, sound"),
        ("written,sound\nШ,s\n", 2, "must be small letters"),
        ("written,sound\n,s\n", 2, "must be small letters"),
        ("written,sound\nš,s\n", 2, "without marks of their own"),
        ("written,sound\nш,s\nш,c\n", 3, "ш stands in two rows"),
    ],
)
def test_a_table_that_cannot_be_used_is_told_at_its_line(table: str, line: int, says: str) -> None:
    ((file, place, told),) = misfits(table)
    assert (file, place) == ("folding.csv", (line,))
    assert says in told
