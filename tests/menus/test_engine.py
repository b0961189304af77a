"""The engine: what each input does to a session, and what is shown."""

from dataclasses import replace

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from menus import engine
from menus.engine import Outcome, TreeChangedError, Turn
from menus.gsm import Budget
from menus.tree import Screen
from tests.station import shipped_pack

TREE = shipped_pack().tree
USSD = Budget()
TYPED = st.one_of(
    st.sampled_from(
        ["0", "00", "99", "1", "2", "3", "9", "", "1.", " 2 ", "١", "Ёвон", "0074424284", "4821", "*", "#"]
    ),
    st.text(max_size=30),
    st.text(min_size=200, max_size=600),
)
WORDS = "Таъмир ба анҷом расид. " * 20
OUTCOMES = {
    "remember_language": [Outcome("done")],
    "find_place": [
        Outcome("one", {"place": "ноҳияи Мир Сайид Алии Ҳамадонӣ", "found": "KT-HAM"}),
        Outcome("several", items=[("SU-KHU", "Хуҷанд"), ("SU-BOB", "Бобоҷон Ғафуров")]),
        Outcome("none"),
    ],
    "places_in_region": [Outcome("listed", items=[(str(at), "Ноҳия" * (at % 4 + 1)) for at in range(18)])],
    "open_case": [Outcome("saved", {"ref": "0074424284", "pin": "9180"})],
    "my_cases": [Outcome("none"), Outcome("some", items=[("0074424284", "0074424284 Ба қайд гирифта шуд")] * 9)],
    "read_case": [
        Outcome(name, {"ref": "0074424284", "status": "Ба қайд гирифта шуд", "date": "14.07.2026"})
        for name in ("waiting", "replied", "ask_pin", "mistyped", "wrong", "locked")
    ],
    "read_answer": [Outcome("replied", {"answer": WORDS}), Outcome("wrong"), Outcome("locked")],
}


def settled(turn: Turn, pick: int = 0) -> Turn:
    """The turn once every effect that it asks for has gone the way `pick` says."""
    while turn.effect is not None:
        ways = OUTCOMES[turn.effect.name]
        turn = engine.proceed(TREE, turn.session, ways[pick % len(ways)])
    return turn


def typed(turn: Turn, *inputs: str, pick: int = 0) -> Turn:
    for text in inputs:
        turn = settled(engine.resume(TREE, turn.session, text), pick)
    return turn


def begun(*inputs: str, language: str = "en", pick: int = 0) -> Turn:
    return typed(engine.start(TREE, language), *inputs, pick=pick)


def first_line(turn: Turn) -> str:
    return turn.text.split("\n")[0]


def test_somebody_new_is_asked_for_her_language_first() -> None:
    assert engine.start(TREE, None).text.split("\n") == ["1 Тоҷикӣ", "2 Русский", "3 English"]


def test_zero_goes_back_one_screen_and_the_first_screen_does_not_offer_it() -> None:
    turn = begun("2", "1")
    assert first_line(typed(turn, "0")) == "1 Complaint"
    assert typed(turn, "0", "0").text == begun().text
    assert "0 Back" not in begun().text


def test_zero_on_the_first_screen_is_no_option() -> None:
    assert first_line(begun("0")) == TREE.errors["choice"]["en"]


def test_back_goes_past_a_screen_that_was_an_effect() -> None:
    assert first_line(begun("2", "1", "1", "Yovon", "0")).startswith("Type your district")


def test_double_zero_goes_home_from_anywhere_and_forgets_the_way() -> None:
    turn = begun("2", "1", "1", "Yovon", "00")
    assert turn.text == begun().text
    assert turn.session.trail == []


def test_double_zero_does_not_pass_the_choice_of_language() -> None:
    turn = typed(engine.start(TREE, None), "00")
    assert first_line(turn) == TREE.errors["choice"]["tg"]
    assert turn.session.screen == "lang"


def test_more_turns_the_page_and_zero_turns_it_back() -> None:
    result = typed(begun("1", "1"), "0074424284", pick=1)
    answer = typed(result, "1")
    assert answer.text.endswith("99 More\n0 Back")
    assert typed(answer, "99").text != answer.text
    assert typed(answer, "99", "0").text == answer.text


def test_a_choice_may_be_made_before_its_page_is_shown() -> None:
    turn = begun("2", "1", "1", "?Лондон", "1", pick=2)
    assert "99 More" in turn.text
    assert first_line(typed(turn, "18")) == "Describe the matter briefly."


def test_inputs_dialled_ahead_are_used_in_order() -> None:
    assert first_line(engine.start(TREE, "en", ["2", "1"])) == "1 Water"


def test_inputs_dialled_ahead_wait_for_the_language() -> None:
    turn = engine.start(TREE, None, ["2", "1"])
    assert first_line(turn) == "1 Тоҷикӣ"
    assert first_line(typed(turn, "3")) == "1 Water"


