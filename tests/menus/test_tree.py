"""The tree as the engine walks it."""

import pytest

from sado.menus.tree import Option, Screen, labels_of, without_gotos
from tests.support.packs import tree

WORDS = {"en": "Words"}


def goto(name: str, go: str) -> Screen:
    return Screen(name, go=go, is_goto=True)


def test_a_screen_names_what_it_leads_to_once_in_the_order_of_reading() -> None:
    odd = Screen(
        "odd", options=(Option("1", WORDS, "b"), Option("2", WORDS, "a"), Option("3", WORDS, "")), go="b",
        otherwise="c", outcomes={"done": "d", "lost": "a"}
    )  # fmt: skip
    assert odd.targets() == ["b", "a", "c", "d"]


def test_a_screen_says_its_text_its_options_and_its_title() -> None:
    odd = Screen("odd", {"en": "Text"}, (Option("1", {"en": "One"}, "a"),), title={"en": "Title"})
    assert odd.texts() == [{"en": "Text"}, {"en": "One"}, {"en": "Title"}]


def test_the_words_of_an_answer_are_those_of_the_option_that_gives_it() -> None:
    options = (Option("1", {"en": "Water"}, "", "water"), Option("2", {"en": "Yes"}, "", "{found}"))
    assert labels_of({"odd": Screen("odd", options=options, answer="topic")}) == {("topic", "water"): {"en": "Water"}}


@pytest.mark.parametrize(
    ("gotos", "target", "end"),
    [
        ([], "a", "a"),
        ([("a", "b")], "a", "b"),
        ([("a", "b"), ("b", "c"), ("c", "d")], "a", "d"),
        ([("a", "gone")], "a", "gone"),
    ],
)
def test_a_goto_is_replaced_by_where_it_leads_in_the_end(gotos: list[tuple[str, str]], target: str, end: str) -> None:
    screens = {name: goto(name, go) for name, go in gotos}
    screens["odd"] = Screen("odd", effect="any", go=target, otherwise=target, outcomes={"done": target})
    assert without_gotos(screens)["odd"].targets() == [end]


def test_gotos_that_go_round_stay_to_be_told() -> None:
    round_trip = {"a": goto("a", "b"), "b": goto("b", "a"), "odd": Screen("odd", accepts="text", go="a")}
    assert without_gotos(round_trip)["odd"].go in ("a", "b")


def test_an_option_may_lead_to_a_goto() -> None:
    assert tree("odd: {type: goto, go: end}\n").screens["root"].options[0].go == "end"
