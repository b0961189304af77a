"""The shipped pack at its worst: the longest values, in each language, with an error above."""

from collections.abc import Iterator

import pytest
import yaml

from menus.gsm import Budget, encoding, units
from menus.layout import clean, pages
from menus.pack import PACKS
from menus.tree import PLACEHOLDER, Screen
from tests.station import shipped_pack

PACK = shipped_pack()
TREE = PACK.tree
USSD = Budget()
LANGUAGES = TREE.languages
SHOWN = [screen for screen in TREE.screens.values() if screen.kind != "do"]
OF_THE_CASE = {"answer"}


def longest(name: str, language: str) -> str:
    """The longest value that a placeholder can get in this language."""
    if name == "status":
        return max((texts[language] for texts in PACK.statuses.values()), key=units)
    if name == "place":
        regions = PACK.gazetteer.regions
        return max((p.names[language] for iso in regions for p in PACK.gazetteer.in_region(iso)), key=units)
    labels = [texts[language] for (answer, _), texts in TREE.labels.items() if answer == name]
    return max(labels, key=units) if labels else TREE.placeholders[name]


def filled(text: str, language: str) -> str:
    return PLACEHOLDER.sub(lambda found: longest(found[1], language), text)


def shown(screen: Screen, language: str, error: str = "") -> tuple[str, ...]:
    """The pages of a screen, with navigation where it can have it."""
    text = filled(screen.text.get(language, ""), language)
    above = filled(TREE.errors[error][language], language) if error else ""
    options = [f"{option.key} {filled(option.text[language], language)}" for option in screen.options]
    nav = [] if screen.kind == "notice" or screen.id == TREE.first_contact else [f"0 {TREE.back[language]}"]
    return pages("\n".join(filter(None, (above, text))), options, nav, f"99 {TREE.more[language]}", USSD)


def error_of(screen: Screen) -> str:
    if screen.kind == "prompt":
        return "digits" if screen.accepts == "digits" else "text"
    return "" if screen.kind == "notice" else "choice"


def texts() -> Iterator[tuple[str, dict[str, str]]]:
    """Every text of the pack, with where it stands."""
    for screen in TREE.screens.values():
        yield screen.id, dict(screen.text)
        yield from ((f"{screen.id} {option.key}", dict(option.text)) for option in screen.options)
    yield from (("back", dict(TREE.back)), ("more", dict(TREE.more)))
    for group in (TREE.errors, PACK.statuses, PACK.messages):
        yield from ((name, dict(words)) for name, words in group.items())


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("screen", [s for s in SHOWN if s.id != "status.answer"], ids=lambda screen: screen.id)
def test_a_screen_is_one_page(screen: Screen, language: str) -> None:
    assert len(shown(screen, language)) == 1


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("screen", SHOWN, ids=lambda screen: screen.id)
def test_a_screen_with_its_error_fits_on_two_pages(screen: Screen, language: str) -> None:
    result = shown(screen, language, error_of(screen))
    assert all(USSD.fits(page) for page in result)
    assert len(result) <= 2


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_question_is_read_whole_under_its_error(language: str) -> None:
    prompts = [screen for screen in SHOWN if screen.kind == "prompt"]
    assert [screen.id for screen in prompts if len(shown(screen, language, error_of(screen))) > 1] == []


@pytest.mark.parametrize("name", sorted(TREE.placeholders.keys() - OF_THE_CASE))
def test_the_longest_value_of_a_placeholder_is_no_shorter_than_any_it_gets(name: str) -> None:
    """A Latin value has twice the room: it is the Cyrillic ones that decide."""
    assert len(TREE.placeholders[name]) >= max(len(longest(name, language)) for language in ("tg", "ru"))


def test_a_text_asks_for_the_same_in_each_language() -> None:
    asked = {where: [sorted(PLACEHOLDER.findall(text)) for text in words.values()] for where, words in texts()}
    assert [where for where, lists in asked.items() if any(one != lists[0] for one in lists)] == []


def test_every_text_is_there_in_every_language() -> None:
    assert [where for where, words in texts() if words and set(words) != set(LANGUAGES)] == []


def test_english_texts_travel_as_gsm_7() -> None:
    own_names = {option.text["en"] for option in TREE.screens["lang"].options}
    english = [words["en"] for _, words in texts() if words]
    assert [text for text in english if encoding(text) != "GSM-7" and text not in own_names] == []


def test_no_text_holds_a_letter_that_a_screen_does_not_show() -> None:
    assert [where for where, words in texts() for text in words.values() if clean(text) != text] == []


def test_nothing_offers_a_number_that_navigation_has() -> None:
    keys = {option.key for screen in SHOWN for option in screen.options}
    assert keys.isdisjoint({"0", "00", "99"})


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_notice_by_sms_is_one_segment(language: str) -> None:
    for name in PACK.messages:
        values = {key: longest(key, language) for key in TREE.placeholders}
        text = PACK.message(name, language, **values)
        assert units(text) <= (160 if encoding(text) == "GSM-7" else 70)


def test_every_topic_goes_to_an_agency() -> None:
    topics = {value for answer, value in TREE.labels if answer == "topic"}
    assert topics == set(PACK.routing)
    assert set(PACK.routing.values()) <= set(PACK.agencies)


def test_the_language_screen_names_each_language_in_itself() -> None:
    options = TREE.screens["lang"].options
    assert [option.language for option in options] == list(LANGUAGES)
    assert all(len(set(option.text.values())) == 1 for option in options)


def test_every_file_of_the_pack_is_read() -> None:
    folder = PACKS / PACK.name
    named = [name for file in folder.glob("trees/*.yaml") for name in yaml.safe_load(file.read_text("utf-8"))]
    assert sorted(named) == sorted(TREE.screens)