def test_a_wrong_input_dialled_ahead_stops_there_and_drops_the_rest() -> None:
    turn = engine.start(TREE, "en", ["2", "8", "1", "1"])
    assert turn.text.split("\n")[:2] == [TREE.errors["choice"]["en"], "1 Complaint"]
    assert turn.session.ahead == []


def test_an_error_goes_when_the_next_answer_is_right() -> None:
    assert typed(begun("7"), "2").text == begun("2").text


def test_an_error_line_is_inside_the_budget_of_every_page() -> None:
    turn = begun("2", "?", language="ru")
    assert first_line(turn) == TREE.errors["choice"]["ru"]
    assert USSD.fits(turn.text)
    assert typed(turn, "99").text != turn.text


@pytest.mark.parametrize(
    "text", ["007 442 4284", "007-442-4284", "007.442.4284", " №0074424284", "٠٠٧٤٤٢٤٢٨٤", "００７４４２４２８４"]
)
def test_digits_are_taken_whatever_stands_between_them(text: str) -> None:
    turn = engine.resume(TREE, begun("1", "1").session, text)
    assert turn.effect is not None
    assert turn.effect.answers == {"reference": "0074424284"}


@pytest.mark.parametrize("text", ["", "12345", "00744242841", "007442428x", "0074424284!"])
def test_other_digits_are_refused_with_how_many_are_needed(text: str) -> None:
    assert "10 digits" in first_line(begun("1", "1", text))


@pytest.mark.parametrize("text", ["1", "1.", "1)", " 1 ", "１"])
def test_an_option_is_chosen_the_ways_people_type_it(text: str) -> None:
    assert first_line(begun(text)) == "1 I have a reference number"


def test_a_name_without_two_letters_is_no_name() -> None:
    turn = begun("2", "1", "1", "Yovon", "1", "No water")
    assert first_line(typed(turn, "1")) == "An appeal without a name is not examined."
    assert first_line(typed(turn, "Al")).startswith("Complaint: Water.")


def test_a_value_with_a_placeholder_in_it_is_shown_as_it_is() -> None:
    turn = engine.proceed(TREE, _asking_for_a_place(), Outcome("one", {"place": "{pin}{ref}", "found": "x"}))
    assert first_line(turn) == "{pin}{ref}?"


def _asking_for_a_place() -> engine.Session:
    turn = engine.resume(TREE, begun("2", "1", "1").session, "Yovon")
    assert turn.effect is not None
    return turn.session


def test_an_outcome_that_the_tree_has_no_way_for_is_an_error() -> None:
    with pytest.raises(KeyError, match="surprise"):
        engine.proceed(TREE, _asking_for_a_place(), Outcome("surprise"))


def test_an_effect_gets_the_answers_it_takes_and_no_other() -> None:
    turn = engine.resume(TREE, begun("2", "1", "1", "Yovon", "1", "No water", "Ali Valiev").session, "1")
    assert turn.effect is not None
    assert turn.effect.answers == {
        "kind": "complaint", "topic": "water", "place": "KT-HAM", "text": "No water", "name": "Ali Valiev"
    }  # fmt: skip


def test_the_session_given_is_left_as_it_was() -> None:
    turn = begun("2", "1")
    before = msgspec.json.encode(turn.session)
    typed(turn, "1", "Yovon", "1")
    assert msgspec.json.encode(turn.session) == before


def test_a_session_of_another_version_of_the_tree_is_refused() -> None:
    session = msgspec.structs.replace(begun().session, tree="older")
    with pytest.raises(TreeChangedError):
        engine.resume(TREE, session, "1")


def test_a_notice_longer_than_a_page_is_last_only_at_its_end() -> None:
    long = Screen(id="end", kind="notice", text={"en": "word " * 60})
    tree = replace(TREE, screens={**TREE.screens, "end": long})
    turn = engine.resume(tree, _at("appeal.noname"), "2")
    assert not turn.is_last
    assert engine.resume(tree, turn.session, "99").is_last


def _at(screen: str) -> engine.Session:
    return engine.Session(tree=TREE.version, language="en", screen=screen, trail=["root"])


@given(
    st.sampled_from([None, "tg", "ru", "en"]),
    st.lists(TYPED, max_size=3),
    st.lists(TYPED, max_size=25),
    st.integers(0, 5),
)
def test_whatever_is_typed_a_page_is_shown_that_fits_and_can_be_left(
    language: str | None, ahead: list[str], inputs: list[str], pick: int
) -> None:
    turn = settled(engine.start(TREE, language, ahead), pick)
    for text in inputs:
        assert turn.text.strip()
        assert USSD.fits(turn.text)
        if turn.is_last:
            return
        assert _can_be_left(turn)
        turn = settled(engine.resume(TREE, turn.session, text), pick)


def _can_be_left(turn: Turn) -> bool:
    """Whether a line of the screen itself leads on, other than the next page."""
    return any(line[:1].isdigit() and not line.startswith("99 ") for line in turn.text.split("\n"))
