"""Every city and district of Tajikistan is found however its name is typed, and a near miss is never an answer."""

import csv
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sado.menus.language.languages import Languages
from sado.menus.language.places import Gazetteer
from sado.menus.misfits import MisfitError
from sado.menus.reading.pack import PACKS
from tests.support.station import shipped_pack

with (PACKS / "tajikistan" / "districts.csv").open(encoding="utf-8", newline="") as districts:
    ROWS = list(csv.DictReader(districts))
TAJIKISTAN = shipped_pack().gazetteer
PLACES = {place.code: place for place in TAJIKISTAN}
TABLE = shipped_pack().languages["tg-Latn"].table
assert TABLE is not None

NAMES = [(row["code"], row[f"short_{language}"]) for row in ROWS for language in ("tg", "ru", "en")]
EVERYWHERE = [
    (row["code"], name)
    for row in ROWS
    for place in [PLACES[row["code"]]]
    for name in (*place.names.values(), *place.short.values())
]
OTHER = [(row["code"], name) for row in ROWS for name in row["other_names"].split(";") if name]
FORMER = [(row["code"], name) for row in ROWS for name in row["former_names"].split(";") if name]

# A city that shares its name with the former name of the district around it: the person is asked.
SHARED = {
    "SU-KHU": ("SU-KHU", "SU-BOB"),
    "KT-BOK": ("KT-BOK", "KT-KUS"),
}
WITHOUT_TAJIK_LETTERS = str.maketrans("ғӣқӯҳҷҒӢҚӮҲҶ", "гикухчГИКУХЧ")
OLD_FONT = str.maketrans("ғӣқӯҳҷҒӢҚӮҲҶ", "ѓїќўњљЃЇЌЎЊЉ")
PLAIN_LATIN = str.maketrans("ìüé", "iue", "'")
BGN = str.maketrans({"ì": "í", "ü": "ŭ", "é": "ė", "'": "’"})
CHAT = str.maketrans({"х": "x", "ҳ": "h", "ш": "w", "ч": "4"})


def found(typed: str) -> list[str]:
    """The places that were typed as they are spelled."""
    result = TAJIKISTAN.find(typed)
    return [place.code for place in result.places] if result.exact else []


def nearly(typed: str) -> list[str]:
    """The places to ask about, where none is spelled as typed."""
    result = TAJIKISTAN.find(typed)
    return [] if result.exact else [place.code for place in result.places]


def place_of(code: str) -> list[str]:
    """What the present name of this place finds."""
    return list(SHARED.get(code, (code,)))


@pytest.mark.parametrize("as_typed", [str, str.upper, str.lower])
def test_every_present_name_finds_its_own_place(as_typed: Callable[[str], str]) -> None:
    assert len(NAMES + EVERYWHERE) > 700
    assert [(code, name) for code, name in NAMES + EVERYWHERE if found(as_typed(name)) != place_of(code)] == []


@pytest.mark.parametrize("as_typed", [str, str.upper])
def test_every_other_and_former_name_finds_the_place_of_today(as_typed: Callable[[str], str]) -> None:
    assert OTHER and FORMER
    assert [(code, name) for code, name in OTHER + FORMER if code not in found(as_typed(name))] == []


def spellings_of(row: dict[str, str]) -> list[str]:
    """The Tajik name of a place as it is typed where a keyboard, a font or a habit has other letters."""
    name, latin = row["full_tg"], TABLE.latin(row["full_tg"])
    spellings = [name.translate(WITHOUT_TAJIK_LETTERS), name.translate(OLD_FONT)]
    spellings += [latin, latin.translate(PLAIN_LATIN), latin.replace("-", "").translate(PLAIN_LATIN)]
    spellings += [latin.translate(BGN), TABLE.latin(name.lower().translate(CHAT))]
    return spellings


@pytest.mark.parametrize("as_typed", [str, str.upper])
def test_a_tajik_name_is_found_in_every_spelling_of_its_letters(as_typed: Callable[[str], str]) -> None:
    spelt = [(row["code"], as_typed(typed)) for row in ROWS for typed in spellings_of(row)]
    assert [(code, typed) for code, typed in spelt if found(typed) != place_of(code)] == []


@pytest.mark.parametrize("kind", ["шаҳри {}", "ноҳияи {}", "нохияи {}", "nohiyai {}", "{} район", "р-н {}", "г.{}"])
def test_a_name_is_found_beside_any_word_for_its_kind(kind: str) -> None:
    names = [row["short_tg"] for row in ROWS]
    assert [name for name in names if found(kind.format(name)) != found(name) or not found(name)] == []


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
        ("Гафуров", "SU-BOB"),
        ("Дж.Расулов", "SU-JAB"),
        ("Jomi", "KT-ABD"),
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
        ("Сарбанд", ["KT-LEV"]),
        ("Дарбанд", ["RA-NUR"]),
    ],
)
def test_look_alike_places_do_not_confuse(typed: str, codes: list[str]) -> None:
    assert found(typed) == codes


@pytest.mark.parametrize(
    ("typed", "codes"),
    [
        ("Банҷ", ["KT-PAN", "GB-VAN"]),
        ("Дашт", ["SU-ASH", "RA-RAS"]),
        ("Khujnd", ["SU-KHU", "SU-BOB"]),
        ("Варзоп", ["RA-VAR"]),
        ("Wahdat", ["RA-VAH"]),
    ],
)
def test_one_letter_away_is_a_question_about_every_candidate(typed: str, codes: list[str]) -> None:
    assert nearly(typed) == codes


