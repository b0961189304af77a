"""The languages of a pack: read and checked, completed in Latin letters, counted by their own rules."""

from pathlib import Path
from typing import Any

import pytest

from sado import menus
from sado.menus.gsm import encoding
from sado.menus.language.languages import Languages
from sado.menus.misfits import MisfitError

PACK = Path(menus.__file__).parent / "packs" / "tajikistan"
TABLES = {"romanisation.csv": (PACK / "romanisation.csv").read_text("utf-8")}
RAW: dict[str, Any] = {
    "tg": {"name": "Тоҷикӣ", "locale": "tg", "money": "{n} сом."},
    "ru": {"name": "Русский", "locale": "ru"},
    "en": {"name": "English", "locale": "en"},
    "tg-Latn": {"name": "Tojiki", "romanises": "tg", "table": "romanisation.csv"},
}
LANGUAGES = Languages.read(RAW, "tg", TABLES)
DAYS = {"one": "день", "few": "дня", "many": "дней", "other": "дня"}


def test_languages_keep_the_order_of_the_menu_and_their_own_names() -> None:
    assert LANGUAGES.codes == ("tg", "ru", "en", "tg-Latn")
    assert list(LANGUAGES.names.values()) == ["Тоҷикӣ", "Русский", "English", "Tojiki"]
    assert (LANGUAGES.default, LANGUAGES.written) == ("tg", ("tg", "ru", "en"))


def test_a_romanised_language_has_the_locale_and_the_money_of_its_base() -> None:
    assert LANGUAGES.locale("tg-Latn") == "tg"
    assert LANGUAGES["tg-Latn"].money == "{n} som."


@pytest.mark.parametrize(
    ("tajik", "latin"),
    [
        ("№{ref}: ҳолат", "No {ref}: holat"),
        ("№ 5", "No 5"),
        ("«Ҷавоб» — {status}…", '"Javob" - {status}...'),
        ("{n} рақам лозим аст.", "{n} raqam lozim ast."),
        ("Як\nду", "Yak\ndu"),
    ],
)
def test_a_missing_romanised_text_is_made_from_its_base(tajik: str, latin: str) -> None:
    completed = LANGUAGES.complete({"tg": tajik, "en": "-"})
    assert completed == {"tg": tajik, "en": "-", "tg-Latn": latin}
    assert encoding(latin) == "GSM-7"


@pytest.mark.parametrize("texts", [{"tg": "Ҳа", "tg-Latn": "Ha, bale"}, {"ru": "Да"}, {}])
def test_a_text_that_is_there_or_has_no_base_stays(texts: dict[str, str]) -> None:
    assert LANGUAGES.complete(texts) == texts


def test_words_of_a_program_are_romanised_only_where_the_language_is() -> None:
    assert [LANGUAGES.romanised("Ҷавоб №7", code) for code in LANGUAGES.codes] == [*["Ҷавоб №7"] * 3, "Javob No 7"]


@pytest.mark.parametrize(
    ("n", "word"), [(1, "день"), (2, "дня"), (5, "дней"), (11, "дней"), (21, "день"), (22, "дня"), (1.5, "дня")]
)
def test_russian_counts_in_four_forms(n: float, word: str) -> None:
    assert LANGUAGES.plural(DAYS, n, "ru") == word


@pytest.mark.parametrize("code", ["tg", "tg-Latn"])
@pytest.mark.parametrize("n", [0, 1, 2, 5, 15, 21, 1.5])
def test_tajik_nouns_stay_singular_after_any_number(n: float, code: str) -> None:
    assert LANGUAGES.plural({"one": "нест", "few": "нест", "other": "рӯз"}, n, code) == "рӯз"


def test_a_form_that_is_not_there_is_the_other_one() -> None:
    assert LANGUAGES.plural({"other": "дня"}, 1, "ru") == "дня"
    assert LANGUAGES.plural({"one": "day", "other": "days"}, 2, "en") == "days"


def test_an_alphabet_puts_letters_where_readers_look() -> None:
    words = ["Ҳисор", "Шаҳринав", "Хуросон", "Ҷайҳун", "Х Я"]
    plain, ordered = (
        Languages.read({"tg": RAW["tg"] | {"alphabet": alphabet}}, "tg", {})
        for alphabet in ("", "абвгғдеёжзиӣйкқлмнопрстуӯфхҳчҷшъэюя")
    )
    assert sorted(words, key=lambda word: ordered.alphabetical(word, "tg")) == [
        "Х Я", "Хуросон", "Ҳисор", "Ҷайҳун", "Шаҳринав",
    ]  # fmt: skip
    assert sorted(words, key=lambda word: plain.alphabetical(word, "tg"))[1:3] == ["Хуросон", "Шаҳринав"]


def test_another_country_loads_with_its_own_languages() -> None:
    raw = {
        "kk": {"name": "Қазақша", "locale": "kk", "money": "{n} теңге"},
        "uz": {"name": "Ўзбекча", "locale": "uz_Cyrl", "date": "dd/MM/yyyy"},
        "kk-Latn": {"name": "Qazaqsha", "romanises": "kk", "table": "kazakh.csv"},
    }
    table = (
        "cyrillic,latin,way\nқ,q,both\nа,a,both\nз,z,both\nш,sh,both\nт,t,both\nе,e,both\nң,ñ,both\nг,g,both\n,-,both"
    )
    country = Languages.read(raw, "kk", {"kazakh.csv": table})
    assert country.complete({"kk": "қазақша"})["kk-Latn"] == "qazaqsha"
    assert country["kk-Latn"].money == "{n} teñge"
    assert country.plural({"one": "бір", "other": "көп"}, 1, "kk") == "бір"


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"ru": "Русский"}, "ru: write it as"),
        ({"ru": {"locale": "ru"}}, "ru: give its own name"),
        ({"ru": {"name": "Р", "locale": "rus"}}, "ru: Babel has no locale 'rus'"),
        ({"ru": {"name": "Р"}}, "ru: Babel has no locale None"),
        ({"ru": RAW["ru"] | {"dates": "dd.MM.yyyy"}}, "ru: unknown dates; known are"),
        ({"ru": RAW["ru"] | {"date": "dd.MM"}}, "ru: the date pattern 'dd.MM' needs"),
        ({"ru": RAW["ru"] | {"money": "руб."}}, "ru: money 'руб.' needs {n}"),
        ({"tg-Latn": RAW["tg-Latn"] | {"romanises": "uz"}}, "tg-Latn: romanises 'uz', which is no language"),
        ({"tg-Latn": RAW["tg-Latn"] | {"romanises": "tg-Latn"}}, "tg-Latn: romanises 'tg-Latn'"),
        ({"tg-Latn": RAW["tg-Latn"] | {"table": "x.csv"}}, "no table 'x.csv'; the files are: romanisation.csv"),
        ({"tg-Latn": RAW["tg-Latn"] | {"date": "dd.MM.yyyy"}}, "tg-Latn: takes date from the language"),
        ({"tg": None}, "tg: write it as"),
    ],
)
def test_a_language_that_cannot_be_used_is_named(changes: dict[str, Any], says: str) -> None:
    with pytest.raises(MisfitError) as refused:
        Languages.read(RAW | changes, "tg", TABLES)
    assert says in str(refused.value)


def test_all_faults_are_told_at_once() -> None:
    with pytest.raises(MisfitError) as refused:
        Languages.read({"ru": {}, "la": {"name": "L", "romanises": "ru", "table": "t"}}, "tg", {"t": "no table"})
    told = str(refused.value)
    assert all(says in told for says in ("default_language: 'tg'", "ru: give its own name", "t: 1: the table needs"))
