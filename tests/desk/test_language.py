"""The pages speak every language that has a catalogue, and every sentence in all of them."""

from __future__ import annotations

import re
import string
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

from sado import locales
from sado.desk import language
from sado.sync.codes import Cause
from tests.support.browser import Desk, post

DESK = Path(language.__file__).parent
TRANSLATED = [code for code in language.available("tg") if code != language.SOURCE]
METHODS = [("**.py", "python"), ("**.html", "jinja2.ext:babel_extract")]


def used() -> Iterator[str]:
    """Every sentence of the templates and the code, and of the causes that it shows."""
    yield from (cause.value for cause in Cause)
    for _file, _line, message, *_rest in extract_from_dir(DESK, METHODS, keywords={"_": None, "N_": None}):
        yield message if isinstance(message, str) else message[0]


def fields(text: str) -> set[str | None]:
    """The names in braces."""
    return {name for _text, name, *_rest in string.Formatter().parse(text) if name is not None}


@pytest.mark.parametrize("code", TRANSLATED)
def test_every_sentence_is_translated(code: str) -> None:
    missing = sorted(set(used()) - set(language.catalogue(code)))
    assert missing == []


@pytest.mark.parametrize(("code", "second"), [("tg", "дарвоза"), ("ru", "извещени"), ("ru", "прямо сейчас")])
def test_a_thing_has_one_word_and_nothing_is_promised_of_the_line(code: str, second: str) -> None:
    assert [text for text in language.catalogue(code).values() if second in text.casefold()] == []


@pytest.mark.parametrize("code", TRANSLATED)
def test_no_translation_is_left_over(code: str) -> None:
    assert sorted(set(language.catalogue(code)) - set(used())) == []


def test_a_tajik_noun_has_one_form_after_any_number() -> None:
    with (Path(locales.__file__).parent / "tg" / "LC_MESSAGES" / "desk.po").open("rb") as file:
        assert read_po(file).num_plurals == 1


@pytest.mark.parametrize("code", TRANSLATED)
def test_translations_fill_in_the_same_values(code: str) -> None:
    for sentence, translated in language.catalogue(code).items():
        assert fields(sentence) == fields(translated), sentence


def test_a_language_is_a_catalogue_and_nothing_else(desk: Desk, tmp_path: Path) -> None:
    catalogue = tmp_path / "ky" / "LC_MESSAGES" / "desk.po"
    catalogue.parent.mkdir(parents=True)
    head = 'msgid ""\nmsgstr ""\n"X-Native-Name: Кыргызча\\n"\n\n'
    catalogue.write_text(f'{head}msgid "Sign in"\nmsgstr "Кирүү"\n', encoding="utf-8")
    assert "Кыргызча" not in desk.visitor().get("/signin").text
    language.install(desk.app, "Asia/Bishkek", desk.store.now, "ky", tmp_path)
    page = desk.app.test_client().get("/signin").text
    assert '<html lang="ky">' in page and "Кирүү" in page and "Password" in page
    assert re.findall(r'lang=".." title="(\w+)"', page) == ["Кыргызча", "English"]


def test_a_country_without_a_catalogue_reads_english() -> None:
    assert language.available("sw") == ("en", "ru", "tg")


def test_the_country_s_language_comes_first() -> None:
    assert language.available("tg") == ("tg", "en", "ru")


def test_the_browser_s_wish_is_followed(desk: Desk) -> None:
    page = desk.app.test_client().get("/signin", headers={"Accept-Language": "fr, ru-RU;q=0.8, en;q=0.5"}).text
    assert '<html lang="ru">' in page


@pytest.mark.parametrize("wish", ["", "fr", "xx-YY;q=1"])
def test_tajik_is_the_language_of_everybody_else(desk: Desk, wish: str) -> None:
    assert '<html lang="tg">' in desk.app.test_client().get("/signin", headers={"Accept-Language": wish}).text


def test_a_choice_is_kept_for_the_next_page(desk: Desk) -> None:
    client = desk.visitor()
    assert '<html lang="tg">' in client.get("/signin?lang=tg").text
    assert '<html lang="tg">' in client.get("/signin").text


def test_a_language_that_we_do_not_speak_changes_nothing(desk: Desk) -> None:
    answer = desk.visitor().get("/signin?lang=../../x")
    assert '<html lang="en">' in answer.text
    assert language.COOKIE not in str(answer.headers)


def test_the_links_keep_the_question(desk: Desk) -> None:
    page = desk.signed_in("officer").get("/agency?show=new&lang=en").text
    assert 'href="/agency?show=new&amp;lang=tg"' in page


def test_after_a_form_the_links_lead_to_a_page_that_there_is(desk: Desk) -> None:
    operator, number = desk.signed_in("operator"), desk.file().reference
    refused = post(operator, "/operator/find", f"/operator/case/{number}/wishes", kind="none")
    assert refused.status_code == 400 and 'href="/?lang=tg"' in refused.text
    assert 'href="/operator/find?lang=tg"' in post(operator, "/operator/find", "/operator/find", q="x").text


def test_the_sign_in_page_is_in_tajik(desk: Desk) -> None:
    assert language.catalogue("tg")["Sign in"] in desk.visitor().get("/signin?lang=tg").text


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(-5, "under a minute"), (59, "under a minute"), (60, "1 min"), (7200, "2 h"), (200_000, "2 d")],
)
def test_how_long_ago_is_told_roughly(desk: Desk, seconds: int, words: str) -> None:
    with desk.app.test_request_context(headers={"Accept-Language": "en"}):
        assert language.timesince(desk.store.now() - seconds * 1000) == words


def test_times_are_those_of_the_country(desk: Desk) -> None:
    with desk.app.test_request_context():
        assert language.local_time(1_783_900_800_000) == "13.07.2026 05:00"