@pytest.mark.parametrize("typed", ["", " ", "...", "1", "Аш", "Yovn", "район", "qwerty", "Москвабад 7", "😀"])
def test_junk_finds_nothing(typed: str) -> None:
    assert found(typed) == nearly(typed) == []


@given(st.text())
def test_any_text_may_be_typed(typed: str) -> None:
    result = TAJIKISTAN.find(typed)
    assert result.places or not result.exact


@pytest.mark.parametrize(
    ("code", "names"),
    [
        ("SU-KHU", ("шаҳри Хуҷанд", "г. Худжанд", "Khujand city", "shahri Khujand")),
        ("SU-ASH", ("ноҳияи Ашт", "Аштский р-н", "Asht district", "nohiyai Asht")),
        ("RA-RUD", ("ноҳияи Рӯдакӣ", "р-н Рудаки", "Rudaki district", "nohiyai Rüdakì")),
        ("DU-DUS", ("шаҳри Душанбе", "г. Душанбе", "Dushanbe city", "shahri Dushanbe")),
        ("DU-SIN", ("ноҳияи Сино", "р-н Сино", "Sino district", "nohiyai Sino")),
    ],
)
def test_full_names_say_city_or_district(code: str, names: tuple[str, ...]) -> None:
    place = PLACES[code]
    assert tuple(place.names[language] for language in ("tg", "ru", "en", "tg-Latn")) == names


def test_short_names_are_bare_but_for_a_russian_adjective() -> None:
    assert PLACES["SU-ASH"].short == {"tg": "Ашт", "ru": "Аштский р-н", "en": "Asht", "tg-Latn": "Asht"}


@pytest.mark.parametrize(
    ("code", "language", "name", "short"),
    [
        ("SU-ASH", "ru", "Аштский р-н", "Аштский р-н"),
        ("XX-YYY", "ru", "XX-YYY", "XX-YYY"),
        ("SU-ASH", "ky", "SU-ASH", "SU-ASH"),
    ],
    ids=["known", "a place that is not in the list", "a language that the pack does not have"],
)
def test_a_place_without_a_name_is_called_by_its_code(code: str, language: str, name: str, short: str) -> None:
    assert (TAJIKISTAN.name(code, language), TAJIKISTAN.short_name(code, language)) == (name, short)


def test_regions_come_in_the_order_of_the_file() -> None:
    assert list(TAJIKISTAN.regions) == ["TJ-SU", "TJ-KT", "TJ-GB", "TJ-RA", "TJ-DU"]
    assert TAJIKISTAN.regions["TJ-GB"] == {
        "tg": "Бадахшон",
        "ru": "Бадахшан",
        "en": "Badakhshan",
        "tg-Latn": "Badakhshon",
    }


def test_a_region_lists_its_places_in_the_tajik_alphabet() -> None:
    names = [place.short["tg"] for place in TAJIKISTAN.in_region("TJ-RA")]
    assert names[4:6] == ["Рашт", "Роғун"]
    assert names[-2:] == ["Ҳисор", "Шаҳринав"]


def test_every_place_is_in_exactly_one_region() -> None:
    listed = [place.code for iso in TAJIKISTAN.regions for place in TAJIKISTAN.in_region(iso)]
    assert sorted(listed) == sorted(row["code"] for row in ROWS)


REGIONS = "iso,short_kk\nALA,Алматы\n"
DISTRICTS = (
    "code,region_iso,short_kk,full_kk,other_names,former_names\n"
    "TAL,ALA,Талғар,Талғар ауданы,Talgar,\nQAR,ALA,Қарасай,Қарасай ауданы,,Каскеленский;Каскелен\n"
)
KAZAKH_SOUNDS = "written,sound\ngh,г\nғ,г\nқ,к\nt,т\na,а\nl,л\nr,р\n"
KAZAKH = Languages.read({"kk": {"name": "Қазақша", "locale": "kk"}}, "kk", {"folding.csv": KAZAKH_SOUNDS})


@pytest.mark.parametrize(
    ("typed", "code"), [("талгар", "TAL"), ("Talghar ауданы", "TAL"), ("Қарасай", "QAR"), ("каскелен", "QAR")]
)
def test_the_places_of_another_country_are_found(typed: str, code: str) -> None:
    result = Gazetteer.read(DISTRICTS, REGIONS, KAZAKH, ["ауданы"]).find(typed)
    assert ([place.code for place in result.places], result.exact) == ([code], True)


@pytest.mark.parametrize(
    ("districts", "regions", "says"),
    [
        ("", REGIONS, "there is no district"),
        (DISTRICTS, "", "there is no region"),
        (DISTRICTS, REGIONS.replace("ALA", "ALM"), "districts.csv: 2: there is no region ALA"),
        (DISTRICTS.replace("short_kk", "short_tg"), REGIONS, "the list of districts has no column short_kk"),
        (DISTRICTS.replace("Қарасай ауданы", ""), REGIONS, "districts.csv: 3: nothing in full_kk"),
        (DISTRICTS.replace("QAR", "TAL"), REGIONS, "districts.csv: 2: TAL stands in two rows"),
        (DISTRICTS, REGIONS.replace("iso", "code"), "the list of regions has no column iso"),
        (DISTRICTS.replace("former_names", "old"), REGIONS, "need the columns other_names and former_names"),
        (DISTRICTS, REGIONS.replace("Алматы", ""), "regions.csv: 2: nothing in short_kk"),
    ],
)
def test_lists_that_cannot_be_used_are_refused(districts: str, regions: str, says: str) -> None:
    with pytest.raises(MisfitError, match=says):
        Gazetteer.read(districts, regions, KAZAKH)
