"""A screen as it is shown: filled, numbered, with keys of navigation that are never an answer."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sado.menus import view
from sado.menus.fields import FIELDS, accepted
from sado.menus.gsm import Budget
from sado.menus.session import Session
from sado.menus.tree import Option, Screen
from sado.menus.view import BACKS, MORES, keys_of
from tests.support.packs import tree

TREE = tree()
USSD = Budget()
WORDS = {"en": "Words", "ru": "Слова"}


def session(**state: object) -> Session:
    return Session(**{"tree": TREE.version, "language": "en", "screen": "root", "trail": ["root"], **state})


def prompt(accepts: str, length: int = 0) -> Screen:
    return Screen("odd", WORDS, answer="a", go="end", accepts=accepts, length=length)


def shown(screen: Screen, **state: object) -> list[str]:
    return view.pages_of(TREE, screen, session(**state), USSD)[0].split("\n")


@pytest.mark.parametrize(
    ("accepts", "length", "keys"),
    [
        ("text", 0, ("0", "00", "99")),
        ("name", 0, ("0", "00", "99")),
        ("digits", 1, ("00", "000", "99")),
        ("digits", 2, ("0", "000", "999")),
        ("digits", 3, ("0", "00", "99")),
        ("digits", 4, ("0", "00", "99")),
        ("digits", 10, ("0", "00", "99")),
        ("number", 0, ("00", "000", "0000")),
        ("date", 0, ("0", "00", "99")),
        ("year", 0, ("0", "00", "99")),
        ("phone", 0, ("0", "00", "99")),
    ],
)
def test_a_prompt_moves_about_with_keys_that_are_no_answer(
    accepts: str, length: int, keys: tuple[str, str, str]
) -> None:
    found = keys_of(prompt(accepts, length), session())
    assert (found.back, found.home, found.more) == keys
    assert shown(prompt(accepts, length))[-1] == f"{keys[0]} Back"


@pytest.mark.parametrize("field", sorted(set(FIELDS) - {"text", "name", "place"}))
@pytest.mark.parametrize("length", range(1, 21))
def test_no_key_of_navigation_is_ever_an_answer(field: str, length: int) -> None:
    keys = keys_of(prompt(field, length), session())
    assert [key for key in (keys.back, keys.home, keys.more) if accepted(field, length, key) is not None] == []
    assert len({keys.back, keys.home, keys.more}) == 3


def test_the_usual_keys_would_be_answers_to_some_prompts() -> None:
    """What the test above would miss if the keys were the same everywhere."""
    clashes = [
        (field, length)
        for field, length in (("digits", 1), ("digits", 2), ("number", 0), ("digits", 4))
        if any(accepted(field, length, key) is not None for key in ("0", "00", "99"))
    ]
    assert clashes == [("digits", 1), ("digits", 2), ("number", 0)]


@pytest.mark.parametrize("count", [1, 9, 30, 200])
def test_a_list_offers_thirty_at_most_and_none_by_a_key_of_navigation(count: int) -> None:
    items = [(str(at), f"Place {at}") for at in range(count)]
    listed = Screen("odd", answer="a", go="end", is_list=True)
    keys = {option.key for option in view.options_of(listed, session(items=items))}
    assert len(keys) == min(count, 30)
    assert keys.isdisjoint({*BACKS, *MORES})


def test_a_choice_that_has_a_key_of_navigation_as_an_option_gets_others() -> None:
    odd = Screen("odd", WORDS, (Option("0", WORDS, "end"), Option("99", WORDS, "end")))
    keys = keys_of(odd, session())
    assert (keys.back, keys.home, keys.more) == ("00", "000", "999")


@pytest.mark.parametrize(
    ("is_last", "trail", "last"), [(False, ["root"], "0 Back"), (False, [], "Words"), (True, ["root"], "Words")]
)
def test_back_is_offered_where_there_is_a_way_back(is_last: bool, trail: list[str], last: str) -> None:
    assert shown(Screen("odd", WORDS, is_last=is_last), trail=trail)[-1] == last


def test_an_error_stands_above_the_screen_in_its_language() -> None:
    assert shown(prompt("year"), error="year", language="ru")[:2] == ["Год.", "Слова"]
    assert shown(prompt("digits", 3), error="digits", values={"n": "3"})[0] == "3 digits."


@pytest.mark.parametrize(
    ("n", "words"),
    [("1", "1 цифра."), ("3", "3 цифры."), ("10", "10 цифр."), ("", " цифр."), ("1 021", "1 021 цифра.")],
)
def test_a_plural_form_is_that_of_its_number(n: str, words: str) -> None:
    assert view.words(TREE, TREE.errors["digits"], session(language="ru", values={"n": n})) == words


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{ref}", "007"),
        ("{hotline}", "1339"),
        ("{name}", "Ali"),
        ("{nothing}", ""),
        ("{{ref}}", "{007}"),
        ("{ ref }", "{ ref }"),
        ("{trick}", "{ref}{pin}"),
    ],
)
def test_placeholders_are_filled_once(text: str, expected: str) -> None:
    filled = session(values={"ref": "007", "pin": "4821", "trick": "{ref}{pin}"}, answers={"name": "Ali"})
    assert view.filled(TREE, text, filled, "en") == expected


def test_an_answer_that_was_chosen_shows_in_the_words_of_the_language() -> None:
    labelled = tree("odd: {type: choice, answer: kind, go: end, options: [{value: w, text: {en: Water, ru: Вода}}]}\n")
    chosen = session(answers={"kind": "w"})
    assert [view.filled(labelled, "{kind}", chosen, code) for code in ("en", "ru")] == ["Water", "Вода"]


@given(
    st.dictionaries(st.sampled_from(["ref", "place", "answer"]), st.text(max_size=400)), st.sampled_from(["en", "ru"])
)
def test_whatever_fills_a_screen_every_page_fits(values: dict[str, str], language: str) -> None:
    odd = Screen("odd", dict.fromkeys(WORDS, "{ref} {place}: {answer}"), (Option("1", WORDS, "end"),))
    pages = view.pages_of(TREE, odd, session(values=values, language=language), USSD)
    assert all(USSD.fits(page) for page in pages)
    assert pages[-1].split("\n")[-1] == f"0 {TREE.back[language]}"


def test_what_an_agency_wrote_in_a_list_brings_in_no_placeholder() -> None:
    found = {"items": [("row", "{pin}")], "values": {"pin": "4821"}}
    assert shown(Screen("odd", answer="a", go="end", is_list=True), **found)[0] == "1 {pin}"
    assert shown(Screen("odd", {}, (Option("1", {"en": "{pin}"}, "end"),)), **found)[0] == "1 4821"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{pay}. Call", "109 сом. Call"),
        ("{pay} Call", "109 сом. Call"),
        ("{name}. Call", "Name. Call"),
        ("{pay}", "109 сом."),
    ],
)
def test_a_value_brings_no_full_stop_where_the_text_has_its_own(text: str, expected: str) -> None:
    values = {"pay": "109 сом.", "name": "Name"}
    assert view.filled(TREE, text, session(values=values), "en") == expected


SHARED_END = [("1", "Driver, Yovon"), ("2", "Cook, Yovon")]


@pytest.mark.parametrize(
    ("is_by_sms", "items", "lines"),
    [
        (True, SHARED_END, ["1 Driver", "2 Cook"]),
        (False, SHARED_END, ["1 Driver, Yovon", "2 Cook, Yovon"]),
        (True, [*SHARED_END, ("3", "Nurse, Vose")], ["1 Driver, Yovon", "2 Cook, Yovon", "3 Nurse, Vose"]),
        (True, SHARED_END[:1], ["1 Driver, Yovon"]),
        (True, [("1", "Driver"), ("2", "Driver")], ["1 Driver", "2 Driver"]),
    ],
    ids=["by SMS", "on a call", "with different ends", "alone", "without an end"],
)
def test_a_list_by_sms_leaves_out_what_all_its_lines_end_in(
    is_by_sms: bool, items: list[tuple[str, str]], lines: list[str]
) -> None:
    walked, listed = replace(TREE, is_by_sms=is_by_sms), Screen("odd", answer="row", go="end", is_list=True)
    assert view.pages_of(walked, listed, session(items=items, trail=[]), USSD)[0].split("\n") == lines
