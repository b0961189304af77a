"""Every city and district of Tajikistan is found however its name is typed."""

import csv
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import menus
from menus.places import Gazetteer, UnknownPlaceError, fold

PACK = Path(menus.__file__).parent / "packs" / "tajikistan"
with (PACK / "districts.csv").open(encoding="utf-8", newline="") as districts:
    ROWS = list(csv.DictReader(districts))
TAJIKISTAN = Gazetteer.load(PACK)

NAMES = [(row["code"], row[column]) for row in ROWS for column in ("name_tg", "name_ru", "name_en")]
FULL_NAMES = [(row["code"], name) for row in ROWS for name in TAJIKISTAN.get(row["code"]).names.values()]
FORMER = [(row["code"], name) for row in ROWS for name in row["former_names"].split(";") if name]

# A city that shares its name with the former name of the district around it: the person is asked.
SHARED = {
    "SU-KHU": ("SU-KHU", "SU-BOB"),
    "KT-BOK": ("KT-BOK", "KT-KUS"),
}
TAJIK_LETTERS = str.maketrans("ғӣқӯҳҷҒӢҚӮҲҶ", "гикухчГИКУХЧ")
OLD_FONT = str.maketrans("ғӣқӯҳҷҒӢҚӮҲҶ", "ѓїќўњљЃЇЌЎЊЉ")


def found(typed: str) -> list[str]:
    return [place.code for place in TAJIKISTAN.find(typed)]


@pytest.mark.parametrize(("code", "name"), NAMES + FULL_NAMES)
def test_every_present_name_finds_its_own_place(code: str, name: str) -> None:
    assert tuple(found(name)) == SHARED.get(code, (code,))


@pytest.mark.parametrize(("code", "name"), FORMER)
def test_every_former_name_finds_the_place_of_today(code: str, name: str) -> None:
    assert code in found(name)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["code"])
def test_a_name_is_found_without_tajik_letters_and_in_old_font_codes(row: dict[str, str]) -> None:
    expected = found(row["name_tg"])
    for typed in (row["name_tg_full"].translate(TAJIK_LETTERS), row["name_tg_full"].translate(OLD_FONT)):
        assert found(typed) == found(typed.upper()) == expected


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("Yovon", "KT-YOV"),
        ("YOVON TUMANI", None),
        ("Xujand", "SU-KHU"),
        ("khudzhand", "SU-KHU"),
        ("Хужанд", "SU-KHU"),
        ("Ленинобод", "SU-KHU"),
        ("Чкаловск", "SU-BUS"),
        ("Қӯрғонтеппа", "KT-BOK"),
        ("Qurghonteppa", "KT-BOK"),
        ("курган тюбе", "KT-BOK"),
        ("Ура-Тюбе", "SU-ISR"),
        ("Яван", "KT-YOV"),
        ("Пяндж", "KT-PAN"),
        ("mu'minobod", "KT-MUM"),
        ("Muminobod", "KT-MUM"),
        ("wahrinav", "RA-SHA"),
        ("nohiyai Rudaki", "RA-RUD"),
        ("р-н Рудаки", "RA-RUD"),
        ("г.Нурек", "KT-NOR"),
    ],
)
def test_everyday_spellings_are_understood(typed: str, code: str | None) -> None:
    assert found(typed)[:1] == ([code] if code else [])


@pytest.mark.parametrize("typed", ["Xоруғ", "XOPУғ", "Хоpуғ", "Xopуғ"])
def test_latin_letters_hidden_in_a_cyrillic_word_are_read_by_their_looks(typed: str) -> None:
    assert found(typed) == ["GB-KHO"]


@pytest.mark.parametrize(
    ("typed", "codes"),
    [
        ("Ашт", ["SU-ASH"]),
        ("Рашт", ["RA-RAS"]),
        ("Вахш", ["KT-VAK"]),
        ("Лахш", ["RA-LAK"]),
        ("Панҷ", ["KT-PAN"]),
        ("Ванҷ", ["GB-VAN"]),
        ("Мастчоҳ", ["SU-MAS"]),
        ("Кӯҳистони Мастчоҳ", ["SU-KUH"]),
        ("Дӯстӣ", ["KT-DUS"]),
        ("Ваҳдат", ["RA-VAH"]),
    ],
)
def test_look_alike_places_do_not_confuse(typed: str, codes: list[str]) -> None:
    assert found(typed) == codes


@pytest.mark.parametrize(
    ("typed", "codes"),
    [("Банҷ", ["KT-PAN", "GB-VAN"]), ("Дашт", ["SU-ASH", "RA-RAS"]), ("Khujnd", ["SU-KHU", "SU-BOB"])],
)
def test_one_letter_away_gives_every_candidate(typed: str, codes: list[str]) -> None:
    assert found(typed) == codes


@pytest.mark.parametrize("typed", ["", " ", "...", "1", "Аш", "Yovn", "район", "qwerty", "Москвабад 7", "😀"])
def test_junk_finds_nothing(typed: str) -> None:
    assert found(typed) == []


@given(st.text())
def test_any_text_folds_to_a_key_without_spaces_or_doubles(text: str) -> None:
    key = fold(text)
    assert not any(letter.isspace() for letter in key)
    assert all(one != other for one, other in pairwise(key))
    TAJIKISTAN.find(text)


def test_kind_words_are_dropped_only_beside_a_name() -> None:
    assert fold("шаҳри Хоруғ") == fold("Khorugh city") == fold("Хоруғ")
    assert fold("район") != ""
    assert fold("Шаҳринав") != fold("нав")


@pytest.mark.parametrize(
    ("code", "names"),
    [
        ("SU-KHU", ("шаҳри Хуҷанд", "г. Худжанд", "Khujand city")),
        ("SU-ASH", ("ноҳияи Ашт", "Аштский р-н", "Asht district")),
        ("RA-RUD", ("ноҳияи Рӯдакӣ", "р-н Рудаки", "Rudaki district")),
        ("DU-DUS", ("шаҳри Душанбе", "г. Душанбе", "Dushanbe city")),
        ("DU-SIN", ("ноҳияи Сино", "р-н Сино", "Sino district")),
    ],
)
def test_full_names_say_city_or_district(code: str, names: tuple[str, ...]) -> None:
    assert tuple(TAJIKISTAN.get(code).names.values()) == names


def test_short_names_are_bare() -> None:
    assert TAJIKISTAN.get("SU-ASH").short == {"tg": "Ашт", "ru": "Аштский", "en": "Asht"}


def test_an_unknown_code_is_named_in_the_error() -> None:
    with pytest.raises(UnknownPlaceError, match="XX-YYY"):
        TAJIKISTAN.get("XX-YYY")


def test_regions_come_in_the_order_of_the_file() -> None:
    assert list(TAJIKISTAN.regions) == ["TJ-SU", "TJ-KT", "TJ-GB", "TJ-RA", "TJ-DU"]
    assert TAJIKISTAN.regions["TJ-GB"] == {"tg": "ВМКБ", "ru": "ГБАО", "en": "GBAO"}


def test_a_region_lists_its_places_in_the_tajik_alphabet() -> None:
    names = [place.short["tg"] for place in TAJIKISTAN.in_region("TJ-RA")]
    assert names[4:6] == ["Рашт", "Роғун"]
    assert names[-2:] == ["Ҳисор", "Шаҳринав"]


def test_every_place_is_in_exactly_one_region() -> None:
    listed = [place.code for iso in TAJIKISTAN.regions for place in TAJIKISTAN.in_region(iso)]
    assert sorted(listed) == sorted(row["code"] for row in ROWS)
